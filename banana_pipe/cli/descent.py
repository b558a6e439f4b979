"""Where a picture comes from, as a tree of lines: itself first, below it what it was made from.

Unaware of how it was found. What was made from one picture alone stands under it without an indent: a chain of a hundred
edits is as wide as one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from banana_pipe.canonical import Digest
from banana_pipe.cli.terminal import Paper, clean, one_line, width
from banana_pipe.comparing.differences import asked
from banana_pipe.lineage.family import Ancestor, Family, Made
from banana_pipe.outputs.ancestry import action_of, params_of
from banana_pipe.prices import show_usd
from banana_pipe.transforms import in_words

_LEAST_ROOM = 34
_DEEPEST = 24
_PROMPT_LINES = 12
_OUTSIDE = {"file": "a file, not made here", "url": "a picture from the web"}


def descent_lines(paper: Paper, family: Family) -> Iterator[str]:
    """The tree of *family*."""
    told: set[Digest] = set()
    # Who comes next, what stands before its mark, and before its other lines.
    waiting: list[tuple[Ancestor, str, str]] = [(Ancestor(family.root), "", "")]
    while waiting:
        one, head, body = waiting.pop()
        made = family.members.get(one.digest)
        if made is None:
            yield f"{head}● {one.digest[:12]}  … and all that it was made from"
            continue
        if one.digest in told:
            yield _headed(paper, head, made, paper.styled("  as above", "dim"))
            continue
        told.add(one.digest)
        parents = list({parent.digest: parent for parent in family.parents(one.digest)}.values())
        yield _headed(paper, head, made, "")
        line = "│ " if parents else "  "
        for text, style in _facts(made):
            yield from _wrapped(paper, body + line, text, style)
        if len(parents) == 1:
            yield f"{body}│"
            waiting.append((parents[0], body, body))
            continue
        deep = body if len(body) < _DEEPEST else body[:_DEEPEST]
        for place, parent in reversed(list(enumerate(parents))):
            last = place == len(parents) - 1
            waiting.append((parent, f"{deep}{'╰' if last else '├'}─", f"{deep}{'  ' if last else '│ '}"))


def _headed(paper: Paper, head: str, made: Made, more: str) -> str:
    name = one_line(made.name)
    room = None if paper.columns is None else max(_LEAST_ROOM, paper.columns - 1) - len(head) - 12
    if room is not None and width(name) > room:
        name = name[: room - 1] + "…"
    take = f"  take {made.record.take}" if made.record.take and action_of(made.record.request) != "transform" else ""
    take = "  accepted as it was" if made.record.accepted and not take else take
    mark = "○" if made.outside or not made.is_known else "●"
    return f"{head}{mark} {paper.styled(name, 'bold cyan')}{paper.styled(take, 'dim')}{more}"


def _facts(made: Made) -> Iterator[tuple[str, str]]:
    record = made.record
    if made.outside or not made.is_known:
        yield _OUTSIDE.get(made.outside, "no record says where it comes from"), "yellow" if not made.outside else ""
        yield f"sha256 {record.digest}", "dim"
        return
    action, request = action_of(record.request), record.request
    if request is not None and action == "transform":
        yield "made here, free: " + asked(request).replace("\n", ", "), ""
    else:
        settings = (f"{name} {in_words_value(value)}" for name, value in params_of(request).items())
        served = f"served by {record.served}" if record.served not in (None, record.model) else None
        yield ", ".join(filter(None, (action, record.model, *settings, served))), ""
        if request is not None:
            yield f"“{asked(request)}”", "green"
        else:
            yield "its words are in no manifest and not in the cache", "yellow"
    price = None if record.price is None else show_usd(record.price)
    when = f"{record.bought_at[:16].replace('T', ' ')} UTC" if record.bought_at else None
    provider = record.provider if record.provider not in (None, "local") else None
    if action != "transform":
        yield ", ".join(filter(None, (price, when, provider))), ""
        yield f"task {record.task_id}" if record.task_id else "", "dim"
    if made.others:
        yield f"the same bytes: {', '.join(made.others[:6])}", "dim"
    yield (
        ", ".join(filter(None, (record.recipe and f"recipe {record.recipe}", record.path, f"by {record.where}"))),
        "dim",
    )
    yield f"sha256 {record.digest}", "dim"
    if made.ends_unknown:
        yield "what it was made from is recorded nowhere any more", "yellow"


def in_words_value(value: object) -> str:
    """A setting's value as one word."""
    return in_words("", {"": value}).strip(" ()") if isinstance(value, list) else str(value)


def _wrapped(paper: Paper, before: str, text: str, style: str) -> Iterator[str]:
    room = None if paper.columns is None else max(_LEAST_ROOM, paper.columns - 1 - len(before))
    lines = []
    for line in clean(text).splitlines():
        lines += [line] if room is None else textwrap.wrap(line, room, break_on_hyphens=False) or [""]
    cut = [*lines[:_PROMPT_LINES], "…"] if len(lines) > _PROMPT_LINES else lines
    for line in cut:
        if line.strip():
            yield before + paper.styled(line, style)
