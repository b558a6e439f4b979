"""300 names that some file system takes for something else, judged by the rules of three platforms.

Unaware of how the program judges them: the rules here are the platforms' own, written down once more.
"""

from __future__ import annotations

import ntpath
import posixpath
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from banana_pipe.recipe.naming import BadName, collision_key, default_output, folder_name, output_name
from tests.campaigns.score import Line, Tell

DEVICES = [
    "con",
    "prn",
    "aux",
    "nul",
    "conin$",
    "conout$",
    *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
]
DRESSED = ["{}", "{}.txt", "{} .txt", "{}  . x", "{}.", "{} ", "a/{}", "a/{}.b/c", "{}:", "\uff43\uff4f\uff4e{}"]
UP = [
    "..",
    "../a",
    "a/../../b",
    "a/..",
    "./..",
    "..\\a",
    "a\\..\\..\\b",
    "..\u2215a",
    "\uff0e\uff0e/a",
    ".. /a",
    ".../a",
    "a/.. /b",
]
ROOTS = [
    "/a",
    "//server/share",
    "\\\\server\\share",
    "C:\\a",
    "C:a",
    "c:/a",
    "\\a",
    "\\\\?\\C:\\a",
    "\\\\.\\nul",
    "~/a",
    "~root/a",
]
HIDDEN = [
    ".a",
    "a/.git/config",
    ".git",
    ".g\u200cit/hooks",
    "\u200b.git",
    ".GIT",
    "git~1",
    "a/.env",
    ".\ufeffssh",
    "._a",
    "a/.DS_Store",
]
OURS = [
    "index.html",
    "INDEX.HTML",
    "manifest.json",
    "Manifest.JSON",
    "_",
    "_a",
    "_/takes/a",
    "index\u200d.html",
    "\u0131ndex.html",
    "manifest.j\u017fon",
]
STREAMS = ["a:b", "a::$DATA", "a:$I30:$INDEX_ALLOCATION", "a/..namedfork/rsrc", "a.png:b"]
SEEN = [
    "\u202egnp",
    "a\u2066b",
    "a\ufeff",
    "a\u00ad",
    "\u2028",
    "a\x00b",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x7f",
    "a\x85b",
    "a\x9bb",
    "\x1b[2J",
]
LONG = [
    "x" * 101,
    "x" * 255,
    "x" * 256,
    "é" * 128,
    "a/" * 17 + "b",
    "/".join("x" * 90 for _ in range(50)),
    "\U0001f34c" * 64,
    "e" + "\u0301" * 200,
]
SHELL = [
    "-rf",
    "--help",
    "$(id)",
    "`id`",
    "a;b",
    "a&b",
    "a|b",
    "a>b",
    "<a",
    "a*",
    "a?",
    "'a'",
    '"a"',
    "a\\b",
    "%2e%2e",
    "!a",
    "#a",
    "{a}",
]
SPACES = ["", " ", " a", "a ", "a/ /b", "a//b", "a/", "a.", "a/b./c", "\u3000", "\u00a0a", "a\u2003"]
SUFFIXED = ["a.png", "a.PNG", "a.jpeg/b", "a.webp", "a.exe", "a.png.", "a.lnk", "desktop.ini", "autorun.inf", "a.html"]
LONE = ["\ud800", "a\udfffb"]


def names() -> Iterator[str]:
    """All of them, each once."""
    yield from dict.fromkeys(
        [
            *(
                form.format(device if number % 2 else device.upper())
                for number, device in enumerate(DEVICES)
                for form in DRESSED
            ),
            *(UP + ROOTS + HIDDEN + OURS + STREAMS + SEEN + LONG + SHELL + SPACES + SUFFIXED + LONE),
        ]
    )


def posix(name: str) -> str | None:
    """What is wrong with the relative path *name* on a POSIX system; None if nothing."""
    if "\0" in name or any(len(part.encode("utf-8", "surrogatepass")) > 255 - 16 for part in name.split("/")):
        return "the system cannot have it"
    if posixpath.isabs(name) or not posixpath.normpath(posixpath.join("/out", name)).startswith("/out/"):
        return "it leaves the folder"
    parts = name.split("/")
    if any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        return "a part is hidden or none"
    if parts[0] in ("_", "index.html", "manifest.json"):
        return "it is ours"
    return None


