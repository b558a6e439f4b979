"""The types that everything else is told in: recipe, graph, request, result, plan, run.

Unaware of YAML, templates, files, stores, providers and the terminal.

Money is whole micro-dollars (`price: int`, 1 USD = 1_000_000), None where a price is unknown;
times are seconds since 1970 (UTC) as float. Sizes are bytes, lengths of pictures pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NewType

from banana_pipe.canonical import Digest
from banana_pipe.errors import Location

Key = NewType("Key", str)
"""The sha256 of a request's canonical JSON, sample included."""

BaseKey = NewType("BaseKey", str)
"""The same without the sample: what the takes of one request share; names a block of the lock."""

Url = NewType("Url", str)
"""An `https:` address, as written."""

Json = Any
Action = Literal["generate", "edit", "transform"]
LOCAL = "local"
"""The provider of transforms: this machine."""

# --- the recipe ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """A file that shaped the graph: its absolute path, what it is, and the digest of its bytes."""

    path: Path
    kind: Literal["recipe", "prompt", "vars", "data"]
    digest: Digest


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the recipe, perhaps a template, and where it stands.

    `block` is True for a block scalar (`|`, `>`): its first line stands one line below `at`.
    """

    value: str
    at: Location
    block: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step as written; nothing in it is rendered yet."""

    name: str
    at: Location
    verb: Literal["generate", "edit", "transform", "use"]
    prompt: Text
    """Empty in a transform; its place is that of its ops."""
    images: tuple[Text, ...]
    settings: Mapping[str, Text | Json]
    """model, aspect_ratio, resolution, provider, extra, timeout, samples, pick, expect, output: where given."""
    matrix: Mapping[str, Json]
    each: Text | None
    folder: Path
    """The folder of the file that it stands in: its paths are relative to it."""
    chain: Mapping[str, Json] = field(default_factory=dict)
    """The axis of its links, if it has any: one, with its values."""
    start: tuple[Text, ...] = ()
    """What the first link reads as `previous`."""
    when: Text | bool = True
    given: Mapping[str, Json] = field(default_factory=dict)
    """What `with` says, of a step that uses another recipe; its `prompt` is that recipe's file."""
    part: str = ""
    """The step that uses the recipe that this one stands in; none: the recipe itself."""
    ops: tuple[Any, ...] = ()
    """Those of a transform, as `recipe.ops` reads them."""

    @property
    def parent(self) -> str:
        """The step in whose instances it has its own: that of `each`, else that which uses its recipe; none: empty."""
        return self.each.value.strip() if self.each else self.part


@dataclass(frozen=True, slots=True)
class Part:
    """A used recipe in its place: what its steps know, and what the step that uses it gives to it."""

    scope: Mapping[str, Json]
    defaults: Mapping[str, Json]
    inputs: Mapping[str, tuple[Text, ...]]
    """The references behind each input, in the words of the recipe that uses it."""
    given: Mapping[str, Json]
    """Variables by name, as `with` has them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as read and checked, with what it extends; `sources` are the files read so far."""

    path: Path
    name: str
    variables: Mapping[str, Json]
    defaults: Mapping[str, Json]
    steps: Mapping[str, Step]
    sources: tuple[Source, ...]
    data: Mapping[str, Json] = field(default_factory=dict)
    """The rows of each table: lists of mappings."""
    overrides: Mapping[str, Text | Json] = field(default_factory=dict)
    """What the chosen profile says; it wins over what the steps say themselves."""

    inputs: Mapping[str, Location] = field(default_factory=dict)
    """What whoever uses the recipe gives to it, by name."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """The recipes that it uses, by the whole name of the step that does."""

    @property
    def scope(self) -> dict[str, Json]:
        """What templates know everywhere: variables and tables."""
        return {**self.variables, **self.data}

    def defaults_of(self, step: Step) -> Mapping[str, Json]:
        """Those of the recipe that *step* stands in."""
        return self.parts[step.part].defaults if step.part else self.defaults


@dataclass(frozen=True, slots=True)
class Reference:
    """`step[axis=name]@2`: some nodes of a step. No axes: those that agree with the reader."""

    step: str
    axes: Mapping[str, str] = field(default_factory=dict)
    every: bool = False
    """True for `step[*]`."""
    last: bool = False
    """True for `step[last]`: the end of each chain."""
    sample: int | None = None


# --- the graph -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NodeInput:
    """The picture of another node: its picked take, or the take asked for."""

    node: str
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class FileInput:
    """A picture file, or a font: absolute path, and the text by which messages call it."""

    path: Path
    label: str
    at: Location
    is_font: bool = False

    @property
    def place(self) -> Path:
        """Where its bytes come from."""
        return self.path


@dataclass(frozen=True, slots=True)
class UrlInput:
    """A picture from the web: which bytes it means, the lock file says."""

    url: Url
    at: Location

    @property
    def place(self) -> Url:
        """Where its bytes come from."""
        return self.url

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.url


Input = NodeInput | FileInput | UrlInput
Place = Path | Url
"""Where a picture from outside the graph is."""


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a transform: its version is part of the key, its parameters are complete and canonical."""

    name: str
    version: int
    params: Mapping[str, Json]
    pictures: tuple[int, ...] = ()
    """The places, among the node's inputs, of the pictures that its parameters refer to."""
    package: str = ""
    """Whose it is, where it is not ours: two packages may have an op of the same name."""
    files: tuple[tuple[str, int], ...] = ()
    """The places of what is no picture, each with its parameter."""

    @property
    def places(self) -> tuple[int, ...]:
        """The places of all that its parameters refer to."""
        return (*self.pictures, *(place for _, place in self.files))


