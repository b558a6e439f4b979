"""Submits and polls on many connections, in a process of its own: `python -m tests.campaigns.load.generator`.

Unaware of the server, but for its address. Prints one JSON object: how many answers, how many were
wrong, and how long they took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(slots=True)
class Measured:
    """What all connections saw together. `waits` are seconds, one for each answer."""

    waits: list[float] = field(default_factory=list)
    wrong: int = 0
    first_wrong: str = ""


class Client:
    """One connection that is kept, and submits and polls in turn."""

    def __init__(self, port: int, measured: Measured) -> None:
        self._port = port
        self._measured = measured
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def work(self, number: int, rate: float, until: float) -> None:
        """Submit and poll, one after the other, *rate* requests a second (0: as fast as answers come)."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        due = time.monotonic() + (number % 97) / 97 / rate if rate else 0.0
        turn, task = 0, ""
        while time.monotonic() < until:
            if rate:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            began = due if rate else time.monotonic()
            due += 1 / rate if rate else 0.0
            answer = await self._asked(turn, number, task)
            self._measured.waits.append(time.monotonic() - began)
            task = self._checked(turn, answer)
            turn = 1 - turn
        self._writer.close()

    async def _asked(self, turn: int, number: int, task: str) -> Any:
        path, body = (
            ("tasks", {"id": task})
            if turn
            else ("images", {"action": "generate", "prompt": f"cat {number}", "async": True})
        )
        sent = json.dumps(body).encode()
        head = (
            f"POST /nano-banana/{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Bearer any\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        self._writer.write(head.encode() + sent)
        async with asyncio.timeout(PATIENCE):
            answered = (await self._reader.readuntil(_END_OF_HEAD)).lower()
            length = int(answered.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return json.loads(await self._reader.readexactly(length))

    def _checked(self, turn: int, answer: Any) -> str:
        """The task that was submitted, or that was polled well."""
        good = answer.get("response", {}).get("success") if turn else answer.get("success")
        if not good:
            self._measured.wrong += 1
            self._measured.first_wrong = self._measured.first_wrong or json.dumps(answer)[:300]
        return str(answer.get("task_id", ""))


async def load(port: int, connections: int, rate: float, seconds: float) -> dict[str, Any]:
    """Put *rate* requests a second in all (0: as many as go) on the server for so long."""
    measured = Measured()
    began = time.monotonic()
    clients = [
        Client(port, measured).work(number, rate / connections, began + seconds) for number in range(connections)
    ]
    ended = await asyncio.gather(*clients, return_exceptions=True)
    broken = [error for error in ended if error is not None]
    waits = sorted(measured.waits) or [0.0]
    return {
        "requests": len(measured.waits),
        "per_second": len(measured.waits) / (time.monotonic() - began),
        "wrong": measured.wrong + len(broken),
        "first_wrong": measured.first_wrong or (repr(broken[0]) if broken else ""),
        **{f"p{part}_ms": 1000 * waits[min(len(waits) - 1, len(waits) * part // 100)] for part in (50, 99)},
        "max_ms": 1000 * waits[-1],
    }


def main() -> None:
    """Load as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    told = parser.parse_args()
    measured = asyncio.run(load(told.port, told.connections, told.rate, told.seconds))
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
