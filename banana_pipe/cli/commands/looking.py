"""`graph` and `explain`: a recipe looked at from afar, and one node of it from near.

Unaware of how nodes are explained and graphs drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.explained import explained_lines
from banana_pipe.cli.names import complete_node
from banana_pipe.cli.options import read_call, recipe_argument, recipe_options
from banana_pipe.cli.selecting import NarrowCommand, narrowing_options
from banana_pipe.diagram import FORMATS, by_node, by_step

MOST_NODES = 60
"""More boxes than these nobody reads: then a step is one, unless all are asked for."""


@click.command(cls=NarrowCommand)
@recipe_argument
@recipe_options
@narrowing_options
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMATS, "json"]),
    default="mermaid",
    metavar="FORMAT",
    help="mermaid (for Markdown pages), dot (for Graphviz) or json.",
)
@click.option("--all", "every_node", is_flag=True, help=f"A box for every node; above {MOST_NODES} it is one a step.")
def graph(recipe: Path, *, form: str, every_node: bool, **values: Any) -> int:
    """Draw who reads whom in RECIPE, for a page or a README. Free."""
    call = read_call(recipe, values)
    with call.opened() as workspace:
        pass
    if call.json or form == "json":
        print_json(call.out, api.graph_json(workspace.graph))
        return 0
    by = by_node if every_node or len(workspace.graph) <= MOST_NODES else by_step
    for line in FORMATS[form](by(workspace.graph)):
        call.out.say(line)
    if by is by_step:
        call.err.say(call.err.styled(f"by step: {len(workspace.graph)} nodes; a box for each with --all", "dim"))
    return 0


@click.command()
@recipe_argument
@click.argument("node", shell_complete=complete_node)
@recipe_options
def explain(recipe: Path, node: str, **values: Any) -> int:
    """Show what NODE of RECIPE asks, what is different from the last time, where, and what that costs. Free."""
    call = read_call(recipe, values)
    with call.opened() as workspace:
        explained = api.call(api.explain(workspace, node))
    if call.json:
        name = workspace.graph.recipe.name
        print_json(call.out, {"recipe": name, "nodes": [api.explanation_json(one) for one in explained]})
        return 0
    for place, one in enumerate(explained):
        if place:
            call.out.say()
        for line in explained_lines(call.out, one):
            call.out.say(line)
    return 0
