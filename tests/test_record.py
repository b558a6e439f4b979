"""The lock file while a run goes on: at intervals, at the end, and whatever goes wrong between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from banana_pipe import disk
from banana_pipe.errors import StoreError
from banana_pipe.events import Event, NodeEnded
from banana_pipe.model import BaseKey, Outcome
from banana_pipe.record import INTERVAL_SECONDS, Record
from banana_pipe.store import lockfile
from tests.outputs.builders import Pictures, take
from tests.world import CHAIN, World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def record(world: World) -> Record:
    world.write("version: 1\nsteps: {a: {generate: A fox}, b: {generate: A fox}}")
    opened = world.open()
    return Record(opened)


BASE = BaseKey("b" * 64)


def note(world: World, record: Record, name: str, *samples: int, replaced: bool = False) -> None:
    """Note that the node *name* has these takes of one request."""
    pictures = Pictures()
    takes = [take(pictures.add(f"{sample}{'again' * replaced}"), sample) for sample in samples]
    if replaced:
        takes = [type(one)(one.sample, one.result, one.bought, replaced=True) for one in takes]
    opened = world.open()
    record.note(opened.graph.nodes[name], Outcome(name, "done", "new", base=BASE, takes=tuple(takes), picked=1))
    opened.close()


def test_it_is_due_after_a_while_and_not_before(world: World, record: Record) -> None:
    """By the clock that counts durations."""
    assert not record.is_due()
    world.do(world.clock.sleep(INTERVAL_SECONDS))
    assert record.is_due()
    world.do(record.write())
    assert not record.is_due()


def test_it_is_not_due_while_it_is_written(world: World, record: Record) -> None:
    """Another process may have its turn for long: nobody queues up behind who waits for it."""
    recipes = world.path("shop.yaml").parent

    async def story() -> None:
        held = disk.try_lock_folder(recipes, else_lock=recipes / "never")
        assert held is not None
        with held:
            writing = asyncio.create_task(record.write())
            await world.clock.sleep(2 * INTERVAL_SECONDS)
            assert not record.is_due()
        await writing
        await world.clock.sleep(INTERVAL_SECONDS)
        assert record.is_due()

    note(world, record, "a", 1)
    world.do(story())


def test_a_large_file_is_written_more_seldom(world: World, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing all of it takes its time: that must stay a small part of the run."""
    monkeypatch.setattr("banana_pipe.record.SECONDS_A_REQUEST", 3 * INTERVAL_SECONDS)
    note(world, record, "a", 1)
    world.do(record.write())
    world.do(world.clock.sleep(2 * INTERVAL_SECONDS))
    assert not record.is_due()
    world.do(world.clock.sleep(INTERVAL_SECONDS))
    assert record.is_due()


def test_nothing_noted_makes_no_file(world: World, record: Record) -> None:
    """Nor does a node without a request."""
    opened = world.open()
    record.note(opened.graph.nodes["a"], Outcome("a", "blocked", "input"))
    opened.close()
    world.do(record.write())
    assert not world.path("shop.lock").exists()


def test_two_nodes_with_one_request_share_a_block(world: World, record: Record) -> None:
    """Both names are its labels, and all takes are in it, whoever noted them."""
    note(world, record, "b", 1)
    world.do(record.write())
    assert world.lock().blocks[BASE].labels == ("b",)
    note(world, record, "a", 1, 2)
    world.do(record.write())
    assert world.lock().blocks[BASE].labels == ("a", "b")
    assert sorted(world.lock().blocks[BASE].takes) == [1, 2]


def test_what_another_process_wrote_meanwhile_stays(world: World, record: Record) -> None:
    """The file is changed as it is, never replaced by what was read at the start."""
    note(world, record, "a", 1)
    world.do(record.write())
    other = Record(world.open())
    note(world, other, "a", 2)
    world.do(other.write())
    note(world, record, "a", 3)
    world.do(record.write())
    assert sorted(world.lock().blocks[BASE].takes) == [1, 2, 3]


def test_a_take_is_replaced_only_by_one_that_was_bought_for_lost_bytes(world: World, record: Record) -> None:
    """Key to picture is write-once, with one exception."""
    note(world, record, "a", 1)
    world.do(record.write())
    first = world.lock().blocks[BASE].takes[1].artifact.digest
    note(world, record, "a", 1, replaced=True)
    world.do(record.write())
    assert world.lock().blocks[BASE].takes[1].artifact.digest != first


def test_what_could_not_be_written_is_written_the_next_time(
    world: World, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that was full for a moment loses no take."""

    async def full(*_: object) -> None:
        raise StoreError("the disk is full")

    note(world, record, "a", 1)
    with monkeypatch.context() as patch:
        patch.setattr(lockfile, "update", full)
        with pytest.raises(StoreError):
            world.do(record.write())
    world.do(record.write())
    assert sorted(world.lock().blocks[BASE].takes) == [1]


def test_a_take_noted_while_the_file_is_written_is_not_waited_for_and_not_lost(
    world: World, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may hold the file for a while: the run goes on."""
    update = lockfile.update

    async def slow(*arguments: object) -> object:
        if not noted:
            noted.append(True)
            note(world, record, "b", 2)
        return await update(*arguments)  # type: ignore[arg-type]

    noted: list[bool] = []
    monkeypatch.setattr(lockfile, "update", slow)
    note(world, record, "a", 1)
    world.do(record.write())
    assert sorted(world.lock().blocks[BASE].takes) == [1]
    world.do(record.write())
    assert sorted(world.lock().blocks[BASE].takes) == [1, 2]


def test_a_long_run_writes_it_as_it_goes(world: World) -> None:
    """A run that is killed leaves most of its takes there."""
    seen: list[int] = []

    def hear(event: Event) -> None:
        if isinstance(event, NodeEnded):
            seen.append(len(world.lock().blocks))

    world.write(CHAIN)
    world.run(emit=hear)
    assert seen == [1, 2, 3]
