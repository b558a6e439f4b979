"""What a node reads: texts become references, and references the instances and files that they mean.

Unaware of prompts and settings, and of which of the instances exist in the end: what a text means
is judged before any `when`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import FileInput, NodeInput, Reference, Step, Text, UrlInput
from banana_pipe.recipe.complaints import Complaints, SaidElsewhere
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.instances import Instance, Instances
from banana_pipe.recipe.references import (
    BadReference,
    FileReference,
    GlobReference,
    Referred,
    UrlReference,
    parse_reference,
    step_of,
)
from banana_pipe.recipe.templates import Templates
from banana_pipe.recipe.words import nearest, shortened, suggestion
from banana_pipe.recipe.written import file_of, like

PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Previous:
    """What `previous` means in a link: the last link before it that exists, else what the fold starts from."""

    sample: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The last link of a fold that exists; `link` is its last one, whether that exists or not."""

    link: str
    sample: int | None = None


Slot = NodeInput | FileInput | UrlInput | Previous | End
"""A picture that a node reads, if what it comes from exists."""


class Reader:
    """Finds what the instances of steps read; complains once about every place."""

    def __init__(self, instances: Instances, templates: Templates, files: Files, complaints: Complaints) -> None:
        self.starts: dict[str, tuple[Slot, ...]] = {}
        """What `previous` means in the first link of each fold, by that link's id."""
        self._inputs: dict[tuple[str, str], tuple[Slot, ...] | None] = {}
        self._instances = instances
        self._templates = templates
        self._files = files
        self._complaints = complaints
        self._parsed: dict[str, Referred] = {}

    def slots(self, step: Step, instance: Instance) -> tuple[Slot, ...] | None:
        """What *instance* reads, in order; None after a complaint about some of it.

        Raises RecipeError where an edit has nothing to edit.
        """
        if instance.fold is not None and instance.fold not in self.starts:
            self.starts[instance.fold] = self._start(step, self._instances.by_id[instance.fold])
        if not step.images and "images" not in step.settings:
            return self._unless_said(step, instance)
        found = self._meant(step.images, step, instance)
        if found is not None and not found and step.verb in ("edit", "transform"):
            at = step.images[0].at if step.images else step.at
            hint = "name at least one picture, or leave the instance out with `when`"
            raise RecipeError(f"`{instance.id}` {step.verb}s nothing: `images` is empty here", at=at, hint=hint)
        return found

    def picture(self, written: str, at: Location, op: str, step: Step, instance: Instance) -> Slot:
        """The one other picture that an op refers to. Raises RecipeError where it is another number of them."""
        found = list(self._referred(written, at, step, instance))
        if len(found) != 1:
            message = f"`{shortened(written)}` is {len(found)} pictures here, and `{op}` takes one"
            raise RecipeError(message, at=at, hint="say which: `step[axis=name]`, or one file")
        return found[0]

    def font(self, written: str, at: Location) -> FileInput:
        """The font file that an op names. Raises RecipeError where there is none, or where it is no file."""
        if self._complaints.has(at):
            raise SaidElsewhere("this place was complained about")
        try:
            reference = parse_reference(written)
            if isinstance(reference, UrlReference | GlobReference):
                raise BadReference("a font is one file beside the recipe", "download it, and name that file")
            return FileInput(self._files.find(written, at), str(written), at, is_font=True)
        except BadReference as error:
            raise RecipeError(str(error), at=at, hint=error.hint) from None

    def given(self, name: str, user: Instance) -> tuple[Slot, ...] | None:
        """What *user* gives to the recipe that it uses as the input *name*, in its own words and with its axes.

        None after a complaint about some of it.
        """
        if (user.id, name) not in self._inputs:
            step = self._instances.step(step_of(user.id))
            self._inputs[user.id, name] = self._meant(self._instances.inputs_of(step.name)[name], step, user)
        return self._inputs[user.id, name]

    def _unless_said(self, step: Step, instance: Instance) -> tuple[Slot, ...]:
        if instance.fold is not None:
            return (Previous(),)
        return (NodeInput(instance.parent),) if step.each and instance.parent else ()

    def _start(self, step: Step, first: Instance) -> tuple[Slot, ...]:
        """What a fold starts from: `start`, else the instance of `each` unless `images` says what is read."""
        if step.start:
            return self._meant(step.start, step, first) or ()
        given = step.images or "images" in step.settings
        return (NodeInput(first.parent),) if step.each and first.parent and not given else ()

    def _meant(self, texts: Sequence[Text], step: Step, instance: Instance) -> tuple[Slot, ...] | None:
        found: list[Slot] = []
        understood = True
        for text in texts:
            written = self._complaints.tried(self._written, text, instance)
            understood = understood and written is not None
            for one in written or ():
                slots = self._complaints.tried(self._referred, one, text.at, step, instance)
                understood = understood and slots is not None
                found += slots or ()
        return tuple(found) if understood else None

    def _written(self, text: Text, instance: Instance) -> list[str]:
        """The references in *text*: one, or a list where it is one expression with a list."""
        value = self._templates.value(text, instance.scope)
        values = value if isinstance(value, list) else [value]
        for one in values:
            if not isinstance(one, str):
                raise RecipeError(f"`images` takes texts, not {one!r}", at=text.at, hint="a step, a file or a pattern")
        return values

    def _referred(self, written: str, at: Location, step: Step, instance: Instance) -> Iterable[Slot]:
        if self._complaints.has(at):  # what it should have been is looked for once, not in every node
            raise SaidElsewhere("this place was complained about")
        try:
            reference = self._parsed.get(written)
            if reference is None:
                reference = self._parsed[written] = parse_reference(written)
            if isinstance(reference, Reference):
                if reference.step == PREVIOUS:
                    return [self._previous(reference, at, step, instance)]
                if reference.step in self._instances.inputs_of(step.part):
                    return self._input(reference, instance)
                whole = replace(reference, step=self._instances.before(instance) + reference.step)
                return self._nodes_of(whole, written, instance)
            if isinstance(reference, UrlReference):
                return [UrlInput(reference.url, at)]
            return self._pictures(reference, like(written, reference.text), at)
        except BadReference as error:
            raise RecipeError(str(error), at=at, hint=error.hint) from None

    def _pictures(self, reference: FileReference | GlobReference, text: str, at: Location) -> list[Slot]:
        """The files that *text* names, from the folder of the recipe that it is written in."""
        try:
            found = self._files.glob(text, at) if isinstance(reference, GlobReference) else [text]
            return [FileInput(self._files.find(one, at), str(one), at) for one in found]
        except BadReference as error:
            file = file_of(text, at.path)
            if file == at.path:
                raise
            raise BadReference(f"{error}, as {file} has it", error.hint) from None

    def _input(self, reference: Reference, instance: Instance) -> list[Slot]:
        """What the recipe's user gives as that input."""
        if reference.axes or reference.last:
            hint = f"`{reference.step}` is all that `with` gives, `{reference.step}@2` take 2 of it"
            raise BadReference(f"input `{reference.step}` has no axes here", hint)
        if instance.within is None:
            raise SaidElsewhere("nobody uses this recipe, and so nothing is in its inputs")
        found = self.given(reference.step, self._instances.by_id[instance.within])
        if found is None:
            raise SaidElsewhere("what that input is could not be found out")
        if reference.sample is None:
            return list(found)
        self._check_takes(found, reference.sample)
        return [replace(one, sample=reference.sample) if isinstance(one, NodeInput | End) else one for one in found]

    def _check_takes(self, slots: Sequence[Slot], sample: int | None) -> None:
        """Refuse a take of what has none."""
        if sample in (None, 1):
            return
        for slot in slots:
            if isinstance(slot, FileInput | UrlInput):
                what = "a file" if isinstance(slot, FileInput) else "an address"
                message = f"`{shortened(slot.label)}` is {what} and has one picture: there is no take {sample}"
                raise BadReference(message, "leave the `@` out")
        nodes = [
            slot.node if isinstance(slot, NodeInput) else slot.link
            for slot in slots
            if isinstance(slot, NodeInput | End)
        ]
        for step in dict.fromkeys(map(step_of, nodes)):
            if self._instances.step(step).verb == "transform":
                message = f"`{step}` is a transform and has one picture: there is no take {sample}"
                raise BadReference(message, "leave the `@` out")

    def _previous(self, reference: Reference, at: Location, step: Step, instance: Instance) -> Previous:
        if instance.fold is None:
            hint = f"`{PREVIOUS}` is the link before: give the step a `chain`, or name a step"
            raise BadReference(f"`{step.name}` has no `chain`, and so no `{PREVIOUS}`", hint)
        if any(text.at == at for text in step.start):
            hint = f"name a step or a file: `start` is what `{PREVIOUS}` means in the first link"
            raise BadReference(f"before the first link there is no `{PREVIOUS}`", hint)
        if reference.axes or reference.every or reference.last:
            raise BadReference(f"`{PREVIOUS}` is one link, and takes no brackets", f"write `{PREVIOUS}`")
        self._check_takes([NodeInput(instance.id), *self.starts[instance.fold]], reference.sample)
        return Previous(reference.sample)

    def _nodes_of(self, reference: Reference, written: str, instance: Instance) -> list[Slot]:
        """The instances that are meant: `[*]`, `[last]` and `[axis=…]` say so themselves, a bare name
        means those that agree with the reader on every axis both have."""
        step = reference.step
        if step in self._instances.uses:
            hint = f"name one of its steps, as in `{self._instances.first_of(step)}`"
            raise BadReference(f"`{step}` uses a recipe, and is no picture", hint)
        if step not in self._instances.of:
            if step in self._instances.steps or self._instances.is_broken(step):
                raise SaidElsewhere("that step is broken")
            raise self._unknown(step, instance)
        self._check_takes([NodeInput(step)], reference.sample)
        room = self._room(instance)
        if reference.last:
            return self._ends(reference, written, instance)
        if reference.every:
            found: Iterable[str] = self._instances.matching(step, room)
        elif reference.axes:
            self._check_axes(step, reference, room)
            found = self._instances.matching(step, {**reference.axes, **room})
        else:
            found = self._instances.matching(step, instance.names)
        slots: list[Slot] = [NodeInput(one, reference.sample) for one in found]
        if not slots:
            raise self._unmatched(reference, written, instance)
        return slots

    def _ends(self, reference: Reference, written: str, instance: Instance) -> list[Slot]:
        if self._instances.chain_of(reference.step) is None:
            hint = f"name the instance, or `{reference.step}[*]` for all of them"
            raise BadReference(f"`{reference.step}` has no `chain`, and so no last link", hint)
        found: list[Slot] = [
            End(one, reference.sample) for one in self._instances.ends_matching(reference.step, instance.names)
        ]
        if not found:
            raise self._unmatched(reference, written, instance)
        return found

    def _unmatched(self, reference: Reference, written: str, instance: Instance) -> BadReference:
        ids = [one.id for one in self._instances.of[reference.step]]
        there = f"there are: {', '.join(ids[:6])}{', …' if len(ids) > 6 else ''}" if ids else "there are none"
        if reference.axes:
            near = nearest(written, ids)
            return BadReference(f"there is no `{shortened(written)}`", f"did you mean `{near}`?" if near else there)
        message = f"no instance of `{reference.step}` agrees with `{instance.id}` on the axes that both have"
        return BadReference(message, f"{there}; `{reference.step}[*]` is all of them")

    def _room(self, instance: Instance) -> dict[str, str]:
        """The axes of who uses the recipe that *instance* stands in: it knows of no others of its kind."""
        return {} if instance.within is None else self._instances.by_id[instance.within].names

    def _check_axes(self, step: str, reference: Reference, room: Mapping[str, str]) -> None:
        known = [axis for axis in self._instances.axes_of(step) if axis not in room]
        for axis in reference.axes:
            if axis not in known:
                hint = suggestion(axis, known, kind="its axes") if known else f"it has no axes: write `{step}`"
                raise BadReference(f"`{step}` has no axis `{axis}`", hint)

    def _unknown(self, step: str, instance: Instance) -> BadReference:
        known, before = self._instances.known_to(instance), self._instances.before(instance)
        hint = suggestion(step.removeprefix(before), known, kind="steps")
        own = step.removeprefix(before)
        return BadReference(f"there is no step `{own}`", f"{hint}; a file of that name is `./{own}`")
