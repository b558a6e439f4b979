"""The vendor as a server: a thread with a loop, the control pages, and the handle that tests hold.

Unaware of what the answers mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from types import TracebackType
from typing import Any, Self

from tests.vendor.behaviour import Behaviour, Endpoint, Fault, Faults, read_faults
from tests.vendor.books import Charge, Received
from tests.vendor.connection import Answer, Call, deliver, json_answer, read_call
from tests.vendor.shop import Shop, system_clock

_READ_AHEAD = 1024 * 1024


class Vendor:
    """The vendor in a thread of this process: `with Vendor(listing="late") as vendor: …`.

    Takes the fields of Behaviour, `faults` by endpoint, a `clock` (seconds since 1970), a
    `port` (0: a free one), and `tls` to be spoken to by https. What it tells are copies, and may be
    asked at any moment.
    """

    def __init__(
        self,
        *,
        faults: Faults | None = None,
        clock: Callable[[], float] = system_clock,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        **behaviour: Any,
    ) -> None:
        self._shop = Shop(Behaviour(**behaviour), clock)
        self._port = port
        self._tls = tls
        self._ready = threading.Event()
        self._stop: Callable[[], object] = bool
        self._thread: threading.Thread | None = None
        for endpoint, queue in (faults or {}).items():
            self.fault(endpoint, *queue)

    def start(self) -> Self:
        """Begin to listen. Raises OSError if the port is taken."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        self._shop.base_url = f"{'https' if self._tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listener)), name="vendor", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> None:
        """Close every connection and the port. The books can still be read."""
        self._stop()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        return self._shop.base_url

    @property
    def charges(self) -> list[Charge]:
        """The bill so far."""
        with self._shop.lock:
            return list(self._shop.books.charges)

    @property
    def received(self) -> list[Received]:
        """Every request to the API and for pictures, in order."""
        with self._shop.lock:
            return list(self._shop.books.received)

    @property
    def posts(self) -> list[Received]:
        """Every request for a new picture, refused ones too."""
        return [received for received in self.received if received.endpoint == "submit"]

    @property
    def pictures(self) -> dict[str, str]:
        """The sha256 of each picture billed, by task_id."""
        with self._shop.lock:
            return dict(self._shop.books.pictures)

    @property
    def counts(self) -> Mapping[str, int]:
        """Requests by endpoint."""
        return {str(name): number for name, number in self._shop.snapshot()["counts"].items()}

    @property
    def peak(self) -> int:
        """The most POSTs that were under way at a time."""
        return self._shop.peak

    @property
    def faults_left(self) -> dict[str, list[str]]:
        """The kinds of faults that have not happened yet, by endpoint."""
        with self._shop.lock:
            return self._shop.plan.left()

    def behave(self, **changes: Any) -> None:
        """Change fields of the Behaviour."""
        self._shop.behave(**changes)

    def fault(self, endpoint: Endpoint, *faults: Fault) -> None:
        """Queue *faults*. Raises ValueError for a kind that the endpoint doesn't know."""
        with self._shop.lock:
            self._shop.plan.add(endpoint, faults)

    def advance(self, seconds: float) -> None:
        """Turn the vendor's clock on."""
        self._shop.advance(seconds)

    def calm(self) -> None:
        """Forget the faults still to come."""
        self._shop.calm()

    def reset(self) -> None:
        """Forget tasks, books and faults; the behaviour stays."""
        self._shop.reset()

    def keep(self) -> None:
        """Remember how the books are now."""
        self._shop.keep()

    def rewind(self, prompts: Collection[str]) -> None:
        """Have the books as they were kept, if nothing but requests for *prompts* had come in."""
        self._shop.rewind(prompts)

    async def _serve(self, listener: socket.socket) -> None:
        stopped = asyncio.Event()
        server = await asyncio.start_server(self._connection, sock=listener, limit=_READ_AHEAD, ssl=self._tls)
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
        self._ready.set()
        await stopped.wait()
        server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            while (call := await read_call(reader)) is not None:
                if not await self._turn(call, reader, writer):
                    break
        writer.close()

    async def _turn(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if call.path.startswith("/_control/"):
            return await deliver(control(self, call), None, reader, writer)
        answer, fault = await self._shop.answer(call)
        return await deliver(answer, fault, reader, writer)


def control(vendor: Vendor, call: Call) -> Answer:
    """What `/_control/…` answers: `ledger` and `behaviour` (GET), and by POST with JSON
    `behaviour` (fields to change), `faults` (by endpoint), `clock` (`advance`: seconds), `calm`, `reset`,
    `keep`, `rewind` (`prompts`)."""
    try:
        said: Mapping[str, Any] = json.loads(call.body or b"{}")
        match call.method, call.path.removeprefix("/_control/"):
            case "GET", "ledger":
                return json_answer(vendor._shop.snapshot())
            case "GET", "behaviour":
                return json_answer(asdict(vendor._shop.behaviour))
            case "POST", "behaviour":
                vendor.behave(**said)
            case "POST", "faults":
                _queue(vendor, said)
            case "POST", "clock":
                vendor.advance(float(said["advance"]))
            case "POST", ("calm" | "reset" | "keep") as name:
                getattr(vendor, name)()
            case "POST", "rewind":
                vendor.rewind(said["prompts"])
            case _:
                return json_answer({"error": "no such control"}, 404)
    except (KeyError, TypeError, ValueError) as error:
        return json_answer({"error": str(error)}, 400)
    return json_answer({})


def _queue(vendor: Vendor, described: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    for endpoint, faults in read_faults(described).items():
        vendor.fault(endpoint, *faults)
