"""The painter: any prompt gives a readable frame of the right size, and always the same one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from banana_pipe import transforms
from banana_pipe.canonical import digest_of
from banana_pipe.model import Op
from banana_pipe.providers.sandbox import checks, cutout, lettering, painter, words
from banana_pipe.providers.sandbox.layout import frame_for, set_text
from banana_pipe.providers.sandbox.pixels import RATIOS, size_of
from banana_pipe.providers.sandbox.sheet import InputPicture, Sheet
from banana_pipe.transforms.pixels import decode

CAT = Sheet("generate", "nano-banana", "a white siamese cat")


def opened(data: bytes) -> Image.Image:
    """The picture, decoded."""
    return Image.open(BytesIO(data), formats=("PNG",)).convert("RGB")


def scene_of(data: bytes) -> Image.Image:
    """The illustrated part of a painted frame, at a common size."""
    with Image.open(BytesIO(data)) as picture:
        left, top, right, bottom = scene_box(data)
        return picture.convert("RGB").crop((left, top, right, bottom)).resize((120, 80), Image.Resampling.BOX)


def scene_box(data: bytes) -> tuple[int, ...]:
    """Where the illustrated part is."""
    with Image.open(BytesIO(data)) as picture:
        return tuple(map(int, picture.info[checks.SCENE_BOX].split(",")))


def distance(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are from each other: 0 equal, 255 black and white."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def as_input(data: bytes, side: int = checks.BACKGROUND_SIDE) -> InputPicture:
    """The picture as the API keeps it."""
    return checks._kept(data, side)


def plain(width: int, height: int, colour: str = "teal") -> bytes:
    """A picture that was not painted here."""
    packed = BytesIO()
    Image.new("RGB", (width, height), colour).save(packed, "PNG")
    return packed.getvalue()


SHEETS = st.builds(
    Sheet,
    action=st.just("generate"),
    model=st.sampled_from(checks.MODELS),
    prompt=st.text(min_size=1, max_size=400),
    inputs=st.lists(st.sampled_from([as_input(plain(30, 20, colour)) for colour in ("red", "blue")]), max_size=20).map(
        tuple
    ),
    aspect_ratio=st.sampled_from((None, *RATIOS)),
    take=st.integers(1, 10**9),
)


class TestPaint:
    """A sheet becomes a PNG."""

    @given(sheet=SHEETS, edit=st.booleans())
    @settings(max_examples=15)
    def test_any_prompt_paints_at_the_documented_size(self, sheet: Sheet, edit: bool) -> None:
        """Whatever is written and however many pictures come along."""
        if edit and sheet.inputs:
            sheet = replace(sheet, action="edit")
        picture = opened(painter.paint(sheet))
        assert picture.size == size_of(sheet)
        extrema = picture.convert("L").getextrema()
        assert extrema[0] != extrema[1]

    def test_the_same_request_gives_the_same_bytes_in_another_process(self) -> None:
        """Nothing of the process (its hash seed, say) gets into a picture."""
        script = (
            "from hashlib import sha256\n"
            "from banana_pipe.providers.sandbox.painter import paint\n"
            "from banana_pipe.providers.sandbox.sheet import Sheet\n"
            f"print(sha256(paint({CAT!r})).hexdigest())"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == sha256(painter.paint(CAT)).hexdigest()

    @given(one=st.integers(1, 1000), other=st.integers(1, 1000))
    @settings(max_examples=5)
    def test_takes_are_other_pictures(self, one: int, other: int) -> None:
        """Not only another number in the header: another scene."""
        scenes = [scene_of(painter.paint(replace(CAT, take=take))) for take in (one, other)]
        assert (distance(*scenes) > 1) == (one != other)

    def test_a_draft_looks_like_what_it_is_a_draft_of(self) -> None:
        """Model and resolution change the pixels, not the scene."""
        draft = painter.paint(replace(CAT, model="nano-banana-pro"))
        final = painter.paint(replace(CAT, model="nano-banana-pro", resolution="2K"))
        assert opened(final).size == (2048, 2048)
        assert distance(scene_of(draft), scene_of(final)) < 2

    def test_an_edit_is_seen_to_come_from_its_first_picture(self) -> None:
        """Its scene is nearer to its own than to another one's, and still not the same."""
        base = painter.paint(CAT)
        other = painter.paint(Sheet("generate", "nano-banana", "a rocket over the city at night"))
        edited = painter.paint(Sheet("edit", "nano-banana", "let birds fly by", (as_input(base),)))
        assert 0 < distance(scene_of(edited), scene_of(base)) < distance(scene_of(edited), scene_of(other)) / 2

    def test_frames_do_not_nest_along_a_chain(self) -> None:
        """What an edit takes over is the scene, not the sheet of paper around it."""
        base = painter.paint(CAT)
        kept = as_input(base)
        with Image.open(BytesIO(kept.jpeg)) as small:
            assert distance(small.convert("RGB").resize((120, 80), Image.Resampling.BOX), scene_of(base)) < 3
        assert (kept.width, kept.height) == opened(base).size

    def test_the_order_of_pictures_shows(self) -> None:
        """They stand in the strip in the order given."""
        red, blue = as_input(plain(30, 20, "red")), as_input(plain(30, 20, "blue"))
        base = as_input(painter.paint(CAT))
        edits = [Sheet("edit", "nano-banana", "x", (base, *pair)) for pair in ((red, blue), (blue, red))]
        assert painter.paint(edits[0]) != painter.paint(edits[1])

    def test_a_colour_that_the_prompt_names_is_seen(self) -> None:
        """`teal` is greener and bluer than `terracotta`."""
        teal, terracotta = (
            ImageStat.Stat(scene_of(painter.paint(Sheet("generate", "nano-banana", f"a {colour} vase")))).mean
            for colour in ("teal", "terracotta")
        )
        assert teal[2] - teal[0] > terracotta[2] - terracotta[0] + 20

    def test_a_picture_of_1k_stays_small(self) -> None:
        """A gallery of hundreds must not weigh gigabytes."""
        edited = painter.paint(Sheet("edit", "nano-banana", "let it snow", (as_input(painter.paint(CAT)),) * 3))
        assert len(edited) < 1_500_000


