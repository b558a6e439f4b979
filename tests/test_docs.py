"""What the documents say holds: links lead somewhere, what is shown is what one gets, nothing is missing.

Unaware of how anything works; README's examples are run as a user runs them, and the tables of the reference
are compared with the names that the program knows.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from banana_pipe.canonical import canonical_json, digest_of
from banana_pipe.cli.config import SETTINGS, Settings
from banana_pipe.cli.group import commands
from banana_pipe.cli.options import recipe_options
from banana_pipe.model import COUNTED, AttemptState
from banana_pipe.prices import MICROS
from banana_pipe.providers import catalog
from banana_pipe.purchase.orders import Pace
from banana_pipe.recipe import entries, expectations
from banana_pipe.transforms import TRANSFORMS
from tests import tour as tours
from tests.vendor.fixture import CANARY, env_for
from tests.vendor.server import Vendor

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = README + "".join(
    (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("recipe", "commands", "json", "money", "sandbox")
)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

INSTALL = (
    "python3 -m venv .venv"
    " && .venv/bin/pip install -q --require-hashes -r constraints.txt"
    " && .venv/bin/pip install -q --no-deps --no-build-isolation -e ."
)


def blocks(marker: str) -> list[str]:
    """The code blocks of README and reference directly behind `<!-- marker -->`, in order."""
    found = tours.blocks(REFERENCE, marker)
    assert found, f"no document has a block behind <!-- {marker} -->"
    return found


def table(marker: str) -> list[list[str]]:
    """The rows of the table behind `<!-- marker -->`, without its head, as cells."""
    found = re.search(rf"^<!-- {re.escape(marker)} -->\n((?:\|.*\n)+)", REFERENCE, re.MULTILINE)
    assert found, f"no document has a table behind <!-- {marker} -->"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.group(1).splitlines()[2:]]


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# --- all documents ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("quickstart", ".venv/bin/banana-pipe run recipes/quickstart.yaml"),
        ("tests", ".venv/bin/pytest -n auto --dist worksteal"),
    ],
)
def test_each_command_of_the_readme_is_one_line_with_an_environment_of_its_own(name: str, last: str) -> None:
    """Pasted into a fresh clone it works, also where the system's Python is externally managed."""
    assert [block.splitlines() for block in blocks(f"command: {name}")] == [[f"{INSTALL} && {last}"]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A file that was moved takes its readers along, and so does a heading."""
    text = _prose(document.read_text("utf-8"))
    headings = _headings(text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        assert "://" in target or not path or (document.parent / path).exists(), target
        assert path or anchor in headings, target
        if path.endswith(".md") and anchor:
            assert anchor in _headings((document.parent / path).read_text("utf-8")), target


def _prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _headings(text: str) -> set[str]:
    return {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", _prose(text), re.MULTILINE)}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_documents_name_are_there(document: Path) -> None:
    """`tests/…`, `recipes/…` and `banana_pipe/…` in backticks are files or folders of the project."""
    named = re.findall(r"`((?:tests|recipes|banana_pipe|benchmarks|\.ci)/[\w./-]*)`", document.read_text("utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_nothing_in_the_project_names_a_machine_or_a_registry() -> None:
    """The project is the same wherever it stands and wherever its dependencies come from."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # Put together here, so that this file does not name what it forbids.
    forbidden = re.compile(
        "|".join(["py" + r"pi\.org", "files" + r"\.pythonhosted", r"/home/\w", "/ro" + "ot/", "/Users" + "/"])
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".jpg", ".webp", ".gif"}:
            found += [f"{name}: {hit}" for hit in forbidden.findall(path.read_text("utf-8", errors="replace"))]
    assert not found


# --- the five minutes, as shown ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tour:
    """A folder in which the five minutes were lived through: what was shown, and what was said."""

    folder: Path
    env: dict[str, str]
    steps: list[tuple[str, str, str]]
    """Each command, what README shows of its output, and its output."""

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        command = [sys.executable, "-m", "banana_pipe", *arguments, "--json"]
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """Every command of the five minutes, run in its order; those with a token at a vendor of ours."""
    folder = tmp_path_factory.mktemp("tour")
    (folder / "fox.yaml").write_text(blocks("tour: file fox.yaml")[0], "utf-8")
    free = tours.with_program(folder / "bin")
    with Vendor(token=CANARY) as vendor:
        paid = free | env_for(vendor)
        steps = [
            (command, shown, tours.said(command, folder, free if where == "free" else paid))
            for where in ("free", "token")
            for command, shown in tours.commands(README, f"tour: {where}")
            if not command.startswith("export ")
        ]
        yield Tour(folder, paid, steps)


def test_the_five_minutes_go_as_shown(tour: Tour) -> None:
    """Every line that README shows is said; `…` is anything within a line, and any lines where it stands alone."""
    assert len(tour.steps) >= 15
    others = [f"$ {command}{said}" for command, shown, said in tour.steps if not tours.is_as_shown(shown, said)]
    assert not others, "\n".join(others)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plan", ("plan", "fox.yaml")),
        ("run", ("run", "fox.yaml")),
        ("init", ("init", "new")),
        ("validate", ("validate", "fox.yaml")),
        ("render", ("render", "fox.yaml")),
        ("explain", ("explain", "fox.yaml", "hero")),
        ("graph", ("graph", "fox.yaml")),
        ("report", ("report", "fox.yaml")),
        ("diff", ("diff", "out/fox@sandbox", "out/fox")),
        ("why", ("why", "out/fox@sandbox/hero.png")),
        ("pick", ("pick", "fox.yaml", "hero", "1")),
        ("reroll", ("reroll", "fox.yaml", "hero")),
        ("lock accept", ("lock", "accept", "fox.yaml", "-n", "--set", "animal=a cat")),
        ("lock check", ("lock", "check", "fox.yaml", "--set", "animal=a cat")),
        ("lock reset", ("lock", "reset", "fox.yaml", "-n")),
        ("lock clean", ("lock", "clean", "fox.yaml", "-n", "--set", "animal=a cat")),
        ("replay", ("replay", "last", "-n")),
        ("export", ("export", "fox.yaml", "delivery")),
        ("ledger show", ("ledger", "show")),
        ("cache stats", ("cache", "stats")),
        ("cache ls", ("cache", "ls")),
        ("cache gc", ("cache", "gc")),
        ("cache export", ("cache", "export", "fox.tar")),
        ("cache import", ("cache", "import", "fox.tar")),
        ("doctor", ("doctor", "--offline")),
        ("providers", ("providers",)),
        ("error", ("plan", "fox.yml")),
    ],
)
def test_json_has_the_shape_that_is_shown(tour: Tour, name: str, arguments: tuple[str, ...]) -> None:
    """Every member that README shows is there, and no other."""
    (shown,) = blocks(f"json: {name}")
    _compare(json.loads(shown), tour.json(*arguments), name)


