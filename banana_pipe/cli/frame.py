"""Where a run stands, as a few lines that fit a terminal: a headline, a row for each step, what is under way.

Unaware of time and of terminals but for their size. What it costs depends on the steps and on the lines there is
room for, not on how many nodes there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from banana_pipe.cli.terminal import Paper, fitted, one_line, shortened, width
from banana_pipe.cli.words import ATTEMPTS, REASONS, STATUSES, amount, count
from banana_pipe.model import Status
from banana_pipe.prices import show_usd
from banana_pipe.telling.tally import StepTally, Tally
from banana_pipe.telling.words import passed, roughly

_MOST_STEPS = 12
_MOST_UNDER_WAY = 10
_LEAST_BAR, _MOST_BAR, _MOST_HEAD_BAR = 8, 40, 60
_MOST_NAME = 48
_TOLD: tuple[Status, ...] = ("cached", "failed", "lost", "parked", "blocked", "waiting")
_AIRY = 18
"""With fewer rows than these, no empty line stands between the groups."""

Span = tuple[str, str]
"""A text and its style."""


def frame_lines(paper: Paper, tally: Tally, columns: int, rows: int) -> list[str]:
    """Where the run of *tally* stands, as at most *rows* lines of less than *columns* cells."""
    wide = max(10, columns - 1)
    head = [*_headline(tally, wide), *_flowing(_counts(tally), wide)]
    gap: list[list[Span]] = [[]] if rows >= _AIRY else []
    troubles = list(_troubles(tally, wide))
    room = rows - len(head) - len(troubles) - 3 * len(gap)
    steps = list(_steps(tally, wide, min(_MOST_STEPS, max(0, room - min(3, len(tally.flights))))))
    under_way = list(_under_way(tally, wide, min(_MOST_UNDER_WAY, room - len(steps))))
    lines = head
    for group in (steps, under_way, troubles):
        lines = [*lines, *(gap if group else []), *group]
    return [_drawn(paper, line, wide) for line in lines[: max(1, rows)]]


# --- the head ---------------------------------------------------------------------------------


def _headline(tally: Tally, wide: int) -> Iterator[list[Span]]:
    if tally.plan is None:
        return
    left = tally.seconds_left()
    when = passed(tally.elapsed) + ("" if left is None else f", about {roughly(left)} left")
    name = fitted(one_line(tally.plan.recipe), max(8, wide // 4))
    made = f"{tally.made}/{count(tally.to_do, 'node')}{_calls(tally)}"
    if left is not None and width(name) + width(made) + width(when) + 4 > wide:
        when = f"{roughly(left)} left"
    bar = min(_MOST_HEAD_BAR, wide - width(name) - width(made) - width(when) - 6)
    drawn = [*_bar(tally.made, tally.to_do, bar), ("  ", "")] if bar >= _LEAST_BAR else []
    yield [(name, "bold"), ("  ", ""), *drawn, (made, ""), ("  ", ""), (when, "dim")]


def _calls(tally: Tally) -> str:
    """How many calls of how many have ended, where a node has more than one."""
    most = tally.plan.calls_now if tally.plan else 0
    return f", {min(most, tally.calls_ended)}/{count(most, 'call')}" if most > tally.to_do else ""


def _counts(tally: Tally) -> Iterator[Span]:
    yield (_money(tally), "bold")
    if tally.flights:
        yield (f"● {len(tally.flights)} in flight", "yellow")
    if tally.to_come:
        yield (f"○ {tally.to_come} to come", "blue")
    for status in _TOLD:
        if tally.statuses[status]:
            look = STATUSES[status]
            yield (f"{look.mark} {tally.statuses[status]} {look.word}", look.style)


def _money(tally: Tally) -> str:
    """What is spent, of how much at most, and under which caps."""
    plan, budget, spent = tally.plan, tally.budget, tally.spent
    if plan is None:
        return f"{amount(spent)} spent"
    if plan.cost_now == 0:
        return "free"
    capped = budget.max_cost is not None and (plan.cost_now is None or budget.max_cost < plan.cost_now)
    said = "$0" if spent == 0 else amount(spent)
    if capped:
        words = f"{said} of the cap of {show_usd(budget.max_cost)}"
    elif plan.cost_now:
        words = f"{said} of at most {show_usd(plan.cost_now)}"
    else:
        words = f"{said} spent"
    caps = [f"cap {show_usd(budget.max_cost)}"] if budget.max_cost is not None and not capped else []
    if budget.max_calls is not None and budget.max_calls < plan.calls_now:
        caps.append(f"{tally.calls_begun} of {count(budget.max_calls, 'call')} (cap)")
    if budget.max_cost_per_day is not None:
        caps.append(f"cap {show_usd(budget.max_cost_per_day)} a day")
    return ", ".join([words, *caps])


def _flowing(parts: Iterable[Span], wide: int) -> Iterator[list[Span]]:
    """*parts* beside each other, on as many lines as they need."""
    line: list[Span] = []
    for part in parts:
        taken = sum(width(text) for text, _ in line)
        if line and taken + 3 + width(part[0]) > wide:
            yield line
            line = []
        line += [("   ", ""), part] if line else [part]
    if line:
        yield line


# --- a row for each step ----------------------------------------------------------------------


def _steps(tally: Tally, wide: int, room: int) -> Iterator[list[Span]]:
    """The steps with something to do, in the order of the plan; those that are under way, where not all have room."""
    steps = [step for step in tally.steps.values() if step.to_do]
    if len(steps) < 2 or room < 2:
        return
    shown = steps
    if len(steps) > room:
        first = {id(step) for step in sorted(steps, key=_is_quiet)[: room - 1]}
        shown = [step for step in steps if id(step) in first]
    names = [fitted(one_line(step.name), min(_MOST_NAME, wide // 3)) for step in shown]
    counts = [f"{step.made}/{step.to_do}" for step in shown]
    marks = [list(_marks(step)) for step in shown]
    widest, digits = max(map(width, names)), max(map(width, counts))
    beside = max(sum(width(text) + 2 for text, _ in some) for some in marks)
    bar = min(_MOST_BAR, wide - 2 - widest - 2 - digits - 2 - beside - 2)
    for step, name, made, some in zip(shown, names, counts, marks, strict=True):
        drawn = [*_bar(step.made, step.to_do, bar), ("  ", "")] if bar >= _LEAST_BAR else []
        done = step.made == step.to_do
        spaced = [span for one in some for span in (("  ", ""), one)]
        yield [
            ("  ", ""),
            (f"{name}{' ' * (widest - width(name))}  ", "dim" if done else ""),
            *drawn,
            (made.rjust(digits), "dim" if done else ""),
            *spaced,
        ]
    if len(shown) < len(steps):
        yield [(f"  … and {len(steps) - len(shown)} more steps", "dim")]


def _is_quiet(step: StepTally) -> int:
    """What is under way is shown first, then what is to come, then what is done."""
    return 0 if step.flying or 0 < step.made < step.to_do else 1 if step.made == 0 else 2


def _marks(step: StepTally) -> Iterator[Span]:
    if step.flying:
        yield (f"● {step.flying}", "yellow")
    if step.to_come:
        yield (f"○ {step.to_come}", "blue")
    for status in _TOLD:
        number = step.statuses[status]
        if number:
            look = STATUSES[status]
            yield (f"{look.mark} {number} {look.word}", look.style)


def _bar(done: int, whole: int, cells: int) -> Iterator[Span]:
    halves = 2 * cells * min(done, whole) // max(1, whole)
    full, half = divmod(halves, 2)
    style = "green" if done >= whole else "yellow"
    yield ("━" * full + "╸" * half, style)
    yield ("─" * (cells - full - half), "dim")


# --- what is under way, and what went wrong ---------------------------------------------------


def _under_way(tally: Tally, wide: int, room: int) -> Iterator[list[Span]]:
    """Calls under way, those first that have been so for longest, then what waits, and why."""
    if room < 1:
        return
    told = list(islice(_calls_and_waits(tally), room + 1))
    if len(told) > room:
        told = told[: room - 1]
        yield from _aligned(told, wide)
        hidden = len(tally.flights) - len(told)
        more = f"{count(hidden, 'more call', 'more calls')} in flight" if hidden > 0 else "others that wait"
        yield [(f"  … and {more}", "dim")]
    else:
        yield from _aligned(told, wide)


def _calls_and_waits(tally: Tally) -> Iterator[tuple[Span, str, str, str]]:
    """Mark, node, what is done with it, and since when or for how long."""
    now = tally.clock.boot()
    for flight in tally.flights.values():
        look, wait = ATTEMPTS[flight.state], tally.waits.get(flight.node)
        what = wait.why if wait and wait.until > now else look.word
        yield (look.mark, look.style), flight.name, what, passed(now - flight.since)
    alike: dict[str, list[str]] = {}
    flying = {flight.node for flight in tally.flights.values()}
    for node, wait in tally.waits.items():
        if wait.until > now and node not in flying:
            alike.setdefault(wait.why, []).append(node)
    for why, nodes in alike.items():
        name = nodes[0] if len(nodes) == 1 else f"{len(nodes)} nodes"
        until = max(tally.waits[node].until for node in nodes)
        yield ("○", "blue"), name, why, f"{roughly(until - now)} more"


def _aligned(rows: Sequence[tuple[Span, str, str, str]], wide: int) -> Iterator[list[Span]]:
    if not rows:
        return
    whens = max(width(when) for _, _, _, when in rows)
    names = [one_line(name) for _, name, _, _ in rows]
    widest, room = max(map(width, names)), wide - 8 - whens
    what = min(max(width(one_line(what)) for _, _, what, _ in rows), max(12, room - min(widest, 2 * room // 3)))
    room = max(8, min(widest, room - what))
    for (mark, _, words, when), name in zip(rows, names, strict=True):
        short, said = fitted(name, room), shortened(one_line(words), what)
        yield [
            ("  ", ""),
            mark,
            (f" {short}{' ' * (room - width(short))}  ", ""),
            (f"{said}{' ' * (what - width(said))}  ", mark[1]),
            (when.rjust(whens), "dim"),
        ]


def _troubles(tally: Tally, wide: int) -> Iterator[list[Span]]:
    """The last nodes that ended badly; at the end the summary tells all."""
    for outcome in tally.troubles:
        look = STATUSES[outcome.status]
        name = fitted(one_line(outcome.node), max(8, wide // 3))
        words = one_line(outcome.error or REASONS[outcome.reason])
        yield [("  ", ""), (f"{look.mark} {name}", look.style), (f"  {words}", "dim")]


def _drawn(paper: Paper, line: Sequence[Span], wide: int) -> str:
    """*line* in its styles, cut where the terminal ends."""
    drawn, left = [], wide
    for text, style in line:
        if width(text) > left:
            drawn += [paper.styled(shortened(text, left), style)] if left else []
            break
        drawn.append(paper.styled(text, style))
        left -= width(text)
    return "".join(drawn).rstrip()
