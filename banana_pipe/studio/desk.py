"""The desk of a studio: keeps the page as things stand, does one act that writes after the other, one purchase at a time.

Unaware of HTTP. Acts and purchases work in threads, each with a loop of its own, as commands do in processes: however
long they compute, pages are answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from banana_pipe.bills import Bill
from banana_pipe.errors import BananaError
from banana_pipe.events import CallStarted, Event, NodeEnded
from banana_pipe.model import Json
from banana_pipe.studio import purchases
from banana_pipe.studio.board import Board, Going
from banana_pipe.studio.errors import Busy, told
from banana_pipe.studio.house import House
from banana_pipe.studio.standing import Stamp, Standing, stamp, stand
from banana_pipe.telling.tally import Tally

LOOK_SECONDS = 1.0
"""Between two looks at whether somebody else has changed the files."""
_REST = 4.0
"""While something is bought the page is made anew after so many times what making it took."""
_MOST_ASKED = 2
"""Questions that are looked into at once: each may take seconds of a core, and pages ask as somebody types."""

T = TypeVar("T")
Purchase = Callable[[House, Bill, purchases.Watch], Coroutine[Any, Any, dict[str, Json]]]


class Desk:
    """Everything that a studio does. `standing` is how things stood when it was looked last, *seen* what its files were.

    *on_bug* hears of errors that nobody foresaw.
    """

    def __init__(self, house: House, standing: Standing, seen: Stamp, on_bug: Callable[[Exception], None]) -> None:
        self.house = house
        self.board = Board(house.clock)
        self.standing = standing
        self._stamp = seen
        self._on_bug = on_bug
        self._acting = asyncio.Lock()
        self._asking = asyncio.Semaphore(_MOST_ASKED)
        self._looking = asyncio.Lock()
        self._stale = asyncio.Event()
        self._interrupts: _Interrupts | None = None
        self._buying: asyncio.Task[None] | None = None
        self._is_ending = False

    # --- how things stand ---

    async def fresh(self) -> Standing:
        """How things stand, looked at again where something has changed since.

        While something is bought, files change all the time, and `keep_looking` says how often that is looked at: as
        often as pages ask it would take the time of what is being bought.
        """
        if self.board.going is None:
            await self._look_if_old()
        return self.standing

    async def keep_looking(self) -> None:
        """Look again whenever something has changed, for as long as pages listen."""
        clock = self.house.clock
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._stale.wait()
            except TimeoutError:
                if not self.board.is_watched:
                    continue
            began = clock.boot()
            await self._look_if_old()
            if self.board.going is not None:
                await clock.sleep((clock.boot() - began) * _REST)

    async def _look_if_old(self) -> None:
        async with self._looking:  # whoever waited for a look need not look once more
            if self._stale.is_set() or await asyncio.to_thread(stamp, self.standing.files) != self._stamp:
                await self._look(self.board.flying)

    async def _look(self, flights: frozenset[str]) -> None:
        """Make the page anew. What keeps it from that is told, and the last page stays."""
        self._stale.clear()
        began = self.house.clock.now()
        seen = await asyncio.to_thread(stamp, self.standing.files)
        try:
            standing = await _in_a_thread(lambda: _stand(self.house, flights))
        except BananaError as error:
            self.board.trouble = told(error)
        except Exception as bug:  # noqa: BLE001 - the next look may be better; nobody would hear of an end
            self._on_bug(bug)
            self.board.trouble = told(_of_ours())
        else:
            self.board.version += standing.page != self.standing.page or self.board.trouble is not None
            self.board.trouble = None
            # A file that nobody looked at before, and that was changed meanwhile, has to be looked at again.
            more = await asyncio.to_thread(stamp, standing.files)
            new = {path: how for path, how in more.items() if path not in seen and how[0] < began * 1e9}
            seen = {path: how for path, how in seen.items() if path in set(standing.files)} | new
            self.standing = standing
        self._stamp = seen
        self.board.changed()

    # --- acts ---

    async def act(self, doing: Callable[[], Coroutine[Any, Any, dict[str, Json]]]) -> dict[str, Json]:
        """Do what is free and writes; what a run would buy then is told by the next page, which takes longer to make."""
        async with self._acting:
            answer = await _in_a_thread(doing)
        self._stale.set()
        return answer

    async def ask(self, asking: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do what writes nothing."""
        async with self._asking:
            return await _in_a_thread(asking)

    # --- purchases ---

    async def buy(self, what: str, agreed: Bill, purchase: Purchase) -> None:
        """Begin *purchase*; back once its price is known to be agreed to. Raises Busy, PriceChanged and what it raises."""
        if self._buying is not None:
            raise Busy("something is being bought already", hint="stop that, or wait until it has ended")
        if self._is_ending:
            raise Busy("the studio is ending: nothing new is bought", hint="start it again: banana-pipe studio")
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        self._interrupts = interrupts = _Interrupts()

        def settle() -> None:
            if not settled.done():
                settled.set_result(None)

        watch = purchases.Watch(
            emit=lambda event: _call(loop, lambda: self._hear(event)),
            interrupts=interrupts,
            settled=lambda: _call(loop, settle),
        )
        tally = Tally(self.house.clock)
        self.board.going, self.board.ended = Going(what, tally, agreed.cost), None
        self.board.changed()
        self._buying = asyncio.create_task(self._carry_out(what, lambda: purchase(self.house, agreed, watch), settled))
        await settled

    async def _carry_out(
        self, what: str, purchase: Callable[[], Coroutine[Any, Any, dict[str, Json]]], settled: asyncio.Future[None]
    ) -> None:
        ended: dict[str, Json] | None = None
        refused: Exception | None = None
        try:
            ended = await _in_a_thread(purchase)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            if not settled.done():
                refused = error
            elif isinstance(error, BananaError):
                ended = purchases.failed(what, error)
            else:
                self._on_bug(error)
                ended = purchases.failed(what, _of_ours())
        try:
            if refused is None:
                async with self._looking:
                    await self._look(frozenset())
        finally:
            self._buying, self.board.going, self.board.ended = None, None, ended
            self.board.changed()
            if refused is not None:
                settled.set_exception(refused)
            elif not settled.done():
                settled.set_result(None)

    def _hear(self, event: Event) -> None:
        self.board.hear(event)
        if isinstance(event, NodeEnded | CallStarted):
            self._stale.set()

    def stop(self) -> bool:
        """Ask what is being bought to stop, as the first Ctrl-C does; whether there is something."""
        if self._interrupts is None or self._buying is None:
            return False
        if self.board.going is not None:
            self.board.going.stopping = True
            self.board.changed()
        self._interrupts.interrupt()
        return True

    async def finish(self) -> None:
        """Wait for what is being bought, and let nothing more be."""
        self._is_ending = True
        if self._buying is not None:
            await asyncio.wait([self._buying])


