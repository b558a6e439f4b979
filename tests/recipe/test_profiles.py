"""Profiles: what they win over, what wins over them, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from banana_pipe.errors import UsageError
from tests.recipe.conftest import Load
from tests.recipe.test_compose import open_at, said, write

TEXT = """
vars: {product: a mug, size: big}
defaults: {model: nano-banana-pro, resolution: 2K, aspect_ratio: 4:3}
extra: {seed: 1}
profiles:
  draft: {model: nano-banana, resolution: 1K, samples: 1}
  wide: {aspect_ratio: 16:9, extra: {seed: 2}, timeout: 30, provider: sandbox}
  pots: {vars: {product: a pot}, model: "nano-banana-{{ size }}"}
steps:
  hero: {generate: "{{ product }}, {{ size }}", model: nano-banana-2, samples: 4, pick: 3, extra: {style: fine, seed: 3}}
  side: {images: hero, edit: From the side, resolution: 4K}
  crop: {images: hero, edit: Closer, aspect_ratio: 1:1}
"""


def test_without_a_profile_nothing_of_them_is_there(graph: Load) -> None:
    """They are checked, and wait."""
    found = graph(TEXT)
    assert [(node.model, node.samples, node.timeout) for node in found] == [
        ("nano-banana-2", 4, 600.0),
        ("nano-banana-pro", 1, 600.0),
        ("nano-banana-pro", 1, 600.0),
    ]


def test_a_profile_wins_over_defaults_and_over_what_steps_say(graph: Load) -> None:
    """Model, resolution and takes are the draft's in every step; what it doesn't name stays."""
    found = graph(TEXT, profile="draft")
    assert {node.model for node in found} == {"nano-banana"}
    assert {node.params["resolution"] for node in found} == {"1K"}
    assert [(node.samples, node.pick) for node in found] == [(1, 3), (1, None), (1, None)]
    assert found.nodes["hero"].params == {"aspect_ratio": "4:3", "resolution": "1K", "seed": 3, "style": "fine"}


def test_a_profile_s_ratio_is_for_those_that_would_have_one(graph: Load) -> None:
    """An edit that sets none keeps its picture's; `extra` goes field by field; provider and timeout are the profile's."""
    found = graph(TEXT, profile="wide")
    assert [node.params.get("aspect_ratio") for node in found] == ["16:9", None, "16:9"]
    assert found.nodes["hero"].params["seed"] == 2
    assert found.nodes["hero"].params["style"] == "fine"
    assert {(node.provider, node.timeout) for node in found} == {("sandbox", 30.0)}
    assert {node.provider for node in graph(TEXT, profile="wide", provider="acedata")} == {"acedata"}


def test_a_profile_s_variables_win_over_the_recipe_s_and_lose_to_the_command_line(graph: Load, tmp_path: Path) -> None:
    """And its own texts are templates like those of steps."""
    file = tmp_path / "v.yaml"
    file.write_text("size: small\n")
    found = graph(TEXT, profile="pots")
    assert (found.nodes["hero"].prompt, found.nodes["hero"].model) == ("a pot, big", "nano-banana-big")
    found = graph(TEXT, profile="pots", vars_files=[file], sets=["product=a jug"])
    assert (found.nodes["hero"].prompt, found.nodes["hero"].model) == ("a jug, small", "nano-banana-small")


def test_a_profile_s_variables_may_make_an_axis_short(graph: Load) -> None:
    """A draft of two colours instead of three."""
    text = """
vars: {colors: [ivory, teal, red]}
profiles: {draft: {vars: {colors: [ivory]}}}
steps: {s: {matrix: {color: "{{ colors }}"}, generate: x}, t: {each: s, edit: "{{ color }}"}}
"""
    assert (len(graph(text)), len(graph(text, profile="draft"))) == (6, 2)


def test_profiles_are_inherited_by_name(tmp_path: Path) -> None:
    """The child's of the same name replaces the whole; a parent's may set the child's variables."""
    write(
        tmp_path,
        {
            "base.yaml": """
profiles: {draft: {model: one, samples: 2}, final: {resolution: 4K, vars: {v: loud}}}
steps: {s: {generate: "{{ v }}"}}
""",
            "recipe.yaml": "extends: base.yaml\nvars: {v: x}\nprofiles: {draft: {resolution: 1K}}",
        },
    )
    draft, final = (open_at(tmp_path, profile=name).nodes["s"] for name in ("draft", "final"))
    assert (draft.model, draft.samples, draft.params) == ("nano-banana", 1, {"resolution": "1K"})
    assert (final.prompt, final.params) == ("loud", {"resolution": "4K"})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("drft", "did you mean `draft`?"),
        ("x", "its profiles: draft, pots, wide"),
        ("", "its profiles: draft, pots, wide"),
    ],
)
def test_an_unknown_profile_is_told_with_the_nearest(name: str, hint: str, graph: Load) -> None:
    """It stands on the command line, not in the recipe."""
    with pytest.raises(UsageError) as raised:
        graph(TEXT, profile=name)
    assert raised.value.at is None
    assert f"--profile {name}: the recipe has no profile `{name}`" in str(raised.value)
    assert raised.value.hint is not None
    assert raised.value.hint.startswith(hint)
    with pytest.raises(UsageError, match="stand in its `profiles`"):
        graph("steps: {s: {generate: x}}", profile="draft")


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ("{draft: {modl: x}}", "1:20: unknown key `modl` in profile `draft`"),
        ("{draft: {token: x}}", "1:20: `token` never stands in a recipe"),
        ("{draft: {generate: x}}", "1:20: unknown key `generate` in profile `draft`"),
        ("{draft: {samples: 0}}", "1:29: `samples` is a whole number"),
        ("{draft: {vars: {v: red #ff0000\n}}}", "1:30: what stands behind ` #` is a comment"),
        ("{draft: {vars: {w: 1}}}", "1:27: the recipe has no variable `w`"),
        ("{draft: {vars: [v]}}", "1:26: `vars` is a mapping"),
        ("{draft: nano-banana}", "1:19: profile `draft` is a mapping"),
        ("{draft: }", "1:19: profile `draft` says nothing"),
        ("[draft]", "1:11: `profiles` is a mapping"),
        ("{sandbox: {samples: 1}}", "1:12: `sandbox` cannot name a profile: it is the name of a provider"),
        ("{../up: {samples: 1}}", '1:12: "../up" cannot name a profile'),
        ("{'a@b': {samples: 1}}", '1:12: "a@b" cannot name a profile'),
    ],
)
def test_what_cannot_be_a_profile_is_explained(profiles: str, expected: str, tmp_path: Path) -> None:
    """Asked for or not: at its place, and once."""
    write(tmp_path, {"recipe.yaml": f"profiles: {profiles}\nvars: {{v: 1}}\nsteps: {{s: {{generate: x}}}}"})
    found = said(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"recipe.yaml:{expected}")
