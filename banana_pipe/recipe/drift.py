"""How many edits a picture is away from one that nobody has edited: each of them loses something.

Unaware of pictures: what a graph says is enough.

Undrifted is what `generate` made, a file, and an address. An edit that reads one of these, besides whatever else, is one edit
away: the original is before the model's eyes. Any other edit is one more than the deepest of the pictures that it
reads. Transforms lose nothing that counts here: they are as far away as what they read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from banana_pipe.errors import Location
from banana_pipe.model import Expect, Graph, Input, Node, NodeInput, Step
from banana_pipe.recipe.words import quoted

MOST_EDITS = 3
"""Edits of edits that nobody is warned of."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One edit in a chain: what it reads of it, and how many edits its picture is away, itself among them."""

    node: str
    reads: Input
    edits: int


@dataclass(frozen=True, slots=True)
class Merge:
    """Two edits in a row of one picture that could be one request. `shown`: the first one's picture is published."""

    first: str
    second: str
    shown: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The edits between a picture and the undrifted one that it began with, in their order; at least one."""

    start: Input
    hops: tuple[Hop, ...]
    merges: tuple[Merge, ...]
    base: str | None
    """How the last step would read the undrifted picture as well, `images: [previous, mug]`; None where it cannot name it."""
    drops_start: bool = False
    """Whether its `start` would then go: the first link would read the same picture twice."""

    @property
    def edits(self) -> int:
        """How many."""
        return len(self.hops)

    @property
    def is_deep(self) -> bool:
        """Whether that is more than anybody should want."""
        return self.edits > MOST_EDITS


@dataclass(frozen=True, slots=True)
class Deep:
    """A step where pictures become more than MOST_EDITS edits deep: the deepest of its own, and how many are."""

    step: str
    at: Location
    chain: Chain
    nodes: int

    @property
    def node(self) -> str:
        """The deepest one."""
        return self.chain.hops[-1].node


class Depths:
    """How deep every node of *graph* is."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._edits: dict[str, int] = {}
        self._reads: dict[str, Input] = {}
        """Of each node that is not undrifted, the input that makes it as deep as it is."""
        self._starts: dict[str, Input] = {}
        """Of each of them the undrifted picture that it began with."""
        self._readers = Counter(name for node in graph for name in node.upstream)
        for node in graph:
            self._add(node)

    def __contains__(self, node: object) -> bool:
        return node in self._edits

    def edits(self, node: str) -> int:
        """How many edits *node* is away from an undrifted picture."""
        return self._edits[node]

    def start(self, node: str) -> Input | None:
        """The undrifted picture that *node* began with; None where it is one."""
        return self._starts.get(node) if self._edits[node] else None

    def chain(self, node: str) -> Chain | None:
        """How *node* came to be as deep as it is; None where nobody has edited anything."""
        return self._chain(node) if self._edits[node] else None

    def _chain(self, node: str) -> Chain:
        hops, last, one = [], node, self._reads[node]
        while True:
            if not self._graph.nodes[last].is_local:
                hops.append(Hop(last, one, self._edits[last]))
            if not isinstance(one, NodeInput) or not self._edits[one.node]:
                break
            last, one = one.node, self._reads[one.node]
        hops.reverse()
        step = self._graph.recipe.steps[self._graph.nodes[hops[-1].node].step]
        base = self._base(self._graph.nodes[hops[-1].node], step, one)
        return Chain(one, tuple(hops), tuple(self._merges(hops)), base, bool(base and step.start))

    def deep(self) -> tuple[Deep, ...]:
        """The steps where it becomes too much: mended there, what reads them is mended as well."""
        found: dict[str, list[str]] = {}
        crossing: set[str] = set()
        for node in self._graph:
            if not node.is_local and self._edits[node.id] > MOST_EDITS:
                found.setdefault(node.step, []).append(node.id)
                if self._before(node.id) <= MOST_EDITS:
                    crossing.add(node.step)
        return tuple(self._deep(step, found[step]) for step in found if step in crossing)

    def _deep(self, step: str, nodes: list[str]) -> Deep:
        deepest = max(nodes, key=self._edits.__getitem__)
        return Deep(step, self._graph.recipe.steps[step].at, self._chain(deepest), len(nodes))

    def _add(self, node: Node) -> None:
        step = self._graph.recipe.steps.get(node.step)
        if node.action == "generate" or (step is not None and step.verb == "generate") or not node.inputs:
            self._edits[node.id] = 0
            return
        depths = [self._edits.get(one.node, 0) if isinstance(one, NodeInput) else 0 for one in node.inputs]
        anchored = not node.is_local and 0 in depths
        deepest = 0 if anchored else max(depths)
        read = node.inputs[depths.index(deepest)]
        self._reads[node.id] = read
        self._starts[node.id] = self._starts[read.node] if deepest and isinstance(read, NodeInput) else read
        self._edits[node.id] = deepest if node.is_local else deepest + 1

    def _before(self, node: str) -> int:
        one = self._reads[node]
        return self._edits[one.node] if isinstance(one, NodeInput) else 0

    def _merges(self, hops: list[Hop]) -> Iterator[Merge]:
        nodes = [self._graph.nodes[hop.node] for hop in hops]
        for first, second in pairwise(nodes):
            if self._can_merge(first, second):
                yield Merge(first.id, second.id, first.output is not None)

    def _can_merge(self, first: Node, second: Node) -> bool:
        """Links of a chain are each wanted; and what somebody picks, judges or reads elsewhere is needed as it is."""
        return (
            first.step != second.step
            and second.inputs == (NodeInput(first.id),)
            and self._readers[first.id] == 1
            and (first.provider, first.model, first.params) == (second.provider, second.model, second.params)
            and first.samples == 1
            and first.pick is None
            and not first.asks
            and first.expect == Expect()
        )

    def _base(self, node: Node, step: Step, start: Input) -> str | None:
        name = self._name(start, node, step)
        if name is None:
            return None
        read = [text.value for text in step.images]
        if not read:
            read = ["previous"] if step.chain else [step.each.value] if step.each else []
        return f"images: [{', '.join(map(_in_a_list, [*read, name]))}]"

    def _name(self, start: Input, node: Node, step: Step) -> str | None:
        """What *node*'s step would call *start*; None where that stands in another recipe, which has other names."""
        if not isinstance(start, NodeInput):
            return start.label if not step.part else None
        origin = self._graph.nodes[start.node]
        if self._graph.recipe.steps[origin.step].part != step.part or step.part:
            return None
        # A step's name means those of its nodes that agree: one, where the reader has all of its axes.
        return origin.step if set(origin.axes) <= set(node.axes) else origin.id


