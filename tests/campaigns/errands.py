"""What a child of the nursery is sent to do, and what it tells when it comes back.

Unaware of forks and pipes: here an errand is done in whatever process this is.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar
from unittest.mock import patch

from banana_pipe import api, disk
from banana_pipe.clock import Clock
from banana_pipe.errors import BananaError
from banana_pipe.model import Budget, Key
from banana_pipe.providers.secret import Token
from banana_pipe.purchase.orders import Consent, Pace
from banana_pipe.store.keylock import KeyLock, KeyLocks
from tests.campaigns import naive
from tests.campaigns.meeting import Meeting
from tests.campaigns.watched import watching
from tests.campaigns.watchers import Failing, Killing, recording
from tests.canary import CANARY

T = TypeVar("T")

QUICK: Mapping[str, float] = {"poll": 0.02, "settle": 0.2, "busy": 0.02}
"""A pace for a vendor next door."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One command, in the values that JSON has."""

    recipe: str
    base_url: str
    what: Literal["run", "plan", "pick", "reroll", "naive"] = "run"
    node: str = ""
    sample: int = 0
    token: str | None = CANARY
    cwd: str = "/"
    out: str | None = None
    provider: str | None = None
    budget: Mapping[str, Any] = field(default_factory=dict)
    consent: Mapping[str, bool] = field(default_factory=dict)
    kill_at_file: int | None = None
    """The same for what is done to files below *cwd*, SQLite's own included; 0: they are told and counted."""
    kill_after: float = 0.0
    """Seconds after which the system ends the child, wherever it is; 0: never."""
    kill_holding: int = 0
    """The durable act, of those while it has a key's lock, before which the child kills itself; 0: none."""
    leads: bool = False
    """The others that are sent with it begin when it has come to its end, and it dies when one of them is refused a lock."""
    strace: Sequence[str] = ()
    """What strace is told that watches the child; nothing: nobody watches."""
    pace: Mapping[str, float] = field(default_factory=dict)
    """What differs from QUICK."""
    kill_at: int = 0
    """The durable act before which the child kills itself; 0: none."""
    fault: Mapping[str, Any] = field(default_factory=dict)
    """The fields of a `watchers.Failing`: what the system refuses to do below *cwd*."""
    trace: str | None = None
    """Where to write all that was done below *cwd*, as `watchers.Recording` tells it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an errand ended. `exit_code` is the command's, None where the child was killed."""

    exit_code: int | None
    acts: int = 0
    """Durable acts that were announced."""
    hit: int = 0
    """How many acts the system refused, and what else was done: see `watchers.Failing`."""
    met: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """The JSON of the command."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """The JSON of a plan made when a run had ended."""

    def node(self, name: str) -> Mapping[str, Any]:
        """What became of a node."""
        return next(node for node in self.answer["nodes"] if node["id"] == name)

    @property
    def statuses(self) -> dict[str, str]:
        """What became of every node."""
        return {node["id"]: node["status"] for node in self.answer.get("nodes", [])}

    @property
    def nothing_left(self) -> bool:
        """Whether the plan made afterwards would call nobody."""
        return bool(self.after) and self.after["totals"]["calls_max"] == 0


def do(errand: Errand, clock: Clock | None = None, meeting: Meeting | None = None) -> Ended:
    """Do *errand*, as the command does it: errors that are foreseen become an exit code."""
    if errand.fault:
        failing = Failing(**errand.fault)
        with watching(Path(errand.cwd), failing):
            return replace(_done(errand, clock, meeting), hit=failing.hit, met=dict(failing.met))
    if errand.kill_at_file is not None:
        killing = Killing(errand.kill_at_file)
        with watching(Path(errand.cwd), killing):
            return replace(_done(errand, clock, meeting), acts=killing.count)
    if errand.trace is not None:
        with recording(Path(errand.cwd), Path(errand.trace)):
            return _done(errand, clock, meeting)
    return _done(errand, clock, meeting)


def _done(errand: Errand, clock: Clock | None, meeting: Meeting | None) -> Ended:
    acts = _Acts(errand.kill_at, errand.kill_holding, meeting)
    disk.observe(acts)
    if errand.kill_after:
        signal.setitimer(signal.ITIMER_REAL, errand.kill_after)  # SIGALRM asks as little as SIGKILL does
    try:
        with acts.counting_locks():
            code, answer, after = _COMMANDS[errand.what](errand, clock)
        return Ended(code, acts.count, answer=answer, after=after)
    except BananaError as error:
        return Ended(error.exit_code, acts.count, error=str(error))
    finally:
        disk.observe(None)


class _Acts:
    """Counts durable acts, and dies before the chosen one."""

    def __init__(self, last: int, last_holding: int, meeting: Meeting | None) -> None:
        self._last, self._last_holding, self._meeting = last, last_holding, meeting
        self._held = self._while_holding = self.count = 0

    def __call__(self, act: str, target: str) -> None:
        self.count += 1
        self._while_holding += self._held > 0
        if self.count == self._last or (self._held and self._while_holding == self._last_holding):
            if self._meeting is not None and self._meeting.leads and act == "commit":
                # Who waits for others within a transaction keeps the ledger from them, and is never wanted.
                self._last_holding += 1
                return
            if self._meeting is not None:
                self._meeting.wait_until_wanted()
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def counting_locks(self) -> Iterator[None]:
        """Know inside how many keys' locks this process has."""
        take, give_back = KeyLocks.try_take, KeyLock.__exit__

        def taken(locks: KeyLocks, key: Key) -> KeyLock | None:
            lock = take(locks, key)
            self._held += lock is not None
            if lock is None and self._meeting is not None:
                self._meeting.refused()
            return lock

        def given_back(lock: KeyLock, *told: object) -> None:
            self._held -= 1
            give_back(lock, *told)

        with patch.object(KeyLocks, "try_take", taken), patch.object(KeyLock, "__exit__", given_back):
            yield


