"""Events as a run tells them, and a clock that moves when it is told to. Unaware of who hears them."""

from __future__ import annotations

from pathlib import Path

from banana_pipe.canonical import digest_of
from banana_pipe.events import RunEnded, RunStarted
from banana_pipe.model import Attempt, Key, Plan, PlannedNode, Run, State

RUN = "run-1"


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        """The same as `boot`."""
        return self.time

    def boot(self) -> float:
        """What it was set to."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Move on by *seconds*."""
        self.time += seconds


def planned(name: str, state: State = "call") -> PlannedNode:
    return PlannedNode(name, "generate", state, "new", None, 1, 40_000, ())


def started(*nodes: PlannedNode) -> RunStarted:
    calls = sum(node.state != "cached" for node in nodes)
    return RunStarted(RUN, Plan("shop", nodes, calls, calls, 40_000 * calls, 40_000 * calls), 0.0)


def attempt(node: str, run_id: str = RUN) -> Attempt:
    key = Key(digest_of(node.encode()))
    return Attempt(
        id=node,
        key=key,
        wire=digest_of(b""),
        origin="https://api.example.org",
        account="0123456789abcdef",
        run_id=run_id,
        state="INTENT",
        provider="acedata",
        model="nano-banana",
        price=40_000,
        created_at=0.0,
        updated_at=0.0,
        node=node,
    )


def ended() -> RunEnded:
    return RunEnded(Run(RUN, "shop", Path("out"), "ok", 0, (), 0, 0, 0, 0, 1.0), 0.0)
