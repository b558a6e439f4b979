"""One recipe, read, with everything around it: its places, its stores, its pictures, its markets.

Unaware of what is done with it, and of the environment: folders and access are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from banana_pipe import recipe as recipes
from banana_pipe.canonical import Digest
from banana_pipe.clock import Clock, SystemClock
from banana_pipe.errors import RecipeError, RecipeErrors
from banana_pipe.images import NotAPicture, measure_file
from banana_pipe.links import SANDBOX, pinned, refuse_private
from banana_pipe.model import LOCAL, Artifact, FileInput, Graph, Place, Recipe
from banana_pipe.prices import PriceTable
from banana_pipe.project import Places, find_root, places_of
from banana_pipe.providers import catalog
from banana_pipe.providers.secret import Token
from banana_pipe.recipe.narrow import narrowed
from banana_pipe.store import lockfile
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.keylock import KeyLocks
from banana_pipe.store.ledger import Ledger
from banana_pipe.store.lookup import Stores, folders_of
from banana_pipe.store.madebefore import MadeBefore
from banana_pipe.store.pins import LockFile
from banana_pipe.store.published import Published
from banana_pipe.store.results import Results
from banana_pipe.takes import Market
from banana_pipe.transforms import plugins
from banana_pipe.transforms.fonts import NotAFont, measure_font_file

_ANY_SIZE = 1 << 62


@dataclass(frozen=True, slots=True)
class Options:
    """How a recipe is read, and where things are.

    `provider` is one chosen by flag: everything goes there, into a folder of its own; and so does what
    is made under `profile`, one of the recipe's. `out` and `cache` are folders given by flag;
    `allow_read` are folders from the project's root. `select` and `first` ask for a part of the graph
    (see `recipe.narrow`).
    """

    sets: tuple[str, ...] = ()
    vars_files: tuple[Path, ...] = ()
    provider: str | None = None
    out: Path | None = None
    cache: Path | None = None
    allow_read: tuple[Path, ...] = ()
    select: tuple[str, ...] = ()
    first: int | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the provider, and the user's own price table (TOML), where there is one."""

    token: Token | None = None
    base_url: str = catalog.BASE_URL
    prices: Path | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A recipe that was read; `close` when done.

    `files` are its picture files, measured, and what its addresses are pinned to; `broken` says why
    others could not be fetched.
    """

    path: Path
    """The recipe as it was named."""
    graph: Graph
    """What is asked for: all of the recipe, or a part that can stand alone."""
    whole: Graph
    places: Places
    options: Options
    access: Access
    clock: Clock
    files: Mapping[Place, Artifact]
    markets: Mapping[str, Market]
    broken: Mapping[Place, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=())

    @property
    def left_out(self) -> tuple[str, ...]:
        """The nodes of the recipe that are not asked for."""
        return tuple(name for name in self.whole.nodes if name not in self.graph.nodes)

    @property
    def locks(self) -> KeyLocks:
        """The key locks of the project."""
        return KeyLocks(folders_of(self.places.cache)["locks"])

    def lock_of(self, provider: str) -> Path:
        """The lock file that pins what *provider* gave: the sandbox's is not for git."""
        return self.places.sandbox_lock if provider == SANDBOX else self.places.lock

    @property
    def _stores(self) -> Stores:
        """Those of any market: blobs and published files are the same in every one."""
        return next(iter(self.markets.values())).stores

    @property
    def blobs(self) -> Blobs:
        """The pictures that are kept."""
        return self._stores.blobs

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of *digest*, verified, from wherever they are."""
        return self._stores.read(digest)

    def has(self, digest: Digest) -> bool:
        """Whether the bytes of *digest* are somewhere."""
        return self._stores.has(digest)

    def keep(self, path: Path) -> None:
        """Keep the bytes of the file *path* as a blob."""
        self.blobs.put(path.read_bytes())

    def pinned_digests(self) -> frozenset[Digest]:
        """Every picture that the lock files name."""
        blocks = [block for market in self.markets.values() for block in market.stores.lock.blocks.values()]
        taken = {take.artifact.digest for block in blocks for take in block.takes.values()}
        return frozenset(taken | {block.accepted.artifact.digest for block in blocks if block.accepted})

    def close(self) -> None:
        """Give back files and threads."""
        for market in self.markets.values():
            market.stores.ledger.close()
            if isinstance(market.stores.results, Results | MadeBefore):
                market.stores.results.close()


def open_recipe(
    path: Path, options: Options | None = None, access: Access | None = None, clock: Clock | None = None
) -> Workspace:
    """Read the recipe at *path* and everything that planning it needs.

    Raises RecipeErrors with all its mistakes, and UsageError for mistakes in what was handed in. Of a
    part only the pictures that it reads are opened.
    """
    options, access, clock = options or Options(), access or Access(), clock or SystemClock()
    whole = read_graph(path, options)
    graph = narrowed(whole, options.select, options.first)
    refuse_private(whole)
    places = places_of(
        path,
        graph.recipe.name,
        provider=options.provider,
        out=options.out,
        cache=options.cache,
        profile=options.profile,
    )
    known = catalog.load(access.prices)
    read_lock = cache(lockfile.read)
    return Workspace(
        path=path,
        graph=graph,
        whole=whole,
        places=places,
        options=options,
        access=access,
        clock=clock,
        files=_measured(graph) | pinned(whole, places, read_lock),
        markets=_markets(whole, places, access, clock, known.prices, read_lock, options.profile),
        warnings=_advice(graph, known),
    )


def read_graph(path: Path, options: Options) -> Graph:
    """All nodes of the recipe at *path*. Raises RecipeErrors, and UsageError for mistakes in *options*."""
    return recipes.load(
        path,
        sets=options.sets,
        vars_files=options.vars_files,
        allow_read=_allowed(path, options),
        provider=options.provider,
        profile=options.profile,
    )


def read_part(path: Path, options: Options) -> Recipe | None:
    """The recipe at *path* if it has `inputs` and so is another one's part, checked; else None. Raises RecipeErrors."""
    return recipes.read_part(path, allow_read=_allowed(path, options))