def test_json_of_damage_has_the_shape_that_is_shown(tour: Tour, tmp_path: Path) -> None:
    """Only a damaged cache has any to show."""
    shutil.copytree(tour.folder / "cache", tmp_path / "cache")
    (listed, *_) = tour.json("cache", "ls", "--kind", "paid", "--cache", str(tmp_path / "cache"))["files"]
    (tmp_path / "cache" / listed["path"]).unlink()
    (shown,) = blocks("json: cache verify")
    _compare(json.loads(shown), tour.json("cache", "verify", "--cache", str(tmp_path / "cache")), "cache verify")


def _compare(shown: Any, got: Any, where: str) -> None:
    if isinstance(shown, dict) and shown and not where.endswith((".params", ".price_usd")):
        assert sorted(shown) == sorted(got), where
        for name, value in shown.items():
            _compare(value, got[name], f"{where}.{name}")
    elif isinstance(shown, list) and shown and isinstance(shown[0], dict):
        assert got, where
        for one in got:
            if where != "providers.providers" or one["models"]:
                _compare(shown[0], one, where)


def test_the_sandbox_knows_its_words(tmp_path: Path, tour: Tour) -> None:
    """A refused call is sent once, a failed one three times, and both nodes are failed."""
    refuse, fail = (words(row[0])[0] for row in table("sandbox words"))
    steps = {"one": {"generate": f"A {refuse} fox"}, "two": {"generate": f"A {fail} fox"}}
    (tmp_path / "words.yaml").write_text(json.dumps({"defaults": {"provider": "sandbox"}, "steps": steps}), "utf-8")
    run = tour.json("run", str(tmp_path / "words.yaml"))
    assert {node["id"]: (node["status"], node["reason"]) for node in run["nodes"]} == {
        "one": ("failed", "refused"),
        "two": ("failed", "error"),
    }
    log = Path(run["out"]) / "_" / "runs" / f"{run['run_id']}.jsonl"
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert sorted(event["node"] for event in events if event["type"] == "call") == ["one", "two", "two", "two"]


# --- what one can say: nothing missing, nothing too much ------------------------------------------------


def _options(command: click.Command) -> set[str]:
    """A command's options with what they take: `--json`, `--jobs N`, `-j N`."""
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {opt if one.is_flag else f"{opt} {one.metavar}" for one in options for opt in one.opts}