def input_label(one: Input) -> str:
    """How people call *one*."""
    if not isinstance(one, NodeInput):
        return one.label
    return one.node if one.sample is None else f"{one.node}@{one.sample}"


def depth_words(edits: int, start: Input) -> str:
    """How deep a picture is."""
    return f"{edits} edits away from {input_label(start)}, and each edit loses something"


def warning(deep: Deep) -> str:
    """What is wrong with *deep*, and what to do, in one line."""
    chain = deep.chain
    others = f" ({deep.nodes} of its pictures are more than {MOST_EDITS} away)" if deep.nodes > 1 else ""
    return (
        f"step {deep.step}: `{deep.node}` is {chain.edits} edits away from `{input_label(chain.start)}`,"
        f" and each edit loses something{others}: {'; or '.join(advice(chain))}"
    )


def advice(chain: Chain) -> list[str]:
    """What can be done against the depth of *chain*, the best first."""
    merges = [merge_words(one) for one in chain.merges]
    return [based_words(chain), *(merges or ["say several changes in one edit"])]


def based_words(chain: Chain) -> str:
    """How the last edit could see the original."""
    if chain.base is None:
        return f"base it on the original, by naming `{input_label(chain.start)}` in its `images` too"
    return f"base it on the original too: `{chain.base}`" + (", without `start`" if chain.drops_start else "")


def merge_words(one: Merge) -> str:
    """Which two edits could be one."""
    unless = ", unless the first is wanted for itself" if one.shown else ""
    return f"make one edit of `{one.first}` and `{one.second}`{unless}"


def _in_a_list(text: str) -> str:
    return quoted(text) if any(mark in text for mark in "[]{},\"'#:") else text
