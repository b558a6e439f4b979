"""An answer of where a picture comes from, as the JSON object that scripts read.

Unaware of how it was found. The shapes are the contract: documented, tested, only added to.
"""

from __future__ import annotations

from collections.abc import Mapping

from banana_pipe.canonical import Digest
from banana_pipe.comparing.differences import asked
from banana_pipe.lineage.family import Ancestor, Family, Made
from banana_pipe.model import Json
from banana_pipe.prices import usd


def family_json(family: Family) -> list[dict[str, Json]]:
    """The pictures of *family*, the one that was asked for first."""
    return [_made_json(digest, made, family.parents(digest)) for digest, made in family.members.items()]


def action_of(request: Mapping[str, Json] | None) -> str | None:
    """How it was made: `generate`, `edit`, `transform`; None where nobody knows."""
    if request is None:
        return None
    action = request.get("action")
    return "transform" if "ops" in request else action if isinstance(action, str) else None


def params_of(request: Mapping[str, Json] | None) -> dict[str, Json]:
    """The settings that were asked for besides the model."""
    params = (request or {}).get("params")
    return dict(params) if isinstance(params, dict) else {}


def _made_json(digest: Digest, made: Made, parents: tuple[Ancestor, ...]) -> dict[str, Json]:
    record = made.record
    return {
        "sha256": digest,
        "name": made.name,
        "node": record.node,
        "also": list(made.others),
        "take": record.take,
        "accepted": record.accepted,
        "outside": made.outside or None,
        "recipe": record.recipe,
        "path": record.path,
        "record": record.where or None,
        "key": record.key,
        "action": action_of(record.request),
        "prompt": None if record.request is None else asked(record.request),
        "params": params_of(record.request),
        "provider": record.provider,
        "model": record.model,
        "served": record.served,
        "task_id": record.task_id,
        "trace_id": record.trace_id,
        "price_usd": usd(record.price),
        "bought_at": record.bought_at,
        "inputs": None
        if record.inputs is None
        else [{"sha256": one.digest, "name": one.name or None, "take": one.take} for one in parents],
    }