def _every_command(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _every_command(command, f"{path}{name} ")
        elif command is not None:
            yield f"{path}{name}", command


def test_every_command_and_flag_is_documented_and_no_other() -> None:
    """What `--help` knows is what the reference knows."""
    section = REFERENCE.split("<!-- commands -->\n")[1].split("<!-- end of commands -->")[0]
    described = {}
    for part in section.split("\n## ")[1:]:
        heading, _, text = part.partition("\n")
        flags = {flag for row in re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE) for flag in words(row)}
        described[heading.strip("`")] = (flags, "options for every RECIPE" in " ".join(text.split()))
    shared, _ = described.pop("Options for every RECIPE")
    assert shared == _options(recipe_options(click.Command("any", params=[])))
    known = {}
    for path, command in _every_command(commands):
        pieces = command.collect_usage_pieces(click.Context(command))
        options = _options(command)
        takes_all = shared <= options
        known[" ".join([path, *pieces[1:]])] = (options - shared if takes_all else options, takes_all)
    assert described == known


def test_every_setting_is_documented_with_its_default_and_its_variable() -> None:
    """A setting that nobody can find might as well not exist."""
    rows = table("settings")
    assert [(words(row[0])[0], words(row[2])[0]) for row in rows] == [
        (f"[{one.table}] {one.name}" if one.table else one.name, one.variable) for one in SETTINGS
    ]
    said = {words(row[0])[0]: row[1] for row in rows}
    pace, settings = Pace(), Settings()
    defaults = {
        "jobs": pace.calls,
        "poll_seconds": pace.poll,
        "settle_seconds": pace.settle,
        "confirm_calls": settings.confirm_calls,
        "confirm_cost": settings.confirm_cost / MICROS,
    }
    assert {name: float(said[name]) for name in defaults} == defaults
    run = dict(_every_command(commands))["run"]
    assert {flag for row in rows for flag in words(row[3])} <= {option.split()[0] for option in _options(run)}


@pytest.mark.parametrize(
    ("place", "keys"),
    [("top", entries.TOP), ("defaults", entries.DEFAULTS), ("step", entries.STEP), ("expect", expectations.EXPECT)],
)
def test_every_key_of_a_recipe_is_documented_and_no_other(place: str, keys: tuple[str, ...]) -> None:
    """What is not built yet is not described."""
    described = [word for row in table(f"keys: {place}") for word in words(row[0])]
    assert sorted(described) == sorted(keys)


def test_every_op_and_each_of_its_parameters_is_documented() -> None:
    """A parameter that nobody can find might as well not exist."""
    described = {words(row[0])[0]: words(row[2].partition(":")[0]) for row in table("ops")}
    assert {name: sorted(params) for name, params in described.items()} == {
        name: sorted(param.name for param in op.params) for name, op in TRANSFORMS.items()
    }
    called = {"#00000000": "transparent", "#ffffff": "white", "#000000": "black"}
    for row in table("ops"):
        said = dict(re.findall(r"`(\w+)` \(([^)]+)\)", row[2].partition(": ")[0]))
        assert said == {
            param.name: called.get(str(param.default), str(param.default).strip("[]"))
            for param in TRANSFORMS[words(row[0])[0]].params
            if param.default is not None
        }


def test_the_key_that_is_shown_is_the_key() -> None:
    """Its JSON is canonical, its digest is the one named, and every field is explained."""
    (shown,) = blocks("key")
    request = json.loads(shown)
    assert canonical_json(request) == shown.strip().encode()
    assert f"`{digest_of(shown.strip().encode())}`" in REFERENCE
    assert [words(row[0])[0] for row in table("key fields")] == [
        *("type", "provider", "action", "model", "prompt", "images", "params", "sample")
    ]
    assert {words(row[0])[0] for row in table("key fields")} == set(request)


def test_the_key_that_is_shown_is_the_one_of_the_recipe(tour: Tour, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan for the real provider shows it: nobody is asked for that."""
    monkeypatch.setitem(tour.env, "ACEDATACLOUD_API_BASE_URL", catalog.BASE_URL)
    (hero, *_) = tour.json("plan", "fox.yaml", "--cache", "empty", "--out", "nowhere")["nodes"]
    assert hero["key"] == digest_of(blocks("key")[0].strip().encode())


def test_every_state_of_an_attempt_is_explained_with_what_it_costs() -> None:
    """What counts as spent is what README says."""
    rows = {words(row[0])[0]: row[2] for row in table("states")}
    assert set(rows) == set(get_args(AttemptState))
    assert {state for state, counts in rows.items() if counts == "yes"} == set(COUNTED)


def test_a_price_table_as_shown_is_read(tmp_path: Path) -> None:
    """Its prices are the ones that plans use, its source the one that is shown."""
    (shown,) = blocks("prices")
    path = tmp_path / "prices.toml"
    path.write_text(shown, "utf-8")
    known = catalog.load(path)
    assert known.prices.price("nano-banana-pro", {}) == 33_300
    assert known.prices.price("nano-banana-pro", {"resolution": "4K"}) == 50_000
    assert known.price_notes["nano-banana-pro"].source == "our invoice"
