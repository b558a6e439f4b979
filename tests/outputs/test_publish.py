"""What a run does to the output folder, and what it leaves alone."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe import disk
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.clock import SystemClock
from banana_pipe.errors import StoreError, UsageError
from banana_pipe.model import Artifact, Json, Node, Outcome, Take
from banana_pipe.outputs import manifest
from banana_pipe.outputs.foreign import refuse_foreign
from banana_pipe.outputs.publish import PAGE, PAGE_MARK, Publisher, plan_outputs
from banana_pipe.store.published import JOURNAL, MANIFEST, TEMPORARY
from tests.outputs.builders import Pictures, graph, node, outcome, take

RECIPE = "recipes/shop.yaml"


class Shop:
    """A project with one output folder, run with whatever a test says."""

    def __init__(self, root: Path, pictures: Pictures | None = None) -> None:
        self.root = root
        self.out = root / "out/shop"
        self.pictures = pictures or Pictures()
        self.known: set[Digest] = set()
        self.warnings: list[str] = []
        disk.write_file(root / RECIPE, b"")

    def take(self, content: str, sample: int = 1, mime: str = "image/png") -> Take:
        return take(self.pictures.add(content, mime), sample)

    def run(
        self,
        *ended: tuple[Node, Outcome],
        full: bool = True,
        others: tuple[Node, ...] = (),
        recipe: str = RECIPE,
        finish: bool = True,
        run_id: str = "r1",
    ) -> list[Outcome]:
        return asyncio.run(self._run(ended, full, others, recipe, finish, run_id))

    async def _run(
        self,
        ended: tuple[tuple[Node, Outcome], ...],
        full: bool,
        others: tuple[Node, ...],
        recipe: str,
        finish: bool,
        run_id: str,
    ) -> list[Outcome]:
        publisher = Publisher(
            self.out,
            self.root,
            recipe,
            read=self.pictures.read,
            keep=self.pictures.keep,
            known=self.known,
            clock=SystemClock(),
        )
        await publisher.start()
        told = list(await asyncio.gather(*(publisher.publish(one, how) for one, how in ended)))
        if finish:
            nodes = graph(*others, *(one for one, _ in ended))
            entries = manifest.entries(nodes, told)
            head = manifest.header(
                recipe=recipe, root="../..", name="shop", run_id=run_id, at=1_795_356_000.0, version="1"
            )
            self.warnings = await publisher.finish(head, entries, nodes=nodes.nodes, full=full, page=page)
        return told

    def pictures_there(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.out)): path.read_text().removeprefix("the picture ")
            for path in sorted(self.out.rglob("*"))
            if path.is_file() and path.name not in (MANIFEST, PAGE, "lock", "journal.jsonl")
        }

    def manifest(self) -> dict[str, Json]:
        document = json.loads((self.out / MANIFEST).read_text())
        assert isinstance(document, dict)
        return document

    def named(self) -> list[str]:
        return [entry["path"] for entry in self.manifest()["files"]]


def page(document: Mapping[str, Json]) -> bytes:
    return PAGE_MARK + str(len(document["files"])).encode()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


HERO = node("hero")

# --- where things go ----------------------------------------------------------------------------------


def test_the_picked_take_gets_the_name_and_the_others_lie_beside() -> None:
    """The bytes decide the suffix; every take but the picked one is below `_/takes/`."""
    takes = [
        take(Artifact(digest_of(b"1"), "image/png", 1, 1, 1), 1),
        take(Artifact(digest_of(b"2"), "image/jpeg", 1, 1, 1), 2),
        take(Artifact(digest_of(b"3"), "image/webp", 1, 1, 1), 3),
    ]
    scene = node("scene[color=teal]", output="scene/teal")
    paths = [(output.path, output.picked, output.take) for output in plan_outputs(scene, takes, 2)]
    assert paths == [
        ("_/takes/scene/teal@1.png", False, 1),
        ("scene/teal.jpg", True, 2),
        ("_/takes/scene/teal@3.webp", False, 3),
    ]
    assert [output.picked for output in plan_outputs(scene, takes, None)] == [False, False, False]
    assert plan_outputs(node("hidden", output=None), takes, 1) == ()


def test_a_run_leaves_its_pictures_and_a_manifest_that_names_them(shop: Shop) -> None:
    """Pictures, page, manifest; no journal and nothing half written."""
    told = shop.run((HERO, outcome("hero", shop.take("1"), shop.take("2", 2))))
    assert shop.pictures_there() == {"hero.png": "1", "_/takes/hero@2.png": "2"}
    assert shop.named() == ["_/takes/hero@2.png", "hero.png"]
    assert sorted(output.path for output in told[0].outputs) == shop.named()
    assert (shop.out / PAGE).read_bytes() == page({"files": [1, 2]})
    assert not (shop.out / JOURNAL).exists()
    assert list((shop.out / TEMPORARY).iterdir()) == []


def test_a_picture_is_there_before_the_run_has_ended(shop: Shop) -> None:
    """Whoever looks into the folder sees what is done; the manifest comes last."""
    shop.run((HERO, outcome("hero", shop.take("1"))), finish=False)
    assert shop.pictures_there() == {"hero.png": "1"}
    assert not (shop.out / MANIFEST).exists()


def test_the_second_run_writes_nothing(shop: Shop) -> None:
    """Not even a manifest of another date."""
    ended = (HERO, outcome("hero", shop.take("1"), shop.take("2", 2)))
    shop.run(ended)
    acts: list[tuple[str, str]] = []
    disk.observe(lambda act, target: acts.append((act, target)))
    try:
        shop.run(ended, run_id="r2")
    finally:
        disk.observe(None)
    assert acts == []
    assert shop.manifest()["run_id"] == "r1"


def test_another_pick_swaps_the_two_takes(shop: Shop) -> None:
    """The picture that was picked becomes a take again."""
    takes = shop.take("1"), shop.take("2", 2)
    shop.run((HERO, outcome("hero", *takes)))
    shop.run((HERO, outcome("hero", *takes, picked=2)))
    assert shop.pictures_there() == {"hero.png": "2", "_/takes/hero@1.png": "1"}
    assert shop.named() == ["_/takes/hero@1.png", "hero.png"]


def test_takes_wait_for_a_pick_where_one_can_see_them(shop: Shop) -> None:
    """A node without a pick publishes its takes, and keeps the file that it had."""
    shop.run((HERO, outcome("hero", shop.take("old"))))
    shop.run((HERO, outcome("hero", shop.take("1"), shop.take("2", 2), status="waiting", picked=None)))
    assert shop.pictures_there() == {"hero.png": "old", "_/takes/hero@1.png": "1", "_/takes/hero@2.png": "2"}
    assert "hero.png" in shop.named()


# --- what goes away -------------------------------------------------------------------------------------


def test_another_type_of_picture_replaces_the_old_file(shop: Shop) -> None:
    """A node has one file, whatever its suffix."""
    shop.run((HERO, outcome("hero", shop.take("1"))))
    shop.run((HERO, outcome("hero", shop.take("2", mime="image/jpeg"))), full=False)
    assert shop.pictures_there() == {"hero.jpg": "2"}
    assert shop.named() == ["hero.jpg"]


def test_a_full_run_removes_what_is_no_longer_in_the_recipe(shop: Shop) -> None:
    """Files of vanished nodes go, and the folders that they leave empty."""
    scene = node("scene[a=1]", output="scene/a/1")
    both = (HERO, outcome("hero", shop.take("1"))), (scene, outcome("scene[a=1]", shop.take("2"), shop.take("3", 2)))
    shop.run(*both)
    shop.run(both[0], full=False)
    assert "scene/a/1.png" in shop.pictures_there()
    assert "scene/a/1.png" in shop.named()
    shop.run(both[0])
    assert shop.pictures_there() == {"hero.png": "1"}
    assert shop.named() == ["hero.png"]
    assert not (shop.out / "scene").exists()
    assert not (shop.out / "_/takes").exists()


def test_a_renamed_step_moves_its_file(shop: Shop) -> None:
    """The same picture under a new name leaves nothing under the old one."""
    shop.run((HERO, outcome("hero", shop.take("1"))))
    shop.run((node("main"), outcome("main", shop.take("1"))))
    assert shop.pictures_there() == {"main.png": "1"}


def test_two_nodes_may_swap_their_outputs(shop: Shop) -> None:
    """What another node has just placed is not taken for an old file of one's own."""
    a, b = shop.take("a"), shop.take("b")
    shop.run((node("a", output="x"), outcome("a", a)), (node("b", output="y"), outcome("b", b)))
    shop.run((node("a", output="y"), outcome("a", a)), (node("b", output="x"), outcome("b", b)))
    assert shop.pictures_there() == {"x.png": "b", "y.png": "a"}
    assert shop.named() == ["x.png", "y.png"]


