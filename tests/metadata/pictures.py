"""Pictures with all sorts of metadata in them, as programs and cameras leave it.

Unaware of what is tested with them.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from banana_pipe.canonical import digest_of
from banana_pipe.metadata import Provenance

THEIRS = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:7" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Made with a model"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)
PROFILE: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SOURCE = "trainedAlgorithmicMedia"


def picture(
    kind: str = "PNG",
    mode: str = "RGB",
    size: tuple[int, int] = (9, 5),
    *,
    xmp: bytes | None = None,
    profile: bool = False,
    orientation: int | None = None,
    packed: bool = False,
    **more: Any,
) -> bytes:
    """A picture whose pixels are all different."""
    image = Image.new(mode, size)
    for place in range(size[0] * size[1]):
        value = tuple((place * step + 7) % 256 for step in (3, 5, 11, 17)[: len(mode)])
        image.putpixel((place % size[0], place // size[0]), value if len(mode) > 1 else value[0])
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[0x010E] = "a description that nobody is to read"
        more["exif"] = exif
    if profile:
        more["icc_profile"] = PROFILE
    if kind == "PNG" and xmp is not None:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode(errors="replace"), zip=packed)
        info.add_text("Software", "somebody's")
        more["pnginfo"] = info
    elif xmp is not None:
        more["xmp"] = xmp
    stream = BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def pixels(data: bytes) -> tuple[str, tuple[int, int], bytes, Any]:
    """What a reader sees: pixels, and what tells their colours."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        return image.mode, image.size, image.tobytes(), image.info.get("icc_profile")


def with_credentials(data: bytes) -> bytes:
    """*data* with a manifest of content credentials in the place that its format has for them."""
    box = b"\0\0\0\x1ejumb\0\0\0\x16jumdc2pa\0\x11\0\x10\x80\0\0\xaa\x008\x9bq\x03c2pa\0"
    if data.startswith(b"\x89PNG"):
        chunk = len(box).to_bytes(4, "big") + b"caBX" + box + zlib.crc32(b"caBX" + box).to_bytes(4, "big")
        return data[:33] + chunk + data[33:]
    if data.startswith(b"\xff\xd8"):
        content = b"JP\0\x01\0\0\0\x01" + box
        return data[:2] + b"\xff\xeb" + (len(content) + 2).to_bytes(2, "big") + content + data[2:]
    chunk = b"C2PA" + len(box).to_bytes(4, "little") + box + b"\0" * (len(box) % 2)
    return data[:4] + (len(data) - 8 + len(chunk)).to_bytes(4, "little") + data[8:] + chunk


def provenance(data: bytes, **more: Any) -> Provenance:
    """What is said of *data*."""
    return Provenance(digest_of(data), "5" * 64, SOURCE, **more)


MODES = {"PNG": ["L", "RGB", "RGBA", "LA"], "JPEG": ["L", "RGB", "CMYK"], "WEBP": ["RGB", "RGBA"]}


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """Any picture of the three kinds, with any metadata, perhaps with bytes behind its end."""
    kind = draw(st.sampled_from(sorted(MODES)))
    mode = draw(st.sampled_from(MODES[kind]))
    more: dict[str, Any] = {}
    if kind == "JPEG":
        more = {"progressive": draw(st.booleans())}
        if draw(st.booleans()):
            more["comment"] = b"a comment"
    elif kind == "WEBP":
        more = {"lossless": draw(st.booleans())}
    data = picture(
        kind,
        mode,
        draw(st.tuples(st.integers(1, 12), st.integers(1, 12))),
        xmp=draw(st.sampled_from([None, THEIRS, b"<no packet", "käse".encode("latin-1"), b""])),
        profile=mode in ("RGB", "RGBA") and draw(st.booleans()),
        orientation=draw(st.sampled_from([None, 1, 6])),
        packed=draw(st.booleans()),
        **more,
    )
    if draw(st.booleans()):
        data = with_credentials(data)
    return data + draw(st.sampled_from([b"", b"\0", b"something behind the end"]))
