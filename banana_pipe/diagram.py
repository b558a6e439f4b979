"""A graph as a picture in text: boxes and arrows, written for Mermaid or Graphviz.

Unaware of files, stores and prices, and of who draws the text.

Names are their author's text: in labels everything that either language could read as its own is
written as an escape.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from banana_pipe.model import Graph, Node, NodeInput

_HARMLESS = frozenset(" .,:=/@()[]+-_")


@dataclass(frozen=True, slots=True)
class Box:
    """A node, a step or a file: a name that the languages take, and what is written in it."""

    name: str
    lines: tuple[str, ...]
    kind: str = "node"
    """`node`, `hidden` for what is not published, or `file`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes that belong together; without a title they stand for themselves."""

    title: str | None
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """Who is read by whom, by the names of their boxes."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """Groups and arrows, in the graph's order."""

    name: str
    groups: tuple[Group, ...]
    arrows: tuple[Arrow, ...]


def by_node(graph: Graph) -> Diagram:
    """A box for every node, those of a step together, and one for every file."""
    files = _named("f", (one.label for node in graph for one in node.inputs if not isinstance(one, NodeInput)))
    nodes = _named("n", graph.nodes)
    arrows = (
        Arrow(files[one.label], nodes[node.id])
        if not isinstance(one, NodeInput)
        else Arrow(nodes[one.node], nodes[node.id], "" if one.sample is None else f"take {one.sample}")
        for node in graph
        for one in node.inputs
    )
    groups = [_step_group(step, members, nodes) for step, members in _by_step(graph).items()]
    pictures = Group(None, tuple(Box(name, (label,), "file") for label, name in files.items()))
    return Diagram(graph.recipe.name, (*((pictures,) if files else ()), *groups), tuple(dict.fromkeys(arrows)))


def by_step(graph: Graph) -> Diagram:
    """A box for every step with how many nodes it has; an arrow says how often it is read."""
    steps = _by_step(graph)
    names = _named("n", steps)
    files: dict[str, set[str]] = {}
    read: Counter[tuple[str, str]] = Counter()
    for node in graph:
        for one in node.inputs:
            if not isinstance(one, NodeInput):
                files.setdefault(f"f{names[node.step]}", set()).add(one.label)
            source = f"f{names[node.step]}" if not isinstance(one, NodeInput) else names[graph.nodes[one.node].step]
            read[source, names[node.step]] += 1
    boxes = [_step_box(step, members, names[step]) for step, members in steps.items()]
    pictures = [Box(name, (_files(labels),), "file") for name, labels in files.items()]
    arrows = [Arrow(*ends, f"×{number}" if number > 1 else "") for ends, number in read.items()]
    return Diagram(graph.recipe.name, (Group(None, (*pictures, *boxes)),), tuple(arrows))


def mermaid(diagram: Diagram) -> Iterator[str]:
    """The lines of a Mermaid flowchart, as Markdown pages show it."""
    yield "flowchart LR"
    for place, group in enumerate(diagram.groups):
        indent = "  " if group.title is None else "    "
        if group.title is not None:
            yield f'  subgraph s{place}["{_for_mermaid(group.title)}"]'
        for box in group.boxes:
            label = "<br>".join(map(_for_mermaid, box.lines))
            opening, closing = ("([", "])") if box.kind == "file" else ("[", "]")
            yield f'{indent}{box.name}{opening}"{label}"{closing}'
        if group.title is not None:
            yield "  end"
    for arrow in diagram.arrows:
        label = f'|"{_for_mermaid(arrow.label)}"|' if arrow.label else ""
        yield f"  {arrow.source} -->{label} {arrow.target}"
    hidden = [box.name for group in diagram.groups for box in group.boxes if box.kind == "hidden"]
    if hidden:
        yield "  classDef hidden stroke-dasharray: 4 3"
        yield f"  class {','.join(hidden)} hidden"


def dot(diagram: Diagram) -> Iterator[str]:
    """The lines of a digraph in Graphviz's language."""
    yield f'digraph "{_for_dot(diagram.name)}" {{'
    yield "  rankdir=LR;"
    yield '  node [shape=box, style=rounded, fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize=10];'
    for place, group in enumerate(diagram.groups):
        indent = "  " if group.title is None else "    "
        if group.title is not None:
            yield f'  subgraph cluster_{place} {{ label="{_for_dot(group.title)}"; fontname="sans-serif"; style=dotted;'
        for box in group.boxes:
            label = r"\n".join(map(_for_dot, box.lines))
            yield f'{indent}{box.name} [label="{label}"{_DOT_LOOKS[box.kind]}];'
        if group.title is not None:
            yield "  }"
    for arrow in diagram.arrows:
        label = f' [label="{_for_dot(arrow.label)}"]' if arrow.label else ""
        yield f"  {arrow.source} -> {arrow.target}{label};"
    yield "}"


_DOT_LOOKS = {"node": "", "hidden": ', style="rounded,dashed"', "file": ", shape=note, style=solid"}
FORMATS: Mapping[str, Callable[[Diagram], Iterator[str]]] = {"mermaid": mermaid, "dot": dot}


# --- boxes --------------------------------------------------------------------------------------


def _named(letter: str, things: Iterable[str]) -> dict[str, str]:
    return {thing: f"{letter}{place}" for place, thing in enumerate(dict.fromkeys(things))}


def _by_step(graph: Graph) -> dict[str, list[Node]]:
    steps: dict[str, list[Node]] = {}
    for node in graph:
        steps.setdefault(node.step, []).append(node)
    return steps


def _step_group(step: str, nodes: list[Node], names: Mapping[str, str]) -> Group:
    title = step if any(node.axes for node in nodes) else None
    return Group(title, tuple(_node_box(node, names[node.id]) for node in nodes))


def _node_box(node: Node, name: str) -> Box:
    written = " · ".join(value for _, value in node.axes) or node.id
    takes = (f"{node.samples} takes",) if node.samples > 1 else ()
    return Box(name, (written, *takes), "hidden" if node.output is None else "node")


def _step_box(step: str, nodes: list[Node], name: str) -> Box:
    takes = sum(node.samples for node in nodes)
    counted = [f"{len(nodes)} nodes"] if len(nodes) > 1 else []
    counted += [f"{takes} takes"] if takes > len(nodes) else []
    lines = (step, ", ".join(counted)) if counted else (step,)
    return Box(name, lines, "hidden" if all(node.output is None for node in nodes) else "node")


def _files(labels: set[str]) -> str:
    return next(iter(labels)) if len(labels) == 1 else f"{len(labels)} pictures"


# --- text -----------------------------------------------------------------------------------------


def _seen(text: str) -> str:
    """*text* with a space for what cannot be seen or would end the line."""
    return "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)


def _for_mermaid(text: str) -> str:
    # `#` begins an entity; `%%{` a directive, anywhere; a backtick Markdown.
    return "".join(
        letter if letter.isalnum() or letter in _HARMLESS or not letter.isascii() else f"#{ord(letter)};"
        for letter in _seen(text)
    )


def _for_dot(text: str) -> str:
    return _seen(text).replace("&", "&amp;").replace("\\", r"\\").replace('"', r"\"")
