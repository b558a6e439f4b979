"""The pictures of README, docs/looking.md and docs/studio.md: a real run on the sandbox, its gallery and the studio in
Chromium, its terminal.

Unaware of what the documents say of them. `python -m tests.screenshots` makes all of them again, into `docs/looking/`; names
behind it only those. It takes playwright, and a Chromium as `tests/browser/` finds it. Pictures are the sandbox's, and always
the same; moments and seconds are those of the run.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from tests.browser.conftest import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "docs" / "looking"
RECIPE = "recipes/shop.yaml"
MOST_BYTES = 120_000
COLUMNS, ROWS = 86, 40

_LIGHT = {"paper": "#f4f2ec", "ink": "#1f1d1a", "2": "#67625a", "31": "#a8211a", "32": "#24692f", "33": "#8a5e00"} | {
    "34": "#26548a",
    "35": "#6a4a8a",
    "36": "#0e6c74",
}
_DARK = {"paper": "#1c1b19", "ink": "#e8e4dc", "2": "#a8a195", "31": "#ff8f86", "32": "#8fd19e", "33": "#f0c674"} | {
    "34": "#83aad6",
    "35": "#cdb2e6",
    "36": "#7ec8c8",
}
"""The colours of a terminal in those of the page, by the codes that `cli.terminal` writes; 1 is bold, 0 the end."""
_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; }} pre {{ margin: 0; font: 14px/1.45 "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
main {{ display: inline-block; padding: 20px 24px 22px; border-radius: 12px; background: {paper}; color: {ink}; }}
{styles}</style><main><pre>{text}</pre></main>"""
_WRITTEN = re.compile(r"\033\[(\d+)A|\033\[(?:K|\?25[lh])|(\n)|(\r)|(\033\[[0-9;]*m|[^\n\r\033]+)")


# --- the gallery -------------------------------------------------------------------------------


def _wide(page: Page) -> None:
    """As it opens."""


def _near(page: Page, which: int = 4) -> None:
    page.locator(".frame").nth(which).click()
    page.evaluate("document.querySelector('.stage img').decode()")


def _compare(page: Page) -> None:
    for place in (0, 3):
        page.locator(".frame").nth(place).focus()
        page.keyboard.press("c")
    page.keyboard.press("2")
    page.evaluate("Promise.all([...document.querySelectorAll('.pair img')].map(one => one.decode()))")
    page.evaluate("document.activeElement.blur()")


def _graph(page: Page) -> None:
    page.keyboard.press("g")
    page.evaluate("document.activeElement.blur()")
    page.locator(".graph .cell", has_text="042").first.hover()


def _phone(page: Page) -> None:
    page.evaluate("document.querySelector('.steps').scrollIntoView()")


_TALL, _LARGE, _SMALL = (1280, 1080), (1280, 860), (390, 780)
VIEWS: dict[str, tuple[tuple[int, int], bool, Callable[[Page], None]]] = {
    "gallery": (_TALL, False, _wide),
    "gallery-dark": (_TALL, True, _wide),
    "near": (_LARGE, False, _near),
    "compare": (_LARGE, False, _compare),
    "graph": (_LARGE, False, _graph),
    "phone": (_SMALL, False, _phone),
}
"""By their name: how large the window is, whether it is dark, and what is done before one looks."""


def _seen(browser: Browser, written: Path, name: str) -> bytes:
    (width, height), dark, do = VIEWS[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=1.5,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(written.as_uri())
    do(page)
    page.wait_for_function("[...document.images].every(one => one.complete || one.loading === 'lazy')")
    shot = page.screenshot()
    context.close()
    return shot


# --- the studio --------------------------------------------------------------------------------


STUDIO = "studio"
_CAMPAIGN = "recipes/campaign.yaml"


def _studio(browser: Browser, folder: Path) -> bytes:
    """A node that waits for a pick, from near."""
    command = [sys.executable, "-m", "banana_pipe", "studio", _CAMPAIGN, "--provider", "sandbox", "--json"]
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, device_scale_factor=1.5, reduced_motion="reduce"
    )
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            page = context.new_page()
            page.goto(json.loads(process.stdout.readline())["url"])
            _near(page, 0)
            return page.screenshot()
        finally:
            process.kill()
            context.close()


