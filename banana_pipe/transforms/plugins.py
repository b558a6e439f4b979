"""Ops of other packages: found by their entry points, imported when a recipe asks for one of them.

Unaware of recipes and of our own ops but for their names. Code comes from what is installed, never from a recipe: a
recipe names an op, and nothing that lies in the working directory counts as installed.

What a package may do wrong is told with its name and version: it is no bug of ours, and the user can act on it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from banana_pipe.canonical import canonical_json
from banana_pipe.errors import BananaError, UsageError
from banana_pipe.images import FORMATS
from banana_pipe.model import SIDE_SUFFIX, Json
from banana_pipe.transforms import kinds
from banana_pipe.transforms.base import BadParams, Param, Params, Run, Standing, Transform, TransformFailed, bounded
from banana_pipe.transforms.pixels import Beside, Encoding, Frame

GROUP = "banana_pipe.ops"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_COLOUR = re.compile(r"#(?:[0-9a-f]{2}){3,4}\Z")
_ADVICE = "another version of it may do, or `pip uninstall {}`"

_BREAKS = (Exception, SystemExit)
"""What a stranger's code may raise: who calls `sys.exit` must not end a run in which others have paid."""

T = TypeVar("T")


class BrokenPlugin(UsageError):
    """A package has an op that cannot be used; the message names both."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """An op of another package, not imported yet. `load` gives the object that its entry point names."""

    name: str
    package: str
    version: str
    load: Callable[[], Any]

    @property
    def whose(self) -> str:
        """The package and its version, for people."""
        return f"{self.package} {self.version}".rstrip()

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _ADVICE.format(self.package)


@cache
def installed() -> tuple[Plugin, ...]:
    """The ops of all packages that are installed, by name; none of them is imported."""
    from importlib.metadata import distributions

    here = os.path.realpath(os.curdir)
    found: dict[str, list[Plugin]] = {}
    for package in distributions():
        if os.path.realpath(str(package.locate_file(""))) == here:
            continue
        try:
            entries = package.entry_points.select(group=GROUP)
            if not entries or not package.metadata["Name"]:
                continue
            name, version = package.metadata["Name"], package.metadata["Version"] or ""
        except Exception:  # noqa: BLE001, S112 - what is installed badly has no ops; it is not ours to mend
            continue
        # The first of a name is the one that is imported.
        plugins = [Plugin(entry.name, name, version, entry.load) for entry in entries]
        found.setdefault(re.sub(r"[-_.]+", "-", name).casefold(), plugins)
    return tuple(sorted(chain.from_iterable(found.values()), key=lambda one: (one.name, one.package)))


@cache
def find(name: str, own: frozenset[str]) -> Transform | None:
    """The op *name* of another package; None where no package has it. *own* are the names of ours.

    Raises BrokenPlugin where it cannot be used.
    """
    named = [one for one in installed() if one.name == name]
    if not named:
        return None
    if len(named) > 1:
        both = " and ".join(one.whose for one in named)
        raise BrokenPlugin(f"two packages have an op `{name}`: {both}", hint="uninstall one of them")
    (plugin,) = named
    clash = next((one.name for one in installed() if one.package == plugin.package and one.name in own), None)
    if clash is not None:
        raise BrokenPlugin(
            f"{plugin.whose} has an op `{clash}`, and so has banana-pipe itself: its own is meant, and nothing of the package is used",
            hint=plugin.advice,
        )
    return _checked(plugin)


def hidden(name: str) -> str | None:
    """The package, with its version, that has an op *name* which is never used, as *name* is one of ours."""
    return next((one.whose for one in installed() if one.name == name), None)


def _checked(plugin: Plugin) -> Transform:
    with contextlib.redirect_stdout(sys.stderr):  # what it prints meanwhile is no part of what we print
        try:
            op = plugin.load()
        except _BREAKS as error:
            raise BrokenPlugin(
                f"the op `{plugin.name}` of {plugin.whose} cannot be imported: {_words(error)}", hint=plugin.advice
            ) from error
        try:
            wrong = _wrong(plugin, op)
            found = None if wrong else _guarded(plugin, op)
        except _BREAKS as error:
            wrong, found = _words(error), None
    if found is None:
        raise BrokenPlugin(f"the op `{plugin.name}` of {plugin.whose} is none: {wrong}", hint=plugin.advice)
    return found


def _wrong(plugin: Plugin, op: Any) -> str | None:
    """What is wrong with what the entry point of *plugin* names."""
    if not isinstance(op, Transform):
        return f"it is no Transform but {type(op).__name__}"
    if op.name != plugin.name or not _NAME.match(op.name):
        return f"it calls itself `{op.name}`"
    if type(op.version) is not int or op.version < 1:
        return "its version is no whole number from 1 on"
    params: Any = op.params
    if not isinstance(params, tuple) or not params or not all(isinstance(one, Param) for one in params):
        return "it has no parameters"
    if len({param.name for param in op.params}) < len(op.params):
        return "two parameters have one name"
    if len(op.pictures) > 1:
        return "it refers to more than one other picture"
    if type(op.about) is not str:
        return "what it does is no text"
    return next((words for param in op.params if (words := _wrong_with(param)) is not None), None)


def _wrong_with(param: Param) -> str | None:
    if type(param.name) is not str or not _NAME.match(param.name):
        return f"a parameter is called `{param.name}`"
    if (type(param.about), type(param.kind.words)) != (str, str):
        return f"what `{param.name}` is and does is no text"
    canonical_json(param.kind.schema)  # editors read it
    for what, value in (("example", param.example), ("default", param.default)):
        try:
            if value is not None and param.kind.read(value) != value and what == "default":
                return f"the default of `{param.name}` is not in its canonical form"
            canonical_json(value)
        except _BREAKS as error:
            return f"the {what} of `{param.name}` is not of its kind ({_words(error)})"
    return None


# --- whatever it does, it is told as its own ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of another package, asked once for its words: whatever it raises then means that a value is not of it."""

    kind: kinds.Kind
    words: str
    schema: Mapping[str, Json]

    def read(self, value: Json) -> Json:
        try:
            read = self.kind.read(value)
            canonical_json(read)  # it is a part of the key
        except _BREAKS as error:
            raise ValueError(value) from error
        return read