@pytest.mark.parametrize("full", [True, False])
def test_a_node_that_failed_keeps_its_old_file(shop: Shop, full: bool) -> None:
    """And the manifest goes on to say what that file is."""
    shop.run((HERO, outcome("hero", shop.take("1"))))
    before = shop.manifest()["files"]
    shop.run((HERO, outcome("hero", status="failed", reason="error", error="no")), full=full)
    assert shop.pictures_there() == {"hero.png": "1"}
    assert shop.manifest()["files"] == before


def test_a_picture_that_failed_its_checks_can_be_looked_at(shop: Shop) -> None:
    """It is paid: it lies among the takes, and not in the place of the good one."""
    shop.run((HERO, outcome("hero", shop.take("good"))))
    shop.run((HERO, outcome("hero", shop.take("blank"), status="failed", reason="blank")))
    assert shop.pictures_there() == {"hero.png": "good", "_/takes/hero@1.png": "blank"}


def test_fewer_samples_take_the_others_away(shop: Shop) -> None:
    """Takes beyond a lowered `samples` stay in cache and lock, not in the folder."""
    shop.run((HERO, outcome("hero", shop.take("1"), shop.take("2", 2))))
    shop.run((HERO, outcome("hero", shop.take("1"))), full=False)
    assert shop.pictures_there() == {"hero.png": "1"}


