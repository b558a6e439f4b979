"""Whole runs: what is spent and never twice, how a run ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe import running
from banana_pipe.buying import Limits
from banana_pipe.errors import NotAuthorised, StoreError, UsageError
from banana_pipe.events import CallStarted, RunEnded, RunStarted, Warned
from banana_pipe.model import Budget, Run
from banana_pipe.providers.base import ProviderError
from banana_pipe.purchase.orders import Consent, Pace
from banana_pipe.store import lockfile
from banana_pipe.store.ledger import Ledger
from banana_pipe.workspace import Access, Options, open_recipe
from tests.purchase.fake import noise
from tests.world import CHAIN, NO_TOKEN, TOKEN, World, digests, ends, outcome, plain, stands

PRICE = 39_000
ONE = "version: 1\nsteps: {hero: {generate: A fox}}"
FIVE = "version: 1\nsteps: {mug: {matrix: {n: [1, 2, 3, 4, 5]}, generate: 'A mug {{ n }}'}}"
HIDDEN = """
    version: 1
    steps:
      base: {generate: A mug, output: false}
      glaze: {images: base, edit: Teal}
"""
SLOW = Limits(pace=Pace(settle=5.0))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def capped(**caps: Any) -> Limits:
    return Limits(budget=replace(Budget(), **caps))


def warnings(world: World) -> list[str]:
    return [event.message for event in world.events if isinstance(event, Warned)]


class TestPayOnce:
    def test_a_second_run_has_nothing_to_do(self, world: World) -> None:
        """The folder, the lock file and the bank say the same as after the first."""
        world.write(CHAIN)
        first = world.run()
        left = {path: path.read_bytes() for path in (world.path("shop.lock"), world.out / "manifest.json")}
        again = world.run()
        assert (first.called, first.paid_images, first.cost, first.saved) == (3, 3, 3 * PRICE, 0)
        assert (again.called, again.paid_images, again.cost, again.saved) == (0, 0, 0, 3 * PRICE)
        assert (again.exit_code, again.status, set(ends(again).values())) == (0, "ok", {"cached/lock"})
        assert left == {path: path.read_bytes() for path in left}

    @pytest.mark.parametrize(
        "gone",
        [
            ("shop.lock",),
            ("cache/results",),
            ("shop.lock", "cache/results"),
            ("shop.lock", "cache/ledger.db"),
            ("cache",),
            ("out",),
            ("out", "shop.lock", "cache/results"),
        ],
    )
    def test_whatever_one_record_forgets_the_others_know(self, world: World, gone: tuple[str, ...]) -> None:
        """Also a crash between a purchase and the lock file: it is written again, and the folder too."""
        world.write(CHAIN)
        first = world.run()
        lock, pictures = world.path("shop.lock").read_text(), world.pictures()
        world.forget(*gone)
        again = world.run(access=NO_TOKEN)
        assert (again.exit_code, again.called, digests(again)) == (0, 0, digests(first))
        assert (world.path("shop.lock").read_text(), world.pictures()) == (lock, pictures)

    def test_renamed_reordered_and_moved_with_its_lock_a_recipe_buys_nothing_and_keeps_its_picks(
        self, world: World
    ) -> None:
        """Names, order and files are no part of a request."""
        world.write("""
            version: 1
            steps:
              hero: {generate: A fox, samples: 2}
              scene: {images: hero, edit: Snow}
        """)
        world.run()
        world.pick("hero", 2)
        picked = world.run()
        world.write(
            """
            version: 1
            steps:
              in_snow: {images: fox, edit: "Snow"}
              fox: {samples: 2, generate: "  A fox\\n"}
            """,
            "recipes/foxes.yaml",
        )
        world.path("shop.lock").rename(world.path("recipes/foxes.lock"))
        world.path("shop.yaml").unlink()
        moved = world.run("recipes/foxes.yaml", access=NO_TOKEN)
        assert moved.called == 0
        assert digests(moved) == {"fox": digests(picked)["hero"], "in_snow": digests(picked)["scene"]}
        blocks = world.lock("recipes/foxes.lock").blocks.values()
        assert sorted((block.labels, block.pick) for block in blocks if block.takes.keys() == {1, 2}) == [(("fox",), 2)]

    def test_two_recipes_that_ask_the_same_pay_once(self, world: World) -> None:
        """The cache is the project's."""
        world.write(CHAIN)
        first = world.run()
        world.write(CHAIN, "other.yaml")
        other = world.run("other.yaml", access=NO_TOKEN)
        assert (other.called, digests(other)) == (0, digests(first))
        assert world.path("other.lock").read_text() == world.path("shop.lock").read_text()

    def test_the_lock_has_takes_labels_and_inputs(self, world: World) -> None:
        """One block for each request, with the names of the nodes that the last run used it for."""
        text = """
            version: 1
            steps:
              one: {generate: A fox, samples: 2}
              two: {generate: A fox}
              scene: {images: one, edit: Snow}
        """
        world.write(text)
        ran = world.run()
        found = {block.labels: block for block in world.lock().blocks.values()}
        assert set(found) == {("one", "two"), ("scene",)}
        assert sorted(found["one", "two"].takes) == [1, 2]
        assert found[("scene",)].inputs == (digests(ran)["one"],)
        world.write(text.replace("two: {generate: A fox}", "three: {generate: A fox}"))
        world.run()
        assert ("one", "three") in {block.labels for block in world.lock().blocks.values()}


