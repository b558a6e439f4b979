"""A run that buys nothing: what it says, and the same pictures from whatever is left of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.beforehand import to_fetch, would_buy
from banana_pipe.buying import Limits, open_buyer
from banana_pipe.purchase.orders import Consent
from tests.clock import run
from tests.purchase.fake import noise
from tests.world import CHAIN, NO_TOKEN, World, ends, lines, outcome, picture

FROZEN = Limits(frozen=True)
LEVELS = """
    version: 1
    steps:
      hero: {generate: A fox, samples: 2}
      small: {images: hero, transform: [{resize: {width: 4}}], output: false}
      scene: {matrix: {season: [summer, winter]}, images: small, edit: "In {{ season }}"}
      sheet: {images: scene, transform: [{grid: {columns: 2}}]}
"""
LINKED = """
    version: 1
    steps:
      hero: {images: "https://example.com/fox.png", edit: A fox}
      small: {images: "https://example.com/fox.png", transform: [{resize: {width: 4}}]}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_it_says_what_it_would_buy_and_touches_nothing(world: World) -> None:
    """Exit code 5; each line with its price, readers as what may be bought; no lock file, no call."""
    world.write(CHAIN)
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, ran.status, ran.called) == (5, "stopped", 0)
    assert ends(ran) == dict.fromkeys(("base", "glaze", "scene"), "waiting/frozen")
    assert [(line.id, line.state, line.calls, line.cost) for line in ran.would_buy] == [
        ("base", "call", 1, 39_000),
        ("glaze", "wait", 1, 39_000),
        ("scene", "wait", 1, 39_000),
    ]
    assert outcome(ran, "base").error == "would have to be bought: 1 call, $0.039"
    assert (world.vendor.charges, world.path("shop.lock").exists()) == ([], False)


def test_a_token_changes_nothing(world: World) -> None:
    """It is not the want of a token that keeps it from buying."""
    world.write(CHAIN)
    assert world.run(limits=FROZEN).exit_code == 5
    assert world.vendor.charges == []


def test_what_is_there_is_published_and_what_is_missing_named(world: World) -> None:
    """One changed prompt: the rest of the folder is whole."""
    world.write(CHAIN)
    world.run()
    world.write(CHAIN.replace("on a table", "on a chair"))
    world.forget("out")
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert ends(ran) == {"base": "cached/lock", "glaze": "cached/lock", "scene": "waiting/frozen"}
    assert (ran.exit_code, sorted(world.pictures())) == (5, ["base.png", "glaze.png"])
    assert [line.reason for line in ran.would_buy] == ["changed"]


def test_takes_that_are_missing_are_counted(world: World) -> None:
    """Two of three are there."""
    world.write(LEVELS)
    world.run()
    world.write(LEVELS.replace("samples: 2", "samples: 3"))
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, [(line.id, line.calls) for line in ran.would_buy]) == (5, [("hero", 1)])


@pytest.mark.parametrize("places", [("out",), ("cache",), ("cache", "out/shop/_", "out/shop/manifest.json")])
def test_lock_and_cache_or_lock_and_pictures_give_the_same_pictures(world: World, places: tuple[str, ...]) -> None:
    """Transforms in the middle too: a published picture that the lock names is an input as good as a blob."""
    world.write(LEVELS)
    world.run()
    before = {name: digest for name, digest in world.pictures().items() if not name.startswith("_")}
    world.forget(*places)
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, ran.called, ran.would_buy) == (0, 0, ())
    assert {name: digest for name, digest in world.pictures().items() if not name.startswith("_")} == before


def test_a_transform_of_what_is_nowhere_is_there_if_its_picture_and_the_manifest_are(world: World) -> None:
    """Of a picture that was never published only its thumbnail was committed. Retouched by hand it is none of ours."""
    world.write("""
        version: 1
        steps:
          hero: {generate: A fox, output: false}
          thumb: {images: hero, transform: [{resize: {width: 4}}]}
          tiny: {images: thumb, transform: [{resize: {width: 2}}], output: false}
          scene: {images: tiny, edit: In the snow}
    """)
    world.run()
    before = world.pictures()
    world.forget("cache", "out/shop/_", "out/shop/index.html")
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, ran.would_buy, world.pictures()) == (0, (), before)
    world.forget("cache")
    (world.out / "thumb.png").write_bytes(picture(4, 4))
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, ends(ran)["thumb"]) == (1, "blocked/input")
    assert "hero" in (outcome(ran, "thumb").error or "")


