"""`why`: a file is known by its bytes, wherever it was copied."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from banana_pipe.canonical import digest_of
from banana_pipe.images import measure
from banana_pipe.metadata import Provenance, embed
from tests.cli.conftest import SMALL, Pipe
from tests.vendor.server import Vendor
from tests.world import picture

RECIPE = "recipes/small.yaml"
OUT = Path("out/small")
SHEET = """
  sheet:
    images: [tint, photos/mug.png]
    transform: [{grid: {columns: 2}}, {resize: {width: 64}}]
"""


def answer(pipe: Pipe, *arguments: str) -> dict[str, Any]:
    said = pipe("why", *arguments, "--json")
    assert said.code in (0, 1), said.err
    value: dict[str, Any] = json.loads(said.out)
    return value


def copied(pattern: str, to: str = "elsewhere/IMG 1.bin") -> str:
    (file,) = OUT.glob(pattern)
    Path(to).parent.mkdir(exist_ok=True)
    shutil.copy(file, to)
    return to


@pytest.fixture
def sheet(pipe: Pipe, at: Vendor) -> Vendor:
    """A run with a transform over two edits and a file of the project's own."""
    Path("recipes/photos").mkdir()
    Path("recipes/photos/mug.png").write_bytes(picture(60, 40))
    Path(RECIPE).write_text(SMALL + SHEET)
    assert pipe("run", RECIPE).code == 0
    return at


def test_a_copy_is_known_all_the_way_up(pipe: Pipe, sheet: Vendor) -> None:
    """Recipe, node, prompts, prices, ids, down to the first prompt and to the file that nobody made."""
    value = answer(pipe, copied("sheet.*"))
    assert value["found"]["by"] == "sha256"
    by_name = {one["name"]: one for one in value["pictures"]}
    assert list(by_name) == ["sheet", "tint[color=ivory]", "tint[color=teal]", "photos/mug.png", "base"]
    root, tint, photo, base = (by_name[name] for name in ("sheet", "tint[color=teal]", "photos/mug.png", "base"))
    assert (root["recipe"], root["action"], root["price_usd"]) == (RECIPE, "transform", 0.0)
    assert [one["name"] for one in root["inputs"]] == ["tint[color=ivory]", "tint[color=teal]", "photos/mug.png"]
    assert (tint["prompt"], tint["take"], tint["inputs"][0]["sha256"]) == ("Make it deep teal", 1, base["sha256"])
    assert (photo["outside"], photo["inputs"]) == ("file", None)
    assert (base["action"], base["prompt"], base["inputs"]) == ("generate", "Photo of a mug", [])
    assert base["task_id"] in {charge.task_id for charge in sheet.charges}
    assert base["bought_at"].endswith("Z")
    assert value["cost_usd"] is None or value["cost_usd"] == pytest.approx(3 * 0.039)


