"""`run --watch`: what is shown, what is bought, and when. In a real pseudo-terminal, with real saves."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, cast

import pytest

from banana_pipe import api
from banana_pipe.cli import watching
from banana_pipe.cli.keys import Keys
from banana_pipe.cli.options import Call
from banana_pipe.cli.watching import Purse, Reading, Watch, is_same
from banana_pipe.errors import BananaError, RecipeError
from banana_pipe.model import Budget, Plan, PlannedNode, Run
from banana_pipe.watching import Watched, unread
from tests.cli.conftest import Pipe, environment, start
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor

RECIPE = "recipes/small.yaml"
PATIENCE = 60.0
ENTER = "\n"


# --- the loop, with keys and saves that happen in an order ---------------------------------------------


class Typed:
    """Keys as a script has them: texts are pressed, functions are what happens instead, or before."""

    is_there = True

    def __init__(self, *acts: str | Callable[[], str | None]) -> None:
        self._acts = [*acts, "q"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self, _: float) -> str:
        """The next one."""
        act = self._acts.pop(0)
        return act if isinstance(act, str) else act() or ""

    def aside(self) -> AbstractContextManager[None]:
        """Nothing to put aside."""
        return nullcontext()

    def forget(self) -> None:
        """Nothing was pressed too early."""


@dataclass(slots=True)
class Shop:
    """A recipe that has as many calls as its file says, and what was bought of it."""

    path: Path
    ends: str = "ok"
    budgets: list[Budget] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    read_calls: int = 0
    shown: int = 0

    def save(self, text: str, *, then: str | None = None) -> Callable[[], str | None]:
        """Somebody saves it."""

        def act() -> str | None:
            self.path.write_text(text)
            return then

        return act

    def plan(self) -> Plan:
        text = self.path.read_text()
        if not text.strip().isdigit():
            raise RecipeError("no number")
        calls = 0 if text in self.done else int(text)
        line = PlannedNode("hero", "edit", "call" if calls else "cached", "new", None, calls, calls * 10_000, (text,))
        return Plan("shop", (line,), calls, calls, calls * 10_000, calls * 10_000)

    # --- what a watch has done for it ---

    def read(self, before: Watched) -> Reading:
        self.read_calls += 1
        try:
            return Reading(Watched(frozenset({self.path}), frozenset()), self.plan())
        except BananaError as error:
            return Reading(unread(error, before), error=error)

    def show(self, plan: Plan) -> None:
        self.shown += plan.calls

    def run(self, shown: Plan, budget: Budget, is_current: Callable[[], bool]) -> Run | None:
        now = self.plan()
        if not is_current() or not is_same(now, shown):
            return None
        self.budgets.append(budget)
        called = now.calls if budget.max_calls is None else min(now.calls, budget.max_calls)
        cap: Literal["run"] | None = "run" if called < now.calls else None
        if cap is None and self.ends == "ok":
            self.done.add(self.path.read_text())
        status: Any = "stopped" if cap else self.ends
        counted = (called, called * 10_000)
        return Run("1", "shop", Path(), status, 0, (), called, called, None, 0, 0.0, cap=cap, against_caps=counted)


class Late(Shop):
    """It is saved once more while its run is being prepared."""

    late: Callable[[], object]

    def run(self, shown: Plan, budget: Budget, is_current: Callable[[], bool]) -> Run | None:
        self.late()
        return super().run(shown, budget, is_current)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    path = tmp_path / "shop.yaml"
    path.write_text("2")
    return Shop(path)


def watch(shop: Shop, *acts: str | Callable[[], str | None], agreed: Budget | None = None, plans: bool = False) -> int:
    call = Call(shop.path, cast(Any, None), cast(Any, None), shop.path.parent, json=False, shared=())
    purse = Purse(agreed or Budget(), agreed=agreed is not None)
    return Watch(call, shop, cast(Keys, Typed(*acts)), purse, only_plans=plans).go_on()


def test_nothing_is_bought_until_a_key_is_pressed(shop: Shop) -> None:
    """However often somebody saves."""
    assert watch(shop, shop.save("3"), shop.save("4"), "x", "") == 0
    assert (shop.budgets, shop.read_calls) == ([], 3)
    assert watch(shop, "r") == 0
    assert watch(shop, shop.save("5"), ENTER) == 0
    assert len(shop.budgets) == 2


def test_what_was_saved_after_the_plan_was_shown_is_shown_first(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """A key is about the plan on the screen: pressed in the moment of a save it buys nothing, pressed again it does."""
    assert watch(shop, shop.save("3", then="r")) == 0
    assert shop.budgets == []
    assert "saved meanwhile: look again before it is run" in capsys.readouterr().err
    assert watch(shop, shop.save("4", then="r"), "r") == 0
    assert len(shop.budgets) == 1


def test_a_save_while_the_run_is_being_prepared_is_shown_first_as_well(shop: Shop) -> None:
    """The run reads the recipe once more, and compares."""
    other = Late(shop.path)
    other.late = lambda: shop.path.write_text("9")
    assert watch(other, "r") == 0
    assert (other.budgets, other.read_calls) == ([], 2)


def test_a_save_that_no_plan_shows_is_seen_all_the_same(shop: Shop) -> None:
    """Other words for what waits have no key yet, and the price is the same: whoever pressed a key has not read them."""
    other = Late(shop.path)
    other.late = lambda: other.read_calls > 1 or shop.path.write_text("2")
    assert watch(other, "r") == 0
    assert (other.budgets, other.read_calls) == ([], 2)
    assert watch(other, "r") == 0
    assert len(other.budgets) == 1


def test_a_limit_is_for_the_whole_watch(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Two of the five calls with the first plan, two with the next, one with the third; then nobody buys any more."""
    assert watch(shop, shop.save("02"), shop.save("3"), shop.save("4"), "r", agreed=Budget(max_calls=5)) == 0
    assert [one.max_calls for one in shop.budgets] == [5, 3, 1]
    said = capsys.readouterr().err
    assert "the limit of this watch is used up (5 calls, $0.05): from here on plans are shown" in said
    assert "the limit of this watch is used up (5 calls, $0.05): quit, and begin with another one" in said


