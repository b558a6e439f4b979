"""A recipe becomes a graph: every instance of every step, rendered, with the pictures it reads.

Unaware of YAML, of requests and their keys, and of what is in the pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from banana_pipe.errors import Location, RecipeError
from banana_pipe.model import LOCAL, Expect, FileInput, Json, Node, NodeInput, Recipe, Skipped, Step, Text, UrlInput
from banana_pipe.recipe.axes import is_fixed, rendered
from banana_pipe.recipe.beside import collisions, told
from banana_pipe.recipe.complaints import Complaints, every
from banana_pipe.recipe.expectations import checked
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.instances import Instance, Instances
from banana_pipe.recipe.naming import BadName, collision_key, default_output, output_name
from banana_pipe.recipe.parameters import Ops, RenderedOp, one_is_left
from banana_pipe.recipe.presence import Candidates, Draft, existing
from banana_pipe.recipe.reading import Reader, Slot
from banana_pipe.recipe.references import step_of
from banana_pipe.recipe.settings import PROVIDERS, check_fixed_ratio, check_ratio
from banana_pipe.recipe.templates import Templates
from banana_pipe.recipe.words import shortened, suggestion
from banana_pipe.recipe.written import bare
from banana_pipe.recipe.yaml import Value
from banana_pipe.transforms import mime_of

DEFAULT_MODEL = "nano-banana"
"""What the API takes where none is named; another default here would be another key."""
DEFAULT_TIMEOUT = 600.0
_PARAMS = ("aspect_ratio", "resolution")


def expand(
    recipe: Recipe,
    steps: tuple[str, ...],
    templates: Templates,
    files: Files,
    provider: str | None,
    errors: list[RecipeError],
) -> tuple[Mapping[str, Node], tuple[Skipped, ...]]:
    """The nodes of *recipe*, each behind those that it reads, and what does not exist; mistakes go to *errors*.

    *steps* are the names of all steps, of those too that are too broken to be in the recipe.
    *provider* overrides what the steps say.
    """
    expander = _Expander(recipe, Instances(recipe, steps, templates, files), templates, files, provider)
    nodes, skipped = expander.nodes()
    errors += expander.complaints.errors
    return nodes, skipped


class _Expander:
    """Makes nodes of instances; complains once about every place."""

    def __init__(
        self, recipe: Recipe, instances: Instances, templates: Templates, files: Files, provider: str | None
    ) -> None:
        self.recipe = recipe
        self.instances = instances
        self.templates = templates
        self.provider = provider
        self.complaints = Complaints()
        self.tried = self.complaints.tried
        self.landing: dict[str, tuple[str, Location]] = {}
        """Where each instance would land, and where the recipe says so."""
        self.reader = Reader(instances, templates, files, self.complaints)
        self.expected: dict[str, Expect] = {}
        self.ops = Ops(templates)
        for error in instances.errors:
            self.complaints.add(error)

    def nodes(self) -> tuple[dict[str, Node], tuple[Skipped, ...]]:
        drafts = self.drafts()
        if self.complaints.errors or self.complaints.told_elsewhere:
            self.check_outputs(self.landing)
            return {}, ()
        candidates = Candidates(self.instances.by_id, drafts, self.instances.dropped, self.reader.starts)
        nodes, skipped = existing(candidates, self.circle)
        self.check_outputs(nodes)
        for node in [node for node in nodes.values() if node.is_local]:
            step = self.recipe.steps[node.step]
            self.tried(one_is_left, node, step)
            nodes[node.id] = self.tried(told, node, nodes, step.prompt.at) or node
        for node in nodes.values():
            self.tried(self.check_kinds, node, nodes)
        for name, words in collisions(nodes):
            at = self.landing[name][1]
            self.complaints.add(RecipeError(words, at=at, hint="give one of them another `output`"))
        return nodes, skipped

    def drafts(self) -> dict[str, Draft]:
        drafts: dict[str, Draft] = {}
        for step in self.recipe.steps.values():
            if step.verb == "use":
                self.check_inputs(step)
                continue
            settings = self.settings(step)
            found = [one for one in self.instances.of.get(step.name, ()) if one.id not in self.instances.dropped]
            if not found:
                self.check_templates(step, settings)
            make = self.transform if step.verb == "transform" else self.draft
            for instance in found:
                draft = make(step, settings, instance, len(drafts))
                if draft is not None:
                    drafts[instance.id] = draft
        return drafts

    def check_inputs(self, step: Step) -> None:
        """Complain about what the instances of *step* give to the recipe that it uses, whether that reads it or not."""
        for instance in self.instances.of.get(step.name, ()):
            if instance.id not in self.instances.dropped:
                for name in self.recipe.parts[step.name].inputs:
                    self.reader.given(name, instance)

    def settings(self, step: Step) -> dict[str, Any]:
        """The step's own over the defaults, and the profile's over both.

        The ratio of defaults and profiles is for generated pictures, and for edits that set one.
        """
        if step.verb == "transform":
            return dict(step.settings)
        settings = {**self.recipe.defaults_of(step), **step.settings, **self.recipe.overrides}
        if step.verb == "edit" and "aspect_ratio" not in step.settings:
            settings.pop("aspect_ratio", None)
        return settings

    def check_templates(self, step: Step, settings: Mapping[str, Any]) -> None:
        """What can be said about a step that has no instances: its axes are broken, or `when` drops all."""
        texts = [
            step.prompt,
            *step.images,
            *step.start,
            *[text for text in settings.values() if isinstance(text, Text)],
        ]
        for text in texts:
            self.tried(self.templates.check, text)
        self.tried(check_fixed_ratio, settings)
        for op in step.ops:
            self.tried(self.ops.check, op)

    def draft(self, step: Step, settings: Mapping[str, Any], instance: Instance, place: int) -> Draft | None:
        prompt = self.tried(self.prompt, step, instance)
        slots = self.tried(self.reader.slots, step, instance)
        model = self.tried(self.setting, "model", settings, instance)
        provider = self.provider or self.tried(self.named_provider, settings, instance)
        params = self.tried(self.params, step, settings, instance)
        output = self.tried(self.output, step, settings, instance)
        expect = self.tried(self.expect, step, settings, instance)
        if prompt is None or slots is None or params is None or provider is None or expect is None:
            return None
        pick = settings.get("pick")
        own, extra = params
        inputs = tuple([slot for slot in slots if isinstance(slot, NodeInput | FileInput | UrlInput)])
        node = Node(
            id=instance.id,
            step=step.name,
            axes=instance.axes,
            action="edit" if inputs else "generate",
            provider=provider,
            model=model or DEFAULT_MODEL,
            prompt=prompt,
            inputs=inputs,
            params={**own, **extra},
            has_extra=bool(extra),
            timeout=settings.get("timeout", DEFAULT_TIMEOUT),
            samples=settings.get("samples", 1),
            pick=None if pick == "ask" else pick,
            output=output,
            at=step.at,
            place=place,
            asks=pick == "ask",
            expect=expect,
        )
        return Draft(node, slots)

    def transform(self, step: Step, settings: Mapping[str, Any], instance: Instance, place: int) -> Draft | None:
        slots = self.tried(self.reader.slots, step, instance)
        read = [self.tried(self.ops.rendered, one, instance.scope) for one in step.ops]
        ops = [one for one in read if one is not None]
        output = self.tried(self.output, step, settings, instance)
        expect = self.tried(self.expect, step, settings, instance)
        pictures = [self.tried(self.pictures, one, step, instance) for one in ops]
        fonts = [self.tried(self.fonts, one) for one in ops]
        found = [one for one in pictures if one is not None]
        files = [one for one in fonts if one is not None]
        if slots is None or expect is None or not len(found) == len(files) == len(step.ops):
            return None
        node = Node(
            id=instance.id,
            step=step.name,
            axes=instance.axes,
            action="transform",
            provider=LOCAL,
            model="",
            prompt="",
            inputs=(),
            params={},
            has_extra=False,
            timeout=DEFAULT_TIMEOUT,
            samples=1,
            pick=None,
            output=output,
            at=step.at,
            place=place,
            expect=expect,
        )
        parts = zip(ops, found, files, strict=True)
        return Draft(node, slots, tuple((one.op, those, its_files) for one, those, its_files in parts))

    def fonts(self, one: RenderedOp) -> tuple[tuple[str, FileInput], ...]:
        """The fonts of an op, each with its parameter."""
        return tuple([(name, self.reader.font(text, at)) for name, text, at in one.files])

    def pictures(self, one: RenderedOp, step: Step, instance: Instance) -> tuple[Slot, ...]:
        """The other pictures of an op."""
        return tuple([self.reader.picture(text, at, one.op.name, step, instance) for text, at in one.pictures])

    def prompt(self, step: Step, instance: Instance) -> str:
        prompt = self.templates.render(step.prompt, instance.scope)
        if not prompt:
            hint = "write one, or leave the instance out with `when`"
            raise RecipeError(f"the prompt of `{instance.id}` is empty", at=step.prompt.at, hint=hint)
        return prompt

    def setting(self, name: str, settings: Mapping[str, Any], instance: Instance) -> str | None:
        text = settings.get(name)
        if text is None:
            return None
        value = self.templates.render(text, instance.scope)
        if not value:
            raise RecipeError(
                f"`{name}` of `{instance.id}` is empty", at=text.at, hint="leave it out if it is not meant"
            )
        if name == "aspect_ratio":
            check_ratio(value, text.at)
        return value

    def named_provider(self, settings: Mapping[str, Any], instance: Instance) -> str:
        provider = self.setting("provider", settings, instance) or PROVIDERS[0]
        if provider not in PROVIDERS:
            hint = suggestion(provider, PROVIDERS, kind="there are")
            raise RecipeError(f"there is no provider `{shortened(provider)}`", at=settings["provider"].at, hint=hint)
        return provider

    def params(
        self, step: Step, settings: Mapping[str, Any], instance: Instance
    ) -> tuple[dict[str, Json], dict[str, Json]]:
        """The fields of the request that the recipe sets: ours, and those of `extra`."""
        given = [(name, self.setting(name, settings, instance)) for name in _PARAMS if name in settings]
        extra: dict[str, Json] = {}
        for layer in (self.recipe.defaults_of(step), step.settings, self.recipe.overrides):
            values = layer.get("extra")
            if isinstance(values, Value):
                extra |= bare(rendered(values, instance.scope, self.templates))
        return {name: value for name, value in given if value is not None}, extra

    def output(self, step: Step, settings: Mapping[str, Any], instance: Instance) -> str | None:
        written = settings.get("output")
        if written is False:
            return None
        at = step.at
        if written is None:
            name = default_output(step.name, [name for _, name in instance.axes])
        else:
            at = written.at
            try:
                name = output_name(self.room(instance) + self.templates.render(written, instance.scope))
            except BadName as error:
                raise RecipeError(f"`output` of `{instance.id}`: {error}", at=at, hint=error.hint) from None
        self.landing[instance.id] = name, at
        return name

    def room(self, instance: Instance) -> str:
        """The folder in which outputs of a used recipe land: two of its users never meet there."""
        if instance.within is None:
            return ""
        use = self.instances.by_id[instance.within]
        return default_output(step_of(use.id), use.names.values()) + "/"

    def expect(self, step: Step, settings: Mapping[str, Any], instance: Instance) -> Expect:
        if step.name in self.expected:
            return self.expected[step.name]
        value = settings.get("expect")
        if value is None:
            return Expect()

        def read(name: str) -> Json:
            inner = value.data[name]
            return checked(name, rendered(inner, instance.scope, self.templates), inner.at)

        found = Expect(**dict(zip(value.data, every(read, value.data), strict=True)))
        if is_fixed(value):
            self.expected[step.name] = found
        return found

    # --- what only all nodes together show ----------------------------------------------------

    def check_outputs(self, names: Iterable[str]) -> None:
        """Complain where two of the instances *names* land at one place."""
        landed: dict[str, str] = {}
        for name in names:
            output, at = self.landing.get(name, (None, None))
            if output is None:
                continue
            first = landed.setdefault(collision_key(output), name)
            if first != name:
                hint = self.told_apart(first, name)
                message = f"`{first}` and `{name}` both land at `{output}`"
                self.complaints.add(RecipeError(message, at=at, hint=hint))

    def told_apart(self, first: str, second: str) -> str:
        """What to do about two instances that land at one place."""
        one, other = self.instances.by_id[first], self.instances.by_id[second]
        if step_of(first) != step_of(second):
            return "give them different names in `output`"
        axis = next((axis for axis, name in one.axes if other.names.get(axis) != name), "")
        return f"let `output` name every axis, as in `{{{{ names.{axis} }}}}`"

    def check_kinds(self, node: Node, nodes: Mapping[str, Node]) -> None:
        """Raise RecipeError where *node* sends the provider what a transform makes in a format that none takes."""
        if node.is_local:
            return
        for one in node.inputs:
            made = nodes[one.node] if isinstance(one, NodeInput) else node
            if made.is_local and mime_of(made.ops) == "image/avif":
                names = [each.node if isinstance(each, NodeInput) else each.label for each in made.inputs[:1]]
                source = "".join(f": `{shortened(name)}`" for name in names)
                hint = f"`convert` it to png, jpeg or webp, or read what it is made of{source}"
                message = f"the picture of `{made.id}` is an AVIF, and the provider takes PNG, JPEG and WebP"
                raise RecipeError(message, at=self.reads_at(node.id, step_of(made.id)), hint=hint)

    def circle(self, trail: list[str]) -> None:
        """Say who reads whom, once for every place."""
        names = " -> ".join([*trail, trail[0]])
        hint = "a picture cannot be made from itself: take one of the references away"
        at = self.reads_at(trail[0])
        self.complaints.add(RecipeError(f"these read each other in a circle: {names}", at=at, hint=hint))

    def reads_at(self, name: str, whom: str = "") -> Location:
        """Where the step of that instance says what it reads: the text that names the step *whom*, if one does."""
        step = self.recipe.steps[step_of(name)]
        if step.images:
            return next((text for text in step.images if whom in text.value), step.images[0]).at
        return step.start[0].at if step.start else step.each.at if step.each else step.at
