"""A studio on loopback, by a plain client: what it shows, what it does, and that the commands would have done the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import PIL.Image
import pytest

from tests.cli.conftest import Pipe
from tests.studio.studios import Served, studio
from tests.vendor.server import Vendor

RECIPE = """
vars:
  product: a mug
  colors: {ivory: ivory white, teal: deep teal}
defaults: {model: nano-banana}
steps:
  base: {generate: "Photo of {{ product }}", samples: 2}
  tint: {matrix: {color: "{{ colors }}"}, images: base, edit: "Make it {{ color }}"}
"""


@pytest.fixture
def recipe(project: Path) -> Path:
    """A recipe with takes and readers."""
    path = project / "recipes" / "shop.yaml"
    path.write_text(RECIPE)
    return Path("recipes/shop.yaml")


def written() -> dict[Path, bytes]:
    """All files but the index of results, which is touched by whoever opens it."""
    found = (path for path in Path().rglob("*") if path.is_file() and "results" not in path.parts)
    return {path: path.read_bytes() for path in found}


@pytest.fixture
def drawn(recipe: Path) -> Iterator[Served]:
    """A studio in the sandbox, before any run."""
    with studio(recipe, provider="sandbox") as served:
        yield served


@pytest.fixture
def bought(recipe: Path, at: Vendor) -> Iterator[Served]:
    """A studio at the vendor, whose pictures are small, after a run."""
    with studio(recipe) as served:
        served.buy()
        yield served


def test_before_the_first_run_every_node_is_there_with_what_it_would_cost(recipe: Path, at: Vendor) -> None:
    """Nothing was asked of anybody, nothing is written."""
    with studio(recipe) as served:
        cards, data = served.cards(), served.data()
    assert {name: card["k"] for name, card in cards.items()} == {
        "base": ["call"],
        "tint[color=ivory]": ["wait"],
        "tint[color=teal]": ["wait"],
    }
    assert data["bill"] == {"calls": 4, "micros": 4 * 39_000, "words": "4 pictures for about $0.156"}
    assert data["words"] == "A run would buy 4 pictures for about $0.156"
    assert not at.received
    assert not Path("out").exists()


def test_a_run_comes_in_and_its_pictures_are_shown(drawn: Served) -> None:
    """In the sandbox, for nothing; each picture and small picture has its bytes."""
    ended = drawn.buy()
    assert (ended["status"], ended["paid_images"], ended["cost"]) == ("ok", 4, 0)
    card = drawn.cards()["base"]
    assert [shot["n"] for shot in card["t"]] == ["1", "2"]
    for shot in card["t"]:
        assert drawn.get(shot["u"]).headers["content-type"] == "image/png"
        assert drawn.get(shot["t"]).headers["content-type"] == "image/webp"
    assert drawn.data()["words"] == "All is here, nothing to buy"


def test_a_price_is_agreed_to_or_nothing_is_bought(recipe: Path, at: Vendor) -> None:
    """Too little money, too few calls: the new price is told. An agreement is for one run."""
    with studio(recipe) as served:
        for agreed in ({"calls": 4, "micros": 155_999}, {"calls": 3, "micros": 1_000_000}):
            refused = served.act("run", agreed=agreed)
            assert refused.status_code == 409
            assert refused.json()["bill"]["micros"] == 156_000
            assert refused.json()["error"]["hint"]
        assert not at.received
        assert served.buy()["cost"] == 156_000
        assert len(at.charges) == 4
        # What somebody agreed to then does not count now.
        again = served.act("reroll", node="base", agreed={"calls": 0, "micros": 0})
        assert (again.status_code, again.json()["bill"]["micros"]) == (409, 39_000)
        # Part of a name means several nodes: their price is not the one beside it.
        assert served.act("reroll", node="tint", agreed={"calls": 2, "micros": 0}).status_code == 422
        assert len(at.charges) == 4


def test_the_caps_of_the_studio_hold_whatever_is_agreed_to(recipe: Path, at: Vendor) -> None:
    """A clean stop, told as on the terminal."""
    from banana_pipe.model import Budget

    with studio(recipe, budget=Budget(max_calls=2)) as served:
        ended = served.buy()
        assert ended["status"] == "stopped"
        assert len(at.charges) == 2
        assert served.cards()["tint[color=teal]"]["k"] == ["call"]


def test_picks_flow_on_at_once_and_back_again(recipe: Path, at: Vendor, pipe: Pipe) -> None:
    """What is clicked is what the command writes, byte for byte; what a run would buy then is said."""
    with studio(recipe) as served:
        served.buy()
        lock = Path("recipes/shop.lock")
        before = lock.read_bytes()
        answer = served.act("pick", node="base", take=2).json()
        clicked = lock.read_bytes()
        assert answer["command"] == "banana-pipe pick recipes/shop.yaml base 2"
        assert answer["picked"] == [{"node": "base", "take": 2, "before": None}]
        assert served.data()["bill"]["calls"] == 2
        assert served.cards()["base"]["t"][0]["n"] == "2"
        assert served.act("unpick", node="base").json()["reset"][0]["pick"] == 2
        assert lock.read_bytes() == before
    assert pipe(*answer["command"].split()[1:]).code == 0
    assert lock.read_bytes() == clicked != before


def test_a_reroll_buys_one_take_and_picks_it(recipe: Path, at: Vendor) -> None:
    """At the price that is shown beside it."""
    with studio(recipe) as served:
        served.buy()
        price = served.data()["nodes"]["base"]
        assert (price["m"], price["w"]) == (39_000, "$0.039")
        ended = served.buy("reroll", node="base", agreed={"calls": 1, "micros": price["m"]})
        assert ended["takes"] == [{"node": "base", "take": 3, "before": 1, "picked": True}]
        assert len(at.charges) == 5
        assert [shot["n"] for shot in served.cards()["base"]["t"]] == ["3", "1", "2"]
        assert served.data()["bill"]["calls"] == 2


def test_another_value_is_tried_and_nothing_is_written(recipe: Path, at: Vendor) -> None:
    """What a run would buy, how the prompts change, and the command that does it."""
    with studio(recipe, sets=("product=a cup",)) as served:
        served.buy()
        assert {one["name"]: one["value"] for one in served.data()["vars"]}["product"] == "a cup"
        files = written()
        answer = served.act("preview", set={"product": "a tea pot"}).json()
        assert answer["bill"]["calls"] == 4
        assert ["added", "tea pot"] in [[kind, text.strip()] for kind, text in answer["nodes"][0]["prompt"]]
        assert answer["command"] == "banana-pipe run recipes/shop.yaml --set 'product=a tea pot'"
        same = served.act("preview", set={"colors": "{ivory: ivory white, teal: deep teal}"}).json()
        assert (same["bill"]["calls"], same["changed"]) == (0, 0)
        assert written() == files
        wrong = served.act("preview", set={"produkt": "a cup"})
        assert wrong.status_code == 422
        assert "product" in wrong.json()["error"]["hint"]


def test_a_file_changed_by_hand_is_shown_and_accepted(bought: Served) -> None:
    """The file itself, beside the picture that it was."""
    path = Path("out/shop/base.png")
    PIL.Image.effect_noise((64, 64), 90).save(path)
    other = path.read_bytes()
    card = bought.cards()["base"]
    assert "modified" in card["k"]
    assert [shot["n"] for shot in card["t"]] == ["by hand", "1", "2"]
    assert bought.get(card["t"][0]["u"]).content == other
    answer = bought.act("accept", nodes=["base"]).json()
    assert [one["path"] for one in answer["accepted"]] == ["base.png"]
    assert answer["command"] == "banana-pipe lock accept recipes/shop.yaml base"
    assert bought.cards()["base"]["t"][0]["n"] == "accepted"


def test_two_runs_are_compared(bought: Served) -> None:
    """As `diff --json` does it, and as a page; only runs of this folder."""
    bought.act("pick", node="base", take=2)
    bought.buy()
    last, first = bought.data()["runs"]
    answer = bought.act("diff", a=first, b=last).json()
    assert answer["comparison"]["totals"]["changed"] == 3
    assert answer["command"] == f"banana-pipe diff {first} {last} --out out/shop"
    assert "<title>" in bought.get(f"_diff?a={first}").text
    assert bought.act("diff", a="HEAD", b="").status_code == 422
    assert bought.get("_diff?a=../../etc").status_code == 422


def test_a_recipe_with_a_mistake_leaves_the_last_page_and_says_where(drawn: Served, recipe: Path) -> None:
    """As on the terminal: where, what, what to do; mended, it is gone."""
    states = drawn.states()
    assert next(states)["trouble"] is None
    recipe.write_text(RECIPE.replace("edit:", "edits:"))
    trouble = next(state["trouble"] for state in states if state["trouble"])
    assert trouble["errors"][0]["at"].startswith("recipes/shop.yaml:")
    assert any("^" in line for line in trouble["errors"][0]["lines"])
    assert drawn.get().status_code == 200
    recipe.write_text(RECIPE)
    assert next(state for state in states if state["trouble"] is None)


def test_what_somebody_else_does_is_seen(recipe: Path, at: Vendor, pipe: Pipe) -> None:
    """A run and a pick on the command line."""
    with studio(recipe) as served:
        states = served.states()
        version = next(states)["version"]
        assert pipe("run", str(recipe)).code == 0
        assert next(state for state in states if state["version"] > version)
        assert pipe("pick", str(recipe), "base", "2").code == 0
        assert served.cards()["base"]["t"][0]["n"] == "2"


def test_two_studios_lose_nothing(recipe: Path, at: Vendor) -> None:
    """Each picks another node's take; one buys while the other picks."""
    recipe.write_text(RECIPE + "  other: {generate: A plate, samples: 2}\n")
    with studio(recipe) as one, studio(recipe) as other:
        assert one.port != other.port
        one.buy()
        assert one.act("pick", node="base", take=2).status_code == 200
        assert other.act("pick", node="other", take=2).status_code == 200
        assert one.buy()["status"] == "ok"
        assert other.buy()["paid_images"] == 0
        for served in (one, other):
            assert [served.cards()[name]["t"][0]["n"] for name in ("base", "other")] == ["2", "2"]
    lock = Path("recipes/shop.lock").read_text()
    assert lock.count('"pick": 2') == 2
    assert len(at.charges) == 8