def test_the_tree_says_it_in_eighty_columns(pipe: Pipe, sheet: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shared stands once, and after that by its name."""
    file = copied("sheet.*")
    monkeypatch.setattr("banana_pipe.cli.terminal._is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    lines = pipe("why", file).out.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert lines[0] == "● sheet"
    assert "│ made here, free: grid (columns 2), resize (width 64)" in text
    assert "├─● tint[color=ivory]  take 1\n│ │ edit, nano-banana" in text
    assert "│ ● base  take 1  as above" in text
    assert text.count("“Photo of a mug”") == 1
    assert "╰─○ photos/mug.png\n    a file, not made here" in text
    assert lines[-1] == "5 pictures, 3 bought; all of it cost $0.117"


def test_what_nobody_made_here_is_told_with_the_places(pipe: Pipe, made: Vendor) -> None:
    """Exit code 1; one changed byte is another picture."""
    data = next(OUT.glob("base.*")).read_bytes()
    Path("x.png").write_bytes(data + b"\0")
    said = pipe("why", "x.png")
    assert (said.code, said.out) == (1, "")
    assert "nobody here has made x.png" in said.err
    for place in ("out/small/manifest.json", "recipes/small.lock", "cache", "logs of runs: 1"):
        assert place in said.err
    value = answer(pipe, "x.png")
    assert (value["found"], value["pictures"], value["sha256"]) == (None, [], digest_of(data + b"\0"))


def test_a_file_that_recipes_read_is_known_as_such(pipe: Pipe, sheet: Vendor) -> None:
    """Nobody made it; who read it is told."""
    value = answer(pipe, "recipes/photos/mug.png")
    assert (value["pictures"][0]["outside"], value["read_by"]) == ("file", ["sheet"])
    said = pipe("why", "recipes/photos/mug.png")
    assert "○ photos/mug.png\n" in said.out
    assert "read by sheet\n" in said.out


def test_what_lies_beside_a_picture_is_known_as_the_picture_is(pipe: Pipe, sheet: Vendor) -> None:
    """It was made with it, of the same; and its lineage is drawn, though it is no picture."""
    Path(RECIPE).write_text(f"{SMALL}{SHEET}  atlas: {{images: [base, photos/mug.png], transform: [sprites]}}\n")
    assert pipe("run", RECIPE).code == 0
    value = answer(pipe, copied("atlas.json"))
    assert value["found"]["by"] == "sha256"
    assert [one["name"] for one in value["pictures"]] == ["atlas", "base", "photos/mug.png"]
    assert value["pictures"][0]["path"] == "atlas.json"
    assert pipe("why", copied("atlas.json"), "--picture", "lineage.png").code == 0


def test_the_digest_in_the_metadata_is_as_good_as_the_bytes(pipe: Pipe, made: Vendor) -> None:
    """An exported copy has other bytes, and says of which picture it is one."""
    data = next(OUT.glob("base.*")).read_bytes()
    told = Provenance(digest=digest_of(data), key=None, source_type="trainedAlgorithmicMedia")
    Path("copy.png").write_bytes(embed(data, told).data)
    value = answer(pipe, "copy.png")
    assert value["found"] == {"by": "metadata", "sha256": digest_of(data)}
    assert value["pictures"][0]["node"] == "base"
    assert "its metadata say that it was made of" in pipe("why", "copy.png").out


def test_the_lock_file_alone_knows_node_model_and_price(pipe: Pipe, made: Vendor) -> None:
    """A clone without output folder and cache: the words are nowhere, and that is said."""
    file = copied("tint/teal.*")
    shutil.rmtree("out")
    shutil.rmtree("cache")
    teal, base = answer(pipe, file)["pictures"]
    assert (teal["node"], teal["recipe"], teal["record"]) == ("tint[color=teal]", RECIPE, "recipes/small.lock")
    assert (teal["model"], teal["price_usd"], teal["prompt"]) == ("nano-banana", 0.039, None)
    assert (base["node"], base["inputs"]) == ("base", [])
    assert "its words are in no manifest and not in the cache" in pipe("why", file).out


def test_the_ledger_alone_knows_the_words(pipe: Pipe, made: Vendor) -> None:
    """What was asked is kept in the cache, under its key."""
    file = copied("tint/teal.*")
    shutil.rmtree("out")
    Path("recipes/small.lock").unlink()
    teal, base = answer(pipe, file)["pictures"]
    assert (teal["node"], teal["prompt"], teal["take"]) == ("tint[color=teal]", "Make it deep teal", 1)
    assert (teal["record"], teal["recipe"]) == ("cache/ledger.db", None)
    assert base["prompt"] == "Photo of a mug"


def test_a_log_knows_what_is_in_no_folder_any_more(pipe: Pipe, sheet: Vendor) -> None:
    """A transform is in no lock file and in no ledger; the log of its run has it."""
    file = copied("sheet.*")
    Path(RECIPE).write_text(SMALL)
    assert pipe("run", RECIPE).code == 0
    assert not list(OUT.glob("sheet.*"))
    (one,) = answer(pipe, file)["pictures"]
    assert (one["node"], one["recipe"], one["path"]) == ("sheet", RECIPE, "sheet.png")
    assert "what it was made from is recorded nowhere any more" in pipe("why", file).out


def test_the_project_around_the_file_is_asked_too(
    pipe: Pipe, made: Vendor, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standing elsewhere, a file of the project is still one."""
    file = next(OUT.glob("base.*")).absolute()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert answer(pipe, str(file))["pictures"][0]["node"] == "base"


def test_another_take_and_what_was_accepted_are_known(pipe: Pipe, made: Vendor) -> None:
    """The old take lies under takes; a retouched file is accepted, not bought."""
    assert pipe("reroll", RECIPE, "base").code == 0
    assert pipe("lock", "accept", RECIPE, "tint").code == 0
    (teal,) = OUT.glob("tint/teal.*")
    teal.write_bytes(picture(70, 50))
    assert pipe("lock", "accept", RECIPE, "tint[color=teal]").code == 0
    assert pipe("run", RECIPE).code == 0
    assert answer(pipe, str(next(OUT.glob("_/takes/base@1.*"))))["pictures"][0]["take"] == 1
    one = answer(pipe, str(teal))["pictures"][0]
    assert (one["node"], one["accepted"], one["take"]) == ("tint[color=teal]", True, None)
    assert "● tint[color=teal]  accepted as it was" in pipe("why", str(teal)).out


def test_a_picture_of_the_lineage_is_drawn(pipe: Pipe, sheet: Vendor) -> None:
    """Its bytes come from the folder, the cache and the file itself."""
    said = pipe("why", copied("sheet.*"), "--picture", "lineage.png")
    assert (said.code, said.err) == (0, "picture: lineage.png\n")
    drawn = measure(Path("lineage.png").read_bytes())
    assert (drawn.mime, drawn.width > 1500, drawn.blank) == ("image/png", True, False)


def test_a_drawing_never_replaces_what_it_is_of(pipe: Pipe, made: Vendor) -> None:
    """Nor any other file that is none of its kind; its own older ones it does."""
    file = next(OUT.glob("base.*"))
    before = file.read_bytes()
    said = pipe("why", str(file), "--picture", f"recipes/../{file}")
    assert (said.code, "holds something else" in said.err, file.read_bytes()) == (2, True, before)
    for _ in range(2):
        assert pipe("why", str(file), "--picture", "lineage.png").code == 0


@pytest.mark.parametrize("file", ["nothing.png", "recipes", "x" * 300])
def test_what_cannot_be_read_is_a_wrong_command_line(pipe: Pipe, file: str) -> None:
    """Exit code 2, and no traceback."""
    said = pipe("why", file)
    assert (said.code, "cannot read" in said.err) == (2, True)


def test_a_pretty_picture_that_is_none_of_ours(pipe: Pipe, made: Vendor) -> None:
    """The same pixels in other bytes are not found: nothing is guessed."""
    with Image.open(next(OUT.glob("base.*"))) as image:
        image.save("again.png")
    assert pipe("why", "again.png").code == 1