def test_a_node_that_is_no_longer_published_takes_its_file_along(shop: Shop) -> None:
    """`output: false` makes an intermediate of it."""
    shop.run((HERO, outcome("hero", shop.take("1"))))
    shop.run((node("hero", output=None), outcome("hero", shop.take("1"))))
    assert shop.pictures_there() == {}


# --- what is somebody else's ----------------------------------------------------------------------------


def test_a_file_made_by_hand_is_never_replaced(shop: Shop) -> None:
    """The node says `modified`, and the manifest does not pass the file off as bought."""
    disk.write_file(shop.out / "hero.png", b"the picture mine")
    told = shop.run((HERO, outcome("hero", shop.take("1"), shop.take("2", 2))))
    assert (told[0].modified, [output.path for output in told[0].outputs]) == (True, ["_/takes/hero@2.png"])
    assert shop.pictures_there()["hero.png"] == "mine"
    assert shop.named() == ["_/takes/hero@2.png"]


def test_a_file_changed_by_hand_is_never_replaced_or_removed(shop: Shop) -> None:
    """Not by a new picture, not with its node."""
    shop.run((HERO, outcome("hero", shop.take("1"))))
    (shop.out / "hero.png").write_bytes(b"the picture retouched")
    assert shop.run((HERO, outcome("hero", shop.take("2"))))[0].modified
    shop.run((node("other"), outcome("other", shop.take("3"))))
    assert shop.pictures_there() == {"hero.png": "retouched", "other.png": "3"}
    assert shop.named() == ["other.png"]


def test_a_file_that_the_lock_knows_is_ours(shop: Shop) -> None:
    """A clone with committed pictures but no manifest goes on where the original was."""
    old = shop.take("old")
    disk.write_file(shop.out / "hero.png", b"the picture old")
    shop.known = {old.result.artifact.digest}
    assert not shop.run((HERO, outcome("hero", shop.take("new"))))[0].modified
    assert shop.pictures_there() == {"hero.png": "new"}


def test_other_files_in_the_folder_stay(shop: Shop) -> None:
    """A folder of notes, a page of somebody's own."""
    disk.write_file(shop.out / "notes/a.txt", b"the picture note")
    disk.write_file(shop.out / PAGE, b"<h1>mine</h1>")
    shop.run((HERO, outcome("hero", shop.take("1"))))
    assert shop.pictures_there() == {"hero.png": "1", "notes/a.txt": "note"}
    assert (shop.out / PAGE).read_bytes() == b"<h1>mine</h1>"
    assert "index.html" in shop.warnings[0]


def test_a_folder_of_another_recipe_is_refused_as_long_as_that_exists(shop: Shop) -> None:
    """Two recipes never overwrite each other; one that was moved takes its folder along."""
    shop.run((HERO, outcome("hero", shop.take("1"))))
    with pytest.raises(UsageError, match=r"belongs to another recipe, recipes/shop\.yaml") as caught:
        shop.run((HERO, outcome("hero", shop.take("2"))), recipe="recipes/b.yaml")
    assert "--out" in str(caught.value)
    assert shop.pictures_there() == {"hero.png": "1"}
    (shop.root / RECIPE).unlink()
    shop.run((HERO, outcome("hero", shop.take("2"))), recipe="recipes/b.yaml")
    assert shop.manifest()["recipe"] == "recipes/b.yaml"


