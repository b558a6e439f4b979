"""A part of a graph: what was selected with all that it needs, or the first few of every fan-out.

Unaware of who asks for a part, and of what is done with it.

A part is closed: whatever a node in it reads is in it too. So it can be planned and run like a
graph of its own, and nothing is bought in it that the whole graph would not buy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from banana_pipe.errors import UsageError
from banana_pipe.model import Graph, Node, Step
from banana_pipe.recipe.select import select

READERS = "+"
"""Behind a node's name: also what reads it."""


def narrowed(graph: Graph, selected: Sequence[str] = (), first: int | None = None) -> Graph:
    """The part of *graph* that both leave in; all of it without either.

    *selected* are names of nodes as `select` reads them, perhaps with `+` at the end; *first* is how
    many instances of every fan-out stay. Raises UsageError for a name that means nothing, or nothing
    that is left.
    """
    if not selected and first is None:
        return graph
    few = set(graph.nodes) if first is None else first_few(graph, first)
    kept = few & _selected(graph, selected, few, first) if selected else few
    return Graph(graph.recipe, {name: node for name, node in graph.nodes.items() if name in kept}, graph.sources)


def _selected(graph: Graph, texts: Iterable[str], few: set[str], first: int | None) -> set[str]:
    chosen: set[str] = set()
    spread: set[str] = set()
    for text in texts:
        names = {node.id for node in _meant(graph, text)}
        if not names & few:
            raise UsageError(f"--select {text}: --first {first} leaves all of it out", hint="ask for one of the two")
        chosen |= names
        spread |= names if text.endswith(READERS) else set()
    return with_needs(graph, chosen | with_readers(graph, spread))


def _meant(graph: Graph, text: str) -> list[Node]:
    name = text.strip().removesuffix(READERS)
    found = select(graph, name)
    if any(sample is not None for _, sample in found):
        raise UsageError(
            f"--select {text}: this is a take, and takes of a node are made together", hint="name the node"
        )
    return [node for node, _ in found]


def with_needs(graph: Graph, names: set[str]) -> set[str]:
    """*names* with everything that they read, all the way up."""
    found = set(names)
    for node in reversed([*graph]):  # readers first
        if node.id in found:
            found |= node.upstream
    return found


def with_readers(graph: Graph, names: set[str]) -> set[str]:
    """*names* with everything that reads them, all the way down."""
    found = set(names)
    for node in graph:
        if not found.isdisjoint(node.upstream):
            found.add(node.id)
    return found


def first_few(graph: Graph, number: int) -> set[str]:
    """The first *number* instances of every fan-out, but for those that read a left-out one.

    A fan-out is what one step makes by its own axes inside one instance of what it is `each` of.
    """
    early = _early(graph, number)
    kept: set[str] = set()
    for node in graph:
        if node.id in early and node.upstream <= kept:
            kept.add(node.id)
    return kept


def _early(graph: Graph, number: int) -> set[str]:
    made: dict[tuple[object, ...], set[object]] = {}
    cuts = {name: _cuts(step, graph.recipe.steps) for name, step in graph.recipe.steps.items()}

    def is_early(node: Node) -> bool:
        outer: tuple[object, ...] = ()
        for length in _lengths(cuts[node.step]):
            names = node.axes[:length]
            before = made.setdefault((node.step, *outer), set())
            if names not in before and len(before) >= number:
                return False
            before.add(names)
            outer = names
        return True

    # In the graph a node stands behind what it reads: not always where the recipe has it.
    return {node.id for node in sorted(graph, key=lambda node: node.place) if is_early(node)}


def _cuts(step: Step, steps: Mapping[str, Step]) -> list[int]:
    """How many axes each fan-out brings, the outermost first: those of what it is `each` of, or of the step that
    uses its recipe, then its own, then its chain's."""
    levels: list[int] = []
    current: Step | None = step
    while current is not None:
        levels[:0] = [len(current.matrix), len(current.chain)]
        current = steps.get(current.parent)
    return levels


def _lengths(levels: Sequence[int]) -> Iterator[int]:
    """Where each fan-out ends in a node's axes."""
    # A level without axes of its own ends where the one before it does.
    return (length for length in dict.fromkeys(accumulate(levels)) if length)
