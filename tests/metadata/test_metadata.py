"""What is put into pictures and taken out of them, and that not a pixel is touched."""

from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.canonical import digest_of
from banana_pipe.metadata import Provenance, Unreadable, embed, embedded_digest, has_credentials, strip
from tests.metadata.pictures import (
    MODES,
    PROFILE,
    SOURCE,
    THEIRS,
    picture,
    pictures,
    pixels,
    provenance,
    with_credentials,
)

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
OURS = "{urn:banana-pipe:xmp:1}"
CODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
KINDS = sorted(MODES)


def said(data: bytes) -> dict[str, str]:
    """All that the XMP of *data* says, as another reader of the container finds it."""
    with Image.open(BytesIO(data)) as image:
        packet = image.info["xmp"]
    found: dict[str, str] = {}
    for one in ElementTree.fromstring(packet).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"):
        found |= one.attrib
    return found


@given(pictures(), st.text(), st.none() | st.text())
def test_pixels_are_the_same_and_what_is_embedded_is_found_again(data: bytes, prompt: str, system: str | None) -> None:
    """Whatever metadata, frames and bytes behind the end a picture has."""
    told = provenance(data, prompt=prompt, system=system)
    embedded = embed(data, told).data
    assert pixels(embedded) == pixels(data)
    assert pixels(strip(data))[1:3] == pixels(data)[1:3]
    assert embedded_digest(embedded) == digest_of(data)
    assert (embedded_digest(data), embedded_digest(strip(embedded))) == (None, None)
    assert said(embedded)[f"{IPTC}DigitalSourceType"] == CODES + SOURCE


@given(pictures())
def test_to_embed_and_strip_is_to_strip(data: bytes) -> None:
    """Nothing of what is embedded is left; and who strips twice has stripped once."""
    assert strip(embed(data, provenance(data)).data) == strip(data)
    assert strip(strip(data)) == strip(data)


@given(pictures(), st.text())
def test_to_embed_twice_is_to_embed_once(data: bytes, prompt: str) -> None:
    """Another time with other words, and only those are there."""
    told = provenance(data, prompt=prompt)
    embedded = embed(data, told).data
    assert embed(embedded, told).data == embedded
    others = provenance(data, prompt="others")
    assert embed(embed(data, others).data, told).data == embedded


@given(pictures(), st.data())
def test_hostile_bytes_are_told_by_a_type(data: bytes, drawn: st.DataObject) -> None:
    """Cut off, overwritten, doubled: there is an answer or Unreadable, and nothing else."""
    broken = bytearray(data)
    for _ in range(drawn.draw(st.integers(1, 4))):
        place = drawn.draw(st.integers(0, len(broken) - 1))
        broken[place : place + drawn.draw(st.integers(0, 9))] = drawn.draw(st.binary(max_size=9))
        broken = broken or bytearray(b"\0")
    told = provenance(bytes(broken))
    embedded_digest(bytes(broken))
    for act in (strip, has_credentials, lambda it: embed(it, told)):
        try:
            act(bytes(broken))
        except Unreadable:
            continue