def read_profiles(path: Path, options: Options) -> tuple[str, ...]:
    """The profiles of the recipe at *path*. Raises RecipeErrors."""
    return recipes.read_profiles(path, allow_read=_allowed(path, options))


def _allowed(path: Path, options: Options) -> list[Path]:
    """The folders that the recipe at *path* may read besides its own, by their whole paths."""
    return [find_root(path.resolve().parent) / folder for folder in options.allow_read] if path.exists() else []


def _markets(
    graph: Graph,
    places: Places,
    access: Access,
    clock: Clock,
    prices: PriceTable,
    read_lock: Callable[[Path], LockFile],
    profile: str | None,
) -> dict[str, Market]:
    blobs, published = Blobs(folders_of(places.cache)["blobs"]), Published(places.out)
    results = Results(folders_of(places.cache)["results"])
    markets = {}
    for name in dict.fromkeys(node.provider for node in graph):
        if name == LOCAL:
            stores = Stores(blobs, MadeBefore(results, published), Ledger(None, clock), published, LockFile())
            markets[name] = Market(LOCAL, stores, prices, max_picture_bytes=_ANY_SIZE, free=True)
            continue
        free = name == SANDBOX
        ledger = Ledger(None if free else folders_of(places.cache)["ledger"], clock)
        lock = read_lock(places.sandbox_lock if free else places.lock)
        markets[name] = Market(
            key_name=SANDBOX if free else catalog.key_name(access.base_url),
            stores=Stores(blobs, results, ledger, published, lock),
            prices=prices,
            max_picture_bytes=catalog.MAX_PICTURE_BYTES,
            free=free,
            profile=profile,
        )
    return markets


def _measured(graph: Graph) -> dict[Place, Artifact]:
    """Every picture and font file that the graph reads, measured. Raises RecipeErrors at the places that name them."""
    measured: dict[Place, Artifact] = {}
    wrong: dict[tuple[Path, bool], tuple[str, str | None]] = {}
    """Of a file, read as a picture or as a font (it may be asked for as both): what is told at each place."""
    right: set[tuple[Path, bool]] = set()
    errors: list[RecipeError] = []
    for one in (one for node in graph for one in node.inputs if isinstance(one, FileInput)):
        asked = one.path, one.is_font
        if asked not in right and asked not in wrong:
            try:
                measured[one.path] = measure_font_file(one.path) if one.is_font else measure_file(one.path)
                right.add(asked)
            except (NotAPicture, NotAFont) as error:
                wrong[asked] = f"{one.label}: {error.message}", error.hint
            except OSError as error:
                wrong[asked] = f"cannot read {one.label}: {error.strerror}", None
        if asked in wrong:
            words, hint = wrong[asked]
            errors.append(RecipeError(words, at=one.at, hint=hint))
    if errors:
        raise RecipeErrors(list({str(error): error for error in errors}.values()))
    return measured


def _advice(graph: Graph, known: catalog.Catalog) -> tuple[str, ...]:
    """What one should know about models and parameters, each thing once, with the step that it is about."""
    said: dict[str, str] = {}
    for node in graph:
        if node.is_local:
            continue
        for words in known.advice(node.model, node.params, len(node.inputs)):
            said.setdefault(words, f"step {node.step}: {words}")
    return (*said.values(), *_hidden_ops(graph))


def _hidden_ops(graph: Graph) -> Iterator[str]:
    """Which ops are ours though a package has one of that name: whoever wrote the recipe may have meant the other."""
    steps: dict[str, str] = {}
    for node in graph:
        for op in node.ops:
            if not op.package:
                steps.setdefault(op.name, node.step)
    for name, step in steps.items():
        other = plugins.hidden(name)
        if other is not None:
            yield f"step {step}: `{name}` is banana-pipe's own, not that of {other}"