# --- the terminal ------------------------------------------------------------------------------


TERMINALS = ("plan", "plan-dark", "run", "run-dark")


def _in_terminal(folder: Path, *command: str) -> Iterator[str]:
    """What a command writes to a terminal, piece by piece."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")} | {
        "TERM": "xterm-256color"
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "banana_pipe", *command], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    with contextlib.suppress(OSError):  # as Linux says that nobody writes any more
        while piece := os.read(ours, 1 << 16):
            yield piece.decode(errors="replace").replace("\r\n", "\n")
    os.close(ours)
    process.wait()


def _table_at_half(pieces: Iterator[str]) -> str:
    """The live table as it stood when it had been drawn half of all times."""
    lines: list[str] = [""]
    at, frames = 0, []
    for piece in pieces:
        for up, down, back, text in _WRITTEN.findall(piece):
            if up:
                at -= int(up)
            elif down:
                at += 1
                lines += [""] * (at + 1 - len(lines))
            elif back:
                lines[at] = ""
            else:
                lines[at] += text
        frames.append("\n".join(lines[:at]))
    drawn = [frame for frame in frames if "in flight" in frame]
    return (drawn or frames)[len(drawn or frames) // 2]


def _drawn(browser: Browser, ansi: str, *, dark: bool) -> bytes:
    """The text as a terminal shows it."""
    colours = _DARK if dark else _LIGHT
    styles = "".join(f".c{code} {{ color: {colour}; }}\n" for code, colour in colours.items() if code.isdigit())
    shown = {"styles": styles + ".c1 { font-weight: bold; }", "text": _as_html(ansi.strip("\n"))}
    page = browser.new_page(device_scale_factor=1.5)
    page.set_content(_TERMINAL.format(paper=colours["paper"], ink=colours["ink"], **shown))
    shot = page.locator("main").screenshot(omit_background=True)
    page.close()
    return shot


def _as_html(ansi: str) -> str:
    """Text with the codes of a terminal, as HTML with a class for each code."""
    parts = []
    for codes, text in re.findall(r"(?:\033\[([0-9;]*)m)?([^\033]*)", ansi):
        classes = " ".join(f"c{code}" for code in codes.split(";") if code.strip("0"))
        parts.append(f'<span class="{classes}">{escape(text)}</span>' if classes else escape(text))
    return "".join(parts)


# --- all of them -------------------------------------------------------------------------------


def main(names: list[str]) -> None:
    """Make the pictures of these names again, or all."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise SystemExit("no Chromium is installed")
    wanted = set(names or [*VIEWS, *TERMINALS, STUDIO])
    KEPT.mkdir(exist_ok=True)
    with TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(ROOT / "recipes", folder / "recipes")
        plan = "".join(_in_terminal(folder, "plan", RECIPE))
        table = _table_at_half(_in_terminal(folder, "run", RECIPE, "--provider", "sandbox"))
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            for name in sorted(wanted & VIEWS.keys()):
                _keep(name, _seen(browser, folder / "out/shop@sandbox/index.html", name))
            for name in sorted(wanted & set(TERMINALS)):
                shown, dark = name.partition("-")[::2]
                _keep(name, _drawn(browser, plan if shown == "plan" else table, dark=bool(dark)))
            if STUDIO in wanted:
                list(_in_terminal(folder, "run", _CAMPAIGN, "--provider", "sandbox"))
                _keep(STUDIO, _studio(browser, folder))
            browser.close()


def _keep(name: str, png: bytes) -> None:
    with Image.open(io.BytesIO(png)) as shot:
        data = next(data for data in _packed(shot) if len(data) <= MOST_BYTES)
    (KEPT / f"{name}.webp").write_bytes(data)
    sys.stdout.write(f"docs/looking/{name}.webp  {len(data):,} bytes\n")


def _packed(shot: Image.Image) -> Iterator[bytes]:
    """The picture as WebP, each time a little worse."""
    for quality in range(86, 20, -6):
        target = io.BytesIO()
        shot.save(target, "WEBP", quality=quality, method=6)
        yield target.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