def test_a_manifest_of_something_else_is_not_replaced(shop: Shop) -> None:
    """A web application keeps its manifest.json; a broken one of ours is made anew."""
    disk.write_file(shop.out / MANIFEST, b'{"name": "my app", "icons": []}')
    with pytest.raises(UsageError, match="not ours"):
        refuse_foreign(shop.out, shop.root, RECIPE)
    disk.write_file(shop.out / MANIFEST, b'<<<<<<< "type": "banana-pipe/manifest/v1"')
    shop.run((HERO, outcome("hero", shop.take("1"))))
    assert shop.named() == ["hero.png"]


def test_an_output_folder_that_is_a_file_is_refused(shop: Shop) -> None:
    """Said before anything is bought."""
    disk.write_file(shop.out, b"")
    with pytest.raises(UsageError, match="is a file"):
        refuse_foreign(shop.out, shop.root, RECIPE)


def test_no_link_leads_out_of_the_folder(shop: Shop) -> None:
    """A folder that a stranger's repository brings along as a link is not written through."""
    (shop.root / "elsewhere").mkdir()
    shop.out.mkdir(parents=True)
    (shop.out / "scene").symlink_to(shop.root / "elsewhere")
    with pytest.raises(UsageError, match="is a link"):
        shop.run((node("s", output="scene/a"), outcome("s", shop.take("1"))))
    assert list((shop.root / "elsewhere").iterdir()) == []


def test_bytes_that_are_nowhere_make_the_node_lost(shop: Shop) -> None:
    """Only for the picked take; one that lies in its place already is not needed elsewhere."""
    one, two = shop.take("1"), shop.take("2", 2)
    shop.run((HERO, outcome("hero", one)))
    shop.pictures.bytes.clear()
    assert shop.run((HERO, outcome("hero", one, two)))[0].status == "done"
    told = shop.run((HERO, outcome("hero", one, two, picked=2)))[0]
    assert (told.status, told.reason) == ("lost", "lost")
    assert "--rebuy" in str(told.error)
    assert shop.pictures_there() == {"hero.png": "1"}


# --- crashes and crowds -----------------------------------------------------------------------------------


def test_an_interrupted_run_is_finished_by_the_next(shop: Shop) -> None:
    """Its pictures are known as ours without a manifest, and go when their nodes have gone."""
    shop.run((HERO, outcome("hero", shop.take("1"))), (node("b"), outcome("b", shop.take("b"))), finish=False)
    disk.write_file(shop.out / TEMPORARY / f"{disk.TEMPORARY_PREFIX}1-2", b"half a picture")
    told = shop.run((HERO, outcome("hero", shop.take("2"))))
    assert not told[0].modified
    assert shop.pictures_there() == {"hero.png": "2"}
    assert not (shop.out / JOURNAL).exists()


def test_what_a_partial_run_does_not_know_stays_known(shop: Shop) -> None:
    """Pictures of an interrupted run that this one has nothing to do with remain ours, by the journal."""
    other = node("b")
    shop.run((HERO, outcome("hero", shop.take("1"))), (other, outcome("b", shop.take("b"))), finish=False)
    shop.run((HERO, outcome("hero", shop.take("1"))), full=False, others=(other,))
    assert shop.named() == ["hero.png"]
    assert not shop.run((other, outcome("b", shop.take("c"))), full=False, others=(HERO,))[0].modified
    assert shop.named() == ["b.png", "hero.png"]


def killed_at(act: int, shop: Shop, work: Callable[[], object]) -> bool:
    """Do *work* in a child that dies before its durable act number *act*; whether it died."""
    child = os.fork()
    if child == 0:
        count = iter(range(act))
        disk.observe(lambda *_: None if next(count, None) is not None else os.kill(os.getpid(), signal.SIGKILL))
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_kill_at_any_durable_act_harms_nothing(tmp_path: Path) -> None:
    """Afterwards the manifest names only what is there, no file is half, and the next run ends as if nothing was."""
    act, died = 0, True
    while died:
        shop = Shop(tmp_path / str(act))
        gone, mine = node("gone", output="deep/gone"), node("mine")
        shop.run((HERO, outcome("hero", shop.take("1"))), (gone, outcome("gone", shop.take("2"))))
        disk.write_file(shop.out / "mine.png", b"the picture by hand")
        ended = (
            (HERO, outcome("hero", shop.take("3", mime="image/jpeg"), shop.take("4", 2))),
            (mine, outcome("mine", shop.take("5"))),
        )
        died = killed_at(act, shop, lambda shop=shop, ended=ended: shop.run(*ended))  # type: ignore[misc]
        there = shop.pictures_there()
        assert set(shop.named()) <= set(there)
        assert {text for path, text in there.items() if not path.startswith(TEMPORARY)} <= {*"1234", "by hand"}
        told = shop.run(*ended)
        assert [one.modified for one in told] == [False, True]
        assert shop.pictures_there() == {"hero.jpg": "3", "_/takes/hero@2.png": "4", "mine.png": "by hand"}
        assert shop.named() == ["_/takes/hero@2.png", "hero.jpg"]
        act += 1
    assert act > 20