def test_money_is_counted_alike(shop: Shop) -> None:
    """As each run counts it: also where not all of what it cost is known."""
    assert watch(shop, shop.save("3"), shop.save("4"), agreed=Budget(max_cost=50_000)) == 0
    assert [one.max_cost for one in shop.budgets] == [50_000, 30_000]


def test_what_failed_is_not_tried_again_by_itself(shop: Shop) -> None:
    """A limit agrees to saves, not to as many attempts as there is money for."""
    shop.ends = "failed"
    assert watch(shop, "", "", "", agreed=Budget(max_calls=50)) == 0
    assert len(shop.budgets) == 1
    assert watch(shop, "", "r", agreed=Budget(max_calls=50)) == 0
    assert len(shop.budgets) == 3


def test_a_wrong_recipe_is_told_and_runs_nothing(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """And then it is right again."""
    assert watch(shop, shop.save("tw"), "r", shop.save("2"), "r", agreed=None) == 0
    said = capsys.readouterr().err
    assert "error: no number" in said
    assert "first the recipe has to be right" in said
    assert len(shop.budgets) == 1


def test_what_is_written_all_the_time_is_planned_all_the_same(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever presses a key is heard."""
    monkeypatch.setattr(watching, "pause", lambda _: shop.path.write_text(shop.path.read_text() + " "))
    assert watch(shop, shop.save("3")) == 0
    assert shop.read_calls >= 2


def test_a_dry_run_only_plans(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is pressed, and whatever limit is agreed to."""
    assert watch(shop, "r", shop.save("3"), plans=True, agreed=Budget(max_calls=9)) == 0
    assert shop.budgets == []
    assert "-n only plans" in capsys.readouterr().err


def test_only_what_stands_otherwise_is_shown_again(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a save that changes nothing that is said."""
    watch(shop, shop.save("3"), shop.save("3"))
    said = capsys.readouterr()
    assert said.out.count("hero") == 1
    assert "nothing else than before" in said.out
    assert "shop.yaml saved" in said.err
    assert shop.shown == 2


def test_a_key_is_heard_between_two_purchases_that_a_limit_agrees_to(shop: Shop) -> None:
    """Where somebody saves all the time, too: nothing is bought then, and it can be quit."""
    other = Late(shop.path)
    other.late = lambda: shop.path.write_text(str(other.read_calls))
    assert watch(other, "", "", agreed=Budget(max_calls=50)) == 0
    assert other.budgets == []


@pytest.mark.parametrize("how", ["wrong", "gone"])
def test_a_recipe_that_is_made_wrong_just_then_ends_no_watch(
    pipe: Pipe, project: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Though a limit has agreed to what it said before: what is wrong is told, and once it is right, it goes on."""
    recipe = project / RECIPE
    text, opened, reads = recipe.read_text(), api.open_recipe, iter(("shown", "to be run"))

    def opening(*given: Any) -> api.Workspace:
        if next(reads, "") == "to be run":
            if how == "gone":
                recipe.unlink()
            else:
                recipe.write_text(text.replace("edit:", "edti:"))
        return opened(*given)

    monkeypatch.setattr(api, "open_recipe", opening)
    keys = Typed("", lambda: str(recipe.write_text(text)), "")
    monkeypatch.setattr("banana_pipe.cli.commands.running.Keys", lambda _: keys)
    said = pipe("run", RECIPE, "--watch", "--provider", "sandbox", "--max-calls", "9")
    assert said.code == 0
    assert ("there is no such file" if how == "gone" else "did you mean `edit`?") in said.err
    assert "all 3 nodes are there" in said.out


# --- the keys of a terminal ----------------------------------------------------------------------------


@contextmanager
def keys_of_a_terminal() -> Iterator[tuple[int, Keys, Callable[[], Any]]]:
    """The end where they are pressed, the keys, and what says the terminal's modes."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stream:
        yield ours, Keys(stream), lambda: termios.tcgetattr(theirs)
    os.close(ours)


def test_who_goes_on_with_a_stopped_run_finds_the_terminal_as_it_was() -> None:
    """Keys are listened for again where they were: a run, and a question of its, have the terminal for themselves."""
    with keys_of_a_terminal() as (_, keys, modes):
        before = modes()
        with keys:
            listening = modes()
            assert listening != before
            with keys.aside():
                os.kill(os.getpid(), signal.SIGCONT)
                assert modes() == before
            assert modes() == listening
            keys._restore()
            os.kill(os.getpid(), signal.SIGCONT)
            assert modes() == listening
        assert modes() == before


@pytest.mark.parametrize("pasted", ["x" * 64 + "r", "a recipe\n" * 20 + "\n", "rm shop\n"])
def test_what_is_pasted_is_no_key_whatever_it_ends_with(pasted: str) -> None:
    """However long it is."""
    with keys_of_a_terminal() as (ours, keys, _), keys:
        os.write(ours, pasted.encode())
        assert keys.wait(PATIENCE) == ""
        assert keys.wait(0) == ""
        os.write(ours, b"rr")
        assert keys.wait(PATIENCE) == "r"


# --- a real terminal ----------------------------------------------------------------------------------


class Terminal:
    """A pseudo-terminal with a command in it."""

    def __init__(self, *arguments: str, cwd: Path, env: dict[str, str]) -> None:
        self._ours, self._theirs = pty.openpty()
        self.modes = termios.tcgetattr(self._theirs)
        env = {name: value for name, value in environment(env).items() if name not in ("CI", "NO_COLOR")}
        command = [sys.executable, "-m", "banana_pipe", *arguments]
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, "TERM": "dumb"},
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that Ctrl-C is a signal
        )
        self._said = ""

    def until(self, words: str) -> str:
        """What it says until it has said *words*."""
        while words not in self._said:
            ready, _, _ = select.select([self._ours], [], [], PATIENCE)
            assert ready, f"it never said {words!r}: {self._said}"
            self._said += os.read(self._ours, 1 << 16).decode("utf-8")
        told, _, self._said = self._said.partition(words)
        return told + words

    def press(self, keys: str) -> None:
        """Press *keys*."""
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """How it ended; the terminal is as it was before."""
        code = self.process.wait(PATIENCE)
        assert termios.tcgetattr(self._theirs) == self.modes
        return code

    def close(self) -> None:
        """Hang up."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@contextmanager
def terminal(*arguments: str, cwd: Path, env: dict[str, str]) -> Iterator[Terminal]:
    opened = Terminal(*arguments, cwd=cwd, env=env)
    try:
        yield opened
    finally:
        opened.close()


def test_saves_are_planned_in_a_terminal_and_a_key_buys_what_is_shown(project: Path, vendor: Vendor) -> None:
    """Saved in place, by renaming, and wrong in between; three pictures, then the two that a word reaches."""
    recipe = project / RECIPE
    text = recipe.read_text()
    with terminal("run", RECIPE, "--watch", cwd=project, env=env_for(vendor)) as shown:
        assert "1 call, about $0.039 (at most 3 calls, $0.117)" in shown.until("r or Enter runs it, q quits")
        recipe.write_text(text.replace("edit:", "edti:"))
        assert "did you mean `edit`?" in shown.until("watching 1 file: q quits")
        other = project / "recipes" / "small.yaml.tmp"
        other.write_text(text)
        other.rename(recipe)
        shown.until("r or Enter runs it, q quits")
        assert not vendor.charges
        shown.press("r")
        shown.until("all 3 nodes are there")
        assert "nothing to buy" in shown.until("watching 1 file: q quits")
        other.write_text(text.replace("Make it", "Paint it"))
        other.rename(recipe)
        said = shown.until("r or Enter runs it, q quits")
        assert "tint[color=teal]" in said
        assert "2 calls, about $0.078" in said
        assert len(vendor.charges) == 3
        shown.press("\r")
        shown.until("all 3 nodes are there, 2 of them new")
        shown.until("watching 1 file: q quits")
        shown.press("q")
        assert shown.ended() == 0
    assert len(vendor.charges) == 5


@pytest.mark.parametrize(("how", "code"), [("\x03", 130), ("TERM", 130), ("\x04", 0)])
def test_the_terminal_is_itself_again_however_it_ends(project: Path, vendor: Vendor, how: str, code: int) -> None:
    """By Ctrl-C, by a signal from elsewhere, by the end of the input."""
    with terminal("run", RECIPE, "--watch", cwd=project, env=env_for(vendor)) as shown:
        shown.until("q quits")
        shown.press("\033[Arr")  # arrows and pasted words mean nothing
        (project / RECIPE).touch()
        shown.until("q quits")
        if how == "TERM":
            shown.process.send_signal(signal.SIGTERM)
        else:
            shown.press(how)
        assert shown.ended() == code
    assert not vendor.charges


def test_without_a_terminal_a_limit_buys_and_is_kept_over_all_saves(project: Path, vendor: Vendor) -> None:
    """Three pictures, then one of the two that a word reaches, and then no more."""
    recipe = project / RECIPE
    argv = ("run", RECIPE, "--watch", "--max-calls", "4")
    with start(*argv, cwd=project, env=env_for(vendor)) as process:
        _read_until(process, "watching 1 file")
        _read_until(process, "watching 1 file")
        assert len(vendor.charges) == 3
        recipe.write_text(recipe.read_text().replace("Make it", "Paint it"))
        _read_until(process, "the limit of this watch is used up (4 calls, $0.156)")
        recipe.write_text(recipe.read_text().replace("Paint it", "Dip it"))
        _read_until(process, "watching 1 file")
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert len(vendor.charges) == 4


def _read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert line, f"it never said {words!r}"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--json",), "--json is one object"),
        (("--yes",), "would agree to every save, without a limit"),
        (("--rebuy",), "--rebuy and --watch do not go together"),
    ],
)
def test_what_does_not_go_with_it_is_refused(pipe: Pipe, flags: tuple[str, ...], words: str) -> None:
    """Before anything is read."""
    said = pipe("run", RECIPE, "--watch", *flags)
    assert said.code == 2
    assert words in said.err + said.out