class TestSize:
    """Pixels by model, ratio and resolution."""

    @pytest.mark.parametrize(
        ("model", "ratio", "resolution", "size"),
        [
            ("nano-banana", None, "1K", (1024, 1024)),
            ("nano-banana", "16:9", "1K", (1344, 768)),
            ("nano-banana", "4:3", "4K", (1184, 864)),
            ("nano-banana:official", "3:2", "1K", (1248, 832)),
            ("nano-banana-2-lite", "16:9", "2K", (1376, 768)),
            ("nano-banana-2", "3:2", "2K", (2528, 1696)),
            ("nano-banana-pro", "16:9", "1K", (1376, 768)),
            ("nano-banana-pro", "4:3", "2K", (2400, 1792)),
            ("nano-banana-pro:official", "9:16", "4K", (3072, 5504)),
        ],
    )
    def test_sizes_are_the_engines_own(
        self, model: str, ratio: str | None, resolution: str, size: tuple[int, int]
    ) -> None:
        """2K and 4K are two and four times 1K, where the model has them."""
        assert size_of(Sheet("generate", model, "x", (), ratio, resolution)) == size

    @given(width=st.integers(1, 6000), height=st.integers(1, 6000), model=st.sampled_from(checks.MODELS))
    @example(width=680, height=446, model="nano-banana")
    def test_an_edit_keeps_the_ratio_of_its_first_picture(self, width: int, height: int, model: str) -> None:
        """Within 3 % (extreme strips excepted), at about the area of 1K; again and again."""
        picture = InputPicture(digest_of(b""), width, height, b"")
        sheet = Sheet("edit", model, "x", (picture,))
        size = size_of(sheet)
        assert 0.9 < size[0] * size[1] / 1024**2 < 1.1
        if 1 / 8 <= width / height <= 8:
            assert abs(size[0] / size[1] / (width / height) - 1) < 0.03
        again = replace(sheet, inputs=(replace(picture, width=size[0], height=size[1]),))
        assert size_of(again) == size


class TestLayout:
    """Where things go."""

    @given(width=st.integers(360, 5504), height=st.integers(360, 5504), inputs=st.integers(0, 30), long=st.booleans())
    def test_the_parts_of_a_frame_stay_on_it_and_apart(self, width: int, height: int, inputs: int, long: bool) -> None:
        """Header, scene, caption and footer follow each other; the scene has the most room."""
        if not 1 / 8 <= width / height <= 8:
            return
        frame = frame_for(width, height, inputs, long=long)
        for left, top, right, bottom in (frame.header, frame.scene, frame.caption, frame.footer):
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
        assert frame.header[3] <= frame.scene[1]
        assert frame.scene[3] <= frame.caption[1]
        assert frame.caption[3] <= frame.footer[1]
        assert (frame.strip is None) == (inputs == 0)

    @given(text=st.text(max_size=2000), width=st.integers(60, 1000), height=st.integers(40, 300))
    @settings(max_examples=60)
    def test_a_text_never_leaves_its_box(self, text: str, width: int, height: int) -> None:
        """However long it is, and however long its words are."""
        setting = set_text(text, width, height, 1.0)
        assert len(setting.lines) * setting.leading <= max(height, setting.leading)
        for line in setting.lines[:-1]:
            assert sum(map(setting.type.width, line)) + setting.space * (len(line) - 1) <= width + 1

    def test_what_is_left_out_is_counted(self) -> None:
        """A caption that was cut says so."""
        setting = set_text("word " * 900, 400, 120, 1.0)
        shown = " ".join("".join(piece.text for piece in word) for line in setting.lines for word in line)
        kept, _, tail = shown.partition(" … and ")
        assert tail == f"{900 - len(kept.split())} more words"


SCREEN = "a small knight in silver armour, on a plain, evenly lit lime green background without any shadow"


def cut(data: bytes) -> Image.Image:
    """What is left of it when lime is cut away, as the op does it."""
    key = Op("chroma_key", 2, {"color": "#00ff00", "tolerance": "20%", "softness": "20%"})
    return Image.open(BytesIO(transforms.make([key], [lambda: decode(data)]).data)).convert("RGBA")


