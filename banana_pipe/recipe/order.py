"""Nodes are put behind those that they read, and circles are found.

Unaware of how nodes are made and of what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import Node, NodeInput, Step


def in_order(nodes: Mapping[str, Node], steps: Mapping[str, Step], errors: list[RecipeError]) -> dict[str, Node]:
    """*nodes* in their order, but each behind those that it reads; circles go to *errors*."""
    ordered: dict[str, Node] = {}
    for node in nodes.values():
        if node.id not in ordered:
            _visit(node, nodes, steps, ordered, errors)
    return ordered


def _visit(
    start: Node,
    nodes: Mapping[str, Node],
    steps: Mapping[str, Step],
    ordered: dict[str, Node],
    errors: list[RecipeError],
) -> None:
    # A stack of our own: a chain of a thousand nodes would be too deep for Python's.
    trail: dict[str, Iterator[str]] = {start.id: _read_by(start)}
    while trail:
        current = next(reversed(trail))
        for read in trail[current]:
            if read in trail:
                _complain([*trail][[*trail].index(read) :], nodes, steps, errors)
            elif read not in ordered:
                trail[read] = _read_by(nodes[read])
                break
        else:
            del trail[current]
            ordered[current] = nodes[current]


def _read_by(node: Node) -> Iterator[str]:
    return iter([one.node for one in node.inputs if isinstance(one, NodeInput)])


def _complain(
    trail: list[str], nodes: Mapping[str, Node], steps: Mapping[str, Step], errors: list[RecipeError]
) -> None:
    """Say who reads whom, once for every place."""
    names = " -> ".join([*trail, trail[0]])
    hint = "a picture cannot be made from itself: take one of the references away"
    at = _reads_at(nodes[trail[0]], steps)
    if all(error.at != at for error in errors):
        errors.append(RecipeError(f"these read each other in a circle: {names}", at=at, hint=hint))


def _reads_at(node: Node, steps: Mapping[str, Step]) -> Location:
    step = steps[node.step]
    if step.images:
        return step.images[0].at
    return step.each.at if step.each else step.at
