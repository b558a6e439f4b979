"""What the lock files of a recipe are needed for: every request and address that it asks, under whatever profile.

Unaware of what is missing and of what becomes of blocks that nobody needs.

What a recipe asks under other values of `--set` nobody can list: only those at hand are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from banana_pipe.beforehand import plan, settle
from banana_pipe.links import SANDBOX, links_of
from banana_pipe.model import BaseKey, Url
from banana_pipe.planning import Decided
from banana_pipe.recipe.references import parse_node
from banana_pipe.store.labels import parts_of
from banana_pipe.store.pins import LockBlock, LockFile
from banana_pipe.workspace import Options, Workspace, open_recipe, read_profiles

_FOR_MONEY = "acedata"


@dataclass(slots=True)
class Usage:
    """By lock file what is asked; `unknown` are the labels of nodes whose request nobody can say yet."""

    requests: dict[Path, dict[BaseKey, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    """With the labels of the nodes that ask it."""
    unknown: dict[Path, set[str]] = field(default_factory=lambda: defaultdict(set))
    links: set[Url] = field(default_factory=set)

    def unused(self, path: Path, lock: LockFile) -> list[LockBlock]:
        """The blocks of *lock*, the file *path*, that nothing asks for; what may be a block of an unknown node is none."""
        asked, unknown = self.requests[path], self.unknown[path]
        found = (block for base, block in lock.blocks.items() if base not in asked and unknown.isdisjoint(block.labels))
        return sorted(found, key=lambda block: (block.labels, block.base))

    def unused_links(self, lock: LockFile) -> list[Url]:
        """The addresses in *lock* that nothing reads."""
        return [url for url in lock.links if url not in self.links]


async def usage_of(workspace: Workspace, decided: Decided) -> Usage:
    """What the recipe of *workspace*, whose settled plan is *decided*, asks, with all its profiles.

    Transforms that others wait for are made. Raises RecipeErrors where it cannot be read under a profile.
    """
    usage = Usage()
    _add(usage, workspace, decided)
    for options in _others(workspace):
        opened = open_recipe(workspace.path, options, workspace.access, workspace.clock)
        try:
            _add(usage, opened, await settle(opened, await plan(opened), frozen=True))
        finally:
            opened.close()
    return usage


def _add(usage: Usage, workspace: Workspace, decided: Decided) -> None:
    for node in workspace.graph:
        if node.is_local:
            continue
        path, label = workspace.lock_of(node.provider), workspace.markets[node.provider].label(node.id)
        if node.id in decided.takes:
            usage.requests[path][decided.takes[node.id][0].wanted.base].add(label)
        else:
            usage.unknown[path].add(label)
    usage.links.update(links_of(workspace.whole))


def _others(workspace: Workspace) -> Iterator[Options]:
    """The other ways to read the recipe that ask what a lock file of *workspace* holds."""
    own = replace(workspace.options, select=(), first=None, out=None)
    markets = {node.provider for node in workspace.whole if not node.is_local}
    providers: set[str | None] = {None, own.provider}
    providers |= {SANDBOX} if SANDBOX in markets else set()
    # A recipe that says `provider: sandbox` may have been run for money; any other is when nobody says anything.
    providers |= {_FOR_MONEY} if markets != {SANDBOX} and _says_sandbox(workspace) else set()
    for profile in (None, *read_profiles(workspace.path, own)):
        for provider in sorted(providers, key=str):
            if (profile, provider) != (own.profile, own.provider):
                yield replace(own, profile=profile, provider=provider)


def _says_sandbox(workspace: Workspace) -> bool:
    return workspace.options.provider is None and any(node.provider == SANDBOX for node in workspace.whole)


# --- names that may be those of nodes that are gone ---------------------------------------------


def is_named(block: LockBlock, texts: Iterable[str]) -> bool:
    """Whether one of *texts*, names of nodes, whole or in part, means a label of *block*."""
    return any(_means(text, parts_of(label)[0]) for text in texts for label in block.labels)


def _means(text: str, node: str) -> bool:
    wanted, own = parse_node(text), parse_node(node)
    if wanted is None or own is None:
        return False
    axes: Mapping[str, str] = dict(own.axes)
    same_step = own.step == wanted.step or own.step.startswith(f"{wanted.step}/")
    return same_step and all(axes.get(axis) == name for axis, name in wanted.axes.items())
