"""A studio on a port of 127.0.0.1, until it is stopped.

Unaware of the command line, and of what is answered.

Its address has a token that nobody can guess: other users of this machine can reach the port, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable

from banana_pipe.serving.guard import Guard
from banana_pipe.serving.loopback import Loopback
from banana_pipe.studio.app import MANNERS, App
from banana_pipe.studio.desk import Desk, open_desk
from banana_pipe.studio.house import House
from banana_pipe.studio.pictures import Pictures


class Studio:
    """The studio of *house*. Raises UsageError where the *port* cannot be had; 0 is any free one.

    *on_bug* hears of errors that nobody foresaw.
    """

    def __init__(self, house: House, port: int, on_bug: Callable[[Exception], None]) -> None:
        self._house = house
        self._on_bug = on_bug
        self._loopback = Loopback(port, "studio")
        self._token = secrets.token_urlsafe(32)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._desk: Desk | None = None
        self._stopped = asyncio.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._loopback.port

    @property
    def url(self) -> str:
        """The page's address, with the token."""
        return f"{self._loopback.base_url}/{self._token}/"

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until `stop`; *ready* is called once the page is made. Raises what reading the recipe raises."""
        try:
            asyncio.run(self._run(ready))
        finally:
            self._loopback.close()

    def stop(self) -> bool:
        """End once what is being bought has stopped. May be called by a signal's handler; whether there is something."""
        if self._loop is None:
            raise KeyboardInterrupt
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._loop.call_soon_threadsafe(self._stopped.set)
        return self._desk is not None and self._desk.board.going is not None

    async def _run(self, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._desk = desk = await open_desk(self._house, self._on_bug)
        with self._house.opened() as workspace:
            cache = workspace.places.cache
        app = Guard(App(desk, self._token, Pictures(cache, lambda: desk.standing)), self.port, MANNERS, self._on_bug)
        ending = asyncio.create_task(self._end(desk))
        looking = asyncio.create_task(desk.keep_looking())
        ready()
        try:
            await self._loopback.serve(app)
        finally:
            for task in (ending, looking):
                task.cancel()
            await asyncio.gather(ending, looking, return_exceptions=True)

    async def _end(self, desk: Desk) -> None:
        await self._stopped.wait()
        desk.stop()
        await desk.finish()
        desk.board.close()
        self._loopback.stop()
