"""The recipes that come with the project do what their comments promise.

Unaware of how: each is run as a user runs it, in a process of its own that has no network, on the sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))

QUICKSTART = {
    *("family", "glaze/ivory", "glaze/teal", "glaze/terracotta"),
    *("mug", "scene/ivory", "scene/teal", "scene/terracotta"),
}
PRODUCTS = ("007", "042", "SET-3")
VIEWS = ("packshot", "side", "above", "detail", "spring", "summer", "autumn", "winter")
SEASONS = ("spring", "summer", "autumn", "winter")
SHOP = {f"products/{product}/{view}" for product in PRODUCTS for view in VIEWS} | {
    f"banners/{season}" for season in SEASONS
}

# Every process started with it in its path ends at the first socket that is no pipe of its own event loop.
NO_NETWORK = """
import socket

def refuse(*_, **__):
    raise SystemExit("a run on the sandbox reached for the network")

socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose Python has no network."""
    folder = tmp_path_factory.mktemp("isolated")
    (folder / "sitecustomize.py").write_text(NO_NETWORK, "utf-8")
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def new_project(folder: Path) -> Path:
    """A project with a copy of the recipes, and nothing made yet."""
    shutil.copytree(ROOT / "recipes", folder / "recipes", ignore=shutil.ignore_patterns("*.lock"))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of the test's own."""
    return new_project(tmp_path)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, isolated: dict[str, str]) -> tuple[Path, dict[str, Any]]:
    """The shop, made once on the sandbox: its project and what the run said. Thirty pictures take their time."""
    project = new_project(tmp_path_factory.mktemp("shop"))
    return project, banana(project, isolated, "run", "recipes/shop.yaml", "--provider", "sandbox")


def banana(project: Path, env: dict[str, str], *arguments: str) -> dict[str, Any]:
    """What a command prints with `--json`; it must have gone well."""
    command = [sys.executable, "-m", "banana_pipe", *arguments, "--json"]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
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


def is_left_alone(project: Path, env: dict[str, str], *arguments: str) -> bool:
    """Whether another run finds nothing to do, and changes no picture."""
    before = {path: path.stat().st_mtime_ns for path in (project / "out").rglob("*.png")}
    again = banana(project, env, "run", *arguments)
    after = {path: path.stat().st_mtime_ns for path in (project / "out").rglob("*.png")}
    statuses = {node["status"] for node in again["nodes"]}
    return again["totals"]["called"] == 0 and statuses == {"cached"} and after == before


def test_a_process_without_network_notices_that_it_has_none(isolated: dict[str, str]) -> None:
    """The guard guards."""
    reach = "import socket; socket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([sys.executable, "-c", reach], env=isolated, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "reached for the network" in done.stderr


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_each_recipe_is_valid_and_planned_without_warning(
    recipe: Path, project: Path, isolated: dict[str, str]
) -> None:
    """A user's first look at it is a clean one, and nothing is left behind by looking."""
    name = f"recipes/{recipe.name}"
    (checked,) = banana(project, isolated, "validate", name)["recipes"]
    plan = banana(project, isolated, "plan", name)
    assert checked["valid"]
    assert checked["warnings"] == plan["warnings"] == []
    assert plan["totals"]["nodes"] == checked["nodes"]
    assert not (project / "cache").exists()
    assert not (project / "out").exists()


def test_the_quickstart_tells_its_story_without_token_and_leaves_nothing_to_do(
    project: Path, isolated: dict[str, str]
) -> None:
    """Eight pictures, a second take, a page and a log; run again: nothing."""
    first = banana(project, isolated, "run", "recipes/quickstart.yaml")
    out = project / "out" / "quickstart"
    assert published(out) == QUICKSTART
    assert [path.stem for path in (out / "_" / "takes").rglob("*@*")] == ["mug@2"]
    assert (out / "index.html").is_file()
    assert len(list((out / "_" / "runs").glob("*.jsonl"))) == 1
    assert first["totals"]["called"] == 9
    assert first["totals"]["cost_usd"] == 0
    assert is_left_alone(project, isolated, "recipes/quickstart.yaml")


def test_one_word_makes_anew_what_it_reaches(project: Path, isolated: dict[str, str]) -> None:
    """The quickstart's promise, by plan: another teal reaches its glaze, and what reads that."""
    banana(project, isolated, "run", "recipes/quickstart.yaml")
    recipe = project / "recipes" / "quickstart.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("deep teal", "pale teal"), "utf-8")
    plan = banana(project, isolated, "plan", "recipes/quickstart.yaml")
    anew = {node["id"] for node in plan["nodes"] if node["state"] != "cached"}
    assert anew == {"glaze[color=teal]", "scene[color=teal]", "family"}


def test_the_shop_is_made_on_the_sandbox_and_leaves_nothing_to_do(
    shop: tuple[Path, dict[str, Any]], isolated: dict[str, str]
) -> None:
    """Every product from every side and in every season, named by what stands on its box."""
    project, run = shop
    out = project / "out" / "shop@sandbox"
    assert published(out) == SHOP
    assert run["totals"]["nodes"] == 29
    assert run["totals"]["called"] == 32
    for banner in (out / "banners").iterdir():
        with Image.open(banner) as picture:
            assert picture.width / picture.height == pytest.approx(16 / 9, rel=0.03)
    assert is_left_alone(project, isolated, "recipes/shop.yaml", "--provider", "sandbox")


def test_the_shop_costs_what_it_says(project: Path, isolated: dict[str, str]) -> None:
    """The sum in the recipe's first lines is the plan's."""
    totals = banana(project, isolated, "plan", "recipes/shop.yaml")["totals"]
    said = (project / "recipes" / "shop.yaml").read_text("utf-8").split("about $")[1].split()[0]
    assert totals["calls_max"] == 32
    assert totals["cost_usd_max"] == pytest.approx(float(said))


def test_a_new_product_changes_nothing_but_the_banners(
    shop: tuple[Path, dict[str, Any]], tmp_path: Path, isolated: dict[str, str]
) -> None:
    """What is bought for one product is not bought again because another came."""
    shutil.copytree(shop[0], tmp_path / "shop")
    recipe = tmp_path / "shop" / "recipes" / "shop.yaml"
    row = "    - {id: 100, name: Egg Cup, description: an egg cup of turned beech, size: 5 cm high}\n"
    recipe.write_text(recipe.read_text("utf-8").replace("  angles:\n", row + "  angles:\n", 1), "utf-8")
    plan = banana(tmp_path / "shop", isolated, "plan", "recipes/shop.yaml", "--provider", "sandbox")
    anew = {node["id"] for node in plan["nodes"] if node["state"] != "cached"}
    assert {name for name in anew if "product=100" not in name} == {f"banner[season={season}]" for season in SEASONS}
    assert len(anew) == 1 + 3 + 4 + 4
