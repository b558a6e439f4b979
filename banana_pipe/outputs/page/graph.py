"""The graph of a recipe as boxes and lines with places: steps in layers, their nodes as cells in them.

Unaware of pictures and of HTML; lengths are the units of the drawing.

A step is a box, its nodes are cells in it. Where there are few lines they go from cell to cell; where
there are many, from box to box; and above `MOST_CELLS` nodes a box has no cells, but says how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from banana_pipe.model import Graph, Node, NodeInput

MOST_CELLS = 1000
_MOST_LINES = 160
_TALL = 12
"""Cells one above the other before a second column begins."""
_CELL, _HIGH, _GAP, _PAD, _TITLE = 138, 24, 4, 10, 26
_BETWEEN, _ABOVE = 70, 22
_LETTERS, _TITLE_LETTERS = 19, 17


@dataclass(frozen=True, slots=True)
class Cell:
    """A node: its place, what it is called here, how it ended."""

    x: int
    y: int
    node: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Box:
    """A step."""

    x: int
    y: int
    width: int
    height: int
    step: str
    label: str
    count: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Who is read by whom: a curve, and the names at its ends."""

    path: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    fine: bool
    """Whether the lines go from cell to cell."""
    cell: tuple[int, int] = (_CELL, _HIGH)


def draw(graph: Graph, kinds: Mapping[str, str]) -> Drawing | None:
    """The drawing of *graph*; *kinds* say how each node ended. None where there is nothing to see."""
    steps: dict[str, list[Node]] = {}
    for node in sorted(graph, key=lambda node: node.place):
        steps.setdefault(node.step, []).append(node)
    if len(graph) < 2:
        return None
    with_cells = len(graph) <= MOST_CELLS
    layers = _layers(graph, steps)
    boxes, width, height = _placed(layers, steps, kinds, with_cells)
    read = _read(graph)
    fine = with_cells and len(read) <= _MOST_LINES
    lines = _fine_lines(read, boxes) if fine else _step_lines(read, boxes)
    return Drawing(width, height, tuple(boxes), tuple(lines), fine)


def _layers(graph: Graph, steps: Iterable[str]) -> list[list[str]]:
    """Steps in the order in which pictures come about: each behind those that it reads."""
    depth: dict[str, int] = {}
    of_step = dict.fromkeys(steps, 0)
    for node in graph:  # each behind what it reads
        read = [graph.nodes[name] for name in node.upstream if name in graph.nodes]
        depth[node.id] = max((depth.get(one.id, 0) + (one.step != node.step) for one in read), default=0)
        of_step[node.step] = max(of_step[node.step], depth[node.id])
    layers: list[list[str]] = [[] for _ in range(max(of_step.values(), default=0) + 1)]
    for step, layer in of_step.items():
        layers[layer].append(step)
    return [_untangled(graph, layer, layers[:place]) for place, layer in enumerate(layers) if layer]


def _untangled(graph: Graph, layer: Sequence[str], before: Sequence[Sequence[str]]) -> list[str]:
    """Steps beside what they read, as far as that can be."""
    height = {step: place for steps in before for place, step in enumerate(steps)}
    places: dict[str, list[int]] = {step: [] for step in layer}
    for node in graph:
        if node.step in places:
            read = (graph.nodes[name].step for name in node.upstream if name in graph.nodes)
            places[node.step] += [height[step] for step in read if step in height]
    return sorted(layer, key=lambda step: sum(places[step]) / len(places[step]) if places[step] else 0)


def _placed(
    layers: Sequence[Sequence[str]], steps: Mapping[str, Sequence[Node]], kinds: Mapping[str, str], with_cells: bool
) -> tuple[list[Box], int, int]:
    sizes = {step: _size(len(nodes) if with_cells else 0) for step, nodes in steps.items()}
    heights = [sum(sizes[step][1] + _ABOVE for step in layer) - _ABOVE for layer in layers]
    boxes, x = [], _PAD
    for layer, height in zip(layers, heights, strict=True):
        y = _PAD + (max(heights) - height) // 2
        for step in layer:
            width, high = sizes[step]
            cells = _cells(steps[step], x, y, kinds) if with_cells else ()
            count = f"× {len(steps[step])}" if len(steps[step]) > 1 else ""
            boxes.append(Box(x, y, width, high, step, _short(step, _TITLE_LETTERS), count, cells))
            y += high + _ABOVE
        x += max(sizes[step][0] for step in layer) + _BETWEEN
    return boxes, x - _BETWEEN + _PAD, max(heights) + 2 * _PAD


def _columns(number: int) -> int:
    return 1 if number <= _TALL else ceil(sqrt(number / 4))


def _size(number: int) -> tuple[int, int]:
    columns = _columns(number)
    rows = ceil(number / columns)
    return columns * (_CELL + _GAP) - _GAP + 2 * _PAD, _TITLE + rows * (_HIGH + _GAP) - _GAP + (_PAD if rows else 14)


def _cells(nodes: Sequence[Node], x: int, y: int, kinds: Mapping[str, str]) -> tuple[Cell, ...]:
    rows = ceil(len(nodes) / _columns(len(nodes)))
    return tuple(
        Cell(
            x + _PAD + place // rows * (_CELL + _GAP),
            y + _TITLE + place % rows * (_HIGH + _GAP),
            node.id,
            _short(" · ".join(name for _, name in node.axes) or node.id, _LETTERS),
            kinds.get(node.id, "none"),
        )
        for place, node in enumerate(nodes)
    )


def _read(graph: Graph) -> list[tuple[Node, Node]]:
    """Every two nodes of which the second reads the first."""
    pairs = {
        (one.node, node.id): (graph.nodes[one.node], node)
        for node in graph
        for one in node.inputs
        if isinstance(one, NodeInput) and one.node in graph.nodes
    }
    return list(pairs.values())


def _fine_lines(read: Iterable[tuple[Node, Node]], boxes: Iterable[Box]) -> list[Line]:
    cells = {cell.node: cell for box in boxes for cell in box.cells}
    lines = []
    for one, other in read:
        a, b = cells[one.id], cells[other.id]
        lines.append(Line(_curve(a.x + _CELL, a.y + _HIGH // 2, b.x, b.y + _HIGH // 2), one.id, other.id))
    return lines


def _step_lines(read: Iterable[tuple[Node, Node]], boxes: Iterable[Box]) -> list[Line]:
    named = {box.step: box for box in boxes}
    lines = []
    for one, other in dict.fromkeys((one.step, other.step) for one, other in read if one.step != other.step):
        a, b = named[one], named[other]
        lines.append(Line(_curve(a.x + a.width, a.y + a.height // 2, b.x, b.y + b.height // 2), one, other))
    return lines


def _curve(x1: int, y1: int, x2: int, y2: int) -> str:
    if x2 <= x1:  # within a step: round the right side
        return f"M{x1} {y1}C{x1 + 26} {y1} {x1 + 26} {y2} {x1} {y2}"
    bend = max(24, (x2 - x1) // 2)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
