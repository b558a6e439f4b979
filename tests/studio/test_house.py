"""What a studio is given, and gives on. Unaware of HTTP."""

from __future__ import annotations

from pathlib import Path

from banana_pipe.buying import Limits
from banana_pipe.cli.commands.studio import _Commands
from banana_pipe.cli.options import read_call
from banana_pipe.studio.house import House
from tests.studio.studios import NOTHING_GIVEN
from tests.vendor.server import Vendor


def _house(**given: object) -> House:
    call = read_call(Path("recipes/small.yaml"), {**NOTHING_GIVEN, **given})
    return House(call.recipe, call.options, call.access(token=True), Limits(), _Commands(call))


def test_only_a_purchase_is_given_the_token(project: Path, at: Vendor) -> None:
    """What is free could not spend if it wanted to."""
    house = _house()
    assert house.access.token is not None
    with house.opened() as free, house.opened(paying=True) as paying:
        assert free.access.token is None
        assert paying.access.token is house.access.token
        assert free.access.base_url == paying.access.base_url


def test_a_value_that_is_tried_takes_the_place_of_what_was_set(project: Path) -> None:
    """Of its own name alone; words of a shell are quoted."""
    house = _house(sets=("product=a cup", "colors={teal: teal}"), profile=None, provider="sandbox")
    with house.opened(sets={"product": "a tea pot"}) as workspace:
        assert workspace.graph.recipe.variables == {"product": "a tea pot", "colors": {"teal": "teal"}}
    about = house.commands.about("run", sets={"product": "it's a pot"})
    assert about == (
        "banana-pipe run recipes/small.yaml --set 'product=it'\"'\"'s a pot' --set 'colors={teal: teal}' --provider sandbox"
    )
