"""Whatever the grammar of the language allows is valid, is made, and is never paid for twice however it is rewritten.

Unaware of how recipes are drawn and rewritten. Pictures are bought at the sandbox, inside the process; they are small.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe import api, request
from banana_pipe.model import Plan, Run
from banana_pipe.providers.sandbox import app
from banana_pipe.providers.sandbox.pixels import size_of
from banana_pipe.providers.sandbox.sheet import Sheet
from banana_pipe.purchase.orders import Pace
from tests.recipe.grammar import PICTURES, Project, Step, projects
from tests.recipe.rewriting import PLAIN_STYLE, STYLES, Style, rewritten
from tests.vendor.pictures import noise, sized

SHORT = 15
LONG = 1_000
SMALLER = 16
"""A small picture has so many times fewer pixels, each way."""
DONE = {"cached", "local"}
T = TypeVar("T")


@pytest.fixture(scope="module", autouse=True)
def _small_pictures() -> Iterator[None]:
    """The sandbox checks and answers as always; only its painter is quick."""

    def paint(sheet: Sheet) -> bytes:
        width, height = size_of(sheet)
        return sized(repr(sheet).encode(), width // SMALLER, height // SMALLER)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "paint", paint)
        yield


class Made:
    """A project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recipe = root / "r.yaml"
        self.profile: str | None = None

    def write(self, project: Project, style: Style = PLAIN_STYLE) -> None:
        """Put its files there, instead of those of another one."""
        for old in self.root.rglob("*.yaml"):
            old.unlink()
        (self.root / "banana-pipe.toml").touch()
        for number, path in enumerate(PICTURES):
            (self.root / path).parent.mkdir(exist_ok=True)
            (self.root / path).write_bytes(noise(bytes([number]), kind="png", kb=0))
        used = {name: style.text(recipe) for name, recipe in project.used.items()}
        for name, data in ({name: text.encode() for name, text in project.files.items()} | used).items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(data)
        self.recipe.write_bytes(style.text(project.recipe))

    def plan(self, recipe: Path | None = None) -> Plan:
        return self._do(api.plan, recipe).plan

    def run(self) -> Run:
        return self._do(lambda workspace: api.run(workspace, api.Limits(pace=Pace(poll=0.01, busy=0.01))))

    def pick(self, node: str, sample: int) -> None:
        self._do(lambda workspace: api.pick(workspace, node, sample))

    def _do(self, ask: Callable[[api.Workspace], Coroutine[Any, Any, T]], recipe: Path | None = None) -> T:
        workspace = api.open_recipe(recipe or self.recipe, api.Options(provider="sandbox", profile=self.profile))
        try:
            return api.call(ask(workspace))
        finally:
            workspace.close()


