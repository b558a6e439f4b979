"""Four real recipes, written from the contract: their calls are counted by hand here, and run on the sandbox.

Unaware of how any of it works. The game and the shop run in small in every test run, and are planned in full; in full they
run with `pytest -m campaign tests/real`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from banana_pipe.cli.group import run_command

HERE = Path(__file__).parent
RAIN, HIDE = 'panel[beat="it begins to rain"]', 'panel[beat="they hide under a car door"]'

Pipe = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pipe:
    """Calls a command on the sandbox, in a folder with the recipes: its exit code and its JSON."""
    for path in HERE.iterdir():
        if path.suffix in (".yaml", ".csv"):
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run_command([*arguments, "--provider", "sandbox", "--json"])
        said = capsys.readouterr()
        assert code in (0, 7), said.out + said.err
        return code, json.loads(said.out)

    return call


def few_characters(folder: Path, number: int) -> None:
    """The first *number* characters of the table, and no more."""
    table = folder / "characters.csv"
    table.write_text("".join(table.read_text(encoding="utf-8").splitlines(keepends=True)[: number + 1]))


def photos(folder: Path, number: int) -> None:
    """Photos of *number* products, no two alike; the first is 007's."""
    (folder / "photos").mkdir()
    for one in range(7, 7 + number):
        Image.linear_gradient("L").resize((24 + one % 7, 18)).rotate(one % 360).convert("RGB").point(
            lambda value, shift=one: (value + shift) % 256
        ).save(folder / "photos" / f"{one:03}.png")


