"""What most people would write: look into the cache, else ask, then keep the answer.

Unaware of crashes: it is here to be caught paying twice.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any

from banana_pipe import disk, recipe
from banana_pipe.model import NodeInput


def run(path: Path, base_url: str, token: str) -> None:
    """Make every picture of the recipe at *path*, unless it is in the cache."""
    made: dict[str, bytes] = {}
    for node in recipe.load(path):
        links = [_link(made[one.node]) for one in node.inputs if isinstance(one, NodeInput)]
        body = {"action": node.action, "prompt": node.prompt, "model": node.model, **node.params}
        kept = path.parent / "cache" / sha256(f"{body}{links}".encode()).hexdigest()
        if not kept.exists():
            disk.write_file(kept, _bought(body | {"image_urls": links}, base_url, token))
        made[node.id] = kept.read_bytes()
        disk.write_file(path.parent / "out" / path.stem / f"{node.output}.png", made[node.id])


def _bought(body: dict[str, Any], base_url: str, token: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}"}
    call = urllib.request.Request(f"{base_url}/nano-banana/images", json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(call, timeout=30) as answer:
        link = json.load(answer)["data"][0]["image_url"]
    with opener.open(link, timeout=30) as picture:
        return bytes(picture.read())


def _link(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