def _mean(data: bytes) -> list[float]:
    return ImageStat.Stat(cut(data).convert("RGB"), cut(data).getchannel("A")).mean


class TestPlainGround:
    """Where a prompt wants something on a plain ground, it stands there alone."""

    @pytest.mark.parametrize(
        ("prompt", "ground", "rest"),
        [
            (SCREEN, (0, 255, 0), "a small knight in silver armour,  without any shadow"),
            ("A key on a solid #FF00FF backdrop", (255, 0, 255), "A key "),
            ("an owl, on a plain background", (255, 255, 255), "an owl, "),
            ("a balloon, on plain white", (255, 255, 255), "a balloon, "),
            ("a mug against flat sage green, from the side", words.COLOURS["sage"].rgb(), "a mug , from the side"),
            ("A Cup On A PLAIN Teal Background", (0, 128, 128), "A Cup "),
        ],
    )
    def test_its_colour_is_that_of_the_prompt(self, prompt: str, ground: tuple[int, ...], rest: str) -> None:
        """As the ops name colours, else as the painter does; its words say nothing of what stands there."""
        assert cutout.ground_of(prompt) == (ground, rest)

    @pytest.mark.parametrize(
        "prompt",
        [
            "a cup on a plain table",
            "a plain cup on a table",
            "a cat before a green background",
            "on the background",
            "",
        ],
    )
    def test_other_prompts_get_a_scene(self, prompt: str) -> None:
        """A table is no ground, and a background may have much in it."""
        assert cutout.ground_of(prompt) is None

    @pytest.mark.parametrize("ratio", RATIOS)
    def test_the_ground_is_one_colour_around_what_stands_there(self, ratio: str) -> None:
        """In every shape; cut away, it leaves the figure and what says that it is a placeholder."""
        sheet = replace(CAT, prompt=SCREEN, aspect_ratio=ratio)
        page = opened(painter.paint(sheet))
        assert page.size == size_of(sheet)
        left, top, right, bottom = scene_box(painter.paint(sheet))
        edge = [page.getpixel((x, y)) for x in range(left, right, 7) for y in (top, 0)]
        assert set(edge) == {(0, 255, 0)}
        there = cut(painter.paint(sheet)).getchannel("A")
        assert there.crop((left, top, right, bottom)).getbbox() is not None
        assert there.crop((0, bottom, page.width, page.height)).getbbox() is not None
        shown = sum(there.crop((left, top, right, bottom)).histogram()[250:]) / ((right - left) * (bottom - top))
        assert 0.03 < shown < 0.6

    def test_an_edit_moves_what_stood_there(self) -> None:
        """Other pixels, the same colours, the same ground; on the ground of a scene it is drawn anew."""
        before = painter.paint(replace(CAT, prompt=SCREEN))
        edit = Sheet("edit", CAT.model, f"The same one jumps, {SCREEN[30:]}", (as_input(before),))
        after = painter.paint(edit)
        assert distance(scene_of(before), scene_of(after)) > 3
        assert opened(after).getpixel((0, 0)) == (0, 255, 0)
        assert all(abs(one - other) < 12 for one, other in zip(_mean(before), _mean(after), strict=True))
        teal = painter.paint(replace(edit, prompt=f"Make it teal, {SCREEN[30:]}"))
        assert distance(scene_of(after), scene_of(teal)) > 3
        boat = painter.paint(replace(edit, prompt=f"A boat, {SCREEN[30:]}"))
        assert not any(abs(one - other) < 4 for one, other in zip(_mean(boat), _mean(before), strict=True))
        anew = painter.paint(replace(edit, inputs=(as_input(painter.paint(CAT)),)))
        assert opened(anew).getpixel((0, 0)) == (0, 255, 0)


class TestLettering:
    """Text beyond the font's glyphs."""

    @pytest.mark.parametrize(
        ("text", "kinds"),
        [
            ("cat", ["plain"]),
            ("é", ["marked"]),
            ("e\u0301", ["marked"]),
            ("Žižek", ["marked", "plain", "marked", "plain"]),
            ("ø€", ["marked", "marked"]),
            ("–", ["dash"]),
            ("ﬁ½", ["plain"]),
            ("漢", ["box"]),
            ("🍌", ["box"]),
            ("\u200d\ufe0f", []),
        ],
    )
    def test_each_character_has_a_readable_form(self, text: str, kinds: list[str]) -> None:
        """Accents are put together, dashes drawn, ligatures taken apart, the rest boxed."""
        assert [piece.kind for piece in lettering.pieces(text)] == kinds

    def test_a_box_says_what_it_stands_for(self) -> None:
        """An emoji its name, a character its code point."""
        assert [piece.text for piece in lettering.pieces("🍌漢")] == ["banana", "6F 22"]


def test_the_first_word_that_is_known_decides() -> None:
    """Plurals too; what is part of another word does not count."""
    assert words.first_of(words.words_of("Two BOATS and a house"), words.SUBJECTS) == "boat"
    assert words.first_of(words.words_of("a scattered catalogue"), words.SUBJECTS) is None
