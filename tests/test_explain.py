"""Explanations: what is different, where it comes from, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import Digest
from banana_pipe.cli.explained import explained_lines
from banana_pipe.cli.terminal import Paper
from banana_pipe.errors import UsageError
from banana_pipe.explain import Asked, Explanation, Last, Piece, compare
from banana_pipe.explaining import explain
from banana_pipe.model import Node, NodeInput, Request
from banana_pipe.recipe import load
from banana_pipe.recipe.origins import Origins, words_of
from banana_pipe.shapes import explanation_json
from banana_pipe.workspace import Options
from tests.world import NO_TOKEN, World

SHOP = """\
version: 1
vars:
  product: a ceramic mug
  places: {oak: an oak table, moss: a mossy stone}
defaults: {model: nano-banana-pro}
steps:
  base:
    generate: |
      Photo of {{ product }}, alone.
      {% include "light.j2" %}
    aspect_ratio: 1:1
  scene:
    matrix: {place: "{{ places }}"}
    images: base
    edit: Put it on {{ place }}, please
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, monkeypatch)
    world.write(SHOP)
    world.write("Soft light from the left.", "prompts/light.j2")
    return world


def explained(world: World, text: str, options: Options | None = None) -> tuple[Explanation, ...]:
    opened = world.open(options=options, access=NO_TOKEN)
    try:
        return world.do(explain(opened, text))
    finally:
        opened.close()


def changed(one: Explanation) -> list[tuple[str, str]]:
    assert one.difference is not None
    return [(piece.kind, piece.text.strip()) for piece in one.difference.prompt if piece.kind != "same"]


def origins(one: Explanation, root: Path) -> list[tuple[str, str | None, str | None]]:
    assert one.difference is not None
    return [
        (origin.words, origin.what, f"{origin.path.relative_to(root)}:{origin.line}" if origin.path else None)
        for piece in one.difference.prompt
        for origin in piece.origins
    ]


def test_what_was_never_asked_has_nothing_to_compare_with(world: World) -> None:
    """It says so, and what a run would ask and cost, here and downstream."""
    (one,) = explained(world, "base")
    assert (one.last, one.difference) == (None, None)
    assert (one.line.state, one.line.reason) == ("call", "new")
    assert (one.downstream.nodes, one.downstream.calls, one.downstream.calls_max) == (2, 0, 2)


def test_after_a_run_nothing_is_different(world: World) -> None:
    """The last request is this one."""
    world.run()
    for one in explained(world, "scene"):
        assert one.last is not None
        assert one.last.request is not None
        assert one.difference is not None
        assert not one.difference
        assert one.downstream.nodes == 0


def test_a_changed_variable_is_named_with_its_line(world: World) -> None:
    """And with the axis that brings it."""
    world.run()
    world.write(SHOP.replace("mossy stone", "mossy wet rock"))
    oak, moss = explained(world, "scene")
    assert oak.difference is not None
    assert not oak.difference
    assert changed(moss) == [("removed", "stone"), ("added", "wet rock")]
    assert origins(moss, world.folder) == [("wet rock", "`places.moss`, axis place=moss", "shop.yaml:4")]


def test_a_changed_partial_is_named_with_its_line(world: World) -> None:
    """A word in one place can change a thousand prompts."""
    world.run()
    world.write("{# the light #}\nSoft light from the right.", "prompts/light.j2")
    (base,) = explained(world, "base")
    assert changed(base) == [("removed", "left"), ("added", "right")]
    assert origins(base, world.folder) == [("right", "partial light.j2", "prompts/light.j2:2")]


def test_words_of_the_step_itself_are_found_by_the_words_around_them(world: World) -> None:
    """A word stands in several lines; in one of them the words beside it do too."""
    world.run()
    world.write(SHOP.replace("alone.", "gently lit.").replace("Put it on", "Put it gently on"))
    (_, moss) = explained(world, "scene")
    assert origins(moss, world.folder) == [("gently", "the recipe", "shop.yaml:15")]