@dataclass(frozen=True, slots=True)
class Expect:
    """What a picture must be; None: whatever it is. Lengths are pixels, sizes bytes."""

    min_width: int | None = None
    min_height: int | None = None
    aspect_ratio: str | None = None
    """`W:H`, to within 3 %."""
    format: Literal["png", "jpeg", "webp", "avif"] | None = None
    alpha: bool | None = None
    """Whether some pixel is to be transparent, if only in part; False: none may be."""
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One instance of a step, rendered: all that a request needs but the digests of its inputs."""

    id: str
    step: str
    axes: tuple[tuple[str, str], ...]
    action: Action
    provider: str
    """`acedata` or `sandbox`: whom to ask; the name in the key depends on the base URL too. Transforms have `local`."""
    model: str
    prompt: str
    inputs: tuple[Input, ...]
    params: Mapping[str, Json]
    """Fields of the request that the recipe sets: aspect_ratio, resolution, those of `extra`."""
    has_extra: bool
    """Whether some of `params` came from `extra`: then the price is unknown."""
    timeout: float
    samples: int
    pick: int | None
    """The take that the recipe picks; None: the first that passes the checks."""
    output: str | None
    """Path below the output folder without suffix, `/` between parts; None: not published."""
    at: Location
    ops: tuple[Op, ...] = ()
    """What a transform does, in its order; others have none."""
    place: int = 0
    """Where it stands among all nodes as the recipe writes them: a graph has each behind what it reads."""
    asks: bool = False
    """`pick: ask`: nothing flows on until somebody has picked."""
    expect: Expect = field(default_factory=Expect)

    @property
    def is_local(self) -> bool:
        """Whether it is made here, free, rather than by a provider."""
        return self.action == "transform"

    @property
    def upstream(self) -> set[str]:
        """The nodes that it reads."""
        return {one.node for one in self.inputs if isinstance(one, NodeInput)}


@dataclass(frozen=True, slots=True)
class Skipped:
    """An instance that does not exist: its `when` is false, or nothing is left of what it would read."""

    id: str
    step: str
    action: str
    reason: Literal["when", "empty"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes of a recipe, each behind those that it reads."""

    recipe: Recipe
    nodes: Mapping[str, Node]
    sources: tuple[Source, ...]
    """Every file that was read as text to make this graph."""
    skipped: tuple[Skipped, ...] = ()
    """What would be nodes but for a `when`."""

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)


