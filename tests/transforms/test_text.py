"""text: where words stand, how they break, and that their font is a file like a picture, and none.

Unaware of how letters look.
"""

from __future__ import annotations

import contextlib
import json
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from banana_pipe.errors import RecipeErrors
from banana_pipe.transforms import make
from banana_pipe.transforms.base import TransformFailed
from banana_pipe.transforms.fonts import (
    MAX_BYTES,
    NotAFont,
    _is_joined,
    lines_of,
    measure_font,
    opened,
    refuse_what_it_lacks,
)
from banana_pipe.transforms.kinds import Words
from banana_pipe.transforms.pixels import Frame
from tests.transforms.builders import applied, font, made, op
from tests.world import NO_TOKEN, World, ends, outcome, picture

GREY = (120, 120, 120)
CUT_DOWN = (Path(__file__).parents[2] / "recipes/fonts/DejaVuSerif-Bold.ttf").read_bytes()
"""Of some letters only; for others it has nothing, and no box."""


def written(room: tuple[int, int] = (400, 200), **asked: Any) -> Image.Image:
    """The words on a grey picture."""
    return applied([op("text", **{"text": "Summer sale", "font": "f.ttf", **asked})], Image.new("RGB", room, GREY))


def box(image: Image.Image, colour: tuple[int, int, int] = (255, 255, 255)) -> tuple[int, int, int, int]:
    """Where there are pixels of that colour."""
    there = Image.new("L", image.size)
    there.putdata([255 * (pixel == colour) for pixel in image.get_flattened_data()])
    found = there.getbbox()
    assert found is not None
    return found


