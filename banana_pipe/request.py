"""A node and the digests of its inputs become a request, and a request its key.

Unaware of stores, providers and of what a request costs.

The key is the sha256 of the canonical JSON that `describe` makes; the same JSON is kept as a blob,
so that what was asked can be read back and compared. **A changed key is a bill**: another form
needs a new `type`, and the old one still read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from banana_pipe.canonical import Digest, canonical_json, digest_of
from banana_pipe.model import BaseKey, Json, Key, Node, Op, Request

TYPE = "banana-pipe/request/v1"
TRANSFORM_TYPE = "banana-pipe/transform/v1"


def request_for(node: Node, provider: str, images: Sequence[Digest], sample: int) -> Request:
    """The request of take *sample* of *node*, reading *images* in the order of its inputs.

    *provider* is the name that counts in the key (see `providers.catalog.key_name`).
    """
    return Request(
        provider=provider,
        action=node.action,
        model=node.model,
        prompt=node.prompt,
        images=tuple(images),
        params=node.params,
        sample=sample,
        ops=node.ops,
    )


def describe(request: Request) -> dict[str, Json]:
    """The request as the mapping whose canonical JSON is hashed."""
    if request.action == "transform":
        return {
            "type": TRANSFORM_TYPE,
            "ops": [_described(op) for op in request.ops],
            "images": list(request.images),
        }
    return {
        "type": TYPE,
        "provider": request.provider,
        "action": request.action,
        "model": request.model,
        "prompt": request.prompt,
        "images": list(request.images),
        "params": dict(request.params),
        "sample": request.sample,
    }


def _described(op: Op) -> dict[str, Json]:
    own = {"op": op.name, "version": op.version, "params": dict(op.params)}
    return {**own, "package": op.package} if op.package else own


def canonical_request(request: Request) -> bytes:
    """The bytes that the key is the sha256 of."""
    return canonical_json(describe(request))


def key_of(request: Request) -> Key:
    """The request's key."""
    return Key(digest_of(canonical_request(request)))


def base_key_of(request: Request) -> BaseKey:
    """The key without the sample: what all takes of this request share."""
    described = describe(request)
    described.pop("sample", None)
    return BaseKey(digest_of(canonical_json(described)))


def read_request(data: bytes) -> Request:
    """The request that `canonical_request` made *data* of. Raises ValueError for anything else."""
    described = json.loads(data)
    if not isinstance(described, dict) or described.get("type") != TYPE:
        raise ValueError(f"not a {TYPE}")
    try:
        return Request(
            provider=described["provider"],
            action=described["action"],
            model=described["model"],
            prompt=described["prompt"],
            images=tuple(described["images"]),
            params=described["params"],
            sample=described["sample"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a whole {TYPE}: {error}") from None


def with_sample(request: Request, sample: int) -> Request:
    """The same request, another take."""
    return replace(request, sample=sample)