_Told = tuple[int, Mapping[str, Any], Mapping[str, Any]]


def _run(errand: Errand, clock: Clock | None) -> _Told:
    run = _with_workspace(errand, clock, lambda workspace: api.run(workspace, _limits(errand)))
    return run.exit_code, api.run_json(run), _planned(errand, clock)


def _plan(errand: Errand, clock: Clock | None) -> _Told:
    return 0, _planned(errand, clock), {}


def _pick(errand: Errand, clock: Clock | None) -> _Told:
    picked = _with_workspace(errand, clock, lambda workspace: api.pick(workspace, errand.node, errand.sample))
    return 0, {"picked": [one.node for one in picked]}, {}


def _reroll(errand: Errand, clock: Clock | None) -> _Told:
    def ask(workspace: api.Workspace) -> Coroutine[Any, Any, api.Reroll]:
        return api.reroll(workspace, errand.node, _limits(errand), agree=lambda price: True)

    rerolled = _with_workspace(errand, clock, ask)
    return 0, {"samples": [take.sample for take in rerolled.takes]}, api.plan_json(rerolled.then)


def _naive(errand: Errand, _: Clock | None) -> _Told:
    naive.run(Path(errand.recipe), errand.base_url, errand.token or "")
    return 0, {}, {}


_COMMANDS: Mapping[str, Callable[[Errand, Clock | None], _Told]] = {
    "run": _run,
    "plan": _plan,
    "pick": _pick,
    "reroll": _reroll,
    "naive": _naive,
}


def _planned(errand: Errand, clock: Clock | None) -> dict[str, Any]:
    return api.plan_json(_with_workspace(errand, clock, api.plan).plan)


def _with_workspace(errand: Errand, clock: Clock | None, ask: Callable[[api.Workspace], Coroutine[Any, Any, T]]) -> T:
    options = api.Options(provider=errand.provider, out=Path(errand.out) if errand.out else None)
    token = Token(errand.token) if errand.token else None
    access = api.Access(token=token, base_url=errand.base_url)
    workspace = api.open_recipe(Path(errand.recipe), options, access, clock)
    try:
        return api.call(ask(workspace))
    finally:
        workspace.close()


def _limits(errand: Errand) -> api.Limits:
    return api.Limits(
        budget=Budget(**errand.budget),
        consent=Consent(**errand.consent),
        pace=Pace(**{**QUICK, **errand.pace}),  # type: ignore[arg-type] # counts and seconds, by name
    )