class _Interrupts:
    """Ctrl-C for a run in another thread."""

    def __init__(self) -> None:
        self._heard = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] | None = None

    def on_first(self, stop: Callable[[], None]) -> None:
        """Called in the run's own loop."""
        self._loop, self._stop = asyncio.get_running_loop(), stop
        if self._heard:
            self._loop.call_soon(stop)

    def interrupt(self) -> None:
        """Stop it, from any thread; once is enough."""
        if not self._heard:
            self._heard = True
            if self._loop is not None and self._stop is not None:
                _call(self._loop, self._stop)


def _of_ours() -> BananaError:
    return BananaError("this is a bug of ours: the terminal says more")


async def open_desk(house: House, on_bug: Callable[[Exception], None]) -> Desk:
    """The desk of *house*. Raises what reading the recipe raises."""
    standing = await _in_a_thread(lambda: _stand(house, frozenset()))
    return Desk(house, standing, await asyncio.to_thread(stamp, standing.files), on_bug)


async def _stand(house: House, flights: frozenset[str]) -> Standing:
    with house.opened() as workspace:
        return await stand(house, workspace, flights)


async def _in_a_thread(doing: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return await asyncio.to_thread(lambda: asyncio.run(doing()))


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """Call *what* in *loop*, if that still runs."""
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:  # closed meanwhile: nobody is there to be told
        return
