"""The recipes that come with the project do what their comments promise.

Unaware of how: each is run as a user runs it, in a process of its own, on the sandbox.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

RECIPES = Path(__file__).parent.parent / "recipes"

QUICKSTART = {
    *("family", "glaze/ivory", "glaze/teal", "glaze/terracotta"),
    *("mug", "scene/ivory", "scene/teal", "scene/terracotta"),
}
PRODUCTS = ("007", "042", "SET-3")
VIEWS = ("packshot", "side", "above", "detail", "spring", "summer", "autumn", "winter")
SHOP = {f"products/{product}/{view}" for product in PRODUCTS for view in VIEWS} | {
    f"banners/{season}" for season in ("spring", "summer", "autumn", "winter")
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a copy of the recipes, and nothing made yet."""
    shutil.copytree(RECIPES, tmp_path / "recipes", ignore=shutil.ignore_patterns("*.lock"))
    return tmp_path


def banana(project: Path, *arguments: str) -> dict[str, Any]:
    """What a command prints with `--json`; it must have gone well."""
    command = [sys.executable, "-m", "banana_pipe", *arguments, "--json"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def published(folder: Path) -> set[str]:
    """The pictures that a user sees, without their suffixes."""
    return {
        str(path.relative_to(folder).with_suffix(""))
        for path in folder.rglob("*")
        if path.suffix in {".png", ".jpg", ".webp"} and "_" not in path.relative_to(folder).parts
    }


def test_the_quickstart_tells_its_story_without_token_and_leaves_nothing_to_do(project: Path) -> None:
    """Eight pictures, a second take, a page and a log; run again: nothing."""
    first = banana(project, "run", "recipes/quickstart.yaml")
    out = project / "out" / "quickstart"
    assert published(out) == QUICKSTART
    assert [path.stem for path in (out / "_" / "takes").rglob("*@*")] == ["mug@2"]
    assert (out / "index.html").is_file()
    assert len(list((out / "_" / "runs").glob("*.jsonl"))) == 1
    assert first["totals"]["called"] == 9
    assert first["totals"]["cost_usd"] == 0

    again = banana(project, "run", "recipes/quickstart.yaml")
    assert again["totals"]["called"] == 0
    assert {node["status"] for node in again["nodes"]} == {"cached"}


def test_the_shop_is_made_on_the_sandbox(project: Path) -> None:
    """Every product from every side and in every season, named by what stands on its box."""
    run = banana(project, "run", "recipes/shop.yaml", "--provider", "sandbox")
    out = project / "out" / "shop@sandbox"
    assert published(out) == SHOP
    assert run["totals"]["nodes"] == 29
    assert run["totals"]["called"] == 32
    for banner in (out / "banners").iterdir():
        with Image.open(banner) as picture:
            assert picture.width / picture.height == pytest.approx(16 / 9, rel=0.03)


def test_the_shop_costs_what_it_says(project: Path) -> None:
    """The sum in the recipe's first line is the plan's."""
    totals = banana(project, "plan", "recipes/shop.yaml")["totals"]
    said = (project / "recipes" / "shop.yaml").read_text("utf-8").split("about $")[1].split()[0]
    assert totals["calls_max"] == 32
    assert totals["cost_usd_max"] == pytest.approx(float(said))


def test_a_new_product_changes_nothing_but_the_banners(project: Path) -> None:
    """What is bought for one product is not bought again because another came."""
    recipe = project / "recipes" / "shop.yaml"
    banana(project, "run", "recipes/shop.yaml", "--provider", "sandbox")
    row = "    - {id: 100, name: Egg Cup, description: an egg cup of turned beech, size: 5 cm high}\n"
    text = recipe.read_text("utf-8")
    recipe.write_text(text.replace("  angles:\n", row + "  angles:\n", 1), "utf-8")
    plan = banana(project, "plan", "recipes/shop.yaml", "--provider", "sandbox")
    anew = {node["id"] for node in plan["nodes"] if node["state"] != "cached"}
    assert {name for name in anew if "product=100" not in name} == {
        f"banner[season={season}]" for season in ("spring", "summer", "autumn", "winter")
    }
    assert len(anew) == 1 + 3 + 4 + 4
