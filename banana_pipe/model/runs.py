"""What a run would do, and what it did: plan, takes, outcomes.

Unaware of how it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from banana_pipe.canonical import Digest
from banana_pipe.model.names import BaseKey, Key
from banana_pipe.model.results import Artifact, Result, SideFile

State = Literal["cached", "call", "wait", "local", "skipped", "needs-pick", "parked", "failed", "lost"]
Status = Literal["cached", "done", "failed", "blocked", "skipped", "parked", "lost", "waiting"]
RunStatus = Literal["ok", "failed", "parked", "waiting", "stopped", "interrupted"]
Reason = Literal[
    "new",  # never asked under this name
    "changed",  # asked under this name before, with another request
    "take",  # one more take of a request that has some
    "same",  # another node of this recipe asks the same: paid once
    "upstream",  # its inputs are not known yet
    "lock",  # pinned by the lock file
    "cache",  # in the cache
    "ledger",  # bought; the ledger knows
    "resume",  # bought or accepted earlier, to be collected
    "refused",  # the provider refused it before
    "unknown",  # may have been paid: in doubt
    "lost",  # paid, its bytes are nowhere
    "blank",  # the picture has one colour only
    "copy",  # the picture is its own input
    "expect",  # the picture is not what the step expects
    "pick",  # nobody has picked a take yet
    "accepted",  # somebody accepted the picture as it is
    "error",  # the provider or the network said no
    "invalid",  # the provider takes no such request: asked again it says the same
    "op",  # an op cannot do what it should with these pictures
    "input",  # something that it reads failed
    "undecodable",  # the bytes behind the link are no picture
    "cap",
    "stopped",
    "rebuy",
    "frozen",  # it would have to be bought, and this run buys nothing
    "when",  # its `when` is false: it does not exist
    "empty",  # all that it would read does not exist
]


@dataclass(frozen=True, slots=True)
class Pick:
    """Which take of a request flows on, and who said so."""

    sample: int
    source: Literal["lock", "recipe"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent: per run, and per UTC day over all processes of the ledger. None: no cap."""

    max_calls: int | None = None
    max_cost: int | None = None
    max_calls_per_day: int | None = None
    max_cost_per_day: int | None = None
    allow_unpriced: bool = False


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """What a run would do with one node, why, and at what price."""

    id: str
    action: str
    state: State
    reason: Reason
    key: Key | None
    """The key of the picked take, or of the first where none is; None while the inputs are unknown."""
    calls: int
    cost: int | None
    inputs: tuple[str, ...]
    modified: bool = False
    detail: str = ""
    choices: tuple[int, ...] = ()
    """The takes that wait for somebody to pick one of them."""

    @property
    def may_call(self) -> bool:
        """Whether a run calls for it, or may: what waits for a pick no run makes before there is one."""
        return self.state == "call" or (self.state == "wait" and self.reason != "pick")


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a recipe; costs count distinct keys; `…_max` counts the waiting ones too.

    `…_now` is the most of a run that begins now, before somebody has picked.
    """

    recipe: str
    nodes: tuple[PlannedNode, ...]
    calls: int
    calls_max: int
    cost: int | None
    cost_max: int | None
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Nodes of the recipe that were not asked for: nothing is said or done about them."""
    skipped: tuple[PlannedNode, ...] = ()
    """The instances that do not exist; not among `nodes`."""
    calls_after_picks: int = 0
    """Of `calls_max`, those that wait until somebody has picked."""

    @property
    def calls_now(self) -> int:
        """The most calls that a run makes as things stand."""
        return self.calls_max - self.calls_after_picks

    @property
    def cost_now(self) -> int | None:
        """What those cost; None: unknown."""
        if not self.calls_after_picks:
            return self.cost_max
        costs = [line.cost for line in self.nodes if line.may_call]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None


@dataclass(frozen=True, slots=True)
class Output:
    """A published picture of a node."""

    path: str
    """Below the output folder, `/` between parts."""
    artifact: Artifact
    take: int | None
    """None: no take, but what somebody accepted instead."""
    picked: bool
    key: Key
    side_files: tuple[SideFile, ...] = ()

    @property
    def beside(self) -> tuple[tuple[str, SideFile], ...]:
        """Its side files, each with its path."""
        stem = self.path.rpartition(".")[0]
        return tuple((stem + one.suffix, one) for one in self.side_files)

    @property
    def files(self) -> dict[str, Digest]:
        """Every file of it by its path, the picture first."""
        return {self.path: self.artifact.digest} | {path: one.digest for path, one in self.beside}


@dataclass(frozen=True, slots=True)
class Take:
    """One take of a node as the run knows it."""

    sample: int
    result: Result
    bought: bool
    """Whether this run paid for it."""
    replaced: bool = False
    """Whether it takes the place of one whose bytes are gone for good."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a node ended."""

    node: str
    status: Status
    reason: Reason
    key: Key | None = None
    base: BaseKey | None = None
    images: tuple[Digest, ...] = ()
    """The digests of what it read, in order."""
    takes: tuple[Take, ...] = ()
    picked: int | None = None
    choices: tuple[int, ...] = ()
    """The takes that wait for somebody to pick one of them."""
    accepted: Artifact | None = None
    """What flows on instead of any take: somebody accepted it."""
    outputs: tuple[Output, ...] = ()
    error: str | None = None
    modified: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run, from start to end."""

    id: str
    recipe: str
    out: Path
    status: RunStatus
    exit_code: int
    outcomes: tuple[Outcome, ...] = field(repr=False)
    called: int
    paid_images: int
    cost: int | None
    saved: int | None
    seconds: float
    warnings: tuple[str, ...] = ()
    placed: int = 0
    """Files that this run put into the output folder."""
    removed: int = 0
    """Files that it took away there."""
    cap: Literal["run", "day"] | None = None
    """Which cap ended it: its own, or that of the day."""
    left_out: tuple[str, ...] = ()
    """Nodes of the recipe that were not asked for; their files stay as they are."""
    skipped: tuple[Outcome, ...] = ()
    """The instances that do not exist; not among `outcomes`."""
    asked: int | None = 0
    """The most that the plan said it would cost."""
    reserved: int | None = 0
    """The price of every call, whatever became of it."""
    billed: int | None = 0
    """Of those, what is known to be billed."""
    against_caps: tuple[int, int] = (0, 0)
    """Calls and micro-dollars that its caps counted: none of the sandbox's, and no money for what has no known price."""
    would_buy: tuple[PlannedNode, ...] = ()
    """What a frozen run did not buy: how it stood in the plan."""
