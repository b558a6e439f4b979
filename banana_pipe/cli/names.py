"""Names of nodes for the shell's completion.

Unaware of the commands that take them. A recipe that cannot be read completes nothing.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from banana_pipe import recipe as recipes
from banana_pipe.errors import BananaError


def complete_node(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The nodes of RECIPE that begin like *incomplete*, ready for the shell."""
    recipe = ctx.params.get("recipe")
    if not isinstance(recipe, Path):
        return []
    try:
        graph = recipes.load(recipe, sets=ctx.params.get("sets") or (), profile=ctx.params.get("profile"))
    except (BananaError, OSError):
        return []
    begun = incomplete.lstrip("'\"")
    names = [*graph.recipe.parts, *dict.fromkeys(node.step for node in graph), *graph.nodes]
    return [CompletionItem(shlex.quote(name)) for name in dict.fromkeys(names) if name.startswith(begun)]
