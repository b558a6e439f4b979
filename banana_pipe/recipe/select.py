"""The nodes that a user's argument means: `scene`, `scene[color=teal]`, `scene[…]@2`.

Unaware of where the argument comes from.
"""

from __future__ import annotations

from banana_pipe.errors import UsageError
from banana_pipe.model import Graph, Node, Reference
from banana_pipe.recipe.references import BadReference, parse_node, step_of
from banana_pipe.recipe.words import nearest, suggestion


def select(graph: Graph, text: str) -> tuple[tuple[Node, int | None], ...]:
    """The nodes that *text* names, in the graph's order, each with the take asked for (or None).

    Axes may stand in any order, and those left out match every name. A step that uses a recipe means
    all that is made there. Raises UsageError, with the nearest names, if there is no such node.
    """
    try:
        wanted = parse_node(text)
    except BadReference as error:
        raise UsageError(f"{text!r}: {error}", hint=error.hint) from None
    if wanted is None:
        raise UsageError(f"{text!r} names no node", hint="for example `hero`, `scene[color=teal]`, `hero@2`")
    own = _of_step(graph, wanted.step)
    named = [node for node in own if _matches(node, wanted)]
    found = tuple((node, wanted.sample) for node in (_ends(graph, named, wanted) if wanted.last else named))
    if not found:
        raise UsageError(f"there is no node `{text}`", hint=_instead(graph, wanted, text, own))
    return found


def with_takes(graph: Graph, text: str) -> list[Node]:
    """The nodes that *text* names, without transforms unless it names nothing else: they have no takes to choose from.

    Raises UsageError as `select` does.
    """
    named = [node for node, _ in select(graph, text)]
    return [node for node in named if not node.is_local] or named


def _of_step(graph: Graph, step: str) -> list[Node]:
    """The nodes of *step*, those of the steps of the recipe that it uses where it uses one."""
    if step in graph.recipe.parts:
        return [node for node in graph if node.step.startswith(f"{step}/")]
    return [node for node in graph if node.step == step]


def _matches(node: Node, wanted: Reference) -> bool:
    own = dict(node.axes)
    return all(own.get(axis) == name for axis, name in wanted.axes.items())


def _ends(graph: Graph, nodes: list[Node], wanted: Reference) -> list[Node]:
    """The last of each chain in *nodes*."""
    step = graph.recipe.steps.get(wanted.step)
    if step is None or not step.chain:
        return []
    # The chain's axis is the last one, and its links stand in their order.
    return list({node.axes[:-1]: node for node in nodes}.values())


def _instead(graph: Graph, wanted: Reference, text: str, own: list[Node]) -> str:
    uses = wanted.step in graph.recipe.parts
    chains = [step for step in dict.fromkeys(node.step for node in own) if graph.recipe.steps[step].chain]
    if chains and wanted.last:
        return f"`{wanted.step}` uses a recipe; the end of a chain in it is `{chains[0]}[last]`"
    if own and wanted.last:
        return f"`{wanted.step}` has no `chain`, and so no last link"
    dropped = [one.step for one in graph.skipped if one.id == text.partition("@")[0] or one.step == text]
    if dropped or (not own and any(one.step.startswith(f"{text}/") for one in graph.skipped)):
        return "a `when` of the recipe drops it; `plan` lists what does not exist"
    if not own:
        steps = dict.fromkeys([*graph.recipe.parts, *(node.step for node in graph)])
        return suggestion(wanted.step, steps, kind="steps")
    ids = [node.id for node in own]
    # Of a used recipe all nodes with these axes are meant, whatever their steps are called.
    near = nearest(text, [wanted.step + one.removeprefix(step_of(one)) for one in ids] if uses else ids)
    listed = ", ".join(ids[:8]) + (", …" if len(ids) > 8 else "")
    return f"did you mean `{near}`?" if near else f"`{wanted.step}` has {listed}"
