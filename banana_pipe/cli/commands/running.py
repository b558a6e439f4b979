"""`run`: make the pictures of a recipe.

Unaware of how they are made and bought.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.bills import bill_again, bill_of
from banana_pipe.buying import no_token
from banana_pipe.cli.commands.planning import show_plan
from banana_pipe.cli.config import Settings
from banana_pipe.cli.errors import EXIT_INTERRUPTED, message_json, print_json
from banana_pipe.cli.keys import Keys
from banana_pipe.cli.options import (
    POSITIVE,
    Call,
    consent_options,
    read_budget,
    read_call,
    recipe_argument,
    recipe_options,
    spending_options,
)
from banana_pipe.cli.progress import Progress, open_progress
from banana_pipe.cli.selecting import NarrowCommand, left_out_words, narrowing_options
from banana_pipe.cli.signals import Interrupts
from banana_pipe.cli.spending import ask
from banana_pipe.cli.summary import Ended, hints, run_lines
from banana_pipe.cli.watching import Purse, Reading, Watch, is_same
from banana_pipe.cli.words import about, after_picks, bill_now, count, dollars
from banana_pipe.clock import SystemClock
from banana_pipe.errors import BananaError, UsageError
from banana_pipe.model import Budget, Plan, Run
from banana_pipe.purchase.orders import Consent, Pace
from banana_pipe.telling.latencies import latencies
from banana_pipe.telling.tally import Tally
from banana_pipe.verdict import EXIT_FROZEN
from banana_pipe.watching import Watched, unread, watched

_CONSENTS = ("rebuy", "retry_unknown", "retry_refused")


@click.command(cls=NarrowCommand)
@recipe_argument
@recipe_options
@narrowing_options
@click.option("--dry-run", "-n", is_flag=True, help="Only show the plan.")
@click.option("--jobs", "-j", type=POSITIVE, metavar="N", help="Calls under way at once (8).")
@click.option("--fail-fast", is_flag=True, help="Begin nothing new after the first failure.")
@spending_options
@click.option("--frozen", is_flag=True, help="Buy and fetch nothing, offline: exit 5 if it would.")
@consent_options
@click.option("--verbose", "-v", is_flag=True, help="With -n: show every node, however many there are.")
@click.option("--watch", is_flag=True, help="Plan anew on every save; run when r or Enter is pressed.")
def run(recipe: Path, *, dry_run: bool, verbose: bool, frozen: bool, watch: bool, **values: Any) -> int:
    """Make the pictures of RECIPE: what is there stays, what is missing is bought, each one once.

    \b
    For example:
      banana-pipe run recipes/shop.yaml --max-cost 5
      banana-pipe run recipes/shop.yaml --frozen
      banana-pipe run recipes/shop.yaml --watch
    """
    if frozen:
        _refuse_consents(values)
    call = read_call(recipe, values)
    if watch:
        return _watch(call, values, dry_run=dry_run, verbose=verbose, frozen=frozen)
    workspace = api.open_recipe(recipe, call.options, call.access(token=not dry_run and not frozen))
    try:
        decided = api.call(api.plan(workspace))
        if dry_run:
            show_plan(call, decided.plan, every_node=verbose)
            return EXIT_FROZEN if frozen and api.would_buy(workspace, decided) else 0
        ended = _made(call, workspace, decided, replace(read_limits(call.settings, values), frozen=frozen), values)
    finally:
        workspace.close()
    if call.json:
        print_json(call.out, api.run_json(ended.run, hints(ended)))
    return ended.run.exit_code


def _made(
    call: Call, workspace: api.Workspace, decided: api.Decided, limits: api.Limits, values: dict[str, Any]
) -> Ended:
    """Say what it costs, ask where that is much, and run."""
    addresses = api.to_fetch(workspace, decided, limits)
    if addresses:
        call.err.say(f"{decided.plan.recipe}: fetching {count(len(addresses), 'picture')} from the web")
    workspace, decided = api.call(api.fetch(workspace, decided, limits))
    decided = api.call(api.settle(workspace, decided, frozen=limits.frozen))
    _announce(call, workspace, decided, limits, values)
    return _run(call, workspace, decided, limits, _again(call, values))


def _watch(call: Call, values: dict[str, Any], *, dry_run: bool, verbose: bool, frozen: bool) -> int:
    """Show the plan of every save, and run when told. Raises UsageError for what does not go with that."""
    if call.json:
        hint = "`plan --json` says one plan; call it as often as you like"
        raise UsageError("--watch tells what happens as it happens, and --json is one object", hint=hint)
    given = [f"--{name.replace('_', '-')}" for name in _CONSENTS if values[name]]
    if given:
        hint = "run without --watch for that: to pay once more is agreed to once, not with every save"
        raise UsageError(f"{' and '.join(given)} and --watch do not go together", hint=hint)
    limits = replace(read_limits(call.settings, values), frozen=frozen)
    # By this command line alone: an environment that caps every run agrees to none.
    agreed = values["yes"] or any(values[name] is not None for name in ("max_calls", "max_cost"))
    if agreed and limits.budget.max_calls is None and limits.budget.max_cost is None:
        hint = "set one for the whole watch: --max-calls N or --max-cost USD; or press r for each run"
        raise UsageError("--yes with --watch would agree to every save, without a limit", hint=hint)
    with Keys(sys.stdin) as keys:
        purse = Purse(limits.budget, agreed=agreed)
        work = _Work(call, values, limits, verbose=verbose)
        return Watch(call, work, keys, purse, only_plans=dry_run).go_on()


@dataclass(frozen=True, slots=True)
class _Work:
    """What a watch has done for it: the recipe is read anew each time, as by a command of its own."""

    call: Call
    values: dict[str, Any]
    limits: api.Limits
    verbose: bool

    def read(self, before: Watched) -> Reading:
        try:
            workspace = api.open_recipe(self.call.recipe, self.call.options, self.call.access(token=False))
        except BananaError as error:
            return Reading(unread(error, before), error=error)
        try:
            return Reading(watched(workspace), api.call(api.plan(workspace)).plan)
        except BananaError as error:
            return Reading(watched(workspace), error=error)
        finally:
            workspace.close()

    def show(self, plan: Plan) -> None:
        show_plan(self.call, plan, every_node=self.verbose)

    def run(self, shown: Plan, budget: Budget, is_current: Callable[[], bool]) -> Run | None:
        access = self.call.access(token=not self.limits.frozen)
        try:
            workspace = api.open_recipe(self.call.recipe, self.call.options, access)
        except UsageError:
            return None  # it was there, and right, a moment ago
        try:
            decided = api.call(api.plan(workspace))
            # What waits has no key yet: that other words stand there shows in the files alone.
            if not is_current() or not is_same(decided.plan, shown):
                return None
            return _made(self.call, workspace, decided, replace(self.limits, budget=budget), self.values).run
        finally:
            workspace.close()


def read_limits(settings: Settings, values: dict[str, Any]) -> api.Limits:
    """How a run runs: the flags, else the settings, else the defaults."""
    pace = {
        "calls": values.get("jobs") or settings.jobs,
        "poll": settings.poll_seconds,
        "settle": settings.settle_seconds,
    }
    return api.Limits(
        budget=read_budget(settings, values),
        consent=Consent(**{name: values.get(name, False) for name in _CONSENTS}),
        pace=Pace(**{name: value for name, value in pace.items() if value is not None}),  # type: ignore[arg-type]
        fail_fast=values.get("fail_fast", False),
    )


def _refuse_consents(values: dict[str, Any]) -> None:
    """Who buys nothing agrees to buy nothing again. Raises UsageError."""
    given = [f"--{name.replace('_', '-')}" for name in _CONSENTS if values[name]]
    if given:
        hint = "leave out one of the two: a frozen run buys nothing and asks nobody"
        raise UsageError(f"--frozen and {' and '.join(given)} contradict each other", hint=hint)


def interrupts(call: Call, progress: Progress, grace: float) -> Interrupts:
    """Ctrl-C once and twice, said through *progress*."""

    def leave() -> None:
        progress.close()
        flights = len(progress.tally.flights)
        what = f"{count(flights, 'call')} under way, and what is accepted is paid" if flights else "no call under way"
        call.err.say(f"left at once: {what}; to {'collect it and ' if flights else ''}go on: {call.command('run')}")
        if call.json:
            print_json(call.out, message_json("interrupted", EXIT_INTERRUPTED))

    first = (
        "stopping: nothing new is sent, what is accepted is collected for up to"
        f" {grace:.0f} s (Ctrl-C again leaves at once)"
    )
    return Interrupts(lambda: progress.note(first), leave)


def _announce(
    call: Call, workspace: api.Workspace, decided: api.Decided, limits: api.Limits, values: dict[str, Any]
) -> None:
    """Say what the run will cost, and ask where that is much."""
    plan = decided.plan
    for warning in plan.warnings:
        call.err.say(call.err.styled("warning: ", "yellow") + call.err.styled(warning, ""))
    if limits.frozen:
        return
    if plan.calls_now:
        call.err.say(
            call.err.styled(f"{plan.recipe}: ", "bold")
            + bill_now(plan)
            + call.err.styled(f" → {call.shown(workspace.places.out)}/", "dim")
        )
        if plan.calls_after_picks:
            call.err.say(call.err.styled(f"  {after_picks(plan)}", "dim"))
        if plan.left_out:
            words = left_out_words(plan.left_out, (line.id for line in plan.nodes))
            call.err.say("\n".join(call.err.wrapped(words, 2, "dim")))
    again = bill_again(workspace, plan, limits.consent)
    if again.calls:
        name = "  and" if plan.calls_now else call.err.styled(f"{plan.recipe}:", "bold")
        call.err.say(f"{name} what is bought again: at most {count(again.calls, 'call')}, {about(again.cost)}")
    free = {market for market, one in workspace.markets.items() if one.free}
    drawn = any(line.calls and workspace.graph.nodes[line.id].provider in free for line in plan.nodes)
    if drawn and any(values[name] is not None for name in ("max_calls", "max_cost")):
        call.err.say("  caps are not for the sandbox: what it draws is free, and is drawn whole")
    owed = bill_of(workspace, plan, limits.consent)
    if owed.calls and workspace.access.token is None:
        raise no_token()
    ask(call.err, owed, call.settings, values)


def _again(call: Call, values: dict[str, Any]) -> str:
    """The command that makes this folder again: with its caps, without what was agreed to once."""
    caps = []
    if values["max_calls"] is not None:
        caps += ["--max-calls", str(values["max_calls"])]
    if values["max_cost"] is not None:
        caps += ["--max-cost", dollars(values["max_cost"])]
    return call.command("run", *caps)


def _tally(call: Call, workspace: api.Workspace, decided: api.Decided, limits: api.Limits) -> Tally:
    """A tally with the run's caps and, for whoever looks on, with what calls took before."""
    nodes = (workspace.graph.nodes[line.id] for line in decided.plan.nodes if line.may_call)
    models = {node.step: node.model for node in nodes if not workspace.markets[node.provider].free}
    before = api.call(api.newest_attempts(workspace.places.cache)) if models and call.err.live else []
    return Tally(SystemClock(), limits.budget, limits.pace.calls, latencies(models, before))


def _run(call: Call, workspace: api.Workspace, decided: api.Decided, limits: api.Limits, again: str) -> Ended:
    progress = open_progress(call.err, _tally(call, workspace, decided, limits))
    argv = tuple(sys.argv[1:])
    bought_again = bill_again(workspace, decided.plan, limits.consent)
    try:
        with interrupts(call, progress, limits.pace.grace) as heard:
            going = api.run(
                workspace, limits, decided=decided, emit=progress.hear, argv=argv, again=again, interrupts=heard
            )
            return Ended(api.call(going), decided.plan, limits, bought_again, call)
    finally:
        progress.close()
        # Also where an error of our own files ends the command: what was made and paid is said.
        if progress.tally.run is not None:
            for line in run_lines(call.said, Ended(progress.tally.run, decided.plan, limits, bought_again, call)):
                call.said.say(line)