def test_a_full_disk_ends_in_an_error_that_says_so(shop: Shop) -> None:
    """And leaves no half picture behind."""

    def full(act: str, target: str) -> None:
        if act == "write" and TEMPORARY in target:
            raise OSError(28, "No space left on device")

    disk.observe(full)
    try:
        with pytest.raises((StoreError, OSError)):
            shop.run((HERO, outcome("hero", shop.take("1"))))
    finally:
        disk.observe(None)
    assert shop.pictures_there() == {}


def crowd(root: Path, name: str) -> None:
    shop = Shop(root)
    ended = [
        (node(f"n{index}"), outcome(f"n{index}", shop.take(str(index)), shop.take(f"x{index}", 2)))
        for index in range(6)
    ]
    for _ in range(2):
        shop.run(*ended, run_id=name)


def test_processes_that_share_a_folder_leave_one_whole_folder(tmp_path: Path) -> None:
    """They take turns; the end is what one of them alone would have left."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=crowd, args=(tmp_path / "shared", name)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    crowd(tmp_path / "alone", "e")
    shared, alone = Shop(tmp_path / "shared"), Shop(tmp_path / "alone")
    assert shared.pictures_there() == alone.pictures_there()
    assert manifest.alike(shared.manifest(), alone.manifest())


def test_a_run_that_is_cancelled_does_not_leave_its_turn_before_its_work(shop: Shop) -> None:
    """The lock is held until the thread that writes has ended."""

    async def cancelled() -> bool:
        publisher = Publisher(
            shop.out, shop.root, RECIPE, read=shop.pictures.read, keep=shop.pictures.keep, known=(), clock=SystemClock()
        )
        await publisher.start()
        loop, begun, held = asyncio.get_running_loop(), asyncio.Event(), []

        def watch(act: str, target: str) -> None:
            if act == "rename" and target.endswith("hero.png"):
                loop.call_soon_threadsafe(begun.set)
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
                held.append(disk.try_lock(shop.out / "_/lock") is None)

        disk.observe(watch)
        publishing = asyncio.create_task(publisher.publish(HERO, outcome("hero", shop.take("1"))))
        await begun.wait()
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        return held == [True]

    try:
        assert asyncio.run(cancelled())
    finally:
        disk.observe(None)
    assert shop.pictures_there() == {"hero.png": "1"}


names = st.sampled_from(["a", "b", "c"])
contents = st.sampled_from(["1", "2", "3"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                names, st.tuples(contents, st.sampled_from(["image/png", "image/jpeg"]), names), min_size=1
            ),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_any_history_ends_like_a_fresh_folder(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[dict[str, tuple[str, str, str]], bool]]
) -> None:
    """After a full run the folder is what it would be had there been no run before."""
    root = tmp_path_factory.mktemp("shop")
    last: dict[str, tuple[str, str, str]] = {"a": ("1", "image/png", "a"), "b": ("2", "image/jpeg", "c")}
    used, fresh = Shop(root / "used"), Shop(root / "fresh")
    for nodes, finish in [*history, (last, True)]:
        free = {output: name for name, (_, _, output) in nodes.items()}
        for shop in (used, fresh) if nodes is last else (used,):
            ended = [
                (node(name, output=output), outcome(name, shop.take(content, mime=mime)))
                for name, (content, mime, output) in nodes.items()
                if free[output] == name
            ]
            told = shop.run(*ended, finish=finish)
            assert not any(one.modified for one in told)
    assert used.pictures_there() == fresh.pictures_there()
    assert manifest.alike(used.manifest(), fresh.manifest())


def test_an_import_of_publishing_brings_no_pillow() -> None:
    """A run with nothing to do decodes nothing."""
    code = "import banana_pipe.outputs.publish, sys; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