def _guarded(plugin: Plugin, op: Transform) -> Transform:
    ours = kinds.__name__
    params = [
        param
        if type(param.kind).__module__ == ours
        else replace(param, kind=_Kind(param.kind, param.kind.words, param.kind.schema))
        for param in op.params
    ]
    return replace(
        op,
        package=plugin.package,
        params=tuple(params),
        run=_run(plugin, op.run),
        check=lambda params: _asked(plugin, lambda: op.check(params)),
        side_files=lambda params: _suffixes(plugin, op, params),
        told=None if op.told is None else lambda params, standing: _told(plugin, op, params, standing),
    )


def _asked(plugin: Plugin, ask: Callable[[], T]) -> T:
    """What *ask* gives. Raises BadParams for whatever it raises."""
    try:
        return ask()
    except BadParams:
        raise
    except _BREAKS as error:
        raise BadParams(_broke(plugin, error), plugin.advice) from error


def _suffixes(plugin: Plugin, op: Transform, params: Params) -> tuple[str, ...]:
    suffixes: tuple[Any, ...] = _asked(plugin, lambda: tuple(op.side_files(params)))
    if not all(isinstance(one, str) and SIDE_SUFFIX.match(one) for one in suffixes):
        raise BadParams(f"`{plugin.name}` of {plugin.whose} makes files of these names: {suffixes}", plugin.advice)
    return suffixes


def _told(plugin: Plugin, op: Transform, params: Params, standing: Standing) -> Params:
    tell = op.told
    if tell is None:
        return params

    def told() -> Params:
        found = dict(tell(params, standing))
        canonical_json(found)  # it is a part of the key
        return found

    return _asked(plugin, told)


def _run(plugin: Plugin, run: Run) -> Run:
    def guarded(frames: Iterable[Frame], params: Params, others: Sequence[Frame]) -> Iterator[Frame]:
        try:
            made: Iterable[Any] = run(frames, params, others)
            for frame in made:
                _refuse(plugin, frame)
                yield frame
        except (BananaError, MemoryError):
            raise
        except _BREAKS as error:
            raise TransformFailed(_broke(plugin, error), hint="tell its author") from error

    return guarded


def _refuse(plugin: Plugin, frame: Any) -> None:
    """Raise TypeError for what could not be written and kept, TransformFailed for what is too large."""
    if not isinstance(frame, Frame) or frame.image.mode not in ("RGB", "RGBA") or not all(frame.image.size):
        raise TypeError("what it made is no Frame whose image has pixels, and the mode RGB or RGBA")
    bounded(plugin.name, *frame.size)
    if not _can_be_written(frame.encoding):
        raise TypeError(f"it wants to be written as {frame.encoding}")
    for one in list[Any](frame.beside):
        if not isinstance(one, Beside) or (type(one.data), type(one.mime)) != (bytes, str):
            raise TypeError("what it made beside the picture is no Beside of some bytes")


def _can_be_written(encoding: Any) -> bool:
    if not isinstance(encoding, Encoding) or encoding.mime not in FORMATS:
        return False
    quality: Any = encoding.quality
    return type(quality) is int and 0 <= quality <= 100 and bool(_COLOUR.match(encoding.background))


def _broke(plugin: Plugin, error: BaseException) -> str:
    return f"`{plugin.name}` of {plugin.whose} broke: {_words(error)}"


def _words(error: BaseException) -> str:
    first = str(error).strip().partition("\n")[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
