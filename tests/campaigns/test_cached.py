"""A cache can be told from none by what it saves alone: whatever was run before, the folder is the same.

Unaware of keys: recipes are drawn by lot, run one after the other over one cache, and each over none.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe import buying, request
from banana_pipe.outputs import manifest
from banana_pipe.request import describe
from tests.campaigns.drawer import Drawer
from tests.campaigns.errands import Ended, Errand, do
from tests.campaigns.projects import damage, digest_of, manifest_of
from tests.campaigns.shared_clock import SharedClock

SHORT = 20
NAMES = ("cup", "pot", "tray", "box")
WORDS = ("a red cup", "a tea pot", "light", "dark")
Recipe = dict[str, Any]


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """A recipe of up to four steps: what each reads was made by those before it."""
    steps: dict[str, Any] = {}
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        steps[name] = _step(draw, name, steps)
    return {"version": 1, "steps": steps}


def _step(draw: st.DrawFn, name: str, before: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = {}
    words = draw(st.sampled_from(WORDS))
    if draw(st.booleans()):
        values = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True))
        step["matrix"] = {f"of_{name}": values}
        words += f" of kind {{{{ of_{name} }}}}"
    earlier = draw(st.sampled_from([None, *before]))
    if earlier is None:
        step["generate"] = words
    else:
        step["edit"] = words
        if draw(st.booleans()):
            step["each"] = earlier
        else:
            # Take 2 of anything: it is bought where nobody asked for it before.
            step["images"] = earlier + draw(st.sampled_from(["", "[*]", "@2"]))
    may_set: dict[str, list[Any]] = {"samples": [1, 2], "pick": [1, 2], "aspect_ratio": ["1:1", "16:9"]}
    for setting, choices in may_set.items():
        if draw(st.booleans()):
            step[setting] = draw(st.sampled_from(choices))
    return step


class World:
    """A folder for projects, and the one provider they all buy from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drawer = Drawer()
        self.clock = SharedClock()

    def run(self, project: str, recipe: Recipe, name: str = "r") -> Ended:
        """Run *recipe* in the project of that name."""
        path = self.folder / project / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "banana-pipe.toml").touch()
        path.write_text(json.dumps(recipe), "utf-8")
        return do(Errand(str(path), "http://127.0.0.1:9"), self.clock)

    def out(self, project: str, name: str = "r") -> Path:
        return self.folder / project / "out" / name


@contextmanager
def world(folder: Path) -> Iterator[World]:
    inside = Path(tempfile.mkdtemp(dir=folder))
    with pytest.MonkeyPatch.context() as patch:
        made = World(inside)
        patch.setattr(buying, "provider_for", lambda name, workspace: made.drawer)
        yield made
    shutil.rmtree(inside)


def pictures(out: Path) -> dict[str, str]:
    """Every picture in the folder, other takes too."""
    return {path.relative_to(out).as_posix(): digest_of(path) for path in out.rglob("*.png")}


def check_history(folder: Path, history: list[Recipe]) -> None:
    """Each recipe of *history*, over what the ones before left, gives what it gives alone."""
    with world(folder) as here:
        for number, recipe in enumerate(history):
            cached, alone = here.run("cached", recipe), here.run(str(number), recipe)
            assert cached.exit_code == alone.exit_code == 0, (cached, alone)
            with_cache, without = here.out("cached"), here.out(str(number))
            assert pictures(with_cache) == pictures(without)
            assert manifest.alike(manifest_of(with_cache), manifest_of(without))
            assert damage(here.folder / "cached" / "cache", with_cache) == []
            calls = len(here.drawer.calls)
            again = here.run("cached", recipe)
            assert (again.exit_code, set(again.statuses.values())) == (0, {"cached"})
            assert len(here.drawer.calls) == calls


def check_refactoring(folder: Path, recipe: Recipe, lot: Callable[[list[str]], list[str]]) -> None:
    """Other names in another order are the same requests."""
    with world(folder) as here:
        assert here.run("shop", recipe).exit_code == 0
        before, calls = pictures(here.out("shop")), len(here.drawer.calls)
        other = here.run("shop", _refactored(recipe, lot), "other")
        assert (other.exit_code, set(other.statuses.values())) == (0, {"cached"})
        assert len(here.drawer.calls) == calls
        assert sorted(pictures(here.out("shop", "other")).values()) == sorted(before.values())


def _refactored(recipe: Recipe, lot: Callable[[list[str]], list[str]]) -> Recipe:
    """*recipe* with its steps and axes renamed, its steps in another order, and its words moved to variables."""
    text = json.dumps(recipe["steps"])
    for name in NAMES:  # as keys and as references they stand behind a quotation mark, in prompts never
        text = text.replace(f'"{name}', f'"new-{name}').replace(f"of_{name}", f"kind_{name}")
    for number, words in enumerate(WORDS):
        text = text.replace(words, f"{{{{ words[{number}] }}}}")
    steps = json.loads(text)
    return {"steps": {name: steps[name] for name in lot(list(steps))}, "vars": {"words": list(WORDS)}, "version": 1}


HISTORIES = st.lists(recipes(), min_size=2, max_size=4)


@settings(max_examples=SHORT)
@given(history=HISTORIES)
def test_cached_is_uncached_over_any_history(quick_folder: Path, history: list[Recipe]) -> None:
    """What was run before changes what is paid, and not one byte of what is made; a second run calls nobody."""
    check_history(quick_folder, history)


@settings(max_examples=SHORT)
@given(recipe=recipes(), data=st.data())
def test_a_refactoring_that_keeps_the_requests_calls_nobody(
    quick_folder: Path, recipe: Recipe, data: st.DataObject
) -> None:
    """Steps and axes renamed, reordered, words moved to variables, in another file: zero calls."""
    check_refactoring(quick_folder, recipe, lambda names: data.draw(st.permutations(names)))


@pytest.mark.parametrize(("part", "nothing"), [("prompt", ""), ("params", {}), ("images", [])])
def test_a_cache_that_forgets_a_part_of_the_request_is_found_out(
    quick_folder: Path, monkeypatch: pytest.MonkeyPatch, part: str, nothing: Any
) -> None:
    """The comparison fails for each part that a key could leave out."""
    first: Recipe = {
        "version": 1,
        "steps": {"cup": {"generate": "a red cup", "samples": 2}, "pot": {"images": "cup", "edit": "light"}},
    }
    second = json.loads(json.dumps(first).replace("a red cup", "a tea pot"))
    third = json.loads(json.dumps(first).replace('"samples": 2', '"aspect_ratio": "1:1"'))
    check_history(quick_folder, [first, second, third])
    monkeypatch.setattr(request, "describe", lambda asked: describe(asked) | {part: nothing})
    with pytest.raises(AssertionError):
        check_history(quick_folder, [first, second, third])


@pytest.mark.campaign
@settings(max_examples=1_000)
@given(history=HISTORIES)
def test_cached_is_uncached_over_many_histories(quick_folder: Path, history: list[Recipe]) -> None:
    """The same, for longer."""
    check_history(quick_folder, history)


@pytest.mark.campaign
@settings(max_examples=1_000)
@given(recipe=recipes(), data=st.data())
def test_many_refactorings_call_nobody(quick_folder: Path, recipe: Recipe, data: st.DataObject) -> None:
    """The same, for longer."""
    check_refactoring(quick_folder, recipe, lambda names: data.draw(st.permutations(names)))
