"""The desk: when it looks, how often, and what becomes of what goes wrong meanwhile. Unaware of HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from banana_pipe.bills import Bill
from banana_pipe.buying import Limits
from banana_pipe.cli.commands.studio import _Commands
from banana_pipe.cli.options import read_call
from banana_pipe.studio.board import Going
from banana_pipe.studio.desk import Desk, open_desk
from banana_pipe.studio.errors import Busy
from banana_pipe.studio.house import House
from banana_pipe.studio.standing import stand
from banana_pipe.telling.tally import Tally
from tests.studio.studios import NOTHING_GIVEN

RECIPE = Path("recipes/small.yaml")


class Looks:
    """How often somebody looked; `fails` is raised by the next one."""

    def __init__(self) -> None:
        self.number = 0
        self.fails: Exception | None = None


@pytest.fixture
def looks(project: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """What every look is counted by."""
    counted = Looks()

    async def standing(*given: Any) -> Any:
        counted.number += 1
        error, counted.fails = counted.fails, None
        if error is not None:
            raise error
        return await stand(*given)

    monkeypatch.setattr("banana_pipe.studio.desk.stand", standing)
    return counted


def opened(doing: Callable[[Desk], Any], bugs: list[Exception] | None = None) -> None:
    """*doing* with a desk, in the sandbox."""

    async def done() -> None:
        call = read_call(RECIPE, {**NOTHING_GIVEN, "provider": "sandbox"})
        house = House(RECIPE, call.options, call.access(token=True), Limits(), _Commands(call))
        desk = await open_desk(house, (bugs if bugs is not None else []).append)
        async with asyncio.timeout(30):  # who waits for a word that never comes has failed
            await doing(desk)

    asyncio.run(done())


def change() -> None:
    """The recipe, as an editor writes it."""
    RECIPE.write_text(RECIPE.read_text() + "# more\n")


def test_what_several_wait_for_is_looked_at_once(looks: Looks) -> None:
    """And not at all where nothing has changed."""

    async def doing(desk: Desk) -> None:
        assert looks.number == 1
        await desk.fresh()
        assert looks.number == 1
        change()
        await asyncio.gather(*(desk.fresh() for _ in range(5)))
        assert looks.number == 2

    opened(doing)


def test_while_something_is_bought_no_page_makes_it_look(looks: Looks) -> None:
    """Files change at every call then: as often as pages ask, it would take the time of what is being bought."""

    async def doing(desk: Desk) -> None:
        desk.board.going = Going("run", Tally(desk.house.clock), None)
        change()
        assert await desk.fresh() is desk.standing
        assert looks.number == 1
        desk.board.going = None
        await desk.fresh()
        assert looks.number == 2

    opened(doing)


def test_a_bug_in_a_look_is_told_and_the_next_look_is_as_good_as_any(looks: Looks) -> None:
    """On the terminal and in the page; who keeps looking does not end of it."""
    bugs: list[Exception] = []

    async def doing(desk: Desk) -> None:
        keeping, heard = asyncio.create_task(desk.keep_looking()), desk.board.states()
        await anext(heard)
        looks.fails = RuntimeError("never foreseen")
        change()
        while (state := await anext(heard))["trouble"] is None:
            pass
        assert "bug" in str(state["trouble"])
        change()
        while (await anext(heard))["trouble"] is not None:
            pass
        assert [str(bug) for bug in bugs] == ["never foreseen"]
        keeping.cancel()

    opened(doing, bugs)


def test_who_is_ending_begins_to_buy_nothing(looks: Looks) -> None:
    """Though a page asks for it between the end of a run and that of the studio."""

    async def bought(*_: object) -> dict[str, Any]:
        raise AssertionError("it was begun")

    async def doing(desk: Desk) -> None:
        await desk.finish()
        with pytest.raises(Busy, match="ending"):
            await desk.buy("run", Bill(1, 1), bought)

    opened(doing)