def pictures(folder: Path) -> set[str]:
    """What was published, without our own files."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.*")
        if path.suffix in (".png", ".webp", ".jpg") and not path.relative_to(folder).parts[0].startswith("_")
    }


# --- the game -----------------------------------------------------------------------------------


def test_the_game_is_planned_in_full(pipe: Pipe) -> None:
    """40 heroes of two takes: what reads them waits for a pick, and no run buys it before."""
    _, plan = pipe("plan", "game.yaml")
    assert plan["totals"]["calls"] == 40 * 2
    assert plan["totals"]["calls_max"] == 40 * (2 + 4 + 12)
    assert plan["totals"]["nodes"] == 40 + 160 + 480 + 480 + 40


def play(pipe: Pipe, characters: int) -> None:
    """The game from nothing to the last sheet."""
    code, run = pipe("run", "game.yaml")
    assert (code, run["totals"]["called"]) == (7, characters * 2)
    pipe("pick", "game.yaml", "hero", "2")
    _, plan = pipe("plan", "game.yaml")
    assert plan["totals"]["calls"] == characters * 4
    assert plan["totals"]["calls_max"] == characters * (4 + 12)
    code, run = pipe("run", "game.yaml")
    assert (code, run["totals"]["called"]) == (0, characters * (4 + 12))
    assert pipe("plan", "game.yaml")[1]["totals"]["calls_max"] == 0
    out = Path("out/game@sandbox")
    assert len(list(out.glob("cast/*/*.png"))) == characters * 12
    assert len(list(out.glob("sheets/*.png"))) == characters
    with Image.open(out / "cast/001/run-glad.png") as cut, Image.open(out / "sheets/001.png") as sheet:
        assert cut.mode == "RGBA"
        assert cut.size == (96, 128)
        assert sheet.size == (3 * 96 + 2 * 4, 4 * 128 + 3 * 4)


def test_the_game_in_small(pipe: Pipe, tmp_path: Path) -> None:
    """Three characters of the forty."""
    few_characters(tmp_path, 3)
    play(pipe, 3)


@pytest.mark.campaign
def test_the_game_in_full(pipe: Pipe) -> None:
    """All forty: 80 takes, 160 and 480 edits."""
    play(pipe, 40)


# --- the shop -----------------------------------------------------------------------------------


def test_the_catalogue_is_planned_in_full(pipe: Pipe, tmp_path: Path) -> None:
    """800 products in three seasons are 2,400 calls; the three sizes of each are free."""
    photos(tmp_path, 800)
    _, plan = pipe("plan", "catalogue.yaml")
    assert plan["totals"]["calls"] == plan["totals"]["calls_max"] == 2400
    assert plan["totals"]["nodes"] == 2400 + 7200


def sell(pipe: Pipe, products: int) -> None:
    """The catalogue, from photos to three sizes."""
    code, run = pipe("run", "catalogue.yaml", "--yes")
    assert (code, run["totals"]["called"]) == (0, products * 3)
    found = pictures(Path("out/catalogue@sandbox"))
    assert len(found) == products * 9
    assert {f"007/winter-{size}.webp" for size in ("thumb", "card", "page")} <= found
    with Image.open("out/catalogue@sandbox/007/winter-card.webp") as card:
        assert card.width == 320
    assert pipe("plan", "catalogue.yaml")[1]["totals"]["calls_max"] == 0


def test_the_catalogue_in_small(pipe: Pipe, tmp_path: Path) -> None:
    """Four products; one more photo is three calls more."""
    photos(tmp_path, 4)
    sell(pipe, 4)
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "photos" / "one-more.png")
    assert pipe("plan", "catalogue.yaml")[1]["totals"]["calls"] == 3


@pytest.mark.campaign
def test_the_catalogue_in_full(pipe: Pipe, tmp_path: Path) -> None:
    """All 800."""
    photos(tmp_path, 800)
    sell(pipe, 800)


# --- the campaign -------------------------------------------------------------------------------


def test_the_campaign(pipe: Pipe, tmp_path: Path) -> None:
    """Best of four, five headlines of two takes to approve, five finals with the logo: 4 + 10 + 5 calls."""
    Image.new("RGBA", (200, 80), (220, 30, 60, 255)).save(tmp_path / "logo.png")
    code, run = pipe("run", "campaign.yaml")
    assert (code, run["totals"]["called"]) == (7, 4)
    pipe("pick", "campaign.yaml", "motif", "3")
    code, run = pipe("run", "campaign.yaml")
    assert (code, run["totals"]["called"]) == (7, 10)
    pipe("pick", "campaign.yaml", "headline[language=de]", "2")
    code, run = pipe("run", "campaign.yaml")
    assert (code, run["totals"]["called"]) == (7, 1)
    assert pictures(Path("out/campaign@sandbox")) >= {"ads/de.jpg"}
    for language in ("en", "es", "fr", "it"):
        pipe("pick", "campaign.yaml", f"headline[language={language}]", "1")
    code, run = pipe("run", "campaign.yaml")
    assert (code, run["totals"]["called"]) == (0, 4)
    with Image.open("out/campaign@sandbox/ads/it.jpg") as ad:
        assert ad.width >= 4096


# --- the comic ----------------------------------------------------------------------------------


def test_the_comic_with_a_panel_drawn_anew_and_the_rest_redone(pipe: Pipe) -> None:
    """Two characters and 24 panels; the seventh again is one call, what follows from it seventeen."""
    code, run = pipe("run", "comic.yaml")
    assert (code, run["totals"]["called"]) == (0, 2 + 24)
    _, again = pipe("reroll", "comic.yaml", RAIN)
    assert len(again["takes"]) == 1
    assert pipe("plan", "comic.yaml")[1]["totals"]["calls_max"] == 17
    assert pipe("run", "comic.yaml")[1]["totals"]["called"] == 17


def test_the_comic_with_a_panel_drawn_anew_and_the_rest_kept(pipe: Pipe) -> None:
    """One accept, of the panel behind it: nothing is bought for the others."""
    pipe("run", "comic.yaml")
    before = Path("out/comic@sandbox/panels/24.png").read_bytes()
    pipe("reroll", "comic.yaml", RAIN)
    pipe("lock", "accept", "comic.yaml", HIDE)
    assert pipe("plan", "comic.yaml")[1]["totals"]["calls_max"] == 0
    code, run = pipe("run", "comic.yaml")
    assert (code, run["totals"]["called"]) == (0, 0)
    assert Path("out/comic@sandbox/panels/24.png").read_bytes() == before
