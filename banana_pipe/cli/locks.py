"""What `lock check`, `lock reset` and `lock clean` found or did: as lines for people, as objects for scripts.

Unaware of how any of it is found out and done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from banana_pipe import api
from banana_pipe.cli.options import Call
from banana_pipe.cli.terminal import Paper, one_line
from banana_pipe.cli.words import MOST_NAMED, REASONS, amount, bill_now, count
from banana_pipe.locks.checking import KINDS, Kind, cost_of, name_of
from banana_pipe.model import Json
from banana_pipe.prices import show_usd, total, usd
from banana_pipe.shapes import plan_json
from banana_pipe.store.pins import LockBlock

_SAID: Mapping[Kind, tuple[str, str]] = {
    "not-bought": ("● not bought", "yellow"),
    "pick-missing": ("✗ picked, and missing", "red"),
    "open": ("! open in the ledger", "magenta"),
    "failed": ("✗ failing", "red"),
    "lost": ("✗ lost", "red"),
    "not-picked": ("? not picked", "magenta"),
    "not-in-lock": ("✗ not in the lock file", "red"),
    "by-hand": ("! changed by hand", "yellow"),
    "not-published": ("○ not published", "yellow"),
    "labels": ("- named otherwise in the lock file", "dim"),
    "unused": ("- not used any more", "dim"),
}

_NEXT: Mapping[Kind, tuple[str, str, tuple[str, ...]]] = {
    "not-bought": ("to buy it", "run", ()),
    "pick-missing": ("to have it", "run", ()),
    "open": ("to settle it", "run", ()),
    "lost": ("to buy it again", "run", ("--rebuy",)),
    "not-in-lock": ("to write it there, free", "run", ()),
    "by-hand": ("to keep what was made by hand", "lock accept", ()),
    "not-published": ("to put it there, free", "run", ()),
    "labels": ("a run writes the names of today, free", "run", ()),
    "unused": ("to take it out", "lock clean", ("--dry-run",)),
}


# --- check --------------------------------------------------------------------------------------


def check_lines(paper: Paper, call: Call, done: api.Checked) -> Iterator[str]:
    """What was found, by kind, each with what to do about it; the verdict first."""
    name = one_line(done.plan.recipe)
    compared = "recipe, lock file, cache and folder" if done.pictures else "recipe and lock file"
    if done.exit_code == 0:
        yield paper.styled(f"✓ {name}: {compared} agree, {count(len(done.plan.nodes), 'node')}", "bold green")
    else:
        yield paper.styled(f"✗ {name}: {compared} do not agree", "bold red")
    for kind, found in groupby(done.findings, key=lambda finding: finding.kind):
        findings = list(found)
        words, style = _SAID[kind]
        yield ""
        yield paper.styled(f"{words}: {len(findings)}{_price(done, kind, findings)}", style)
        for finding in findings[:MOST_NAMED]:
            yield from paper.wrapped(_finding(finding), 4)
        if len(findings) > MOST_NAMED:
            yield paper.styled(f"    and {len(findings) - MOST_NAMED} more; all of them with --json", "dim")
        if kind in _NEXT:
            what, command, more = _NEXT[kind]
            yield paper.styled(f"    → {what}: {call.command(command, *more)}", "cyan")
        if kind == "lost":
            words = "in a checkout without pictures, to compare recipe and lock file alone"
            yield paper.styled(f"    → {words}: {call.command('lock check', '--no-pictures')}", "cyan")


def _price(done: api.Checked, kind: Kind, findings: Iterable[api.Finding]) -> str:
    if kind == "not-bought":
        return f"; {bill_now(done.plan)}"
    return f"; {amount(cost_of(findings))} paid" if kind == "unused" else ""


def _finding(finding: api.Finding) -> str:
    words = finding.detail or (REASONS[finding.reason] if finding.reason else "")
    price = f" ({show_usd(finding.cost)})" if finding.calls else ""
    return f"{one_line(finding.node)}: {words}{price}" if words else one_line(finding.node) + price


def check_json(done: api.Checked, locks: Iterable[Path]) -> dict[str, Json]:
    """What `lock check --json` prints."""
    counted = Counter(finding.kind for finding in done.findings)
    totals = plan_json(done.plan)["totals"]
    costs = {name: totals[name] for name in _COSTS} if isinstance(totals, dict) else {}
    return {
        "recipe": done.plan.recipe,
        "locks": [str(path) for path in locks],
        "ok": done.exit_code == 0,
        "exit_code": done.exit_code,
        "findings": [
            {
                "kind": one.kind,
                "node": one.node,
                "reason": one.reason,
                "detail": one.detail or None,
                "calls": one.calls,
                "cost_usd": usd(one.cost),
                "path": one.path,
            }
            for one in done.findings
        ],
        "totals": {**{kind: counted[kind] for kind in KINDS}, **costs},
    }


_COSTS = ("calls", "calls_max", "cost_usd", "cost_usd_max")


# --- reset --------------------------------------------------------------------------------------


def reset_lines(paper: Paper, call: Call, done: api.Resets, *, dry_run: bool) -> Iterator[str]:
    """What ended for each node, with the way back."""
    mark = "○" if dry_run else "✓"
    for one in done.reset:
        ended = [f"take {one.pick} is picked no more"] if one.pick else []
        ended += ["what was accepted stands no more"] if one.accepted else []
        yield f"{paper.styled(f'{mark} {one.node}', 'bold green')}: {', and '.join(ended)}"
        if one.pick and not dry_run:
            yield paper.styled(f"  → to go back, free: {call.command('pick', one.node, str(one.pick))}", "cyan")
    for node in done.left:
        yield f"{paper.styled(f'- {node}', 'bold yellow')}: nothing was picked or accepted"
    if not done.reset and not done.left:
        yield "nothing to reset: nothing was picked or accepted"


def reset_json(done: api.Resets, *, dry_run: bool) -> dict[str, Json]:
    """What `lock reset --json` prints."""
    return {
        "dry_run": dry_run,
        "reset": [{"node": one.node, "pick": one.pick, "accepted": one.accepted} for one in done.reset],
        "left": list(done.left),
        "then": plan_json(done.then)["totals"],
    }


# --- clean --------------------------------------------------------------------------------------


def clean_lines(paper: Paper, call: Call, done: api.Cleaned, *, dry_run: bool) -> Iterator[str]:
    """The blocks that went, by name and price; what stays, and why."""
    mark = "○" if dry_run else "✓"
    for path, block in done.removed:
        yield f"{paper.styled(f'{mark} {one_line(name_of(block))}', 'bold green')}: {_block(block)}, {call.shown(path)}"
    for path, url in done.links:
        yield f"{paper.styled(f'{mark} {one_line(url)}', 'bold green')}: nothing reads it, {call.shown(path)}"
    for path, block in done.kept:
        yield f"{paper.styled(f'- {one_line(name_of(block))}', 'bold yellow')}: {_block(block)}, {call.shown(path)}"
    if done.kept:
        words = (
            "these stay: nothing in this cache knows what was paid for them, or has their bytes. `--forget` takes"
            " them out all the same; what asks the same again would buy it again"
        )
        yield from paper.wrapped(words, 4, "yellow")
    if done.removed:
        verb = "would go" if dry_run else "went"
        words = f"{count(len(done.removed), 'block')} {verb}, {amount(done.cost)} paid"
        kept = "ledger and bytes stay in the cache, so what asks the same again is not bought again"
        yield from paper.wrapped(f"{words}; {kept}" if not done.forgotten else words, 2)
    if not done.removed and not done.links:
        yield "nothing to clean: " + ("nothing that may go" if done.kept else "all of it is used")


def _block(block: LockBlock) -> str:
    parts = [count(len(block.takes), "take")] if block.takes else []
    parts += [show_usd(price) if (price := total(take.price for take in block.takes.values())) else "free"]
    parts += [f"take {block.pick} picked"] if block.pick else []
    parts += ["one picture accepted"] if block.accepted else []
    return ", ".join(parts)


def clean_json(done: api.Cleaned, *, dry_run: bool) -> dict[str, Json]:
    """What `lock clean --json` prints."""
    takes = sum(len(block.takes) for _, block in done.removed)
    return {
        "dry_run": dry_run,
        "removed": [_block_json(path, block) for path, block in done.removed],
        "links": [{"lock": str(path), "url": url} for path, url in done.links],
        "kept": [_block_json(path, block) for path, block in done.kept],
        "totals": {"blocks": len(done.removed), "takes": takes, "paid_usd": usd(done.cost), "kept": len(done.kept)},
    }


def _block_json(path: Path, block: LockBlock) -> dict[str, Json]:
    return {
        "lock": str(path),
        "request": block.base,
        "labels": list(block.labels),
        "model": block.model,
        "takes": [
            {"take": sample, "sha256": take.artifact.digest, "price_usd": usd(take.price)}
            for sample, take in sorted(block.takes.items())
        ],
        "pick": block.pick,
        "accepted": block.accepted.artifact.digest if block.accepted else None,
    }