def test_of_two_values_with_the_same_words_the_one_on_the_nodes_axis_is_named(world: World) -> None:
    """The other is another node's."""
    world.run()
    world.write(SHOP.replace("an oak table", "a wet oak table").replace("a mossy", "a wet mossy"))
    oak, moss = explained(world, "scene")
    assert [what for one in (oak, moss) for _, what, _ in origins(one, world.folder)] == [
        "`places.oak`, axis place=oak",
        "`places.moss`, axis place=moss",
    ]


def test_what_the_command_line_set_is_named_as_that(world: World) -> None:
    """No line of the recipe has those words."""
    world.run()
    (base,) = explained(world, "base", Options(sets=("product=a tin cup",)))
    assert origins(base, world.folder) == [("tin cup", "`product` (--set)", None)]


def test_what_an_expression_made_stands_nowhere_and_is_said_so(world: World) -> None:
    """A guess would be believed."""
    world.run()
    world.write(SHOP.replace("{{ product }}", "{{ product | upper }}"))
    (base,) = explained(world, "base")
    assert origins(base, world.folder) == [("A CERAMIC MUG", None, None)]


def test_a_changed_setting_says_where_it_is_set_now(world: World) -> None:
    """In the step, or in the defaults."""
    world.run()
    world.write(SHOP.replace("1:1", "4:3").replace("-pro}", "-pro, resolution: 2K}"))
    (base,) = explained(world, "base")
    assert base.difference is not None
    found = {one.name: (one.before, one.now, one.at.line if one.at else None) for one in base.difference.changes}
    assert found == {"aspect_ratio": ("1:1", "4:3", 11), "resolution": (None, "2K", 5)}


def test_another_picture_is_named_by_its_place_and_its_node(world: World) -> None:
    """A picked take changes what its readers ask, without a word of theirs."""
    world.write(SHOP.replace("1:1", "1:1\n    samples: 2"))
    world.run()
    world.pick("base", 2)
    (oak, _) = explained(world, "scene")
    assert (oak.line.state, oak.line.reason) == ("call", "changed")
    assert oak.difference is not None
    assert not oak.difference.prompt
    assert not oak.difference.changes
    (picture,) = oak.difference.pictures
    assert (picture.place, picture.name) == (1, "base")
    assert None not in (picture.before, picture.now)


def test_while_an_input_is_not_known_its_difference_is_not_claimed(world: World) -> None:
    """It may come out the same."""
    world.run()
    world.write(SHOP.replace("ceramic", "tin"))
    (oak, _) = explained(world, "scene")
    assert oak.waits_for == ("base",)
    assert oak.asked.images is None
    assert oak.difference is not None
    assert not oak.difference.pictures


def test_without_the_manifest_the_cache_knows_the_words_and_without_both_the_lock_its_part(world: World) -> None:
    """A fresh clone has neither, and says what it can."""
    world.run()
    world.write(SHOP.replace("ceramic", "tin").replace("-pro", "-2"))
    world.forget("out")
    (base,) = explained(world, "base")
    assert changed(base) == [("removed", "ceramic"), ("added", "tin")]
    world.forget("cache")
    (base,) = explained(world, "base")
    assert base.last is not None
    assert base.last.request is None
    assert base.difference is not None
    assert base.difference.prompt == ()
    assert [(one.name, one.before) for one in base.difference.changes] == [("model", "nano-banana-pro")]


def test_a_manifest_that_lies_is_not_believed(world: World) -> None:
    """A request is what its key says; other words have another key."""
    world.run()
    manifest = world.out / "manifest.json"
    manifest.write_text(manifest.read_text().replace("Photo of", "Painting of"))
    world.forget("cache")
    (base,) = explained(world, "base")
    assert base.last is not None
    assert base.last.request is None


def test_an_explanation_buys_nothing_and_has_a_shape(world: World) -> None:
    """Reasons are the plan's words."""
    world.run()
    before = world.attempts()
    world.write(SHOP.replace("ceramic", "tin"))
    value = explanation_json(explained(world, "base")[0])
    assert (value["state"], value["reason"], value["calls"]) == ("call", "changed", 1)
    assert value["difference"]["prompt"][2]["origins"][0] == {
        "words": "tin",
        "what": "`product`",
        "path": str(world.path("shop.yaml")),
        "line": 3,
        "others": 0,
    }
    assert world.attempts() == before
    with pytest.raises(UsageError):
        explained(world, "bsae")


