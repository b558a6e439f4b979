"""Clients that hold connections and get nowhere, in a process of its own: `python -m tests.campaigns.load.slow`.

Unaware of the server, but for its address. Each that is cut off comes again a second later. Prints a line
once all are there, and how often they were cut off when its stdin ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import sys

AGAIN = 1.0
DRIP = 2.0
KINDS = 5


class Slow:
    """*count* of them, of each kind as many."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._count = count
        self._there = 0
        self.all_there = asyncio.Event()
        self.cut_off = 0

    async def hold(self, number: int) -> None:
        """Come, be slow, be cut off, come again."""
        came = False
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._there += not came
                came = True
                if self._there == self._count:
                    self.all_there.set()
                await self._be_slow(number % KINDS, reader, writer)
            self.cut_off += came
            await asyncio.sleep(AGAIN)

    async def _be_slow(self, kind: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (
            f"POST /nano-banana/images HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Bearer any\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000000\r\n"
        ).encode()
        nothing, some, all_of_it, a_body, questions = b"", head[:40], head + b"X-More: ", head + b"\r\n{", head * 3
        writer.write((nothing, some, all_of_it, a_body, questions)[kind])
        try:
            while not reader.at_eof():
                # Not wait_for, which can lose a cancellation that comes together with a byte.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRIP):
                        await reader.read(1)
                if kind:
                    writer.write(b"x")
        finally:
            writer.transport.abort()


async def _main(port: int, count: int) -> None:
    slow = Slow(port, count)
    tasks = [asyncio.create_task(slow.hold(number)) for number in range(count)]
    await slow.all_there.wait()
    sys.stdout.write("there\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sys.stdout.write(f"{slow.cut_off}\n")


def main() -> None:
    """Be slow as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    told = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_main(told.port, told.count))


if __name__ == "__main__":
    main()
