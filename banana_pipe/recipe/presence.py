"""Which nodes exist: what `when` drops is passed over by chains and missing from lists, and what has
nothing left to read goes with it.

Unaware of templates, of how conditions were judged and of what references were written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from banana_pipe.model import FileInput, Input, Node, NodeInput, Op, Skipped, UrlInput
from banana_pipe.recipe.instances import Instance
from banana_pipe.recipe.order import in_order
from banana_pipe.recipe.reading import End, Previous, Slot
from banana_pipe.recipe.references import step_of


@dataclass(frozen=True, slots=True)
class Draft:
    """A node whose inputs are not settled yet, and what they are if all that it reads exists."""

    node: Node
    slots: tuple[Slot, ...]
    ops: tuple[tuple[Op, tuple[Slot, ...], tuple[tuple[str, FileInput], ...]], ...] = ()
    """Those of a transform, each with the other pictures that it refers to, and with its files by parameter."""

    @property
    def reads(self) -> tuple[Slot, ...]:
        """All slots, those of ops behind the others."""
        return (*self.slots, *(slot for _, slots, _ in self.ops for slot in slots))


@dataclass(frozen=True, slots=True)
class Candidates:
    """All instances by id, the drafts of those that nobody dropped, and what each fold starts from."""

    instances: Mapping[str, Instance]
    drafts: Mapping[str, Draft]
    dropped: Mapping[str, Skipped]
    starts: Mapping[str, tuple[Slot, ...]]


def existing(
    candidates: Candidates, circle: Callable[[list[str]], None]
) -> tuple[dict[str, Node], tuple[Skipped, ...]]:
    """The nodes that exist, each behind those that it reads; and those that don't, in their order.

    *circle* is told every circle of nodes that read each other.
    """
    presence = _Presence(candidates)
    circles: list[list[str]] = []
    order = in_order({name: presence.reads(name) for name in candidates.instances}, circles.append)
    for names in circles:
        circle(names)
    if circles:
        return {}, ()
    nodes = {name: node for name in order if (node := presence.settle(name)) is not None}
    skipped = presence.skipped
    return nodes, tuple(
        skipped[name] for name in candidates.instances if name in skipped and skipped[name].action != "use"
    )


class _Presence:
    """Settles one candidate after the other; whoever is asked about has been settled."""

    def __init__(self, candidates: Candidates) -> None:
        self.skipped: dict[str, Skipped] = {}
        self._all = candidates
        self._last: dict[str, str | None] = {}
        """For each link the last one up to it that exists, itself included."""
        self._started: dict[str, tuple[list[Input], list[str]]] = {}

    def reads(self, name: str) -> list[str]:
        """Whose presence decides about that of *name*, and about what it reads."""
        instance, draft = self._all.instances[name], self._all.drafts.get(name)
        names = _named(draft.reads) if draft else []
        if instance.fold is not None:
            names += [instance.before] if instance.before else _named(self._all.starts.get(name, ()))
        if instance.parent is not None:
            names.append(instance.parent)
        return names

    def settle(self, name: str) -> Node | None:
        """The node, reading what is there; None where it does not exist."""
        instance, draft = self._all.instances[name], self._all.drafts.get(name)
        node = None
        if name in self._all.dropped:
            self.skipped[name] = self._all.dropped[name]
        elif instance.parent in self.skipped:
            self._skip(name, draft, f"`{instance.parent}` does not exist")
        elif draft is None:
            return None  # a used recipe: it has no picture of its own
        else:
            node = self._reading(draft, instance)
        if instance.fold is not None:
            before = self._last[instance.before] if instance.before else None
            self._last[name] = before if node is None else name
        return node

    def _reading(self, draft: Draft, instance: Instance) -> Node | None:
        inputs, missing = self._there(draft.slots, instance)
        if missing and not inputs:
            self._skip(draft.node.id, draft, f"it would read {_listed(missing)}: no such picture is made")
            return None
        if draft.node.action == "transform":
            return self._transforming(draft, inputs, instance)
        if draft.node.inputs == tuple(inputs):
            return draft.node
        return replace(draft.node, inputs=tuple(inputs), action="edit" if inputs else "generate")

    def _transforming(self, draft: Draft, inputs: list[Input], instance: Instance) -> Node:
        """The transform with the pictures of its ops behind its own; an op with nothing left to read goes."""
        ops: list[Op] = []
        for op, slots, files in draft.ops:
            others, _ = self._there(slots, instance)
            if slots and not others:  # dropped, or the link before the first one
                continue
            places = tuple(range(len(inputs), len(inputs) + len(others)))
            inputs += others
            named = tuple((name, len(inputs) + number) for number, (name, _) in enumerate(files))
            inputs += [file for _, file in files]
            ops.append(replace(op, pictures=places, files=named) if places or named else op)
        return replace(draft.node, inputs=tuple(inputs), ops=tuple(ops))

    def _skip(self, name: str, draft: Draft | None, why: str) -> None:
        step, action = (draft.node.step, draft.node.action) if draft else (step_of(name), "use")
        self.skipped[name] = Skipped(name, step, action, "empty", why)

    def _there(self, slots: Sequence[Slot], instance: Instance) -> tuple[list[Input], list[str]]:
        """What of *slots* is there, and the names of what is not."""
        inputs: list[Input] = []
        missing: list[str] = []
        for slot in slots:
            if isinstance(slot, FileInput | UrlInput):
                inputs.append(slot)
            elif isinstance(slot, NodeInput):
                if slot.node in self.skipped:
                    missing.append(slot.node)
                else:
                    inputs.append(slot)
            elif isinstance(slot, End):
                last = self._last[slot.link]
                if last is None:
                    missing.append(slot.link)
                else:
                    inputs.append(NodeInput(last, slot.sample))
            else:
                found, lost = self._previous(slot, instance)
                inputs += found
                missing += lost
        return inputs, missing

    def _previous(self, slot: Previous, instance: Instance) -> tuple[list[Input], list[str]]:
        before = self._last[instance.before] if instance.before else None
        if before is not None:
            return [NodeInput(before, slot.sample)], []
        fold = instance.fold or instance.id
        if fold not in self._started:
            self._started[fold] = self._there(self._all.starts.get(fold, ()), instance)
        found, lost = self._started[fold]
        if slot.sample is None:
            return found, lost
        taken = [NodeInput(one.node, slot.sample) if isinstance(one, NodeInput) else one for one in found]
        return list(taken), lost


def _named(slots: Sequence[Slot]) -> list[str]:
    return [
        slot.node if isinstance(slot, NodeInput) else slot.link for slot in slots if isinstance(slot, NodeInput | End)
    ]


def _listed(names: Sequence[str]) -> str:
    return f"`{names[0]}`" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
