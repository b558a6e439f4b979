"""What the shell completes: names of nodes, steps and profiles, numbers of takes, ids of runs.

Unaware of the shell, which quotes them, and of the commands that take them. What cannot be read completes nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from banana_pipe.cli.config import read_settings
from banana_pipe.errors import BananaError
from banana_pipe.outputs.logged import logs_in
from banana_pipe.project import find_root
from banana_pipe.workspace import Options, read_graph, read_profiles

_MOST_RUNS = 20


def complete_node(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The steps and nodes of RECIPE that begin like *incomplete*."""
    found: list[str] = []
    with _unreadable():
        graph = read_graph(_recipe(ctx), _options(ctx))
        found += [*graph.recipe.parts, *(node.step for node in graph), *graph.nodes]
    return _beginning(found, incomplete)


def complete_profile(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles of RECIPE."""
    found: list[str] = []
    with _unreadable():
        found += read_profiles(_recipe(ctx), _options(ctx))
    return _beginning(found, incomplete)


def complete_take(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The takes that NODE of RECIPE has, by the lock file."""
    found: list[str] = []
    with _unreadable():
        found += map(str, sorted(_takes(ctx)))
    return _beginning(found, incomplete)


def complete_run(_ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The last runs of the project around the working directory, the newest first."""
    found: list[str] = []
    with _unreadable():
        outs = (path for path in (find_root(Path.cwd()) / "out").iterdir() if path.is_dir())
        logs = sorted((log for out in outs for log in logs_in(out)), key=lambda log: log.stem, reverse=True)
        found += (log.stem for log in logs if log.stem.startswith(incomplete))
    return _beginning(["last", *found[:_MOST_RUNS]], incomplete)


def complete_side(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What `diff` compares: runs, and folders, which the shell knows."""
    runs = [item for item in complete_run(ctx, parameter, incomplete) if item.value != "last"]
    return runs or [CompletionItem(incomplete, type="dir")]


def _takes(ctx: click.Context) -> set[int]:
    from banana_pipe import api

    workspace = api.open_recipe(_recipe(ctx), _options(ctx), api.Access())
    with contextlib.closing(workspace):
        nodes = api.rendered(workspace, ctx.params["node"])
        takes = api.call(api.plan(workspace)).takes
        blocks = [workspace.markets[node.provider].stores.lock.block(takes[node.id][0].wanted.base) for node in nodes]
    return {sample for block in blocks if block is not None for sample in block.takes}


def _options(ctx: click.Context) -> Options:
    """How the command will read its recipe: by what is written so far, and by the project's configuration."""
    given = {name: value for name, value in ctx.params.items() if value}
    settings = read_settings(find_root(Path(os.path.realpath(_recipe(ctx))).parent))
    return Options(
        sets=given.get("sets", ()),
        vars_files=given.get("vars_files", ()),
        provider=given.get("provider"),
        out=given.get("out", settings.out),
        cache=given.get("cache", settings.cache),
        allow_read=(*settings.allow_read, *given.get("allow_read", ())),
        profile=given.get("profile"),
    )


def _recipe(ctx: click.Context) -> Path:
    recipe = ctx.params.get("recipe")
    if isinstance(recipe, Path):
        return recipe
    # Behind an option that still waits for its value, click has read no argument.
    if ctx.args:
        return Path(ctx.args[0])
    raise FileNotFoundError("no recipe is named yet")


@contextlib.contextmanager
def _unreadable() -> Iterator[None]:
    """What goes wrong in between is no message in the midst of a command line."""
    with contextlib.suppress(BananaError, OSError, KeyError, IndexError, ValueError):
        yield


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Those of *names*; the quotes within one (`scene[color="deep teal"]`) need not be typed."""
    begun = incomplete.replace('"', "")
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.replace('"', "").startswith(begun)]