@contextlib.contextmanager
def made(project: Project, style: Style = PLAIN_STYLE) -> Iterator[Made]:
    """*project*, written."""
    root = Path(tempfile.mkdtemp(prefix="banana-pipe-any-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None))
    try:
        here = Made(root)
        here.write(project, style)
        yield here
    finally:
        shutil.rmtree(root)


_IN_MEMORY = Path("/dev/shm")


def run_to_the_end(here: Made) -> Plan:
    """Run and pick until nothing waits for anybody; the plan then."""
    for _ in range(10):
        before = here.plan()
        run = here.run()
        after = here.plan()
        assert before.calls <= run.called <= before.calls_max
        waits = [line for line in after.nodes if line.state == "needs-pick"]
        assert run.exit_code == (7 if waits else 0), [(one.node, one.status, one.error) for one in run.outcomes]
        assert after.calls == 0, "a run leaves nothing to buy but what waits for a pick"
        if not waits:
            return after
        for line in waits:
            here.pick(line.id, line.choices[-1])
    raise AssertionError("picking does not come to an end")


def keys(plan: Plan) -> Counter[str]:
    """What a plan asks for, whatever its nodes are called."""
    return Counter(str(line.key) for line in plan.nodes)


def check(project: Project, style: Style) -> None:
    """*project* is valid, is planned, is made, and then asks for nothing: with its profile, and without."""
    with made(project, style) as here:
        for profile in dict.fromkeys((None, project.profile)):
            here.profile = profile
            after = run_to_the_end(here)
            assert after.calls_max == 0
            assert {line.state for line in after.nodes} <= DONE
            again = here.run()
            assert (again.exit_code, again.called) == (0, 0)
            assert {one.status for one in again.outcomes} <= {"cached"}
        if project.profile is not None:
            here.profile = None
            assert here.plan().calls_max == 0, "what was made under a profile changes nothing of what is made without"


def check_rewritten(project: Project, other: Project, style: Style) -> None:
    """*other*, in another style and asked for from another folder, is what *project* was."""
    with made(project) as here:
        here.profile = project.profile
        before = run_to_the_end(here)
        here.write(other, style)
        with contextlib.chdir(here.root / "photos"):
            after = here.plan(Path("..") / here.recipe.name)
        assert after.calls_max == 0, [line for line in after.nodes if line.state not in DONE]
        assert {line.state for line in after.nodes} <= DONE
        assert keys(after) == keys(before)
        again = here.run()
        assert (again.exit_code, again.called) == (0, 0)


@settings(max_examples=SHORT)
@given(project=projects(), style=STYLES)
def test_any_recipe_is_valid_and_made_and_then_asks_for_nothing(project: Project, style: Style) -> None:
    """It validates, plans, runs within its plan, and plans zero calls; where somebody has to pick, after that."""
    check(project, style)


@settings(max_examples=SHORT)
@given(data=st.data(), project=projects(), style=STYLES)
def test_any_recipe_may_be_rewritten_for_nothing(data: st.DataObject, project: Project, style: Style) -> None:
    """Shuffled, renamed, reformatted, split, from another folder: the same requests, and not one call."""
    check_rewritten(project, data.draw(rewritten(project)), style)


TWO_STEPS = Project({
    "version": 1, "vars": {"light": "soft", "count": 3},
    "steps": {"cup": {"generate": "A cup", "samples": 2}, "pot": {"images": "cup", "edit": "In {{ light }} light"}},
})  # fmt: skip


@pytest.mark.parametrize("way", ["prompt", "setting", "order"])
def test_a_rewriting_that_changes_a_request_is_found_out(way: str) -> None:
    """The comparison fails for what is no mere rewriting."""
    check_rewritten(TWO_STEPS, TWO_STEPS, PLAIN_STYLE)
    changed: dict[str, Step] = {
        "prompt": {"edit": "In bright light"},
        "setting": {"aspect_ratio": "1:1"},
        "order": {"images": ["cup@2"]},
    }
    other = TWO_STEPS.with_steps({**TWO_STEPS.steps, "pot": {**TWO_STEPS.steps["pot"], **changed[way]}})
    with pytest.raises(AssertionError):
        check_rewritten(TWO_STEPS, other, PLAIN_STYLE)


def test_a_key_with_a_name_in_it_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were keys made of more than what a request says, a renamed step would be bought again: that is seen."""
    renamed = Project({**TWO_STEPS.recipe, "steps": {"mug": TWO_STEPS.steps["cup"], "pot": {"images": "mug", "edit": "In {{ light }} light"}}})  # fmt: skip
    check_rewritten(TWO_STEPS, renamed, PLAIN_STYLE)
    told = request.request_for

    def named(node: Any, *rest: Any) -> Any:
        return told(node, *rest) if node.step == "pot" else told(node, f"{rest[0]}-{node.step}", *rest[1:])

    monkeypatch.setattr("banana_pipe.takes.request_for", named)
    with pytest.raises(AssertionError):
        check_rewritten(TWO_STEPS, renamed, PLAIN_STYLE)


@pytest.mark.campaign
@settings(max_examples=LONG)
@given(project=projects(), style=STYLES)
def test_very_many_recipes_are_valid_and_made_and_then_ask_for_nothing(project: Project, style: Style) -> None:
    """The same, for longer."""
    check(project, style)


@pytest.mark.campaign
@settings(max_examples=LONG)
@given(data=st.data(), project=projects(), style=STYLES)
def test_very_many_recipes_may_be_rewritten_for_nothing(data: st.DataObject, project: Project, style: Style) -> None:
    """The same, for longer."""
    check_rewritten(project, data.draw(rewritten(project)), style)