def test_what_a_profile_never_asked_is_compared_with_what_was_asked_elsewhere_and_that_is_said(world: World) -> None:
    """With its own last request from then on, whichever was bought later."""
    world.write(SHOP + "profiles: {draft: {model: nano-banana}}\n")
    draft = Options(profile="draft")
    world.run()
    (base,) = explained(world, "base", draft)
    assert (base.line.reason, base.last and base.last.profile, base.asked.profile) == ("new", None, "draft")
    assert base.difference is not None
    assert [(one.name, one.before, one.now) for one in base.difference.changes] == [
        ("model", "nano-banana-pro", "nano-banana")
    ]
    assert "never asked under this profile; the last one under its name was asked without a profile:" in said_of(base)
    world.do(world.clock.sleep(60))
    world.run(options=draft)
    for options, profile in ((None, None), (draft, "draft")):
        (base,) = explained(world, "base", options)
        assert (base.last and base.last.profile, bool(base.difference)) == (profile, False)
        assert "never asked" not in said_of(base)


@pytest.mark.parametrize("provider", [None, "sandbox"])
def test_words_that_were_asked_under_another_profile_are_found(world: World, provider: str | None) -> None:
    """In the cache: the other profile's folder is not looked in, and the sandbox has no ledger that stays."""
    world.write(SHOP + "profiles: {draft: {model: nano-banana}}\n")
    world.run(options=Options(provider=provider))
    world.write(SHOP.replace("ceramic", "tin") + "profiles: {draft: {model: nano-banana}}\n")
    (base,) = explained(world, "base", Options(provider=provider, profile="draft"))
    assert changed(base) == [("removed", "ceramic"), ("added", "tin")]
    assert "only model and pictures" not in said_of(base)


def said_of(one: Explanation) -> str:
    return "\n".join(explained_lines(Paper(StringIO()), one))


WORDS = st.lists(st.sampled_from(["a", "fox", "red", "hill", ",", "\n", "  ", "ü"]), max_size=12).map(" ".join)


@pytest.fixture(scope="module")
def node_and_origins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Node, Origins]:
    path = tmp_path_factory.mktemp("law") / "recipe.yaml"
    path.write_text("steps: {one: {generate: a red fox}}")
    graph = load(path)
    return graph.nodes["one"], Origins(graph)


@given(before=WORDS | st.text(), now=WORDS | st.text())
def test_pieces_put_together_are_the_prompts(node_and_origins: tuple[Node, Origins], before: str, now: str) -> None:
    """Without what was removed: the new one; without what was added: the old one. Spaces are not compared."""
    node, where = node_and_origins
    asked = Asked(replace(node, prompt=now), "acedata", ())
    request = Request("acedata", "generate", node.model, before, (), {}, 1)
    pieces = compare(Last(request, "acedata", node.model, (), 0.0, 1, 0), asked, where, {}).prompt
    assert bool(pieces) == (before != now)
    if pieces:
        assert _joined(pieces, "added") == "".join(now.split())
        assert _joined(pieces, "removed") == "".join(before.split())
        assert any(piece.kind != "same" for piece in pieces)


@given(text=st.text())
def test_words_put_together_are_the_text(text: str) -> None:
    """Nothing is lost in between."""
    assert "".join(words_of(text)) == text


def _joined(pieces: tuple[Piece, ...], kind: str) -> str:
    return "".join("".join(piece.text for piece in pieces if piece.kind in ("same", kind)).split())


def test_pictures_are_compared_in_their_order(node_and_origins: tuple[Node, Origins]) -> None:
    """One more in the middle is one more, not all others anew."""
    node, where = node_and_origins
    digests = [Digest(name * 64) for name in "abc"]
    reader = replace(node, inputs=tuple(NodeInput(name) for name in "abc"))
    asked = Asked(reader, "acedata", tuple(digests))
    last = Last(None, "acedata", asked.node.model, (digests[0], digests[2]), 0.0, 1, 0)
    (picture,) = compare(last, asked, where, {}).pictures
    assert (picture.place, picture.name, picture.before, picture.now) == (2, "b", None, digests[1])


