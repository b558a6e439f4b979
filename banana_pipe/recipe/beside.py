"""What ops can only know where they stand: what their pictures are called, and what lands beside the one that they make.

Unaware of how ops are written, and of what they do to pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from banana_pipe.errors import Location, RecipeError
from banana_pipe.images import SUFFIXES, suffix
from banana_pipe.model import FileInput, Input, Node, NodeInput, Op
from banana_pipe.recipe.naming import TAKEN, collision_key, default_output
from banana_pipe.transforms import mime_of, side_suffixes, transform_of
from banana_pipe.transforms.base import BadParams, Standing


def told(node: Node, nodes: Mapping[str, Node], at: Location) -> Node:
    """*node* with its ops' parameters complete. Raises RecipeError, at *at*, where they do not go together there."""
    ops = [transform_of(op) for op in node.ops]
    for place, op in enumerate(ops):
        several = _pictures(node) > 1 and not any(one.joins for one in ops[: place + 1])
        if several and op.side_files(node.ops[place].params):
            message = f"`{op.name}` makes files beside one picture, and here are {_pictures(node)}"
            raise RecipeError(message, at=at, hint="`each: STEP` makes one of each; or join them before")
    if not any(op.told for op in ops):
        return node
    return replace(node, ops=tuple(_told(op, place, node, nodes, at) for place, op in enumerate(node.ops)))


def _told(op: Op, place: int, node: Node, nodes: Mapping[str, Node], at: Location) -> Op:
    tell = transform_of(op).told
    if tell is None:
        return op
    file = None if node.output is None else node.output.rpartition("/")[2] + suffix(mime_of(node.ops))
    referred = {one for other in node.ops for one in other.places}
    read = [one for number, one in enumerate(node.inputs) if number not in referred]
    is_one = any(transform_of(one).joins for one in node.ops[:place])
    names = [(node.output or node.step).rpartition("/")[2]] if is_one else _names(read, nodes)
    after = tuple(one.name for one in node.ops[place + 1 :])
    try:
        params = tell(op.params, Standing(tuple(names), file, after))
        transform_of(op).side_files(params)  # asked again when they are published: whoever raises does so here
        return replace(op, params=params)
    except BadParams as error:
        raise RecipeError(f"{error} in `{node.id}`", at=at, hint=error.hint) from None


def _names(read: Sequence[Input], nodes: Mapping[str, Node]) -> list[str]:
    """What the pictures are called: where they land or lie, without suffix and the folders that they share."""
    paths = [_name(one, nodes) for one in read]
    folders = [path.split("/")[:-1] for path in paths]
    shared = 0
    while len({tuple(one[: shared + 1]) for one in folders}) == 1 and all(len(one) > shared for one in folders):
        shared += 1
    return ["/".join(path.split("/")[shared:]) for path in paths]


def _name(one: Input, nodes: Mapping[str, Node]) -> str:
    if isinstance(one, NodeInput):
        node = nodes[one.node]
        written = [name for _, name in node.axes]
        # As they are written, where nobody says otherwise: file systems take less than game engines do.
        is_default = node.output in (None, default_output(node.step, written))
        name = "/".join([node.step, *written]) if is_default else node.output or ""
        return name if one.sample is None else f"{name}@{one.sample}"
    path = PurePosixPath(one.label if isinstance(one, FileInput) else urlsplit(one.url).path.strip("/") or "picture")
    return path.with_suffix("").as_posix()


def _pictures(node: Node) -> int:
    return len(node.inputs) - sum(len(op.places) for op in node.ops)


def side_files(node: Node) -> list[str]:
    """What is published beside the picture of *node*, by its path."""
    if node.output is None:
        return []
    return [node.output + one for one in side_suffixes(node.ops)]


def collisions(nodes: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """The node whose side file has no place of its own, with the words for what is there."""
    made = {node.id: paths for node in nodes.values() if node.is_local and (paths := side_files(node))}
    if not made:
        return
    pictures = {collision_key(node.output): node.id for node in nodes.values() if node.output is not None}
    folders = {folder: name for path, name in pictures.items() for folder in _folders(path)}
    beside: dict[str, str] = {}
    for name, paths in made.items():
        for path in paths:
            there = _there(path, nodes[name], pictures, folders, beside)
            if there is not None:
                yield name, f"`{path}`, a file beside the picture of `{name}`, {there}"
            beside.setdefault(collision_key(path), name)


def _there(
    path: str, node: Node, pictures: Mapping[str, str], folders: Mapping[str, str], beside: Mapping[str, str]
) -> str | None:
    """What is where *path* is to be, beside the picture of *node*."""
    key = collision_key(path)
    stem = key.rpartition(".")[0]
    if key in TAKEN:
        return "is written by banana-pipe itself"
    if key in beside:
        return "is made twice there" if beside[key] == node.id else f"is one of `{beside[key]}` too"
    if f".{key.rpartition('.')[2]}" in SUFFIXES and stem == collision_key(node.output or ""):
        return "would have the name of the picture itself"
    if stem != collision_key(node.output or "") and stem in pictures:
        return f"would have the name of `{pictures[stem]}`"
    return f"stands where `{folders[key]}` has a folder" if key in folders else None


def _folders(path: str) -> list[str]:
    return [path[:place] for place, letter in enumerate(path) if letter == "/"]