def test_a_run_leaves_what_the_command_leaves(recipe: Path, at: Vendor, pipe: Pipe, project: Path) -> None:
    """Manifest, page and lock of a run in the studio are those of the command, which then finds nothing to do."""
    with studio(recipe) as served:
        served.buy()
    left = {path: path.read_bytes() for path in Path("out/shop").rglob("*") if path.is_file()}
    lock = Path("recipes/shop.lock").read_bytes()
    assert pipe("run", "recipes/shop.yaml").code == 0
    assert Path("recipes/shop.lock").read_bytes() == lock
    kept = {path: path.read_bytes() for path in left if path.suffix not in (".jsonl", ".html")}
    assert kept == {path: data for path, data in left.items() if path in kept}
    page = Path("out/shop/index.html").read_text()
    assert "<code>banana-pipe run recipes/shop.yaml</code>" in page
    assert "studio" not in page
    logs = [json.loads(path.read_text().splitlines()[0])["argv"] for path in sorted(Path("out/shop/_/runs").glob("*"))]
    assert logs[0] == ["run", "recipes/shop.yaml", "--max-calls", "4", "--max-cost", "0.16"]
    assert len(at.charges) == 4


def test_a_run_is_stopped_as_by_ctrl_c(recipe: Path, at: Vendor) -> None:
    """What is accepted is collected, nothing new is sent; and one purchase at a time."""
    at.behave(delay=0.3)
    with studio(recipe) as served:
        agreed = {"calls": 4, "micros": 156_000}
        assert served.act("run", agreed=agreed).status_code == 200
        busy = served.act("run", agreed=agreed)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "busy")
        assert served.act("stop").json() == {"stopping": True}
        assert served.ended()["status"] == "interrupted"
        assert len(at.charges) <= 2
        assert served.act("stop").json() == {"stopping": False}


def test_without_a_token_it_says_what_to_do(recipe: Path) -> None:
    """Everything that is free works all the same."""
    with studio(recipe) as served:
        refused = served.act("run", agreed={"calls": 4, "micros": 156_000})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_authorised")
        assert "ACEDATACLOUD_API_TOKEN" in refused.json()["error"]["hint"]
        assert served.act("plan").json()["plan"]["totals"]["calls_max"] == 4


def test_the_page_allows_nothing_from_elsewhere(drawn: Served) -> None:
    """Its policy names each script and style by hash; what it is in may not be framed."""
    page = drawn.get()
    policy = page.headers["content-security-policy"]
    assert {"frame-ancestors 'none'", "connect-src 'self'"} <= {one.strip() for one in policy.split(";")}
    assert "unsafe" not in policy
    assert len(re.findall(r"script-src 'sha256-\S+' 'sha256-\S+';", policy)) == 1
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