def windows(name: str) -> str | None:
    """The same on Windows, as `ntpath.isreserved` has it since Python 3.13 and Microsoft's "Naming Files" says."""
    drive, rest = ntpath.splitdrive(name)
    if drive or rest.startswith(("\\", "/")):
        return "it leaves the folder"
    if not ntpath.normpath(ntpath.join("C:\\out", name)).startswith("C:\\out\\"):
        return "it leaves the folder"
    for part in name.replace("\\", "/").split("/"):
        if part[-1:] in (".", " ") or any(letter in '<>:"|?*\\' or letter < " " for letter in part):
            return f"Windows cannot have {part!r}"
        if unicodedata.normalize("NFC", part.partition(".")[0].rstrip(" ")).casefold() in DEVICES:
            return f"{part!r} is a device"
    return posix(name.replace("\\", "/").casefold())


_IGNORED = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
"""What HFS+ leaves out of names when it compares them (TN1150): how `.g<ZWNJ>it` became `.git` (CVE-2014-9390)."""


def darwin(name: str) -> str | None:
    """The same on a Mac: names are compared without case, decomposed, and without what is not seen."""
    if ":" in name:
        return "a Mac takes it for a slash"
    seen = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).translate(_IGNORED).casefold())
    return posix(seen)


PLATFORMS: dict[str, Callable[[str], str | None]] = {"posix": posix, "windows": windows, "darwin": darwin}


def accepted(judge: Callable[[str], str], name: str) -> str | None:
    """The name as *judge* takes it; None if it is refused, with words."""
    try:
        return judge(name)
    except BadName as refused:
        if not str(refused) or not refused.hint:
            raise AssertionError(f"{name!r} is refused without a word") from None
        return None


@pytest.mark.both
def test_no_name_is_something_else_on_some_platform(tell: Tell) -> None:
    """What is taken is a plain file below the output folder, on all three; what an axis makes of a name always is."""
    evil = list(names())
    wrong: list[str] = []
    refused = 0
    for name in evil:
        folder = accepted(folder_name, name)
        taken = {"output": accepted(output_name, name), "recipe": folder and f"out/{folder}"}
        taken["axis"] = default_output("s", [name.encode("utf-8", "replace").decode()])
        refused += taken["output"] is None
        wrong += [
            f"{way} {name!r} as {path!r} on {platform}: {trouble}"
            for platform, judged in PLATFORMS.items()
            for way, path in taken.items()
            if path is not None and (trouble := judged(path)) is not None
        ]
    tell(
        Line(
            8,
            "evil names × three platforms",
            len(evil) * 3,
            corrupt=len(wrong),
            figure=f"{refused} of {len(evil)} refused",
        )
    )
    assert not wrong, "\n".join(wrong[:40])
    assert len(evil) >= 300


def test_no_evil_name_is_taken_for_another(tmp_path: Path) -> None:
    """Each has a file of its own, on a system that sees no difference between upper and lower case too."""
    evil = [name for name in names() if not any("\ud800" <= letter <= "\udfff" for letter in name)]
    places: dict[str, str] = {}
    for name in evil:
        path = default_output("s", [name])
        meant = collision_key(name)
        assert places.setdefault(collision_key(path), meant) == meant
        (tmp_path / "s").mkdir(exist_ok=True)
        (tmp_path / f"{path}.png").touch()
    assert {path.parent for path in tmp_path.rglob("*.png")} == {tmp_path / "s"}


@pytest.mark.parametrize("name", ["../a", "nul .txt", "a:b", ".g\u200cit", "C:a", "INDEX.html"])
def test_the_same_rules_catch_a_name_that_nobody_checked(name: str) -> None:
    """A harness that finds nothing is worth what it could find."""
    assert any(judge(name) for judge in PLATFORMS.values())