PART = """\
inputs: [photo]
vars: {tone: warm light}
defaults: {model: nano-banana-pro}
steps:
  wide: {images: photo, edit: "A banner in {{ tone }}"}
"""
USER = """\
version: 1
vars: {product: a ceramic mug, tone: a green dragon}
defaults: {model: nano-banana-pro}
steps:
  base: {generate: A cup}
  banner: {use: part.yaml, with: {photo: base}}
  poster: {images: base, edit: "A poster of {{ product }}, green"}
"""


def test_a_used_recipe_has_its_own_words_and_settings(world: World) -> None:
    """Variables and defaults of who uses it have the same names and words, and are not to blame."""
    world.write(USER)
    world.write(PART, "part.yaml")
    world.run()
    world.write(PART.replace("warm light", "green light").replace("nano-banana-pro", "nano-banana-2"), "part.yaml")
    (wide,) = explained(world, "banner/wide")
    assert origins(wide, world.folder) == [("green", "`tone`", "part.yaml:2")]
    assert wide.difference is not None
    assert [(one.name, one.at and (Path(one.at.path).name, one.at.line)) for one in wide.difference.changes] == [
        ("model", ("part.yaml", 3))
    ]


def test_what_with_gives_is_said_in_the_words_of_who_gives_it(world: World) -> None:
    """The variable's own value is not in force there."""
    world.write(USER.replace("{photo: base}", '{photo: base, tone: "{{ tone }}"}'))
    world.write(PART.replace("warm light", "a blue dragon"), "part.yaml")
    world.run()
    world.write(USER.replace("{photo: base}", '{photo: base, tone: "{{ tone }}"}').replace("green dr", "blue dr"))
    (wide,) = explained(world, "banner/wide")
    assert origins(wide, world.folder) == [("blue", "`tone`", "shop.yaml:2")]


def test_a_variable_that_a_step_does_not_say_is_not_named(world: World) -> None:
    """Its words stand in the prompt by themselves."""
    world.write(USER)
    world.write(PART, "part.yaml")
    world.run()
    world.write(USER.replace("A cup", "A mug"))
    (base,) = explained(world, "base")
    assert origins(base, world.folder) == [("mug", "the recipe", "shop.yaml:5")]


def test_a_ratio_that_is_no_longer_sent_is_set_nowhere(world: World) -> None:
    """The defaults have one, and not for edits."""
    world.write(USER.replace("edit: ", "aspect_ratio: '1:1', edit: "))
    world.write(PART, "part.yaml")
    world.run()
    world.write(USER.replace("model: nano-banana-pro", "model: nano-banana-pro, aspect_ratio: '16:9'"))
    (poster,) = explained(world, "poster")
    assert poster.difference is not None
    assert [(one.name, one.before, one.now, one.at) for one in poster.difference.changes] == [
        ("aspect_ratio", "1:1", None, None)
    ]


def test_a_picture_that_nobody_has_fetched_is_waited_for(world: World) -> None:
    """By its address, as other nodes by their names."""
    world.write(USER.replace("images: base", "images: [base, 'https://example.com/a.png']"))
    world.write(PART, "part.yaml")
    (poster,) = explained(world, "poster")
    assert poster.waits_for == ("base", "https://example.com/a.png")


def test_a_field_of_extra_is_set_at_a_line(world: World) -> None:
    """In the step, else in the defaults, that of a profile before both; what is gone is set nowhere."""
    text = """\
    version: 1
    extra: {seed: 1, style: raw, old: 1}
    profiles: {draft: {extra: {style: soft}}}
    steps:
      a:
        generate: A mug
        extra:
          seed: 3
    """
    world.write(text)
    world.run()
    world.write(text.replace("seed: 1", "seed: 9").replace("raw, old: 1", "fine").replace("seed: 3", "seed: 4"))

    def places(options: Options | None = None) -> dict[str, int | None]:
        (one,) = explained(world, "a", options)
        assert one.difference is not None
        return {change.name: change.at.line if change.at else None for change in one.difference.changes}

    assert places() == {"seed": 8, "style": 2, "old": None}
    assert places(Options(profile="draft")) == {"seed": 8, "style": 3, "old": None}
