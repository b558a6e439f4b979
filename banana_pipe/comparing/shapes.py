"""A comparison as the JSON object that scripts read.

Unaware of how it came about. The shapes are the contract: documented, tested, only added to.
"""

from __future__ import annotations

from dataclasses import asdict

from banana_pipe.comparing.differences import Comparison, Difference, Size, asked
from banana_pipe.comparing.matching import Shown
from banana_pipe.comparing.pixels import Measure
from banana_pipe.model import Json
from banana_pipe.prices import usd


def comparison_json(comparison: Comparison, limit: float | None, measure: Measure) -> dict[str, Json]:
    """What `diff --json` prints; *limit* is that of `--fail-above`, by *measure*."""
    above = [] if limit is None else comparison.above(limit, measure)
    return {
        "before": comparison.before,
        "after": comparison.after,
        "pictures": [_difference_json(one) for one in comparison.differences],
        "totals": {"pictures": len(comparison.differences), **comparison.counts, "cost_usd": usd(comparison.cost)},
        "fail_above": None if limit is None else {"limit": limit, "by": measure, "above": [one.name for one in above]},
        "notes": list(comparison.notes),
    }


def _difference_json(one: Difference) -> dict[str, Json]:
    return {
        "name": one.name,
        "kind": one.kind,
        "before": _shown_json(one.pair.before, one.reading.before),
        "after": _shown_json(one.pair.after, one.reading.after),
        "distance": None if one.reading.distance is None else asdict(one.reading.distance),
        "trouble": one.reading.trouble or None,
        "prompt": [{"kind": piece.kind, "text": piece.text} for piece in one.prompt],
        "settings": [{"name": each.name, "before": each.before, "now": each.now} for each in one.settings],
        "pictures": [
            {"place": each.place, "name": each.name, "before": each.before, "now": each.now} for each in one.pictures
        ],
    }


def _shown_json(shown: Shown | None, size: Size | None) -> Json:
    if shown is None:
        return None
    return {
        "path": shown.path,
        "sha256": shown.digest,
        "node": shown.node,
        "take": shown.take,
        "by_hand": shown.by_hand,
        "width": size.width if size else None,
        "height": size.height if size else None,
        "bytes": size.bytes if size else None,
        "prompt": None if shown.request is None else asked(shown.request),
        "model": shown.model,
        "price_usd": usd(shown.price),
        "bought_at": shown.bought_at,
    }
