"""Money is told from plan to bill: asked, reserved, billed, saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from banana_pipe.model import Json, Run
from banana_pipe.outputs.log import log_path, money
from banana_pipe.providers.base import ProviderError
from tests.world import CHAIN, World

PRICE = 0.039  # of nano-banana
LOOSE = """
    version: 1
    steps:
      fox: {generate: A fox, samples: 2}
      cat: {generate: A cat}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def told(ran: Run) -> dict[str, Json]:
    """What the log's end says, which is what the run itself says."""
    (end,) = [
        event for event in map(json.loads, log_path(ran.out, ran.id).read_text().splitlines()) if event["type"] == "end"
    ]
    assert end["money"] == money(ran)
    return {name.removesuffix("_usd"): round(value / PRICE) for name, value in money(ran).items()}


def test_a_run_without_faults_is_billed_what_was_asked(world: World) -> None:
    """What waits for what it reads counts from the start; the next run saves all of it."""
    world.write(CHAIN)
    assert told(world.run()) == {"asked": 3, "reserved": 3, "billed": 3, "saved": 0}
    assert told(world.run()) == {"asked": 0, "reserved": 0, "billed": 0, "saved": 3}


def test_what_is_refused_was_reserved_and_is_not_billed(world: World) -> None:
    """The provider said no: the money is given back."""
    world.write(LOOSE)
    world.vendor.fates.append(ProviderError("moderation", "no foxes"))
    ran = world.run()
    assert told(ran) == {"asked": 3, "reserved": 3, "billed": 2, "saved": 0}
    assert ran.against_caps == (2, round(2 * PRICE * 1_000_000))


def test_what_is_sent_again_was_reserved_twice(world: World) -> None:
    """Each call is a reservation of its own, whatever becomes of it."""
    world.write(LOOSE)
    world.vendor.fates.append(ProviderError("transient", "try again"))
    assert told(world.run()) == {"asked": 3, "reserved": 4, "billed": 3, "saved": 0}


def test_what_nobody_knows_the_price_of_is_unknown(world: World) -> None:
    """Not zero."""
    world.write(CHAIN.replace("generate: A mug", "generate: A mug\n        extra: {seed: 7}"))
    ran = world.run()
    assert money(ran) == {"asked_usd": None, "reserved_usd": None, "billed_usd": None, "saved_usd": 0.0}


def test_caps_count_what_has_a_price_beside_what_has_none_and_nothing_that_is_free(world: World) -> None:
    """A limit over several runs adds up what each of them counted: of two calls for money one price is known."""
    world.write(LOOSE.replace("samples: 2", "extra: {seed: 7}") + "      owl: {generate: An owl, provider: sandbox}")
    ran = world.run()
    assert (ran.exit_code, ran.called, ran.cost) == (0, 3, None)
    assert ran.against_caps == (2, round(PRICE * 1_000_000))


def test_what_is_in_doubt_is_spent_and_not_known_to_be_billed(world: World) -> None:
    """Nobody can say: it counts against caps, and is told apart."""
    world.write(LOOSE)
    world.vendor.fates.append("vanished")
    world.vendor.lists = False
    ran = world.run()
    assert ran.exit_code == 6
    assert told(ran) == {"asked": 3, "reserved": 3, "billed": 2, "saved": 0}
    assert ran.cost is not None
    assert round(ran.cost / 1_000_000 / PRICE) == 3
