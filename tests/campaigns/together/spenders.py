"""Processes that reserve money in one ledger when they are told to, and die when they are told to.

Unaware of what is allowed. A spender forks a child for each thing that it does, which opens the ledger and may die
over it; the spender itself has everything imported and nothing open.
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
import asyncio, json, os, signal, sys, traceback
from pathlib import Path
from banana_pipe import disk
from banana_pipe.model import Budget
from banana_pipe.store.attempts import CapReached
from tests.store.attempts import intent, open_ledger

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def reserve(ledger, wanted, budget, dies):
    disk.observe(lambda act, target: die() if act == dies else None)
    try:
        await ledger.begin(intent(wanted["id"], **wanted), budget)
    except CapReached as reached:
        return reached.cap
    if dies == "afterwards":
        die()
    return "reserved"

async def end(ledger, attempt, state):
    (before,) = [one for one in await ledger.all_attempts() if one.id == attempt]
    after = await ledger.advance(before, "UNKNOWN" if state == "ABANDONED" else state)
    if state == "ABANDONED":
        await ledger.give_up(after)
    return "ended"

def do(path, what, told):
    ledger = open_ledger(Path(path))
    story = reserve(ledger, told["wanted"], budget, told["dies"]) if what == "reserve" else end(ledger, **told)
    answer = asyncio.run(story)
    ledger.close()  # who is refused hears of it before the commit, over which this process may have to die
    return answer

budget = Budget(**json.loads(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        try:
            print(do(*json.loads(line)), flush=True)
        except BaseException:
            print(traceback.format_exc().splitlines()[-1], flush=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL:
        print("died", flush=True)
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
    """`with Spenders(3, budget) as spenders: …`"""

    def __init__(self, number: int, budget: Budget) -> None:
        self._number = number
        self._budget = json.dumps(asdict(budget))

    def __enter__(self) -> Self:
        self._children = [start(_SCRIPT, self._budget) for _ in range(self._number)]
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
        answers = [line(child) for child in self._children[: len(wishes)]]
        assert {"reserved", "run", "day", "died"}.issuperset(answers), answers
        return answers

    def end(self, spender: int, ledger: Path, attempt: str, state: str) -> None:
        """Have *attempt* end so."""
        _tell(self._children[spender], ledger, "end", {"attempt": attempt, "state": state})
        answer = line(self._children[spender])
        assert answer == "ended", answer


def _tell(child: subprocess.Popen[str], ledger: Path, what: str, told: object) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps([str(ledger), what, told]) + "\n")
    child.stdin.flush()
