"""What a check of the cache found, said to people and as JSON.

Unaware of how it is looked for and mended.
"""

from __future__ import annotations

from banana_pipe import api
from banana_pipe.cli.kept import show_bytes
from banana_pipe.cli.terminal import Paper
from banana_pipe.cli.words import count
from banana_pipe.model import Json
from banana_pipe.prices import show_usd, usd


def show_verified(paper: Paper, found: api.Verified, *, repair: str | None) -> None:
    """Say what was found, and what became of it; *repair* is the command that puts it right, None behind it."""
    for one in found.damage:
        price = f", {show_usd(one.price)}" if one.paid and one.what in ("blob", "missing") else ""
        who = f"{one.node or one.name[:12] if one.what != 'lock' else one.name}{price}"
        if one.healed is not None:
            words = paper.styled(f"{one.words}: {one.healed}", "")
            paper.say(f"{paper.styled('✓', 'green')} {paper.styled(who, 'bold')}  {words}")
            continue
        paper.say(f"{paper.styled('✗', 'red')} {paper.styled(who, 'bold')}  {paper.styled(one.words, '')}")
        if one.hint and (repair is None or one.what == "lock"):
            paper.say(paper.styled(f"  → {one.hint}", "cyan"))
    looked = f"{count(found.blobs, 'blob')} ({show_bytes(found.bytes)}), {count(found.attempts, 'attempt')}"
    looked += f", {count(found.results, 'result')}, {count(found.locks, 'lock file')}"
    if not found.damage:
        paper.say(paper.styled(f"all is whole: {looked}", "bold green"))
        return
    healed = len(found.damage) - len(found.left)
    words = f"{count(len(found.left), 'thing')} damaged" + (f", {healed} put right" if repair is None else "")
    paper.say(paper.styled(f"{words}; looked at {looked}", "bold red" if found.left else "bold green"))
    if repair is not None:
        paper.say(paper.styled(f"  → to put right what can be, free: {repair}", "cyan"))


def verified_json(found: api.Verified) -> dict[str, Json]:
    """What was found, as `--json` prints it."""
    damage = [
        {
            "what": one.what,
            "name": one.name,
            "problem": one.words,
            "node": one.node or None,
            "price_usd": usd(one.price),
            "healed": one.healed,
            "hint": one.hint,
        }
        for one in found.damage
    ]
    looked = {"blobs": found.blobs, "bytes": found.bytes, "attempts": found.attempts, "results": found.results}
    return {
        "damage": damage,
        "totals": {**looked, "locks": found.locks, "damaged": len(found.damage), "left": len(found.left)},
    }