def test_neither_cache_nor_pictures_is_lost_and_not_bought(world: World) -> None:
    """What was paid is lost where it is to be published; that is exit code 1, as in any run."""
    world.write(CHAIN)
    world.run()
    world.forget("cache", "out")
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, set(ends(ran).values()), ran.would_buy) == (1, {"lost/lost"}, ())
    assert len(world.vendor.charges) == 3


def test_the_lock_file_stays_as_it_is(world: World) -> None:
    """What only the cache knows is used, and it is said that others would have to buy it."""
    world.write(CHAIN)
    world.run()
    world.forget("shop.lock", "out")
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, world.path("shop.lock").exists()) == (0, False)
    assert [words for words in ran.warnings if "not in the lock file" in words] == [
        "base and 2 more: bought, and not in the lock file, so that others would buy it: run without --frozen"
    ]


def test_a_call_that_is_open_is_left_alone_and_told(world: World) -> None:
    """Neither polled nor fetched: parked, exit code 6, and the run afterwards collects it."""
    world.write(CHAIN)
    world.vendor.seconds = 1_000.0
    assert world.run().exit_code == 6
    asked = len(world.vendor.polled)
    ran = world.run(limits=FROZEN)
    assert (ran.exit_code, ends(ran)["base"], ends(ran)["glaze"]) == (6, "parked/resume", "blocked/input")
    assert len(world.vendor.polled) == asked
    assert any("a frozen run asks nobody" in words for words in ran.warnings)


def test_an_address_that_nobody_has_pinned_is_not_fetched(world: World) -> None:
    """What would send it waits, and is counted as what may be bought."""
    world.web.pages["https://example.com/fox.png"] = noise(1)
    world.write(LINKED)
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, world.web.asked) == (5, [])
    assert ends(ran) == dict.fromkeys(("hero", "small"), "waiting/frozen")
    assert "nobody has fetched" in (outcome(ran, "hero").error or "")
    opened = world.open(access=NO_TOKEN)
    assert to_fetch(opened, world.decide(), FROZEN) == {}
    opened.close()


def test_a_pinned_address_whose_bytes_are_nowhere_is_told_and_not_fetched(world: World) -> None:
    """The edit is published all the same: of what it sent the digest is enough. What needs the bytes fails."""
    world.web.pages["https://example.com/fox.png"] = noise(1)
    world.write(LINKED)
    world.run()
    world.forget("cache", "out/shop/small.png")
    ran = world.run(access=NO_TOKEN, limits=FROZEN)
    assert (ran.exit_code, world.web.asked) == (1, ["https://example.com/fox.png"])
    assert ends(ran) == {"hero": "cached/lock", "small": "failed/error"}
    assert "a frozen run fetches nothing" in (outcome(ran, "small").error or "")


def test_a_picture_of_ones_own_is_an_input_without_a_cache(world: World) -> None:
    """A file is measured, and so is what an edit of it asks."""
    world.picture("mug.png", picture(30, 20))
    world.write("version: 1\nsteps:\n  mug: {images: mug.png, edit: Blue}\n")
    world.run()
    world.forget("cache")
    assert world.run(access=NO_TOKEN, limits=FROZEN).exit_code == 0


def test_no_buyer_is_opened_whatever_goes_wrong_above(world: World) -> None:
    """The one door to a provider is shut by the same word."""
    world.write(CHAIN)
    opened = world.open()

    async def story() -> None:
        async with open_buyer("acedata", opened, FROZEN, "run", lambda _: None):
            pass

    with pytest.raises(AssertionError, match="frozen"):
        run(world.clock, story())
    opened.close()


def test_what_waits_for_transforms_alone_is_not_called_a_purchase(world: World) -> None:
    """A plan makes nothing: it cannot know, and does not say so."""
    world.write(LEVELS)
    world.run()
    world.forget("cache/blobs", "cache/results")
    opened = world.open(access=NO_TOKEN)
    try:
        assert lines(world.plan())["scene[season=summer]"].state == "wait"
        assert would_buy(opened, world.decide()) == []
    finally:
        opened.close()


def test_consents_are_for_other_runs(world: World) -> None:
    """Nothing is bought again, whatever is agreed to besides."""
    world.write(CHAIN)
    world.run()
    world.forget("cache", "out")
    ran = world.run(limits=Limits(frozen=True, consent=Consent(rebuy=True)))
    assert (ran.called, len(world.vendor.charges)) == (0, 3)