class TestPlace:
    """Within the margins, where it was asked for."""

    @pytest.mark.parametrize(
        ("position", "across", "down"),
        [("top-left", 0, 0), ("top", 1, 0), ("center", 1, 1), ("bottom-right", 2, 2), ("left", 0, 1), (None, 1, 2)],
    )
    def test_it_stands_where_it_is_put(self, position: str | None, across: int, down: int) -> None:
        """At the bottom unless told otherwise."""
        asked: dict[str, Any] = {"position": position} if position else {}
        left, top, right, bottom = box(written(margin=10, **asked))
        assert [left < 40, abs(left + right - 400) < 12, right > 360][across]
        assert [top < 30, abs(top + bottom - 200) < 12, bottom > 170][down]
        assert left >= 10
        assert right <= 390

    @pytest.mark.parametrize(("align", "place"), [("left", 0), ("center", 1), ("right", 2)])
    def test_short_lines_stand_left_right_or_in_the_middle(self, align: str, place: int) -> None:
        """Of the block that all lines make."""
        image = written(text="wide wide wide\nI", align=align, position="center")
        whole = box(image)
        below = image.crop((0, whole[1] + (whole[3] - whole[1]) * 2 // 3, 400, 200))
        left, _, right, _ = box(below)
        middle = (left + right) / 2
        assert [middle - whole[0] < 12, abs(middle - 200) < 6, whole[2] - middle < 12][place]

    def test_letters_are_of_a_colour_with_a_line_around_them(self) -> None:
        """The line is outside: letters are as they are without."""
        plain = written(color="red")
        lined = written(color="red", outline=3, outline_color="blue")
        inside, outside = box(lined, (255, 0, 0)), box(lined, (0, 0, 255))
        assert box(plain, (255, 0, 0))[2] - box(plain, (255, 0, 0))[0] == inside[2] - inside[0]
        assert all(abs(one - other) in (2, 3, 4) for one, other in zip(inside, outside, strict=True))

    def test_a_half_transparent_colour_lets_the_picture_through(self) -> None:
        """Black by half on grey is darker grey; nothing else is touched."""
        image = written(color="#00000080", size="40%", text="Sale")
        assert box(image, (60, 60, 60))
        assert image.getpixel((3, 3)) == GREY

    def test_percentages_go_with_the_picture(self) -> None:
        """The same words take the same part of a picture twice as large."""
        small, large = box(written((400, 200))), box(written((800, 400)))
        assert all(abs(2 * one - other) <= 6 for one, other in zip(small, large, strict=True))


class TestLines:
    """Broken where they have to be."""

    @settings(deadline=None, max_examples=40)
    @given(
        st.lists(
            st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8),
            min_size=1,
            max_size=20,
        ),
        st.integers(90, 400),
    )
    def test_no_line_is_too_long_and_no_word_is_lost(self, words: list[str], width: int) -> None:
        """In their order; and no word would have fit on the line before."""
        letters = opened(font(), 12, "a")
        lines = lines_of(letters, " ".join(words), width)
        assert " ".join(lines).split() == words
        assert all(letters.length(line) <= width for line in lines)
        for line, following in pairwise(lines):
            assert letters.length(f"{line} {following.split()[0]}") > width

    def test_a_line_is_broken_where_one_is_written(self) -> None:
        """An empty one stays empty."""
        assert lines_of(opened(font(), 12, "a"), "one\n\ntwo three", 400) == ["one", "", "two three"]

    def test_chinese_breaks_between_letters(self) -> None:
        """It has no spaces; what is not Chinese in it stays together."""
        lines = lines_of(opened(font(), 20, "a"), "夏季大促销sale夏季大促销", 70)
        assert "".join(lines) == "夏季大促销sale夏季大促销"
        assert len(lines) > 2
        assert any("sale" in line for line in lines)

    def test_spaces_that_hold_together_break_no_line(self) -> None:
        """As before the marks and units of French; they are drawn as spaces, which every font has."""
        letters = opened(font(), 12, "a")
        text = Words().read("Tout à 10\u202f€\u00a0!")
        assert lines_of(letters, text, 400) == ["Tout à 10 € !"]
        assert lines_of(letters, text, int(letters.length("Tout à 10 €"))) == ["Tout à", "10 € !"]

    def test_a_word_that_is_too_wide_fails_in_words(self) -> None:
        """And so does what does not fit into the picture."""
        with pytest.raises(TransformFailed, match="`Unbreakable` alone is wider than 92 pixels"):
            written((100, 100), text="Unbreakable", size=40)
        with pytest.raises(TransformFailed, match=r"its 4 lines are .* and there is room for 92 × 92"):
            written((100, 100), text="a\nb\nc\nd", size=30)
        with pytest.raises(TransformFailed, match="text: "):
            written((1, 1))
        with pytest.raises(TransformFailed, match="text: "):
            written((40, 40), size=16_384)


class TestFonts:
    """Letters are drawn, and no boxes in their place."""

    def test_a_letter_that_the_font_lacks_fails_in_words(self) -> None:
        """It is named; spaces and joiners are no letters."""
        with pytest.raises(TransformFailed, match="the font has no ش س"):
            written(text="a شس")
        refuse_what_it_lacks(opened(font(), 12, "a"), "a b\u00a0c\u200d\n")

    def test_a_font_that_was_cut_down_has_no_boxes_and_fails_alike(self) -> None:
        """It draws nothing for what it lacks: words would go without a word."""
        for words in ("Sale 夏", "क", "🎉"):
            with pytest.raises(NotAFont, match=f"the font has no {words[-1]}"):
                refuse_what_it_lacks(opened(CUT_DOWN, 12, words), words)
        refuse_what_it_lacks(opened(CUT_DOWN, 12, "Größe"), "Größe")

    def test_an_accent_that_the_font_lacks_fails_in_words(self) -> None:
        """In one letter with the one below it, or alone; what only chooses a form is none."""
        for words, lacking in (("x\u0331", "\u0331"), ("e\u0301", "é")):
            with pytest.raises(TransformFailed, match=f"the font has no {lacking}"):
                written(text=words)
        for words in ("e\u0301", "a\ufe0f"):
            refuse_what_it_lacks(opened(CUT_DOWN, 12, words), words)

    def test_a_word_without_end_is_shown_shortened(self) -> None:
        """Two thousand letters are no message."""
        with pytest.raises(TransformFailed, match=r"`x{40}…` alone"):
            written((100, 100), text="x" * 2_000, size=20)

    @pytest.mark.parametrize(
        "words", ["سلام", "שלום", "नमस्ते", "می\u200cروم", "a\u200db", "สวัสดี", "e\u0301cole", "\u1112\u1161\u11ab"]
    )
    def test_letters_that_join_are_drawn_joined_or_not_at_all(
        self, monkeypatch: pytest.MonkeyPatch, words: str
    ) -> None:
        """Without FriBiDi Pillow puts them side by side, and says nothing."""
        monkeypatch.setattr("PIL.features.check", lambda feature: feature != "raqm")
        with pytest.raises(TransformFailed, match="need FriBiDi"):
            written(text=words)

    def test_letters_that_stand_alone_need_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wherever they are from."""
        monkeypatch.setattr("PIL.features.check", lambda feature: feature != "raqm")
        for words in ("Größe\nœuvre", "Ωμέγα", "Żółć", "Распродажа", "ქართული", "夏季セール", "할인", "€ ☀ 50 % 🎉"):
            assert not any(map(_is_joined, words))
        assert box(written(text="Sale\n50 %"))

    def test_letters_that_stand_alone_stand_alike_on_every_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A colleague's picture has the same bytes, and what is edited from it the same key."""
        here = written(text="AVATAR To").tobytes()
        monkeypatch.setattr("PIL.ImageFont.core.HAVE_RAQM", False)
        assert written(text="AVATAR To").tobytes() == here

    @pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"wOF2" + b"x" * 99, b"\0\1\0\0" + bytes(MAX_BYTES)])
    def test_what_is_no_font_is_refused(self, data: bytes) -> None:
        """By its first bytes, or its size."""
        with pytest.raises(NotAFont):
            measure_font(data)

    @pytest.mark.parametrize("data", [b"\0\1\0\0", b"OTTO" + bytes(99), font()[:300]])
    def test_a_broken_font_fails_in_words(self, data: bytes) -> None:
        """Never with an error of Pillow's."""
        asked = op("text", text="Sale", font="f.ttf")
        with pytest.raises(TransformFailed, match="text: "):
            make([asked], [lambda: Frame(Image.new("RGB", (200, 200)))], {-1: lambda: data})

    def test_a_font_with_letters_larger_than_a_wall_fails_in_words(self) -> None:
        """Of a size that nobody asked for: a head may tell any scale."""
        data = bytearray(font())
        head = data.index(b"head", 12)
        place = int.from_bytes(data[head + 8 : head + 12], "big") + 18
        data[place : place + 2] = (16).to_bytes(2, "big")
        for size in (100, 1000, 4000):
            with pytest.raises(TransformFailed, match="text: this font cannot be used"):
                make(
                    [op("text", text="Sale", font="f.ttf", size=size)],
                    [lambda: Frame(Image.new("RGB", (5000, 5000)))],
                    {-1: lambda: bytes(data)},
                )

    def test_a_damaged_font_fails_in_words_or_draws_something(self) -> None:
        """Wherever it was damaged: what FreeType can still read is read, and it never breaks anything."""
        asked = op("text", text="Sale", font="f.ttf")
        whole = font()
        for place in range(0, len(whole), 97):
            data = whole[:place] + bytes([whole[place] ^ 0xFF]) * 2 + whole[place + 2 :]
            with contextlib.suppress(TransformFailed):
                make([asked], [lambda: Frame(Image.new("RGB", (200, 200)))], {-1: partial(bytes, data)})

    def test_a_font_is_measured_by_its_bytes(self) -> None:
        """It has no width and height."""
        told = measure_font(font())
        assert (told.mime, told.width, told.size) == ("font/sfnt", 0, len(font()))


