"""Pictures from the web in whole runs: fetched once, pinned, and then the same for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe import beforehand, links, running
from banana_pipe.buying import Limits
from banana_pipe.canonical import digest_of
from banana_pipe.errors import RecipeErrors, UsageError
from banana_pipe.model import Url
from banana_pipe.providers.base import ProviderError
from banana_pipe.store.lockmembers import as_text
from banana_pipe.workspace import Options
from tests.purchase.fake import noise
from tests.world import NO_TOKEN, World, ends, lines, outcome, plain, stands

HERE = "https://example.com/mug.png"
READS = f"steps: {{tint: {{images: '{HERE}', edit: Teal}}, scene: {{images: tint, edit: On a table}}}}"
SANDBOX = Options(provider="sandbox")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, monkeypatch)
    world.web.pages[HERE] = noise(501)
    world.write(READS)
    return world


def unavailable() -> ProviderError:
    return ProviderError("unavailable", "the picture cannot be had (HTTP 503)", status=503)


class TestOnce:
    def test_a_plan_waits_for_it_and_asks_nobody(self, world: World) -> None:
        """What is there is not known before it is pinned."""
        assert stands(world.plan()) == {"tint": "wait/upstream", "scene": "wait/upstream"}
        assert lines(world.plan())["tint"].inputs == (HERE,)
        assert not world.web.asked
        assert not world.path("shop.lock").exists()

    def test_a_run_fetches_it_once_pins_it_and_sends_its_bytes(self, world: World) -> None:
        """However many read it; the next run and a plan know it without asking."""
        world.write(f"steps: {{a: {{images: '{HERE}', edit: A}}, b: {{images: ['{HERE}', '{HERE}'], edit: B}}}}")
        assert ends(world.run()) == {"a": "done/new", "b": "done/new"}
        assert world.web.asked == [HERE]
        assert world.lock().links[Url(HERE)].artifact.digest == digest_of(noise(501))
        assert stands(world.plan()) == {"a": "cached/lock", "b": "cached/lock"}
        world.run()
        assert world.web.asked == [HERE]

    def test_another_picture_there_changes_nothing(self, world: World) -> None:
        """The pinned bytes are what is sent, also to a step that is new."""
        world.run()
        world.web.pages[HERE] = noise(502)
        world.write(f"steps: {{tint: {{images: '{HERE}', edit: Red}}}}")
        run = world.run()
        assert ends(run) == {"tint": "done/new"}
        assert outcome(run, "tint").images == (digest_of(noise(501)),)
        assert world.web.asked == [HERE]

    def test_it_is_pinned_before_anything_is_bought(self, world: World) -> None:
        """Whoever is killed while buying finds the same picture again, and so the same request."""
        pins: list[bool] = []
        world.vendor.fates.append(lambda: pins.append(Url(HERE) in world.lock().links))
        world.run()
        assert pins == [True]

    def test_who_reads_it_is_told_in_the_manifest(self, world: World) -> None:
        """By address and hash."""
        world.run()
        assert (
            f'"inputs": [{{"url": "{HERE}", "sha256": "{digest_of(noise(501))}"}}]'
            in (world.out / "manifest.json").read_text()
        )


class TestTheBytes:
    def test_where_they_are_nowhere_they_are_fetched_again(self, world: World) -> None:
        """And must be the pinned ones."""
        world.run()
        world.forget("cache")
        world.write(READS.replace("Teal", "Red"))
        assert ends(world.run()) == {"tint": "done/new", "scene": "done/new"}
        assert world.web.asked == [HERE, HERE]

    def test_others_are_refused_and_nothing_is_bought(self, world: World) -> None:
        """The words name the address, the pin, and both ways on; a plan does not know of it."""
        world.run()
        before = world.path("shop.lock").read_text()
        world.forget("cache")
        world.web.pages[HERE] = noise(502)
        world.write(READS.replace("Teal", "Red"))
        run = world.run()
        assert ends(run) == {"tint": "failed/error", "scene": "blocked/input"}
        assert (run.exit_code, run.called) == (1, 0)
        error = str(outcome(run, "tint").error)
        assert error.startswith(f"{HERE}: another picture is there now than the lock file pins")
        assert digest_of(noise(501))[:12] in error
        assert world.path("shop.lock").read_text() == before

    def test_what_is_there_needs_none(self, world: World) -> None:
        """A clone with lock file and pictures asks nobody, and needs no token."""
        world.run()
        world.forget("cache")
        world.web.pages.clear()
        run = world.run(access=NO_TOKEN)
        assert ends(run) == {"tint": "cached/lock", "scene": "cached/lock"}
        assert world.web.asked == [HERE]

    def test_a_reroll_fetches_them_too(self, world: World) -> None:
        """And is refused, before anything is spent, where they are no more."""
        world.run()
        world.forget("cache/blobs")
        assert len(world.reroll("tint").takes) == 1
        assert world.web.asked == [HERE, HERE]
        world.forget("cache/blobs")
        world.web.pages.clear()
        charges = len(world.vendor.charges)
        with pytest.raises(UsageError, match="404"):
            world.reroll("tint")
        assert len(world.vendor.charges) == charges


class TestWithoutAToken:
    def test_a_run_with_nothing_but_an_address_to_fetch_needs_none(self, world: World) -> None:
        """Once it is known what is there, everything turns out to be bought."""
        world.run()
        world.forget("shop.lock")
        run = world.run(access=NO_TOKEN)
        assert ends(run) == {"tint": "cached/cache", "scene": "cached/cache"}
        assert Url(HERE) in world.lock().links


class TestWhatCannotBeHad:
    @pytest.mark.parametrize(
        ("page", "words"),
        [
            (b"<!doctype html><p>Sign in", "an HTML page"),
            (noise(501)[:-30], "cut off"),
            (b"", "no bytes"),
            (
                ProviderError("refused_address", "the link to the picture leads to an address that is not public"),
                "public",
            ),
            (ProviderError("dead_link", "HTTP 404"), "404"),
        ],
    )
    def test_what_reads_it_fails_before_it_costs_anything(
        self, world: World, page: bytes | ProviderError, words: str
    ) -> None:
        """Everything else goes on; nothing is pinned, and it is not asked for again in this run."""
        world.web.pages[HERE] = page
        world.write(READS.replace("steps: {", "steps: {cat: {generate: A cat}, "))
        run = world.run()
        assert ends(run) == {"cat": "done/new", "tint": "failed/error", "scene": "blocked/input"}
        assert words in str(outcome(run, "tint").error)
        assert HERE in str(outcome(run, "tint").error)
        assert (run.exit_code, run.called) == (1, 1)
        assert world.web.asked == [HERE]
        assert not world.lock().links

    def test_a_network_that_comes_back_is_waited_for(self, world: World) -> None:
        """Fetching is free to repeat, within bounds."""
        world.web.pages[HERE] = [unavailable(), unavailable(), noise(501)]
        assert ends(world.run()) == {"tint": "done/new", "scene": "done/new"}
        world.forget("shop.lock", "cache", "out")
        world.web.pages[HERE] = unavailable()
        assert ends(world.run()) == {"tint": "failed/error", "scene": "blocked/input"}
        assert world.web.asked == [HERE] * 6

    @pytest.mark.parametrize(
        "url",
        [
            *(
                "https://127.0.0.1/a.png",
                "https://localhost/a.png",
                "https://169.254.169.254/latest",
                "https://[::1]/a",
            ),
            *("https://printer/a.png", "https://nas.local/a.png", "https://0x7f000001/a", "https://2130706433/a"),
        ],
    )
    def test_a_private_host_is_a_mistake_of_the_recipe(self, world: World, url: str) -> None:
        """Told at its place before anything is planned; a stranger's recipe reaches nobody at home."""
        world.write(f"steps:\n  a:\n    images: '{url}'\n    edit: A")
        with pytest.raises(RecipeErrors, match="not on a public host") as raised:
            world.plan()
        assert [(error.at.line, error.at.column) for error in raised.value.errors if error.at] == [(3, 13)]
        assert not world.web.asked

    def test_there_are_not_endlessly_many(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A stranger's table is no reason to ask the whole web."""
        monkeypatch.setattr(links, "MAX_LINKS", 3)
        world.write("steps: {a: {matrix: {n: [1, 2, 3, 4]}, images: 'https://example.com/{{ n }}.png', edit: A}}")
        with pytest.raises(RecipeErrors, match="more than 3 pictures from the web"):
            world.plan()


class TestTheSandbox:
    def test_what_it_fetches_is_pinned_in_its_own_lock(self, world: World) -> None:
        """The project is told nothing: it pins what is there when it first asks itself."""
        world.run(options=SANDBOX, access=NO_TOKEN)
        assert not world.path("shop.lock").exists()
        assert Url(HERE) in world.lock("cache/sandbox/shop.lock").links
        assert stands(world.plan(options=SANDBOX))["tint"] == "cached/lock"
        assert stands(world.plan())["tint"] == "wait/upstream"

    def test_it_holds_to_what_the_project_has_pinned(self, world: World) -> None:
        """What a draft shows is what will be bought with."""
        world.run()
        world.web.pages[HERE] = noise(502)
        run = world.run(options=SANDBOX, access=NO_TOKEN)
        assert outcome(run, "tint").images == (digest_of(noise(501)),)
        assert world.web.asked == [HERE]


def test_a_pin_of_another_run_that_came_first_is_held_to(world: World) -> None:
    """Two runs that fetch at the same time read the same picture."""
    world.run()
    theirs = as_text(world.lock())
    world.forget("shop.lock")
    world.web.pages[HERE] = noise(502)
    world.web.meanwhile = lambda: world.path("shop.lock").write_text(theirs)
    run = world.run()
    assert outcome(run, "tint").images == (digest_of(noise(501)),)


def test_a_pin_of_another_run_with_another_cache_is_told_as_that(world: World) -> None:
    """Its picture is not here: nothing else is sent in its place, and what helps is another run, not --rebuy."""
    world.run()
    theirs = as_text(world.lock())
    world.forget("shop.lock", "cache", "out")
    world.web.pages[HERE] = noise(502)
    world.web.meanwhile = lambda: world.path("shop.lock").write_text(theirs)
    calls = len(world.vendor.charges)
    world.write(READS.replace("Teal", "Red"))
    ran = world.run()
    error = str(outcome(ran, "tint").error)
    assert (ends(ran), len(world.vendor.charges)) == ({"tint": "failed/error", "scene": "blocked/input"}, calls)
    assert error.startswith(f"{HERE}: another run has pinned another picture meanwhile (sha256 ")
    assert "run again" in error
    assert "rebuy" not in error
    world.web.meanwhile = lambda: None
    world.web.pages[HERE] = noise(501)
    assert world.run().exit_code == 0


def test_a_picture_of_one_colour_may_be_read(world: World) -> None:
    """What is asked of pictures that were paid for is not asked of those that are given."""
    world.web.pages[HERE] = plain()
    assert ends(world.run())["tint"] == "done/new"


def test_the_plan_after_fetching_says_what_cannot_be_had_and_the_run_asks_no_more(world: World) -> None:
    """So the price that is told is without what would fail, and without what hangs on it."""
    world.web.pages.clear()
    opened = world.open()
    try:
        fetched, decided = world.do(beforehand.fetch(opened, world.decide(), Limits()))
        assert stands(decided.plan) == {"tint": "failed/error", "scene": "failed/input"}
        assert (decided.plan.calls, decided.plan.calls_max) == (0, 0)
        assert "404" in lines(decided.plan)["tint"].detail
        run = world.do(running.run(fetched, decided=decided))
    finally:
        opened.close()
    assert ends(run) == {"tint": "failed/error", "scene": "blocked/input"}
    assert world.web.asked == [HERE]
