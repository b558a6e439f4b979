"""Addresses of pictures in a recipe: which there are, what they are pinned to, and in which lock file.

Unaware of how a picture is fetched, and of what is bought with it.

What the project's lock file pins holds in the sandbox too. What the sandbox alone has fetched is
pinned in its own lock file, and says nothing to the project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from banana_pipe.errors import RecipeError, RecipeErrors
from banana_pipe.model import Artifact, Graph, Node, Place, Url, UrlInput
from banana_pipe.project import Places
from banana_pipe.providers.addresses import is_public_host
from banana_pipe.store.pins import LockFile

MAX_LINKS = 10_000
"""Addresses of one recipe, all in all."""
SANDBOX = "sandbox"


def links_of(nodes: Iterable[Node]) -> dict[Url, UrlInput]:
    """The addresses that *nodes* read, each once, in their order."""
    found: dict[Url, UrlInput] = {}
    for node in nodes:
        for one in node.inputs:
            if isinstance(one, UrlInput):
                found.setdefault(one.url, one)
    return found


def refuse_private(graph: Graph) -> None:
    """Raise RecipeErrors where an address leads, by its text alone, to a host that is not public."""
    found = links_of(graph)
    errors = [_private(one) for one in found.values() if not is_public_host(urlsplit(one.url).hostname or "")]
    if len(found) > MAX_LINKS:
        at = list(found.values())[MAX_LINKS].at
        errors.append(RecipeError(f"the recipe reads more than {MAX_LINKS:,} pictures from the web", at=at))
    if errors:
        # One for each place: a template there may have given a thousand.
        raise RecipeErrors(list({error.at: error for error in errors}.values()))


def _private(one: UrlInput) -> RecipeError:
    hint = "download the picture, and name the file"
    return RecipeError(f"{one.url} is not on a public host: nothing is fetched from there", at=one.at, hint=hint)


def pinned(graph: Graph, places: Places, read: Callable[[Path], LockFile]) -> dict[Place, Artifact]:
    """The picture that each address of *graph* means, where that is pinned in the lock files that *read* reads."""
    found = homes(graph, places)
    if not found:
        return {}
    shared = read(places.lock).links
    own = read(places.sandbox_lock).links if places.sandbox_lock in found.values() else {}
    pins = {
        url: shared.get(url) or (own.get(url) if home == places.sandbox_lock else None) for url, home in found.items()
    }
    return {url: link.artifact for url, link in pins.items() if link is not None}


def homes(graph: Graph, places: Places) -> Mapping[Url, Path]:
    """The lock file that pins each address: the project's, for what is read by the sandbox alone the sandbox's."""
    found: dict[Url, Path] = {}
    for node in graph:
        for url in links_of([node]):
            if node.provider != SANDBOX:
                found[url] = places.lock
            else:
                found.setdefault(url, places.sandbox_lock)
    return found
