"""The pictures that README, docs/looking.md and docs/studio.md show are those that the script makes; it is run by hand, with a browser."""

from __future__ import annotations

import re

from PIL import Image

from tests.screenshots import KEPT, MOST_BYTES, ROOT, STUDIO, TERMINALS, VIEWS, _as_html, _table_at_half

SHOWN = re.compile(r"(?:\]\(|src=\"|srcset=\")(?:docs/)?looking/([\w-]+)\.webp")


def test_every_picture_is_shown_and_small() -> None:
    """None is kept that no document shows, none is shown that the script does not make."""
    shown = {
        name
        for path in ("README.md", "docs/looking.md", "docs/studio.md")
        for name in SHOWN.findall((ROOT / path).read_text("utf-8"))
    }
    assert shown == {*VIEWS, *TERMINALS, STUDIO} == {path.stem for path in KEPT.iterdir()}
    for path in KEPT.iterdir():
        assert path.stat().st_size <= MOST_BYTES
        with Image.open(path) as picture:
            assert picture.format == "WEBP"


def test_a_table_that_is_drawn_over_itself_is_read_as_it_stood() -> None:
    """Frame by frame: the cursor goes up, lines that are the same are passed over."""
    frames = [
        "\033[?25l\rbegun\033[K\n\r2 in flight\033[K\n",
        "\033[2A\n\r\033[1m3\033[0m in flight\033[K\n",
        "\033[2A\rnearly\033[K\n\n",
    ]
    assert _table_at_half(iter(frames)) == "begun\n\033[1m3\033[0m in flight"


def test_what_a_terminal_shows_is_shown_with_its_styles() -> None:
    """Bold, dim and colours, each until the end that is written behind it; signs of HTML stay text."""
    shown = _as_html("a \033[1;32m<b>\033[0m c")
    assert shown == 'a <span class="c1 c32">&lt;b&gt;</span> c'
