"""`pick` and `reroll`: which take of a node flows on, and one more to choose from.

Unaware of how takes are bought and kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.bills import Bill
from banana_pipe.cli.commands.running import interrupts, read_limits
from banana_pipe.cli.errors import EXIT_INTERRUPTED, print_json, show_error
from banana_pipe.cli.names import complete_node, complete_take
from banana_pipe.cli.options import POSITIVE, Call, read_call, recipe_argument, recipe_options, spending_options
from banana_pipe.cli.progress import open_progress
from banana_pipe.cli.spending import ask
from banana_pipe.cli.words import STATUSES, about, after_picks, bill_now, count
from banana_pipe.model import Json, Plan, Status
from banana_pipe.prices import show_usd, usd
from banana_pipe.purchase.orders import Bought, NotBought

_EXITS: dict[Status, int] = {"parked": 6, "waiting": 3}


@click.command()
@recipe_argument
@click.argument("node", shell_complete=complete_node)
@click.argument("take", type=POSITIVE, shell_complete=complete_take)
@recipe_options
def pick(recipe: Path, node: str, take: int, **values: Any) -> int:
    """Choose TAKE of every node that NODE means: it flows on from now. Free."""
    call = read_call(recipe, values)
    with call.opened() as workspace:
        picked = api.call(api.pick(workspace, node, take))
        then = _plan_again(call)
    if call.json:
        chosen = [{"node": one.node, "take": one.sample, "before": one.before} for one in picked]
        print_json(call.out, {"picked": chosen, "then": totals(then)})
        return 0
    for one in picked:
        before = "" if one.before in (None, one.sample) else f" (it was take {one.before})"
        call.out.say(f"{call.out.styled(f'✓ {one.node}', 'bold green')}: take {one.sample}{before}")
    say_then(call, then)
    return 0


@click.command()
@recipe_argument
@click.argument("node", shell_complete=complete_node)
@recipe_options
@spending_options
def reroll(recipe: Path, node: str, **values: Any) -> int:
    """Buy exactly one more take of every node that NODE means, and pick it (not under `pick: ask`)."""
    call = read_call(recipe, values)
    workspace = api.open_recipe(recipe, call.options, call.access(token=True))
    progress = open_progress(call.err)
    limits = read_limits(call.settings, values)
    heard = interrupts(call, progress, limits.pace.grace)
    asked = _agreement(call, workspace, node, values)
    with contextlib.ExitStack() as stack:
        stack.callback(workspace.close)
        stack.callback(progress.close)

        def agree(price: api.Price) -> bool:
            agreed = asked(price)
            stack.enter_context(heard)  # not before: Ctrl-C is an answer to the question too
            return agreed

        rerolled = api.call(api.reroll(workspace, node, limits, agree=agree, emit=progress.hear, interrupts=heard))
    if call.json:
        print_json(call.out, _reroll_json(rerolled))
    else:
        _show_reroll(call, rerolled, _changed_readers(workspace, rerolled))
    if rerolled.error is not None:
        show_error(call.err, rerolled.error)
    if rerolled.interrupted:
        return EXIT_INTERRUPTED
    codes = {_exit_code(one.answer) for one in rerolled.takes}
    codes |= {rerolled.error.exit_code} if rerolled.error is not None else set()
    return next(code for code in (2, 4, 3, 6, 1, 0) if code in codes)


def _agreement(call: Call, workspace: api.Workspace, node: str, values: dict[str, Any]) -> Callable[[api.Price], bool]:
    """Says the price, and asks where it is much; SpendingStopped goes up from there."""

    def agree(price: api.Price) -> bool:
        call.err.say(f"{count(price.calls, 'more take')}, {about(price.cost)}")
        free = all(one.is_local or workspace.markets[one.provider].free for one in api.rendered(workspace, node))
        ask(call.err, Bill(0 if free else price.calls, price.cost), call.settings, values)
        return True

    return agree


def _changed_readers(workspace: api.Workspace, rerolled: api.Reroll) -> list[str]:
    """What reads a re-rolled node and was made before: a run would buy it anew."""
    moved = {one.node for one in rerolled.takes if one.picked}
    changed = {line.id for line in rerolled.then.nodes if line.state == "call" and line.reason == "changed"}
    reads = {node.id: node.upstream for node in workspace.graph}
    return [name for name, read in reads.items() if name in changed and read & moved]


def _show_reroll(call: Call, rerolled: api.Reroll, readers: Sequence[str]) -> None:
    paper = call.out
    for one in rerolled.takes:
        if isinstance(one.answer, NotBought):
            look = STATUSES[one.answer.status]
            paper.say(f"{paper.styled(f'{look.mark} {one.node}', f'bold {look.style}')}: {one.answer.error}")
            if one.answer.status == "waiting":
                paper.say(paper.styled(f"  → to go on with it alone: {call.command('reroll', one.node)}", "cyan"))
            continue
        price = show_usd(one.answer.result.price)
        taken = "picked" if one.picked else "not picked yet"
        paper.say(f"{paper.styled(f'✓ {one.node}', 'bold green')}: take {one.sample}, {taken} ({price})")
    say_then(call, rerolled.then)
    for one in rerolled.takes:
        if isinstance(one.answer, Bought) and not one.picked:
            choose = call.command("pick", one.node, str(one.sample))
            paper.say(paper.styled(f"  → to choose it: {choose}", "cyan"))
        elif isinstance(one.answer, Bought) and one.before is not None:
            back = call.command("pick", one.node, str(one.before))
            paper.say(paper.styled(f"  → to go back, free: {back}", "cyan"))
    if readers:
        keep = call.command("lock accept", *readers)
        paper.say(paper.styled(f"  → to leave what reads it as it is, free: {keep}", "cyan"))


def say_then(call: Call, then: Plan) -> None:
    """Say what a run would buy now, and the command that runs."""
    say_what_a_run_buys(call, then, "now")
    call.out.say(call.out.styled(f"  → {call.command('run')}", "cyan"))


def say_what_a_run_buys(call: Call, plan: Plan, when: str) -> None:
    """Say what a run would buy, *when* it is as *plan* has it."""
    words = f"make {bill_now(plan)}" if plan.calls_now else "buy nothing"
    more = f"; {after_picks(plan)}" if plan.calls_after_picks else ""
    call.out.say(f"  a run would {when} {words}{more}")


def _plan_again(call: Call) -> Plan:
    with call.opened() as workspace:
        return api.call(api.plan(workspace)).plan


def _reroll_json(rerolled: api.Reroll) -> dict[str, Json]:
    return {"takes": [_take_json(one) for one in rerolled.takes], "then": totals(rerolled.then)}


def _take_json(one: Any) -> dict[str, Json]:
    answer: Bought | NotBought = one.answer
    bought = answer if isinstance(answer, Bought) else None
    return {
        "node": one.node,
        "take": one.sample,
        "before": one.before,
        "picked": one.picked,
        "status": "done" if bought else answer.status,  # type: ignore[union-attr]
        "key": bought.result.key if bought else None,
        "sha256": bought.result.artifact.digest if bought else None,
        "cost_usd": usd(bought.result.price) if bought else None,
        "error": None if bought else answer.error,  # type: ignore[union-attr]
    }


def totals(plan: Plan) -> Json:
    """The totals of a plan, for `--json`."""
    return api.plan_json(plan)["totals"]


def _exit_code(answer: Bought | NotBought) -> int:
    return 0 if isinstance(answer, Bought) else _EXITS.get(answer.status, 1)