class TestTokens:
    def test_without_a_token_nothing_is_sent_or_written(self, world: World) -> None:
        """Exit 4, with the two ways on."""
        world.write(CHAIN)
        with pytest.raises(NotAuthorised, match=r"(?s)ACEDATACLOUD_API_TOKEN.*--provider sandbox") as raised:
            world.run(access=NO_TOKEN)
        assert raised.value.exit_code == 4
        assert world.vendor.posts == []
        assert {path.name for path in world.folder.iterdir()} == {"banana-pipe.toml", "shop.yaml"}

    def test_the_sandbox_needs_none_and_has_a_folder_of_its_own(self, world: World) -> None:
        """Placeholders lie beside nothing that was bought."""
        world.write(CHAIN)
        ran = world.run(options=Options(provider="sandbox"), access=NO_TOKEN)
        assert (ran.exit_code, ran.cost, ran.called) == (0, 0, 3)
        assert ran.out == world.folder / "out" / "shop@sandbox"
        assert (world.path("shop.lock").exists(), world.path("cache/ledger.db").exists()) == (False, False)
        assert len(world.lock("cache/sandbox/shop.lock").blocks) == 3

    @pytest.mark.parametrize("fate", ["cut", "slow"])
    def test_what_would_be_polled_or_looked_up_needs_one(self, world: World, fate: str) -> None:
        """A node that waits for its task cannot go on without."""
        world.write(ONE)
        if fate == "cut":
            world.vendor.fates.append("vanished")
            world.vendor.lists = False
        else:
            world.vendor.seconds = 10_000.0
        assert world.run(limits=SLOW).exit_code == 6
        with pytest.raises(NotAuthorised):
            world.run(access=NO_TOKEN)

    def test_a_failed_node_and_its_readers_need_none(self, world: World) -> None:
        """Nothing is bought for them, so nothing is asked of anybody."""
        world.write("version: 1\nsteps: {hero: {generate: A fox}, scene: {images: hero, edit: Snow}}")
        world.vendor.fates.append(ProviderError("moderation", "no foxes"))
        world.run()
        ran = world.run(access=NO_TOKEN)
        assert (ran.exit_code, ends(ran)) == (1, {"hero": "failed/refused", "scene": "blocked/input"})

    def test_a_run_with_nothing_to_buy_imports_no_http_client_and_no_painter(self, tmp_path: Path) -> None:
        """In a process of its own; the first run is on the real sandbox."""
        recipe = tmp_path / "quick.yaml"
        recipe.write_text(
            "version: 1\ndefaults: {provider: sandbox}\nsteps: {hero: {generate: A fox, aspect_ratio: '1:1'}}"
        )
        script = dedent("""
            import sys
            from pathlib import Path
            from banana_pipe import api
            workspace = api.open_recipe(Path(sys.argv[1]))
            ran = api.call(api.run(workspace))
            workspace.close()
            print(ran.exit_code, ran.called, sorted({"httpx", "starlette", "banana_pipe.providers.sandbox"} & set(sys.modules)))
        """)
        said = [
            subprocess.run(
                [sys.executable, "-c", script, str(recipe)],
                cwd=Path(__file__).parent.parent,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for _ in range(2)
        ]
        assert said[0].startswith("0 1 [")
        assert said[1] == "0 0 []\n"
        assert (tmp_path / "out" / "quick" / "hero.png").is_file()

    @pytest.mark.parametrize(("kind", "exit_code"), [("auth", 4), ("disabled", 4), ("balance", 3)])
    def test_the_vendor_s_no_stops_the_run_and_collects_what_is_paid(
        self, world: World, kind: str, exit_code: int
    ) -> None:
        """The rest is listed as not begun; the same command goes on."""
        world.write(FIVE)
        world.vendor.fates.extend(["task", "task", ProviderError(kind, "no")])  # type: ignore[arg-type]
        ran = world.run(limits=Limits(pace=Pace(calls=1)))
        assert (ran.exit_code, ran.status) == (exit_code, "stopped")
        assert sorted(ends(ran).values()) == ["done/new", "done/new", *["waiting/stopped"] * 3]
        assert len(world.pictures()) == 2
        assert (world.run().exit_code, len(world.vendor.charges)) == (0, 5)


class TestCaps:
    def test_a_cap_of_calls_lists_the_rest_and_a_larger_one_goes_on(self, world: World) -> None:
        """Exactly the cap; and the next run counts from nothing."""
        world.write(FIVE)
        ran = world.run(limits=capped(max_calls=2))
        assert (ran.exit_code, ran.status, ran.called) == (3, "stopped", 2)
        assert sorted(ends(ran).values()) == ["done/new", "done/new", *["waiting/cap"] * 3]
        again = world.run(limits=capped(max_calls=3))
        assert (again.exit_code, again.called, len(world.vendor.charges)) == (0, 3, 5)

    def test_a_cap_in_dollars_is_never_passed(self, world: World) -> None:
        """A call that would pass it is not made."""
        world.write(FIVE)
        ran = world.run(limits=capped(max_cost=3 * PRICE + 1))
        assert (ran.exit_code, ran.called, ran.cost) == (3, 3, 3 * PRICE)

    def test_the_day_s_cap_counts_all_runs_and_ends_with_the_day(self, world: World) -> None:
        """Per ledger and UTC day."""
        world.write(FIVE)
        assert world.run(limits=capped(max_calls_per_day=3)).called == 3
        assert world.run(limits=capped(max_calls_per_day=3)).called == 0
        assert world.run(limits=capped(max_calls_per_day=4)).called == 1
        world.clock.jump(86_400.0)
        ran = world.run(limits=capped(max_calls_per_day=3))
        assert (ran.called, ran.exit_code) == (1, 0)

    def test_what_reads_a_waiting_node_waits_too(self, world: World) -> None:
        """It is not blocked: nothing failed."""
        world.write(CHAIN)
        ran = world.run(limits=capped(max_calls=1))
        assert ends(ran) == {"base": "done/new", "glaze": "waiting/cap", "scene": "waiting/cap"}
        assert outcome(ran, "scene").error == "waits for glaze"

    def test_an_unknown_price_is_refused_under_a_cap_in_dollars(self, world: World) -> None:
        """Unless it is allowed."""
        world.write("version: 1\nsteps: {hero: {generate: A fox, model: nano-banana-99}}")
        assert world.run(limits=capped(max_cost=PRICE)).exit_code == 3
        allowed = Limits(budget=Budget(max_cost=PRICE, allow_unpriced=True))
        ran = world.run(limits=allowed)
        assert (ran.exit_code, ran.cost) == (0, None)

    def test_the_sandbox_knows_no_cap(self, world: World) -> None:
        """It costs nothing."""
        world.write(FIVE)
        ran = world.run(options=Options(provider="sandbox"), limits=capped(max_calls=1, max_cost=0))
        assert (ran.exit_code, ran.called) == (0, 5)

    def test_a_cap_at_one_provider_stops_no_other(self, world: World) -> None:
        """The sandbox's steps of the same recipe are drawn."""
        world.write("version: 1\nsteps: {a: {generate: A fox, provider: sandbox}, b: {generate: A cat}}")
        ran = world.run(limits=capped(max_calls=0))
        assert (ends(ran), ran.exit_code) == ({"a": "done/new", "b": "waiting/cap"}, 3)


class TestEnds:
    @pytest.mark.parametrize(
        ("first", "second", "exit_code"),
        [
            (ProviderError("moderation", "no"), ProviderError("balance", "no"), 3),
            ("vanished", ProviderError("moderation", "no"), 6),
            ("vanished", ProviderError("balance", "no"), 3),
            ("vanished", ProviderError("auth", "no"), 4),
        ],
    )
    def test_of_several_ends_the_gravest_is_said(
        self, world: World, first: ProviderError, second: ProviderError, exit_code: int
    ) -> None:
        """4 before 3 before 6 before 1."""
        world.write(FIVE)
        world.vendor.lists = False
        world.vendor.fates.extend([first, second])
        assert world.run(limits=Limits(pace=Pace(calls=1, settle=0.0))).exit_code == exit_code

    def test_an_interrupt_sends_nothing_new_collects_what_is_accepted_and_says_130(self, world: World) -> None:
        """The first Ctrl-C; the next run goes on."""
        stops: list[Callable[[], None]] = []

        class Heard:
            def on_first(self, stop: Callable[[], None]) -> None:
                stops.append(stop)

        def hear(event: object) -> None:
            if isinstance(event, CallStarted) and event.node == "glaze":
                stops[0]()

        world.write(CHAIN)
        ran = world.run(interrupts=Heard(), emit=hear)
        assert (ran.exit_code, ran.status) == (130, "interrupted")
        assert ends(ran) == {"base": "done/new", "glaze": "done/new", "scene": "waiting/stopped"}
        assert sorted(world.pictures()) == ["base.png", "glaze.png"]
        assert (world.run().exit_code, len(world.vendor.charges)) == (0, 3)

    def test_a_listener_hears_the_start_and_the_end(self, world: World) -> None:
        """With the plan and the very run that is given back."""
        world.write(CHAIN)
        ran = world.run()
        started, ended = world.events[0], world.events[-1]
        assert isinstance(started, RunStarted)
        assert isinstance(ended, RunEnded)
        assert (started.run_id, ended.run) == (ran.id, ran)


class TestBeforeAnythingIsSpent:
    def test_a_folder_of_another_recipe_is_refused(self, world: World) -> None:
        """While that recipe still exists."""
        world.write(CHAIN.replace("version: 1", "version: 1\n    name: shared"))
        world.run()
        other = world.write("version: 1\nname: shared\nsteps: {cat: {generate: A cat}}", "other.yaml")
        with pytest.raises(UsageError, match=r"belongs to another recipe, shop\.yaml"):
            world.run("other.yaml")
        assert len(world.vendor.posts) == 3
        world.path("shop.yaml").unlink()
        assert world.run("other.yaml").exit_code == 0
        assert other.exists()

    def test_a_ledger_that_cannot_be_written_stops_before_any_call(self, world: World) -> None:
        """No intent, no network."""
        world.write(CHAIN)
        (world.cache / "ledger.db").mkdir(parents=True)
        with pytest.raises(StoreError, match="ledger"):
            world.run()
        assert world.vendor.posts == []
        assert not world.out.exists()

    def test_a_ledger_that_takes_no_row_stops_before_any_call(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Found by writing, not by looking."""

        async def full(_: Ledger) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(Ledger, "check_writable", full)
        world.write(CHAIN)
        with pytest.raises(StoreError, match="full"):
            world.run()
        assert world.vendor.posts == []

    def test_a_picture_file_that_changed_since_it_was_measured_is_not_sent(self, world: World) -> None:
        """The key says what was measured; sending anything else would be a lie for ever."""
        world.picture("fox.png", noise(501))
        world.write("version: 1\nsteps: {hero: {images: fox.png, edit: Older}}")
        opened = world.open()
        world.picture("fox.png", noise(502))
        with pytest.raises(StoreError, match="changed while it was read"):
            world.do(running.run(opened))
        world.path("fox.png").unlink()
        with pytest.raises(StoreError, match=r"cannot read fox\.png"):
            world.do(running.run(opened))
        opened.close()
        assert world.vendor.posts == []


class TestOpenAttempts:
    def test_an_accepted_task_is_waited_for_by_the_next_run(self, world: World) -> None:
        """And not sent again; its money was the first run's."""
        world.write(ONE)
        world.vendor.seconds = 1_000.0
        first = world.run()
        assert (first.exit_code, ends(first), world.states()) == (6, {"hero": "parked/resume"}, ["ACCEPTED"])
        assert first.seconds < 700.0, "a task is waited for once, not twice"
        ran = world.run()
        assert (ran.exit_code, ran.called, len(world.vendor.posts)) == (0, 0, 1)
        assert ends(ran) == {"hero": "cached/ledger"}
        assert warnings(world) == []

    def test_one_that_nobody_wants_any_more_is_collected_without_a_word(self, world: World) -> None:
        """What is paid is collected before its link dies."""
        world.write(ONE)
        world.vendor.seconds = 700.0
        world.run()
        world.write(ONE.replace("A fox", "A cat"))
        world.vendor.seconds = 10.0
        ran = world.run()
        assert (ran.exit_code, ran.called, ran.paid_images) == (0, 1, 1)
        assert world.states() == ["STORED", "STORED"]
        world.write(ONE)
        assert world.run(access=NO_TOKEN).exit_code == 0

    @pytest.mark.parametrize("text", [ONE.replace("A fox", "A cat"), ONE.replace("hero", "cat").replace("fox", "cat")])
    def test_one_that_nobody_wants_and_that_stays_in_doubt_warns_and_changes_nothing(
        self, world: World, text: str
    ) -> None:
        """Neither exit code nor caps, whether its node's name is still used or not."""
        world.write(ONE)
        world.vendor.fates.append("vanished")
        world.vendor.lists = False
        world.run(limits=SLOW)
        world.write(text)
        ran = world.run(limits=replace(SLOW, budget=Budget(max_calls=1)))
        assert (ran.exit_code, ran.status, ran.called) == (0, "ok", 1)
        (said,) = warnings(world)
        assert said.startswith("hero (bought by an earlier run): may have been paid")
        assert ran.warnings == (said,)

    def test_a_token_that_is_refused_for_what_nobody_wants_is_said_and_fails_nothing(self, world: World) -> None:
        """All that was wanted is there, so the run is well; what is open waits for a token that is accepted."""
        world.write(ONE)
        world.run()
        world.write(ONE.replace("A fox", "A cat"))
        world.vendor.seconds = 10_000.0
        world.run()
        world.write(ONE)
        world.vendor.polls.append(ProviderError("auth", "token expired"))
        ran = world.run()
        assert (ran.exit_code, ran.status, world.states()) == (0, "ok", ["STORED", "ACCEPTED"])
        assert ran.warnings[-1].startswith("what earlier runs left open was not settled: token expired; check ACEDATA")

    def test_a_token_that_is_refused_for_what_is_wanted_ends_the_run(self, world: World) -> None:
        """Whoever heard it first: what was not bought was not bought because of it."""
        world.write(ONE)
        world.vendor.seconds = 10_000.0
        world.run()
        world.vendor.polls.append(ProviderError("auth", "token expired"))
        ran = world.run()
        assert (ran.exit_code, ends(ran)) == (4, {"hero": "parked/resume"})

    def test_without_a_token_they_wait_and_the_run_says_so(self, world: World) -> None:
        """Where nothing else has to be asked."""
        world.write(ONE)
        world.run()
        world.write(ONE.replace("A fox", "A cat"))
        world.vendor.seconds = 10_000.0
        world.run()
        world.write(ONE)
        ran = world.run(access=NO_TOKEN)
        assert (ran.exit_code, world.states()) == (0, ["STORED", "ACCEPTED"])
        assert "wait to be collected" in ran.warnings[0]

    def test_another_origin_s_are_left_alone(self, world: World) -> None:
        """A mock is never asked about the vendor's tasks."""
        world.write(ONE)
        world.vendor.seconds = 10_000.0
        world.run()
        world.vendor.origin = "http://127.0.0.1:9"
        ran = world.run(access=Access(token=TOKEN.token, base_url="http://127.0.0.1:9"))
        assert [attempt.origin for attempt in world.attempts()] == ["https://api.acedata.cloud", "http://127.0.0.1:9"]
        assert ran.exit_code == 6

    def test_those_of_another_token_are_warned_of_once_in_all(self, world: World) -> None:
        """With their number: there may be hundreds of them."""
        world.write(ONE)
        world.run()
        for other in ("A cat", "A dog", "An owl"):
            world.write(ONE.replace("A fox", other))
            world.vendor.seconds = 10_000.0
            world.run()
        world.write(ONE)
        world.vendor.account = "them"
        ran = world.run()
        assert (ran.exit_code, world.states()) == (0, ["STORED", *["ACCEPTED"] * 3])
        (warning,) = ran.warnings
        assert warning.startswith("3 calls of earlier runs are still open, sent with another API token: a run with")

    def test_a_doubt_is_given_up_by_consent_alone(self, world: World) -> None:
        """`--retry-unknown` buys; the abandoned money stays counted."""
        world.write(CHAIN)
        world.vendor.fates.append("vanished")
        world.vendor.lists = False
        assert world.run(limits=SLOW).exit_code == 6
        assert world.run(limits=SLOW).exit_code == 6
        assert len(world.vendor.posts) == 1
        ran = world.run(limits=SLOW, consent=Consent(retry_unknown=True))
        assert (ran.exit_code, sorted(world.states())) == (0, ["ABANDONED", "STORED", "STORED", "STORED"])

    def test_a_refusal_is_sent_again_by_consent_alone_and_its_readers_too(self, world: World) -> None:
        """`--retry-refused`."""
        world.write(CHAIN)
        world.vendor.fates.append(ProviderError("moderation", "no mugs"))
        assert world.run().exit_code == 1
        assert world.run(consent=Consent(rebuy=True)).exit_code == 1
        assert world.run(consent=Consent(retry_refused=True)).exit_code == 0
        assert len(world.vendor.charges) == 3


class TestLost:
    def test_a_plain_run_says_where_it_looked_and_buys_nothing(self, world: World) -> None:
        """The node is lost; what reads it and is there stays."""
        world.write(CHAIN)
        world.run()
        world.forget("cache/blobs", "out/shop/glaze.png")
        ran = world.run()
        assert ends(ran) == {"base": "cached/lock", "glaze": "lost/lost", "scene": "cached/lock"}
        assert (ran.exit_code, ran.called) == (1, 0)
        assert "--rebuy" in str(outcome(ran, "glaze").error)
        assert str(world.out) in str(outcome(ran, "glaze").error)

    def test_rebuy_buys_it_and_the_new_digest_stands_in_the_lock(self, world: World) -> None:
        """What reads it has another input then, and is bought too; a third run has nothing to do."""
        world.write(CHAIN)
        first = world.run()
        world.forget("cache/blobs", "out/shop/glaze.png")
        ran = world.run(consent=Consent(rebuy=True))
        assert (ran.exit_code, ran.called) == (0, 2)
        assert digests(ran)["base"] == digests(first)["base"]
        assert digests(ran)["glaze"] != digests(first)["glaze"]
        taken = {take.artifact.digest for block in world.lock().blocks.values() for take in block.takes.values()}
        assert digests(first)["glaze"] not in taken
        assert digests(ran)["glaze"] in taken
        again = world.run(access=NO_TOKEN)
        assert (again.exit_code, again.called, digests(again)) == (0, 0, digests(ran))

    def test_rebuy_buys_nothing_whose_bytes_nobody_needs(self, world: World) -> None:
        """An intermediate in a clone: buying it again would change all that reads it, and buy that again too."""
        world.write(HIDDEN)
        world.run()
        world.forget("cache")
        ran = world.run(consent=Consent(rebuy=True))
        assert (ran.exit_code, ran.called, len(world.vendor.charges)) == (0, 0, 2)

    def test_an_intermediate_that_would_be_sent_is_lost_and_its_reader_blocked(self, world: World) -> None:
        """With `--rebuy` both are bought."""
        world.write(HIDDEN)
        world.run()
        world.forget("cache")
        world.write(HIDDEN.replace("Teal", "Red"))
        ran = world.run(access=NO_TOKEN)
        assert (ends(ran), ran.exit_code) == ({"base": "lost/lost", "glaze": "blocked/input"}, 1)
        assert "whose bytes are nowhere" in str(outcome(ran, "glaze").error)
        ran = world.run(consent=Consent(rebuy=True))
        assert (set(ends(ran).values()), ran.called) == ({"done/new"}, 2)

    def test_rebuy_in_a_clone_sends_the_recipe_s_own_files_too(self, world: World) -> None:
        """They are in no cache there."""
        world.picture("fox.png", noise(501))
        world.write("""
            version: 1
            steps:
              hero: {images: fox.png, edit: Older}
              scene: {images: [hero, fox.png], edit: Snow}
        """)
        world.run()
        world.forget("cache", "out/shop/hero.png")
        ran = world.run(consent=Consent(rebuy=True))
        assert (ran.exit_code, ran.called) == (0, 2)

    def test_a_link_that_died_is_lost_until_rebuy(self, world: World) -> None:
        """Paid, said clearly, never bought again by itself."""
        world.write(ONE)
        world.vendor.fetches.extend([ProviderError("dead_link", "gone", status=404)] * 9)
        first = world.run()
        assert (ends(first), first.exit_code, world.states()) == ({"hero": "lost/lost"}, 1, ["LOST"])
        world.vendor.fetches.clear()
        again = world.run(access=NO_TOKEN)
        assert (ends(again), again.exit_code) == ({"hero": "lost/lost"}, 1)
        assert world.run(consent=Consent(rebuy=True)).exit_code == 0


class TestTheFolder:
    def test_a_file_changed_by_hand_is_reported_kept_and_warned_about(self, world: World) -> None:
        """In the plan and in the run; what reads it goes on with what the lock pins."""
        world.write(CHAIN)
        first = world.run()
        mine = noise(599)
        (world.out / "base.png").write_bytes(mine)
        assert [line.modified for line in world.plan().nodes] == [True, False, False]
        ran = world.run()
        assert [one.modified for one in ran.outcomes] == [True, False, False]
        assert (ran.exit_code, ran.called, digests(ran)) == (0, 0, digests(first))
        assert (world.out / "base.png").read_bytes() == mine
        assert ran.warnings == (f"base: its file in {world.out} was changed by hand and is left alone",)

    def test_files_of_vanished_nodes_go_and_those_of_failed_ones_stay(self, world: World) -> None:
        """A failed node keeps its old file."""
        world.write("version: 1\nsteps: {a: {generate: A fox}, b: {generate: A cat}}")
        world.run()
        kept = world.pictures()["a.png"]
        world.vendor.fates.append(ProviderError("moderation", "no"))
        world.write("version: 1\nsteps: {a: {generate: A wolf}}")
        assert world.run().exit_code == 1
        assert world.pictures() == {"a.png": kept}

    def test_a_warning_from_the_very_end_is_in_the_run_too(self, world: World) -> None:
        """An index page made by hand is left alone, and that is said."""
        world.write(ONE)
        world.out.mkdir(parents=True)
        (world.out / "index.html").write_text("mine")
        ran = world.run()
        assert len(ran.warnings) == 1
        assert "index.html" in ran.warnings[0]
        (ended,) = (event for event in world.events if isinstance(event, RunEnded))
        assert ended.run == ran
        assert (world.out / "index.html").read_text() == "mine"

    def test_a_lock_file_that_cannot_be_written_keeps_the_pictures_and_their_manifest(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error goes up in the end; the ledger knows all, and the next run writes the lock file."""

        async def full(*_: object) -> None:
            raise StoreError("the disk is full")

        update = lockfile.update
        monkeypatch.setattr(lockfile, "update", full)
        world.write(CHAIN)
        with pytest.raises(StoreError, match="full"):
            world.run()
        named = json.loads((world.out / "manifest.json").read_text())["files"]
        assert [entry["path"] for entry in named] == ["base.png", "glaze.png", "scene.png"]
        monkeypatch.setattr(lockfile, "update", update)
        again = world.run(access=NO_TOKEN)
        assert (again.exit_code, len(world.lock().blocks)) == (0, 3)


# A history: recipes, what the provider does with the next calls, and what is taken away after each run.
PROMPTS = st.sampled_from(["A fox", "A cat"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["", "@2", "@3"]), PROMPTS, st.integers(1, 2), st.booleans()), min_size=1, max_size=4
)
FATES = st.lists(
    st.sampled_from(["task", "inline", "cut", "vanished", "moderation", "invalid", "balance", "blank"]), max_size=4
)
GONE = st.sets(st.sampled_from(["shop.lock", "cache/results", "cache/blobs", "out"]), max_size=2)


def history_recipe(steps: list[tuple[str, str, int, bool]]) -> str:
    """A recipe whose steps each read the one before and, by number, a take of it."""
    lines = ["version: 1", "steps:"]
    for number, (take, prompt, samples, hidden) in enumerate(steps):
        verb = f"generate: {prompt}" if number == 0 else f"images: s{number - 1}{take}, edit: {prompt}"
        lines.append(f"  s{number}: {{{verb}, samples: {samples}{', output: false' if hidden else ''}}}")
    return "\n".join(lines)


@settings(max_examples=30)
@given(st.lists(st.tuples(STEPS, FATES, GONE), min_size=1, max_size=4))
def test_a_run_buys_what_its_plan_said(history: list[tuple[Any, list[str], set[str]]]) -> None:
    """Never more than the plan's most, never less than its least where all went well; no key twice."""
    with pytest.MonkeyPatch.context() as patch, a_folder() as folder:
        world = World(folder, patch)
        world.vendor.lists = False
        for steps, fates, gone in history:
            world.write(history_recipe(steps))
            world.vendor.fates.clear()
            for fate in fates:
                if fate == "blank":
                    world.vendor.fetches.append(plain())
                elif fate in ("moderation", "invalid", "balance"):
                    world.vendor.fates.append(ProviderError(fate, "no"))  # type: ignore[arg-type]
                else:
                    world.vendor.fates.append(fate)  # type: ignore[arg-type]
            planned = world.plan()
            ran = world.run(limits=Limits(pace=Pace(settle=0.0)))
            assert ran.called <= planned.calls_max
            assert ran.exit_code != 0 or planned.calls <= ran.called
            assert planned.calls_max or ran.called == 0
            for one, line in zip(ran.outcomes, planned.nodes, strict=True):
                assert (line.state == "cached") <= (one.status in ("cached", "failed")), (line, one)
                assert (line.state == "failed") <= (one.status in ("failed", "blocked")), (line, one)
                assert (line.state == "lost") <= (one.status == "lost"), (line, one)
            paid = [attempt.key for attempt in world.attempts() if attempt.state == "STORED"]
            assert len(paid) == len(set(paid))
            world.forget(*(place for place in gone if world.path(place).exists()))


@contextmanager
def a_folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def test_the_working_directory_is_no_part_of_anything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same recipe from three working directories costs once."""
    world.write(ONE, "recipes/shop.yaml")

    def from_folder(folder: Path, name: str) -> Run:
        monkeypatch.chdir(folder)
        recipe = Path(name)
        opened = open_recipe(recipe, None, TOKEN, world.clock)
        try:
            return world.do(running.run(opened))
        finally:
            opened.close()

    runs = [
        from_folder(world.folder, "recipes/shop.yaml"),
        from_folder(world.folder / "recipes", "shop.yaml"),
        from_folder(world.folder.parent, os.path.join(world.folder.name, "recipes", "shop.yaml")),
    ]
    assert [ran.called for ran in runs] == [1, 0, 0]
    assert stands(world.plan("recipes/shop.yaml")) == {"hero": "cached/lock"}
