"""Caches travel: what was bought arrives with its money, once; and what is no archive of ours leaves nothing.

Unaware of the command line.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from banana_pipe.care import carrying, verifying
from banana_pipe.care.carrying import Carried
from banana_pipe.errors import UsageError
from banana_pipe.store.blobs import Blobs
from tests.canary import CANARY
from tests.world import CHAIN, NO_TOKEN, World, ends, picture


def shop(folder: Path, patch: pytest.MonkeyPatch, text: str = CHAIN) -> World:
    folder.mkdir(parents=True)
    made = World(folder, patch)
    made.write(text)
    return made


def send(world: World, *recipes: str) -> tuple[Path, Carried]:
    path = world.folder.parent / f"{len(list(world.folder.parent.glob('*.tar')))}.tar"
    return path, carrying.export_cache(world.folder, world.cache, path, [world.path(name) for name in recipes])


def take(world: World, path: Path) -> Carried:
    return world.do(carrying.import_cache(world.cache, path, world.clock))


def whole(world: World) -> bool:
    return world.do(verifying.verify(world.folder, world.cache)).damage == ()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Where it was bought."""
    made = shop(tmp_path / "here", monkeypatch)
    assert made.run().exit_code == 0
    return made


def test_what_was_bought_is_there_without_token_and_network(
    here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pictures, the same money, by the results as by the ledger alone."""
    path, sent = send(here)
    assert (sent.blobs, len(sent.attempts), sent.absent) == (6, 3, ())
    there = shop(tmp_path / "there", monkeypatch)
    came = take(there, path)
    assert (came.blobs, len(came.attempts), came.had) == (6, 3, 0)
    assert whole(there)
    ran = there.run(access=NO_TOKEN)
    assert (ran.exit_code, ran.called, there.pictures()) == (0, 0, here.pictures())
    assert [(one.node, one.price, one.created_at) for one in there.attempts()] == [
        (one.node, one.price, one.created_at) for one in here.attempts()
    ]
    there.forget("cache/results", "shop.lock")
    assert there.run(access=NO_TOKEN).exit_code == 0


def test_taken_in_twice_it_is_there_once(here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it came from, too."""
    path, _ = send(here)
    before = here.attempts()
    assert take(here, path) == Carried(0, 0, (), 0, had=3)
    assert here.attempts() == before
    there = shop(tmp_path / "there", monkeypatch)
    take(there, path)
    assert take(there, path).had == 3
    assert len(there.attempts()) == 3


def test_what_stands_stays(here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same request bought in two places gave two pictures: each keeps its own."""
    path, _ = send(here)
    there = shop(tmp_path / "there", monkeypatch)
    there.vendor.draws["A mug", 1] = picture(11, 11)
    there.run()
    mine = there.pictures()
    assert mine["base.png"] != here.pictures()["base.png"]
    came = take(there, path)
    assert came.had == 1 or {one.node for one in came.attempts} <= {"glaze", "scene"}
    there.forget("shop.lock", "out")
    assert there.run(access=NO_TOKEN).exit_code == 0
    assert there.pictures() == mine


def test_a_call_that_is_under_way_here_goes_on(here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is paid: its own picture is collected."""
    path, _ = send(here)
    there = shop(tmp_path / "there", monkeypatch)
    there.vendor.seconds = 10_000.0
    there.run()
    came = take(there, path)
    assert came.had == 1
    assert sorted(there.states()) == ["ACCEPTED", "STORED", "STORED"]


def test_the_bytes_of_what_was_lost_come_back(here: World) -> None:
    """The ledger knows it already."""
    path, _ = send(here)
    here.forget("cache/blobs", "out")
    assert ends(here.run())["base"] == "lost/lost"
    assert (take(here, path).blobs, whole(here)) == (6, True)
    assert here.run().exit_code == 0


def test_of_recipes_only_what_their_lock_files_name_goes(here: World) -> None:
    """With what was sent along, and what a transform made of it; a picture from the sandbox stays."""
    here.picture("photo.png", picture(8, 8))
    here.write("version: 1\nsteps: {small: {images: photo.png, transform: [{resize: {width: 4}}]}, "
               "hero: {images: small, edit: Brighter}, draft: {provider: sandbox, generate: A fox}}", "more.yaml")  # fmt: skip
    here.sandbox.draws["A fox", 1] = picture(9, 9)
    here.run("more.yaml")
    _, sent = send(here, "more.yaml")
    assert ([one.node for one in sent.attempts], sent.results, sent.blobs) == (["hero"], 1, 3)
    assert len(send(here, "more.yaml", "shop.yaml")[1].attempts) == 4
    with pytest.raises(UsageError, match="no lock file"):
        send(here, "shop.lock.yaml")


def test_what_has_no_bytes_is_named(here: World) -> None:
    """And does not go: there it would be lost, too."""
    blobs = Blobs(here.cache / "blobs")
    (gone,) = [one for one in here.attempts() if one.node == "glaze"]
    assert gone.artifact is not None
    blobs.path(gone.artifact.digest).unlink()
    _, sent = send(here)
    assert [one.node for one in sent.absent] == ["glaze"]
    assert len(sent.attempts) == 2


def test_an_archive_is_the_same_each_time_and_tells_no_secret(here: World) -> None:
    """No token, no hash of one, no path; and any tar can list it."""
    (one, _), (other, _) = send(here), send(here)
    data = one.read_bytes()
    assert data == other.read_bytes()
    accounts = [f'"account": "{attempt.account}"' for attempt in here.attempts()]
    assert [secret for secret in (CANARY, *accounts, str(here.folder)) if secret.encode() in data] == []
    assert data.count(b'"account": "imported"') == 3
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert len(tar.getmembers()) == 7
        assert all(member.isreg() and member.mode == 0o444 and member.mtime == 0 for member in tar)


def test_what_is_there_is_not_overwritten(here: World) -> None:
    """An archive may be the only one."""
    path, _ = send(here)
    with pytest.raises(UsageError, match="is there already"):
        carrying.export_cache(here.folder, here.cache, path)
    with pytest.raises(UsageError, match="cannot read"):
        take(here, path.with_name("nothing.tar"))
