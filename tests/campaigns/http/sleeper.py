"""`python -m tests.campaigns.http.sleeper WHERE ERRAND`: do an errand, and stop there as a closed laptop does.

Unaware of who wakes it, and when. `intent`: what is meant to be paid is written, nothing else is done;
`connected`: the connection stands, and not a byte of the request has left.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from banana_pipe.providers.acedata import AceData
from banana_pipe.providers.transfer import Sending
from tests.campaigns.errands import Errand, do

_submit, _trace = AceData.submit, Sending.trace


@cache
def _sleep_once() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


async def _submit_after_sleep(self: AceData, *given: Any, **named: Any) -> Any:
    _sleep_once()
    return await _submit(self, *given, **named)


async def _trace_after_sleep(self: Sending, event: str, info: Mapping[str, Any]) -> None:
    if event == "connection.connect_tcp.complete":
        _sleep_once()
    await _trace(self, event, info)


if __name__ == "__main__":
    where, errand = sys.argv[1], Errand(**json.loads(sys.argv[2]))
    if where == "intent":
        AceData.submit = _submit_after_sleep  # type: ignore[method-assign]
    else:
        Sending.trace = _trace_after_sleep  # type: ignore[method-assign]
    sys.stdout.write(json.dumps(asdict(do(errand))))
