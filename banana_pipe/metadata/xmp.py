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

from banana_pipe.canonical import Digest

NAMESPACE = "urn:banana-pipe:xmp:1"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_DC = "http://purl.org/dc/elements/1.1/"
_RDF_END = "</rdf:RDF>"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    "</rdf:RDF>\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)
_OURS = re.compile(rf'<rdf:Description rdf:about=(?:"[^"<>]*"|\'[^\'<>]*\') xmlns:bananaPipe="{NAMESPACE}"[^<>]*/>\n')
_ABOUT = re.compile(r"rdf:about=(\"[^\"<>]*\"|'[^'<>]*')")
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
    text = None if before is None else _readable(before)
    base = _EMPTY if text is None else _OURS.sub("", text)
    head, end, tail = base.rpartition(_RDF_END)
    about = _ABOUT.search(head)
    ours = _description(told, about[1] if about else '""', with_type="DigitalSourceType" not in base)
    return f"{head}{ours}\n{end}{tail}".encode(), before is not None and text is None


def digest_in(said: bytes) -> str | None:
    """The sha256 of the original that a packet names; None where it names none."""
    found = _DIGEST.search(said)
    return found[1].decode() if found else None


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


def _readable(before: bytes) -> str | None:
    """The packet as text; None unless it is XML in UTF-8, without a DTD, into which ours can be put."""
    try:
        text = before.decode()
    except UnicodeDecodeError:
        return None
    if "<!DOCTYPE" in text or _RDF_END not in text:
        return None
    parser = expat.ParserCreate("UTF-8", " ")
    try:
        parser.Parse(before.rstrip(b"\0"), True)
    except expat.ExpatError:
        return None
    return text
