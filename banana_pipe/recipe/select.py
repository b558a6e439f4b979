"""The nodes that a user's argument means: `scene`, `scene[color=teal]`, `scene[…]@2`.

Unaware of where the argument comes from.
"""

from __future__ import annotations

from banana_pipe.errors import UsageError
from banana_pipe.model import Graph, Node, Reference
from banana_pipe.recipe.references import BadReference, parse_node
from banana_pipe.recipe.words import nearest, suggestion


def select(graph: Graph, text: str) -> tuple[tuple[Node, int | None], ...]:
    """The nodes that *text* names, in the graph's order, each with the take asked for (or None).

    Axes may stand in any order, and those left out match every name. Raises UsageError, with the
    nearest names, if there is no such node.
    """
    try:
        wanted = parse_node(text)
    except BadReference as error:
        raise UsageError(f"{text!r}: {error}", hint=error.hint) from None
    if wanted is None:
        raise UsageError(f"{text!r} names no node", hint="for example `hero`, `scene[color=teal]`, `hero@2`")
    named = [node for node in graph if _matches(node, wanted)]
    found = tuple((node, wanted.sample) for node in (_ends(graph, named, wanted) if wanted.last else named))
    if not found:
        raise UsageError(f"there is no node `{text}`", hint=_instead(graph, wanted, text))
    return found


def _matches(node: Node, wanted: Reference) -> bool:
    if node.step != wanted.step:
        return False
    own = dict(node.axes)
    return all(own.get(axis) == name for axis, name in wanted.axes.items())


def _ends(graph: Graph, nodes: list[Node], wanted: Reference) -> list[Node]:
    """The last of each chain in *nodes*."""
    step = graph.recipe.steps.get(wanted.step)
    if step is None or not step.chain:
        return []
    # The chain's axis is the last one, and its links stand in their order.
    return list({node.axes[:-1]: node for node in nodes}.values())


def _instead(graph: Graph, wanted: Reference, text: str) -> str:
    own = [node.id for node in graph if node.step == wanted.step]
    if own and wanted.last:
        return f"`{wanted.step}` has no `chain`, and so no last link"
    if any(one.id == text.partition("@")[0] or one.step == text for one in graph.skipped):
        return "a `when` of the recipe drops it; `plan` lists what does not exist"
    if not own:
        return suggestion(wanted.step, dict.fromkeys(node.step for node in graph), kind="steps")
    near = nearest(text, own)
    listed = ", ".join(own[:8]) + (", …" if len(own) > 8 else "")
    return f"did you mean `{near}`?" if near else f"`{wanted.step}` has {listed}"
