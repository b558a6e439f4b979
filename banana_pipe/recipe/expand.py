"""A recipe becomes a graph: every instance of every step, rendered, with the pictures it reads.

Unaware of YAML, of requests and their keys, and of what is in the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, TypeVarTuple

from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.model import Expect, FileInput, Input, Json, Node, NodeInput, Recipe, Reference, Step, Text, UrlInput
from banana_pipe.recipe.axes import is_fixed, rendered
from banana_pipe.recipe.expectations import expected
from banana_pipe.recipe.files import Files
from banana_pipe.recipe.instances import Instance, Instances
from banana_pipe.recipe.naming import BadName, collision_key, default_output, output_name
from banana_pipe.recipe.order import in_order
from banana_pipe.recipe.references import BadReference, GlobReference, Referred, UrlReference, parse_reference
from banana_pipe.recipe.schema import PROVIDERS
from banana_pipe.recipe.templates import Templates
from banana_pipe.recipe.words import nearest, shortened, suggestion
from banana_pipe.recipe.yaml import Value

DEFAULT_MODEL = "nano-banana"
"""What the API takes where none is named; another default here would be another key."""
DEFAULT_TIMEOUT = 600.0
_PARAMS = ("aspect_ratio", "resolution")

_Made = TypeVar("_Made")
_Arguments = TypeVarTuple("_Arguments")


class _SaidElsewhere(RecipeError):
    """Not a mistake of its own: what it comes from is told at its own place."""


def expand(
    recipe: Recipe,
    steps: tuple[str, ...],
    templates: Templates,
    files: Files,
    provider: str | None,
    errors: list[RecipeError],
) -> Mapping[str, Node]:
    """The nodes of *recipe*, each behind those that it reads; mistakes go to *errors*.

    *steps* are the names of all steps, of those too that are too broken to be in the recipe.
    *provider* overrides what the steps say.
    """
    expander = _Expander(recipe, Instances(recipe, steps, templates, files), templates, files, provider)
    nodes = expander.nodes()
    errors += expander.errors
    return nodes if errors else in_order(nodes, recipe.steps, errors)


class _Expander:
    """Makes nodes of instances; complains once about every place."""

    def __init__(
        self, recipe: Recipe, instances: Instances, templates: Templates, files: Files, provider: str | None
    ) -> None:
        self.recipe = recipe
        self.instances = instances
        self.templates = templates
        self.files = files
        self.provider = provider
        self.errors: list[RecipeError] = []
        self.complained: set[Location | None] = set()
        self.parsed: dict[str, Referred] = {}
        self.landed: dict[str, str] = {}
        self.expected: dict[str, Expect] = {}
        for error in instances.errors:
            self.complain(error)

    def nodes(self) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for step in self.recipe.steps.values():
            settings = self.settings(step)
            found = self.instances.of.get(step.name)
            if found is None:
                self.check_templates(step, settings)
            for instance in found or ():
                node = self.node(step, settings, instance, len(nodes))
                if node is not None:
                    nodes[node.id] = node
        return nodes

    def settings(self, step: Step) -> dict[str, Any]:
        """The step's own over the defaults, and the profile's over both.

        The ratio of defaults and profiles is for generated pictures, and for edits that set one.
        """
        settings = {**self.recipe.defaults, **step.settings, **self.recipe.overrides}
        if step.verb == "edit" and "aspect_ratio" not in step.settings:
            settings.pop("aspect_ratio", None)
        return settings

    def check_templates(self, step: Step, settings: Mapping[str, Any]) -> None:
        """What can be said about a step that has no instances, because its axes are broken."""
        texts = [step.prompt, *step.images, *[text for text in settings.values() if isinstance(text, Text)]]
        for text in texts:
            self.tried(self.templates.check, text)

    def node(self, step: Step, settings: Mapping[str, Any], instance: Instance, place: int) -> Node | None:
        prompt = self.tried(self.prompt, step, instance)
        inputs = self.tried(self.inputs, step, settings, instance)
        model = self.tried(self.setting, "model", settings, instance)
        provider = self.provider or self.tried(self.named_provider, settings, instance)
        params = self.tried(self.params, step, settings, instance)
        output = self.tried(self.output, step, settings, instance)
        expect = self.tried(self.expect, step, settings, instance)
        if prompt is None or inputs is None or params is None or provider is None or expect is None:
            return None
        pick = settings.get("pick")
        own, extra = params
        return Node(
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

    def prompt(self, step: Step, instance: Instance) -> str:
        prompt = self.templates.render(step.prompt, instance.scope)
        if not prompt:
            raise RecipeError(f"the prompt of `{instance.id}` is empty", at=step.prompt.at)
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
        for layer in (self.recipe.defaults, step.settings, self.recipe.overrides):
            values = layer.get("extra")
            if isinstance(values, Value):
                extra |= rendered(values, instance.scope, self.templates)
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
                name = output_name(self.templates.render(written, instance.scope))
            except BadName as error:
                raise RecipeError(f"`output` of `{instance.id}`: {error}", at=at) from None
        first = self.landed.setdefault(collision_key(name), instance.id)
        if first != instance.id:
            hint = "let `output` name every axis, as in `{{ names.color }}`"
            raise RecipeError(f"`{first}` and `{instance.id}` both land at `{name}`", at=at, hint=hint)
        return name

    def expect(self, step: Step, settings: Mapping[str, Any], instance: Instance) -> Expect:
        if step.name in self.expected:
            return self.expected[step.name]
        value = settings.get("expect")
        if value is None:
            return Expect()
        places = {name: inner.at for name, inner in value.data.items()}
        found = expected(rendered(value, instance.scope, self.templates), places)
        if is_fixed(value):
            self.expected[step.name] = found
        return found

    # --- what a node reads --------------------------------------------------------------------

    def inputs(self, step: Step, settings: Mapping[str, Any], instance: Instance) -> tuple[Input, ...]:
        if not step.images and "images" not in settings:
            return (NodeInput(instance.parent),) if instance.parent else ()
        found: list[Input] = []
        understood = True
        for text in step.images:
            for written in self.tried(self.written, text, instance) or ():
                referred = self.tried(self.referred, written, text.at, instance)
                understood = understood and referred is not None
                found += referred or ()
        if step.verb == "edit" and not found and understood and not self.errors:
            at = step.images[0].at if step.images else step.at
            raise RecipeError(f"`{instance.id}` edits nothing: `images` is empty here", at=at)
        return tuple(found)

    def written(self, text: Text, instance: Instance) -> list[str]:
        """The references in *text*: one, or a list where it is one expression with a list."""
        value = self.templates.value(text, instance.scope)
        values = value if isinstance(value, list) else [value]
        for one in values:
            if not isinstance(one, str):
                raise RecipeError(f"`images` takes texts, not {one!r}", at=text.at, hint="a step, a file or a pattern")
        return values

    def referred(self, written: str, at: Location, instance: Instance) -> Iterable[Input]:
        try:
            reference = self.parsed.get(written)
            if reference is None:
                reference = self.parsed[written] = parse_reference(written)
            if isinstance(reference, Reference):
                return self.nodes_of(reference, written, instance)
            if isinstance(reference, UrlReference):
                return [UrlInput(reference.url, at)]
            if isinstance(reference, GlobReference):
                return [FileInput(self.files.find(one, at), one, at) for one in self.files.glob(reference.text, at)]
            return [FileInput(self.files.find(reference.text, at), reference.text, at)]
        except BadReference as error:
            raise RecipeError(str(error), at=at, hint=error.hint) from None

    def nodes_of(self, reference: Reference, written: str, instance: Instance) -> list[NodeInput]:
        """The instances that are meant: `[*]` and `[axis=…]` say so themselves, a bare name means
        those that agree with the reader on every axis both have."""
        step = reference.step
        if step not in self.instances.of:
            if step in self.instances.steps:
                raise _SaidElsewhere("that step is broken")
            raise self.unknown(step)
        if reference.every:
            found = [one.id for one in self.instances.of[step]]
        elif reference.axes:
            self.check_axes(step, reference)
            found = list(self.instances.matching(step, reference.axes))
        else:
            found = list(self.instances.matching(step, dict(instance.axes)))
        if not found:
            ids = [one.id for one in self.instances.of[step]]
            raise self.unmatched(reference, written, ids, instance)
        return [NodeInput(one, reference.sample) for one in found]

    def unmatched(self, reference: Reference, written: str, ids: list[str], instance: Instance) -> BadReference:
        there = f"there are: {', '.join(ids[:6])}{', …' if len(ids) > 6 else ''}" if ids else "there are none"
        if reference.axes:
            near = nearest(written, ids)
            return BadReference(f"there is no `{shortened(written)}`", f"did you mean `{near}`?" if near else there)
        message = f"no instance of `{reference.step}` agrees with `{instance.id}` on the axes that both have"
        return BadReference(message, f"{there}; `{reference.step}[*]` is all of them")

    def check_axes(self, step: str, reference: Reference) -> None:
        known = self.instances.axes_of(step)
        for axis in reference.axes:
            if axis not in known:
                hint = suggestion(axis, known, kind="its axes") if known else f"it has no axes: write `{step}`"
                raise BadReference(f"`{step}` has no axis `{axis}`", hint)

    def unknown(self, step: str) -> BadReference:
        hint = suggestion(step, self.instances.steps, kind="steps")
        return BadReference(f"there is no step `{step}`", f"{hint}; a file of that name is `./{step}`")

    # --- errors -------------------------------------------------------------------------------

    def tried(self, make: Callable[[*_Arguments], _Made], *arguments: *_Arguments) -> _Made | None:
        """What *make* returns; None and a complaint where it raises."""
        try:
            return make(*arguments)
        except _SaidElsewhere:
            return None
        except RecipeError as error:
            self.complain(error)
            return None

    def complain(self, error: RecipeError) -> None:
        """Keep *error*, unless its place was complained about: a thousand nodes may share a text."""
        for one in error.errors if isinstance(error, RecipeErrors) else (error,):
            if one.at not in self.complained:
                self.complained.add(one.at)
                self.errors.append(one)