# --- requests and what they gave --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What the provider sees and what can change a pixel. No names, no paths, no secrets."""

    provider: str
    """The name in the key: acedata, acedata-local or sandbox."""
    action: Action
    model: str
    prompt: str
    images: tuple[Digest, ...]
    params: Mapping[str, Json]
    sample: int
    ops: tuple[Op, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """A picture's bytes, named and measured."""

    digest: Digest
    mime: str
    width: int
    height: int
    size: int
    blank: bool = False
    """Every pixel is the same: hardly what was paid for."""
    alpha: bool = False
    """Some pixel is transparent, if only in part."""


SIDE_SUFFIX = re.compile(r"(?:-[A-Za-z0-9]{1,20})?\.[a-z0-9]{1,8}\Z")
"""What a side file may add to its picture's name."""


@dataclass(frozen=True, slots=True)
class SideFile:
    """What a transform makes beside its picture: it is published under the picture's name and `suffix` (`-32.png`)."""

    suffix: str
    digest: Digest
    mime: str
    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a key stands for, once and for all: the picture and where it came from."""

    key: Key
    artifact: Artifact
    provider: str
    model: str
    served: str | None
    """The model that the provider says it used, where it says so."""
    task_id: str | None
    trace_id: str | None
    price: int | None
    bought_at: float
    side_files: tuple[SideFile, ...] = ()
    """What was made beside it; only transforms do."""

    @property
    def digests(self) -> tuple[Digest, ...]:
        """Everything that it needs the bytes of: the picture and what is beside it."""
        return (self.artifact.digest, *(one.digest for one in self.side_files))


AttemptState = Literal[
    "INTENT", "ACCEPTED", "SUCCEEDED", "STORED", "REFUSED", "FAILED", "NOT_SENT", "UNKNOWN", "ABANDONED", "LOST"
]
ACTIVE: tuple[AttemptState, ...] = ("INTENT", "ACCEPTED", "SUCCEEDED", "UNKNOWN")
"""States that hold their key: at most one attempt of a key is in one of them."""
COUNTED: tuple[AttemptState, ...] = ("INTENT", "ACCEPTED", "SUCCEEDED", "STORED", "UNKNOWN", "ABANDONED", "LOST")
"""States whose money counts as spent: it was, or nobody can say that it was not."""
BILLED: tuple[AttemptState, ...] = ("SUCCEEDED", "STORED", "LOST")
"""Those of them that are known to have been billed: the provider delivered."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of the ledger: one POST that may cost money, from its intent to its end.

    The request itself is the blob whose digest is `key`.
    """

    id: str
    key: Key
    wire: Digest
    """Digest of the body as sent, without `async` and `callback_url`; tasks are matched by it."""
    origin: str
    """Scheme, host and port that the POST went to (`sandbox` for the one inside the process)."""
    account: str
    """Whose token it was sent with, as a hash of it: who has another may be told nothing of this call."""
    run_id: str
    state: AttemptState
    provider: str
    model: str
    price: int | None
    created_at: float
    updated_at: float
    node: str = ""
    """A node's name at the time, for messages only."""
    under_way_until: float | None = None
    """Last moment at which our POST could have been under way; settling counts from it."""
    task_id: str | None = None
    adopted: bool = False
    """Whether the task was found in a listing rather than named by the answer to our POST."""
    trace_id: str | None = None
    served: str | None = None
    response: str | None = None
    """The answer as it came (JSON text; inline pictures replaced by their digests)."""
    picture: str | None = None
    """Where the picture is: its link, or `sha256:…` of a blob where the answer carried it."""
    artifact: Artifact | None = None
    error_kind: str | None = None
    error_code: str | None = None
    error_message: str | None = None


# --- what the stores know of a request ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """The picture is here. `source` says who knew it."""

    result: Result
    source: Literal["lock", "cache", "ledger"]


@dataclass(frozen=True, slots=True)
class Known:
    """Bought, its digest is known, its bytes are nowhere: fine as a digest, lost as a picture."""

    result: Result
    source: Literal["lock", "cache", "ledger"]
    places: tuple[str, ...]
    """Where the bytes were looked for."""


@dataclass(frozen=True, slots=True)
class Open:
    """An attempt stands in the way: one under way or in doubt, or a refusal that is remembered."""

    key: Key
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing is known. The only answer of the four that can lead to a purchase."""

    key: Key


Finding = Hit | Known | Open | Miss

# --- plan and run ---------------------------------------------------------------------------------

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
