"""The cookbook: each recipe is lived through as it is told, offline, and leaves what it promises.

Unaware of what the recipes are about.
"""

from __future__ import annotations

import json
import re
import socket
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests import contact_sheets, cookbook
from tests import tour as tours

RECIPES = {path.stem for path in (cookbook.ROOT / "recipes").glob("*.yaml")} - {"quickstart"}


def test_every_recipe_has_its_section_its_picture_and_its_place_in_the_table() -> None:
    """Nobody finds what no page leads to."""
    assert set(cookbook.NAMES) == RECIPES
    assert {sheet.recipe for sheet in contact_sheets.asked(contact_sheets.DOCS / "cookbook.md")} == RECIPES
    assert {row[0] for row in _table()} == RECIPES


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first socket that is no pipe of its own event loop ends the test; a shell's commands have a guard of their own."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a run on the sandbox reached for the network")

    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_whoever_reaches_for_the_network_is_noticed() -> None:
    """The guard guards."""
    with pytest.raises(AssertionError, match="reached for the network"):
        socket.create_connection(("127.0.0.1", 9))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", cookbook.NAMES)
def test_a_recipe_goes_as_told_and_leaves_nothing_to_do(name: str, tmp_path: Path) -> None:
    """Each command says what is shown, at the price of the table; once more is nothing; every picture is on the page."""
    reader, told = cookbook.reader(tmp_path), []
    for command, shown, got in reader.lives_through(name):
        told.append((command, shown, got))
        if command.startswith("banana-pipe run ") and "✓" in got:
            assert ": nothing to do, all " in reader.says(command)
    others = [f"$ {command}{got}" for command, shown, got in told if not tours.is_as_shown(shown, got)]
    assert not others, "\n".join(others)
    ((_, calls, price),) = [row for row in _table() if row[0] == name]
    planned = next(got for command, _, got in told if command.strip() == f"banana-pipe plan recipes/{name}.yaml")
    assert re.search(rf"\b{calls} calls, (about )?\{price}\b", planned), planned
    _is_whole(reader.out)


def _is_whole(out: Path) -> None:
    """Whether every picture of the manifest is there, opens, and stands on the page."""
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text("utf-8"))
    page = (out / "index.html").read_text("utf-8")
    assert manifest["files"]
    for file in manifest["files"]:
        with Image.open(out / file["path"]) as picture:
            assert picture.size == (file["width"], file["height"])
        assert file["path"].replace("@", "%40") in page or file["path"] in page


def _table() -> list[tuple[str, str, str]]:
    """Recipe, calls and price of each row of the cookbook's table."""
    return re.findall(r"^\| \[(\w+)\]\(.*\| (\d+) \| (\$[\d.]+) \|$", cookbook.COOKBOOK, re.MULTILINE)


@pytest.mark.parametrize(
    "sheet",
    [sheet for name in ("language.md", "cookbook.md") for sheet in contact_sheets.asked(contact_sheets.DOCS / name)],
    ids=lambda sheet: sheet.path.name,
)
def test_a_contact_sheet_is_small_and_there(sheet: contact_sheets.Sheet) -> None:
    """A page of a dozen pictures loads at once."""
    assert sheet.path.stat().st_size <= contact_sheets.MOST_BYTES
    with Image.open(sheet.path) as picture:
        assert picture.format == "WEBP"
        assert picture.width <= contact_sheets.WIDTH


def test_few_pictures_stand_in_one_row_and_many_in_rows_of_one_width(tmp_path: Path) -> None:
    """Whatever their shapes; where one is transparent there is paper; an icon is not enlarged; what no picture has is said."""
    for nth, size in enumerate([(400, 400), (900, 1600), (1600, 900)] * 4):
        Image.new("RGBA", size, (200, 0, 0, 0 if nth == 0 else 255)).save(tmp_path / f"{nth:02}.png")
    Image.new("RGB", (16, 16), (0, 0, 200)).save(tmp_path / "icon.png")
    for globs, high in ((("00.png", "02.png"), range(300, 301)), (("[01]*.png",), range(500, 1300))):
        sheet = _sheet(globs, tmp_path)
        assert contact_sheets.WIDTH * 0.85 <= sheet.width <= contact_sheets.WIDTH
        assert sheet.height in high
        assert min(sheet.convert("L").crop((4, 4, 20, 20)).tobytes()) > 240
    assert _sheet(("icon.png",), tmp_path).height == 16
    assert _sheet(("01.png", "icon.png", "02.png"), tmp_path).height > 200
    with pytest.raises(SystemExit, match="nothing in"):
        _sheet(("*.jpg",), tmp_path)


def _sheet(globs: tuple[str, ...], out: Path) -> Image.Image:
    with Image.open(BytesIO(contact_sheets.Sheet("any", globs, out / "any.webp").draw(out))) as sheet:
        return sheet.copy()