@given(st.binary(max_size=200), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x40\0\0\0WEBPVP8X"]))
def test_bytes_behind_a_right_beginning_are_told_by_a_type(rest: bytes, head: bytes) -> None:
    """A beginning promises nothing."""
    for act in (strip, has_credentials, embedded_digest, lambda it: embed(it, provenance(it))):
        try:
            act(head + rest)
        except Unreadable:
            continue


@pytest.mark.parametrize("kind", KINDS)
def test_image_data_is_copied_byte_for_byte(kind: str) -> None:
    """Not decoded and encoded anew, which for a JPEG would cost quality."""
    data = picture(kind, xmp=THEIRS, profile=True, orientation=1)
    begin, end = {"PNG": (b"IDAT", b"IEND"), "JPEG": (b"\xff\xda", None), "WEBP": (b"VP8 ", b"EXIF")}[kind]
    coded = data[data.index(begin) : data.index(end) if end else None].rstrip(b"\0")
    assert coded in embed(data, provenance(data)).data
    assert coded in strip(data)


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_else_said_stays(kind: str) -> None:
    """Ours stands beside it, about the same picture."""
    data = picture(kind, xmp=THEIRS)
    embedded = embed(data, provenance(data))
    assert not embedded.replaced
    assert said(embedded.data) == {
        "{http://ns.adobe.com/photoshop/1.0/}Credit": "Made with a model",
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about": "uuid:7",
        f"{OURS}sha256": digest_of(data),
        f"{OURS}key": "5" * 64,
        "{http://purl.org/dc/elements/1.1/}identifier": f"urn:banana-pipe:sha256:{digest_of(data)}",
        f"{IPTC}DigitalSourceType": CODES + SOURCE,
    }


def test_the_makers_own_source_type_stands() -> None:
    """It is not said twice: readers take one of two, and who knows which."""
    theirs = THEIRS.replace(
        b'photoshop:Credit="Made with a model"',
        f'xmlns:e="{IPTC[1:-1]}" e:DigitalSourceType="{CODES}algorithmicMedia"'.encode(),
    )
    data = picture(xmp=theirs)
    embedded = embed(data, provenance(data)).data
    assert said(embedded)[f"{IPTC}DigitalSourceType"] == CODES + "algorithmicMedia"
    assert embedded.count(b"DigitalSourceType") == 1


@pytest.mark.parametrize(
    "before",
    [
        b"<no packet",
        THEIRS.replace(b"<x:xmp", b"<!DOCTYPE x [<!ENTITY y 'z'>]><x:xmp"),
        THEIRS.decode().encode("utf-16"),
    ],
)
def test_a_packet_that_cannot_be_read_is_replaced_and_that_is_told(before: bytes) -> None:
    """Also one that brings a grammar of its own: nothing of it is expanded."""
    data = picture("WEBP", xmp=before)
    embedded = embed(data, provenance(data))
    assert embedded.replaced
    assert said(embedded.data)[f"{OURS}sha256"] == digest_of(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("opening", "ending"), [(b"<!--", b"-->"), (b"<z><![CDATA[", b"]]></z>")])
def test_what_a_comment_says_is_nothing_but_text(kind: str, opening: bytes, ending: bytes) -> None:
    """A whole packet of ours in a comment or in CDATA, behind the real one: it is neither believed nor written into."""
    whole = embed(picture(), provenance(b"another picture", prompt="another")).data
    with Image.open(BytesIO(whole)) as image:
        packet = image.info["xmp"]
    quoted = packet[packet.index(b"<rdf:RDF") : packet.index(b"</x:xmpmeta>")]
    theirs = THEIRS.replace(b"</x:xmpmeta>", opening + quoted + ending + b"</x:xmpmeta>")
    data = picture(kind, xmp=theirs)
    assert embedded_digest(data) is None
    told = provenance(data)
    embedded = embed(data, told).data
    assert embedded_digest(embedded) == digest_of(data)
    assert (said(embedded)[f"{OURS}sha256"], said(embedded)[f"{IPTC}DigitalSourceType"]) == (
        digest_of(data),
        CODES + SOURCE,
    )
    with Image.open(BytesIO(embedded)) as image:
        assert opening + quoted + ending in image.info["xmp"]
    assert embed(embedded, told).data == embedded


def test_a_prompt_is_told_as_it_was_asked() -> None:
    """With quotes, angles, ends of lines; a letter that XML has no way to write is shown as missing."""
    data, prompt = picture("JPEG"), "Line one\n\t<b>\"two\" & 'three'</b> ü 🦊 \x07"
    embedded = embed(data, provenance(data, prompt=prompt, system="acedata nano-banana-pro")).data
    told = said(embedded)
    assert told[f"{IPTC}AIPromptInformation"] == prompt.replace("\x07", "\ufffd")
    assert told[f"{IPTC}AISystemUsed"] == "acedata nano-banana-pro"


def test_where_no_source_type_fits_none_is_said() -> None:
    """And no key where there is none."""
    data = picture()
    embedded = embed(data, Provenance(digest_of(data), None, None)).data
    assert f"{IPTC}DigitalSourceType" not in said(embedded)
    assert embedded_digest(embedded) == digest_of(data)


def test_what_does_not_fit_into_a_jpeg_is_told() -> None:
    """A segment has 64 KiB; the others have room for anything."""
    long = "<" * 32_768
    with pytest.raises(Unreadable, match="do not fit into a JPEG"):
        embed(picture("JPEG"), provenance(b"", prompt=long))
    assert said(embed(picture("WEBP"), provenance(b"", prompt=long)).data)[f"{IPTC}AIPromptInformation"] == long


@pytest.mark.parametrize("kind", KINDS)
def test_content_credentials_stay_when_something_is_embedded_and_go_with_the_rest(kind: str) -> None:
    """Who asks is told of them, both times."""
    data = with_credentials(picture(kind, xmp=THEIRS))
    assert has_credentials(data)
    assert has_credentials(embed(data, provenance(data)).data)
    assert not has_credentials(strip(data))
    assert not has_credentials(picture(kind, xmp=THEIRS))


@pytest.mark.parametrize("kind", KINDS)
def test_stripped_pictures_keep_colours_and_which_way_is_up_and_nothing_else(kind: str) -> None:
    """What a reader shows is the same; what somebody wrote is gone."""
    data = with_credentials(picture(kind, xmp=THEIRS, profile=True, orientation=6)) + b"behind the end"
    stripped = strip(data)
    with Image.open(BytesIO(stripped)) as image:
        assert image.info["icc_profile"] == PROFILE
        assert dict(image.getexif()) == {0x0112: 6}
        assert "xmp" not in image.info
    for words in (b"Made with", b"nobody is to read", b"c2pa", b"behind", b"somebody"):
        assert words not in stripped


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_simple_webp_is_simple_again(mode: str, *, lossless: bool) -> None:
    """Without metadata it needs no header that says what is there, unless its alpha stands apart."""
    data = picture("WEBP", mode, lossless=lossless)
    assert strip(embed(data, provenance(data)).data) == data


def test_an_animation_keeps_its_frames() -> None:
    """Whoever exports one gets all of it."""
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    for kind in ("PNG", "WEBP"):
        stream = BytesIO()
        frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
        for changed in (strip(stream.getvalue()), embed(stream.getvalue(), provenance(b"")).data):
            with Image.open(BytesIO(changed)) as image:
                assert image.n_frames == 3  # type: ignore[attr-defined]
