"""`report`: the gallery of a folder that was left by a run, made again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Pipe

RECIPE = "recipes/small.yaml"
SANDBOX = ("--provider", "sandbox")


@pytest.fixture
def out(pipe: Pipe, project: Path) -> Path:
    """A folder that a run has left."""
    assert pipe("run", RECIPE, *SANDBOX).code == 0
    return project / "out/small@sandbox"


def shown(page: Path) -> list[dict[str, object]]:
    """What the page's script shows of each node."""
    text = page.read_text("utf-8")
    begin = text.index(">", text.index('id="data"')) + 1
    return list(json.loads(text[begin : text.index("</script>", begin)])["cards"])


def test_the_page_tells_the_same_as_after_the_run(pipe: Pipe, out: Path) -> None:
    """From manifest, lock and log alone, small pictures made again, without a run."""
    page = out / "index.html"
    before, logs = shown(page), list((out / "_/runs").iterdir())
    page.unlink()
    shutil.rmtree(out / "_/thumbs", ignore_errors=True)
    said = pipe("report", RECIPE, *SANDBOX)
    assert (said.code, said.err) == (0, "")
    assert "out/small@sandbox/index.html" in said.out
    assert shown(page) == before
    assert list((out / "_/runs").iterdir()) == logs


def test_json_is_one_object(pipe: Pipe, out: Path) -> None:
    """With whose run it tells of."""
    value = json.loads(pipe("report", RECIPE, *SANDBOX, "--json").out)
    (log,) = (out / "_/runs").iterdir()
    assert value["run_id"] == log.stem
    assert value["page"] == str(out / "index.html")
    assert value["bytes"] == (out / "index.html").stat().st_size
    assert value["warnings"] == []


def test_a_word_changed_since_is_told(pipe: Pipe, out: Path, project: Path) -> None:
    """The picture is of the words before: what the recipe says now is told beside them; and after the run, too."""
    recipe = project / RECIPE
    recipe.write_text(recipe.read_text().replace("product: a mug", "product: a tall mug"))
    pipe("report", RECIPE, *SANDBOX)
    (base,) = [card for card in shown(out / "index.html") if card["n"] == "base"]
    assert ["added", "tall "] in base["c"]  # type: ignore[operator]
    assert base["w"] == 1
    pipe("run", RECIPE, *SANDBOX)
    after_the_run = shown(out / "index.html")
    assert [(card["w"], ["added", "tall "] in card["c"]) for card in after_the_run if card["n"] == "base"] == [  # type: ignore[operator]
        (0, True)
    ]
    pipe("report", RECIPE, *SANDBOX)
    assert shown(out / "index.html") == after_the_run


def test_a_single_file_has_its_pictures_inside(pipe: Pipe, out: Path, project: Path) -> None:
    """It can be sent: nothing in it leads to the folder, which stays as it is."""
    before = (out / "index.html").read_bytes()
    assert pipe("report", RECIPE, *SANDBOX, "--single-file", "gallery.html").code == 0
    text = (project / "gallery.html").read_text("utf-8")
    assert 'src="data:image/webp;base64,' in text
    addresses = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert {address for address in addresses if not address.startswith(("#", "data:"))} == set()
    assert (out / "index.html").read_bytes() == before
    assert pipe("report", RECIPE, *SANDBOX, "--single-file", "gallery.html").code == 0


def test_a_single_file_replaces_nothing_of_somebody_elses(pipe: Pipe, out: Path, project: Path) -> None:
    """A file that is there stays, a folder is no file."""
    (project / "mine.html").write_text("<p>mine")
    for name, words in (("mine.html", "holds something else"), ("recipes", "is a folder")):
        said = pipe("report", RECIPE, *SANDBOX, "--single-file", name)
        assert said.code == 2
        assert words in said.err
    assert (project / "mine.html").read_text() == "<p>mine"


def test_a_single_file_has_its_limit(pipe: Pipe, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said with the way out."""
    monkeypatch.setattr("banana_pipe.reporting.MOST_INLINED", 1)
    said = pipe("report", RECIPE, *SANDBOX, "--single-file", "gallery.html")
    assert said.code == 2
    assert "more than the 1 of a single file" in said.err
    assert "can be sent as it is" in said.err


def test_without_a_log_the_pictures_are_told(pipe: Pipe, out: Path) -> None:
    """A clone may have no logs: then nobody knows what the last run did, and the page says so."""
    shutil.rmtree(out / "_/runs")
    said = pipe("report", RECIPE, *SANDBOX)
    assert said.code == 0
    assert "no log of a run" in said.err
    assert {tuple(card["k"]) for card in shown(out / "index.html")} == {("earlier",)}  # type: ignore[arg-type]


def test_a_damaged_log_is_told_and_stops_nothing(pipe: Pipe, out: Path) -> None:
    """The page comes all the same."""
    (log,) = (out / "_/runs").iterdir()
    log.write_bytes(b"?\n")
    said = pipe("report", RECIPE, *SANDBOX)
    log.unlink()  # no log that a test leaves may be damaged
    assert said.code == 0
    assert "the last run is not told" in said.err


def test_where_nothing_was_run_there_is_nothing_to_tell(pipe: Pipe, project: Path) -> None:
    """And nothing is written."""
    said = pipe("report", RECIPE, *SANDBOX)
    assert said.code == 2
    assert "no manifest" in said.err
    assert not (project / "out").exists()


def test_a_page_of_somebody_elses_is_left_alone(pipe: Pipe, out: Path) -> None:
    """As by a run."""
    (out / "index.html").write_text("<p>mine")
    said = pipe("report", RECIPE, *SANDBOX)
    assert "was not made by banana-pipe" in said.err
    assert (out / "index.html").read_text() == "<p>mine"


def test_a_strangers_manifest_may_say_anything_of_sizes(pipe: Pipe, out: Path) -> None:
    """A page all the same, and no bug of ours."""
    manifest = out / "manifest.json"
    document = json.loads(manifest.read_text())
    document["files"][0]["width"], document["files"][1]["height"] = None, "tall"
    manifest.write_text(json.dumps(document))
    assert pipe("report", RECIPE, *SANDBOX).code == 0