@pytest.mark.parametrize("wrong", [1, None, "", "  ", "x" * 2001, "a\0b", "a\x1b[31m", "a\u202eb", "a\tb", ["a"], True])
def test_words_are_text(wrong: Any) -> None:
    """What is written is what is drawn, without what nobody sees."""
    with pytest.raises(ValueError):  # noqa: PT011 - as in the other kinds
        Words().read(wrong)
    assert Words().read("  007\nb ") == "007\nb"


def test_the_same_words_give_the_same_bytes() -> None:
    """Twice."""
    asked = op("text", text="Sale", font="f.ttf", outline="5%")
    one = Image.new("RGB", (200, 100), GREY)
    assert made([asked], one) == made([asked], one)


SHOP = """
    version: 1
    steps:
      sale: {images: a.png, transform: [{text: {text: "{{ words }}", font: f.ttf, size: 12}}, {flip: vertical}]}
    vars: {words: Sale}
"""


class TestInARecipe:
    """The font is read like a picture, and is none."""

    @pytest.fixture
    def world(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
        made = World(tmp_path, monkeypatch)
        made.picture("a.png", picture(90, 60))
        made.picture("f.ttf", font())
        made.write(SHOP)
        return made

    def test_its_bytes_are_in_the_key_and_its_name_is_not(self, world: World) -> None:
        """Other bytes are another picture; a font that moved is the same. The manifest names what was read."""
        first = world.run(access=NO_TOKEN)
        assert first.exit_code == 0
        (entry,) = json.loads((world.out / "manifest.json").read_text())["files"]
        assert [one["file"] for one in entry["inputs"]] == ["a.png", "f.ttf"]
        assert entry["request"]["images"][1] == world.picture("g.ttf", font())
        world.write(SHOP.replace("f.ttf", "g.ttf"))
        assert ends(world.run(access=NO_TOKEN)) == {"sale": "cached/cache"}
        world.picture("g.ttf", font() + b"\0")
        assert ends(world.run(access=NO_TOKEN)) == {"sale": "done/new"}

    def test_the_page_and_the_lineage_live_with_it(self, world: World) -> None:
        """A file that is no picture has none to show."""
        world.run(access=NO_TOKEN)
        page = (world.out / "index.html").read_text()
        assert "f.ttf" in page

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("a.png", "a.png: not a font: it begins with the bytes 89 50"),
            ("gone.ttf", "there is no file `gone.ttf`"),
            ("https://example.com/f.ttf", "a font is one file beside the recipe"),
            ("'*.ttf'", "a font is one file beside the recipe"),
            ("../f.ttf", "`../f.ttf` is outside the recipe's folder"),
            ("''", "`font` of `text` is a font file"),
        ],
    )
    def test_a_font_that_cannot_be_is_a_mistake_at_its_place(self, world: World, name: str, words: str) -> None:
        """Before anything is made."""
        (world.folder.parent / "f.ttf").write_bytes(font())
        world.write(SHOP.replace("f.ttf", name))
        with pytest.raises(RecipeErrors) as raised:
            world.plan()
        assert words in str(raised.value)
        assert f"shop.yaml:4:{SHOP.splitlines()[3].index('f.ttf') - 3}" in str(raised.value)

    def test_words_that_do_not_fit_are_the_nodes_failure(self, world: World) -> None:
        """With what to do."""
        world.write(SHOP.replace("words: Sale", "words: Supercalifragilistic"))
        done = world.run(access=NO_TOKEN)
        assert ends(done) == {"sale": "failed/op"}
        assert "alone is wider than" in (outcome(done, "sale").error or "")
