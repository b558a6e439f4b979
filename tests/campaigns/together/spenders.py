"""Processes that reserve money in one ledger when they are told to, and die when they are told to.

Unaware of what is allowed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from banana_pipe.model import Budget
from tests.store.children import line, start

_SCRIPT = """
import asyncio, json, os, signal, sys
from pathlib import Path
from banana_pipe import disk
from banana_pipe.model import Budget
from banana_pipe.store.attempts import CapReached
from tests.store.attempts import intent, open_ledger

async def reserve(ledger, wanted, budget, dies):
    def observe(act, target):
        if act == dies:
            os.kill(os.getpid(), signal.SIGKILL)
    disk.observe(observe)
    try:
        await ledger.begin(intent(wanted["id"], **wanted), budget)
    except CapReached as reached:
        ledger.close()  # who is refused hears of it before the commit, over which this process may have to die
        return reached.cap
    if dies == "afterwards":
        os.kill(os.getpid(), signal.SIGKILL)
    return "reserved"

async def end(ledger, attempt, state):
    (before,) = [one for one in await ledger.all_attempts() if one.id == attempt]
    after = await ledger.advance(before, "UNKNOWN" if state == "ABANDONED" else state)
    if state == "ABANDONED":
        await ledger.give_up(after)
    return "ended"

budget, ledger = Budget(**json.loads(sys.argv[1])), None
print("ready", flush=True)
for line in sys.stdin:
    path, what, told = json.loads(line)
    if ledger is None or ledger.path != Path(path):
        if ledger is not None:
            ledger.close()
        ledger = open_ledger(Path(path))
    story = reserve(ledger, told["wanted"], budget, told["dies"]) if what == "reserve" else end(ledger, **told)
    print(asyncio.run(story), flush=True)
"""


Dies = Literal["never", "begin", "commit", "afterwards"]


@dataclass(frozen=True, slots=True)
class Wish:
    """To reserve *price* micro-dollars for a run on a day. `dies`: the spender, before that act of its ledger."""

    id: str
    run_id: str
    price: int
    created_at: float
    dies: Dies = "never"


class Spenders:
    """`with Spenders(3, budget) as spenders: …`. Who was killed is started anew."""

    def __init__(self, number: int, budget: Budget) -> None:
        self._number = number
        self._budget = json.dumps(asdict(budget))

    def __enter__(self) -> Self:
        self._children = [self._started() for _ in range(self._number)]
        for child in self._children:
            assert line(child) == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.communicate()

    def reserve(self, ledger: Path, wishes: Sequence[Wish]) -> list[str]:
        """All of *wishes* at the same time, one by each: `reserved`, or whose cap is reached (`run`, `day`), or `died`."""
        assert len(wishes) <= self._number
        for child, wish in zip(self._children, wishes, strict=False):
            wanted = asdict(wish)
            dies = wanted.pop("dies")
            _tell(child, ledger, "reserve", {"wanted": wanted, "dies": dies})
        answers = [self._answer(number) for number in range(len(wishes))]
        assert {"reserved", "run", "day", "died"}.issuperset(answers), answers
        return answers

    def end(self, spender: int, ledger: Path, attempt: str, state: str) -> None:
        """Have *attempt* end so."""
        _tell(self._children[spender], ledger, "end", {"attempt": attempt, "state": state})
        answer = self._answer(spender)
        assert answer == "ended", answer

    def _started(self) -> subprocess.Popen[str]:
        return start(_SCRIPT, self._budget)

    def _answer(self, number: int) -> str:
        child = self._children[number]
        assert child.stdout is not None
        if said := child.stdout.readline():
            return said.strip()
        errors = child.communicate()[1]
        self._children[number] = self._started()
        assert line(self._children[number]) == "ready"
        return errors or "died"


def _tell(child: subprocess.Popen[str], ledger: Path, what: str, told: object) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps([str(ledger), what, told]) + "\n")
    child.stdin.flush()
