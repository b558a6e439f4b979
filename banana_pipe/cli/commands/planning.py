"""`plan`: what a run would do, why, and what it would cost.

Unaware of buying.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import Call, read_call, recipe_argument, recipe_options
from banana_pipe.cli.plans import plan_lines
from banana_pipe.cli.review import review_lines
from banana_pipe.cli.selecting import NarrowCommand, narrowing_options
from banana_pipe.cli.words import MOST_NAMED
from banana_pipe.model import Plan

EXIT_WOULD_CALL = 10


@click.command(cls=NarrowCommand)
@recipe_argument
@recipe_options
@narrowing_options
@click.option("--verbose", "-v", is_flag=True, help="Show every node, however many there are.")
@click.option(
    "--review",
    is_flag=True,
    help="As a comment on a change, in Markdown: what is bought counts as there, though its bytes are elsewhere.",
)
@click.option("--detailed-exitcode", is_flag=True, help=f"Exit {EXIT_WOULD_CALL} if a run would call the provider.")
def plan(recipe: Path, *, verbose: bool, review: bool, detailed_exitcode: bool, **values: Any) -> int:
    """Show what a run of RECIPE would do with every node, why, and what it would cost."""
    call = read_call(recipe, values)
    with call.opened() as workspace:
        decided = api.call(api.plan(workspace, elsewhere=review))
    if review and not call.json:
        for line in review_lines(decided.plan):
            call.out.say(line)
    else:
        show_plan(call, decided.plan, every_node=verbose)
    return EXIT_WOULD_CALL if detailed_exitcode and decided.plan.calls_now else 0


def show_plan(call: Call, plan: Plan, *, every_node: bool) -> None:
    """Print *plan*: as JSON or as a table, its warnings beside it."""
    for warning in plan.warnings:
        call.err.say(call.err.styled("warning: ", "yellow") + call.err.styled(warning, ""))
    if call.json:
        print_json(call.out, api.plan_json(plan))
        return
    for line in plan_lines(call.out, plan, every_node=every_node):
        call.out.say(line)
    asked = [node for node in plan.nodes if node.choices]
    for node in asked[:MOST_NAMED]:
        command = call.command("pick", node.id, str(node.choices[0]))
        call.out.say(call.out.styled(f"→ to choose: {command}", "cyan"))
    if len(asked) > MOST_NAMED:
        call.out.say(call.out.styled(f"→ and so on, for {len(asked) - MOST_NAMED} more", "cyan"))
