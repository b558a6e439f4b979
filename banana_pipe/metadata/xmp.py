"""An XMP packet that says what made a picture, alone or among what was said before.

Unaware of the container that it goes into.

What is ours is one `rdf:Description`, which is found again and replaced; the rest of a packet stays
as it is, byte for byte. IPTC's terms and their meaning: the Digital Source Type NewsCodes at
http://cv.iptc.org/newscodes/digitalsourcetype/ and the Photo Metadata Standard 2025.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from banana_pipe.canonical import Digest, is_digest

NAMESPACE = "urn:banana-pipe:xmp:1"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_DC = "http://purl.org/dc/elements/1.1/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDF_END = b"</rdf:RDF>"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f'<rdf:RDF xmlns:rdf="{_RDF}">\n'
    "</rdf:RDF>\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)
_OURS = re.compile(
    rf'<rdf:Description rdf:about=(?:"[^"<>]*"|\'[^\'<>]*\') xmlns:bananaPipe="{NAMESPACE}"[^<>]*/>\n?'.encode()
)
_DIGEST = re.compile(rb"bananaPipe:sha256(?:=[\"']|>)([0-9a-f]{64})[\"'<]")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is said of a picture: whose bytes it has, what was asked, and how it came to be.

    `source_type` is a name of IPTC's vocabulary, None where none fits; `prompt` and `system` (the model)
    only where somebody wants them told.
    """

    digest: Digest
    key: str | None
    source_type: str | None
    prompt: str | None = None
    system: str | None = None


def packet(told: Provenance, before: bytes | None = None) -> tuple[bytes, bool]:
    """The packet that says *told*, and what *before* says; whether that could not be read and is replaced.

    Where *before* has a source type of its own, that one stands: whoever made the picture knows best.
    """
    found = None if before is None else _survey(before)
    base = found or _survey(_EMPTY.encode())
    if base is None:
        raise AssertionError("our own packet can be read")
    ours = _description(told, f'"{_escaped(base.about)}"', with_type=not base.has_type)
    edges = [0, *(edge for piece in base.ours for edge in piece), base.end]
    kept = b"".join(base.packet[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
    return b"%s%s\n%s" % (kept, ours.encode(), base.packet[base.end :]), before is not None and found is None


def digest_in(said: bytes) -> str | None:
    """The sha256 of the original that a packet names; None where it names none."""
    found = _survey(said)
    if found is not None:
        return found.digest
    torn = _DIGEST.search(said)
    return torn[1].decode() if torn else None


def _description(told: Provenance, about: str, *, with_type: bool) -> str:
    source_type = f"{SOURCE_TYPES}{told.source_type}" if told.source_type and with_type else None
    said = {
        "bananaPipe:sha256": told.digest,
        "bananaPipe:key": told.key,
        "dc:identifier": f"urn:banana-pipe:sha256:{told.digest}",
        "Iptc4xmpExt:DigitalSourceType": source_type,
        "Iptc4xmpExt:AIPromptInformation": told.prompt,
        "Iptc4xmpExt:AISystemUsed": told.system,
    }
    lines = [f'{name}="{_escaped(value)}"' for name, value in said.items() if value is not None]
    spaces = f'xmlns:bananaPipe="{NAMESPACE}" xmlns:dc="{_DC}" xmlns:Iptc4xmpExt="{_IPTC}"'
    return f"<rdf:Description rdf:about={about} {spaces} {' '.join(lines)}/>"


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in _NOT_XML.sub("\ufffd", text))


@dataclass(frozen=True, slots=True)
class _Survey:
    """Where things are in a *packet*, in bytes, as XML has it: what a comment or CDATA says is nothing but text."""

    packet: bytes
    end: int
    """Where the end of its `rdf:RDF` begins: ours can be put there."""
    ours: tuple[tuple[int, int], ...]
    """From where to where our descriptions go."""
    about: str
    has_type: bool
    """Whether somebody else says what the source is."""
    digest: str | None


def _survey(packet: bytes) -> _Survey | None:
    """What is in *packet*; None unless it is XML in UTF-8, without a DTD, into which ours can be put."""
    try:
        text = packet.decode()
    except UnicodeDecodeError:
        return None
    if "<!DOCTYPE" in text:
        return None
    reader = _Reader(packet)
    try:
        reader.parser.Parse(packet.rstrip(b"\0"), True)
    except expat.ExpatError:
        return None
    if reader.end is None:
        return None
    digest = next((one for one in reader.digests if is_digest(one)), None)
    ours = tuple(span for span in reader.ours if span[1] <= reader.end)
    return _Survey(packet, reader.end, ours, reader.about or "", reader.has_type, digest)


class _Reader:
    """Notes what it comes by while a packet is parsed."""

    def __init__(self, packet: bytes) -> None:
        self.end: int | None = None
        self.ours: list[tuple[int, int]] = []
        self.about: str | None = None
        self.has_type = False
        self.digests: list[str] = []
        self._packet = packet
        self._inside: list[str] | None = None
        self.parser = expat.ParserCreate("UTF-8", " ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._stop
        self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, having: dict[str, str]) -> None:
        self._inside = [] if name == f"{NAMESPACE} sha256" else None
        digest = having.get(f"{NAMESPACE} sha256")
        self.digests += [digest] if digest is not None else []
        begin = self.parser.CurrentByteIndex
        ours = _OURS.match(self._packet, begin) if name == f"{_RDF} Description" else None
        if ours is not None:
            self.ours.append(ours.span())
            return
        self.has_type |= any(one.endswith(" DigitalSourceType") for one in (name, *having))
        if self.about is None:
            self.about = having.get(f"{_RDF} about")

    def _text(self, text: str) -> None:
        if self._inside is not None:
            self._inside.append(text)

    def _stop(self, name: str) -> None:
        if self._inside is not None:
            self.digests.append("".join(self._inside).strip())
            self._inside = None
        place = self.parser.CurrentByteIndex
        # Only where the prefix is the usual one does ours mean what it says.
        if name == f"{_RDF} RDF" and self._packet.startswith(_RDF_END, place):
            self.end = place
