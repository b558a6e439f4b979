"""The ops of `transform`: local, free, and the same bytes for the same pictures.

Unaware of recipes, nodes and stores: bytes in, bytes out. One small file per op; `base` says what
an op is, `kinds` what its parameters may be, `pixels` what ops share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from banana_pipe.images import NotAPicture
from banana_pipe.model import Json, Op
from banana_pipe.transforms import plugins
from banana_pipe.transforms.base import Transform, TransformFailed
from banana_pipe.transforms.chroma_key import CHROMA_KEY
from banana_pipe.transforms.compare import COMPARE
from banana_pipe.transforms.convert import CONVERT
from banana_pipe.transforms.crop import CROP
from banana_pipe.transforms.flip import FLIP
from banana_pipe.transforms.grid import GRID
from banana_pipe.transforms.icons import ICONS
from banana_pipe.transforms.mask import MASK
from banana_pipe.transforms.overlay import OVERLAY
from banana_pipe.transforms.pad import PAD
from banana_pipe.transforms.palette import PALETTE
from banana_pipe.transforms.pixels import Beside, Encoding, Frame, encode
from banana_pipe.transforms.resize import RESIZE
from banana_pipe.transforms.rotate import ROTATE
from banana_pipe.transforms.sprites import SPRITES
from banana_pipe.transforms.text import TEXT
from banana_pipe.transforms.trim import TRIM

TRANSFORMS: Mapping[str, Transform] = {
    op.name: op
    for op in (
        *(RESIZE, CROP, TRIM, PAD, ROTATE, FLIP),
        *(CONVERT, PALETTE, CHROMA_KEY, MASK, OVERLAY, TEXT),
        *(GRID, COMPARE, SPRITES, ICONS),
    )
}

_OWN = frozenset(TRANSFORMS)


def find(name: str) -> Transform | None:
    """The op *name*, ours or another package's; None where there is none. Raises BrokenPlugin."""
    return TRANSFORMS.get(name) or plugins.find(name, _OWN)


def names() -> list[str]:
    """The names of all ops, ours first. None of another package's is imported."""
    return [*TRANSFORMS, *dict.fromkeys(one.name for one in plugins.installed() if one.name not in TRANSFORMS)]


def transform_of(op: Op) -> Transform:
    """What *op* is of. Raises TransformFailed where it is not there any more."""
    found = find(op.name)
    if found is None:
        raise TransformFailed(f"there is no op `{op.name}` any more", hint="install the package that has it")
    return found


_MOST_SHOWN = 8
"""Of a list among the parameters: a sheet has names for all of its pictures."""

Read = Callable[[], Frame]
"""Gives a picture when it is needed: a sheet of a hundred pictures holds few at a time."""
ReadFile = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """A picture that ops made."""

    data: bytes
    mime: str
    width: int
    height: int
    beside: tuple[Beside, ...] = ()


def make(ops: Sequence[Op], pictures: Sequence[Read], files: Mapping[int, ReadFile] = MappingProxyType({})) -> Made:
    """The one picture that *ops* make of *pictures*; those that an op refers to are not passed through.

    *files* are what is no picture, by their places; what is read in their places is not asked for.

    Raises TransformFailed where an op cannot do what it should, and what *pictures* raise.
    """
    try:
        return _made(ops, pictures, files)
    except MemoryError as error:
        raise TransformFailed("there is not enough memory for it", hint="smaller pictures need less") from error


def side_suffixes(ops: Iterable[Op]) -> list[str]:
    """What *ops* make beside the picture, in its order. Raises TransformFailed where one is not there any more."""
    return [suffix for op in ops for suffix in transform_of(op).side_files(op.params)]


def _made(ops: Sequence[Op], pictures: Sequence[Read], files: Mapping[int, ReadFile]) -> Made:
    referred = {place for op in ops for place in op.places}
    frames: Iterable[Frame] = (read() for place, read in enumerate(pictures) if place not in referred)
    for op in ops:
        whole = replace(op, params={**op.params, **{name: files[place]() for name, place in op.files}})
        frames = _applied(whole, frames, [pictures[place] for place in op.pictures])
    left = list(frames)
    if len(left) != 1:
        raise TransformFailed(f"{len(left)} pictures are left", hint="`grid` makes one of many")
    try:
        made = Made(encode(left[0]), left[0].encoding.mime, *left[0].size, left[0].beside)
    except NotAPicture as error:
        raise TransformFailed(error.message, hint=error.hint) from error
    announced = side_suffixes(ops)
    if [one.suffix for one in made.beside] != announced:
        raise TransformFailed(f"beside the picture there was to be {announced}, and an op made something else")
    return made


def in_words(name: str, params: Mapping[str, Json], pictures: Iterable[str] = ()) -> str:
    """An op as people read it: its name, the *pictures* it refers to, and the parameters that are not as they are anyway."""
    defaults = {param.name: param.default for param in TRANSFORMS[name].params} if name in TRANSFORMS else {}
    said = [*pictures, *(f"{key} {_shown(value)}" for key, value in params.items() if value != defaults.get(key))]
    return f"{name} ({', '.join(said)})" if said else name


def _shown(value: Json) -> str:
    if not isinstance(value, list):
        return str(value)
    more = ["…"] if len(value) > _MOST_SHOWN else []
    return " ".join([*map(str, value[:_MOST_SHOWN]), *more])


def mime_of(ops: Iterable[Op]) -> str:
    """The type of the file that *ops* make, as far as they say so."""
    formats = [op.params["format"] for op in ops if op.name == CONVERT.name]
    return f"image/{formats[-1]}" if formats else Encoding().mime


def _applied(op: Op, frames: Iterable[Frame], others: Sequence[Read]) -> Iterator[Frame]:
    return transform_of(op).run(frames, op.params, [read() for read in others])
