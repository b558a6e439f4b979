"""A recipe as a step of another: `use`, `with` and `inputs`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.errors import RecipeErrors
from banana_pipe.model import Graph, Node, NodeInput
from banana_pipe.recipe import load
from banana_pipe.recipe.select import select
from tests.recipe.conftest import Load


def reads(node: Node) -> list[str]:
    return [one.node if isinstance(one, NodeInput) else one.label for one in node.inputs]


BANNER = """
inputs: [photo]
vars: {words: Sale, sizes: [s, m]}
defaults: {model: nano-banana-pro}
profiles: {draft: {model: nano-banana}}
steps:
  wide: {images: photo, edit: A banner of it}
  text: {each: wide, matrix: {size: "{{ sizes }}"}, edit: "{{ words }} in {{ size }}"}
  proof: {images: ["text[*]", photo], edit: P, output: "proofs/{{ words }}"}
"""


@pytest.fixture
def banner(tmp_path: Path) -> None:
    (tmp_path / "banner.yaml").write_text(BANNER)


@pytest.mark.usefixtures("banner")
def test_a_used_recipe_has_its_steps_under_its_name(graph: Load) -> None:
    """They are read and named like others; its defaults are its own, its folder is the step's."""
    found = graph(
        """
vars: {words: not this}
defaults: {resolution: 2K}
steps:
  photo: {generate: A mug}
  banner: {use: banner.yaml, with: {photo: photo@2, words: New}}
  poster: {images: "banner/text[size=s]", edit: A poster}
"""
    )
    assert {node.id: (node.prompt, reads(node)) for node in found} == {
        "photo": ("A mug", []),
        "banner/wide": ("A banner of it", ["photo"]),
        "banner/text[size=s]": ("New in s", ["banner/wide"]),
        "banner/text[size=m]": ("New in m", ["banner/wide"]),
        "banner/proof": ("P", ["banner/text[size=s]", "banner/text[size=m]", "photo"]),
        "poster": ("A poster", ["banner/text[size=s]"]),
    }
    assert [one.sample for one in found.nodes["banner/wide"].inputs if isinstance(one, NodeInput)] == [2]
    assert [found.nodes[name].output for name in ("banner/wide", "banner/text[size=s]", "banner/proof")] == [
        *("banner/wide", "banner/text/s", "banner/proofs/New")
    ]
    assert (found.nodes["banner/wide"].model, dict(found.nodes["banner/wide"].params)) == ("nano-banana-pro", {})
    assert [node.id for node, _ in select(found, "banner/text")] == ["banner/text[size=s]", "banner/text[size=m]"]
    assert all([node.id for node, _ in select(found, name)] == [name] for name in found.nodes)


@pytest.mark.usefixtures("banner")
def test_each_instance_of_who_uses_it_has_one_of_its_own(graph: Load) -> None:
    """The user's axes come first in inner names; `[*]` inside is all of its own, not of the neighbours'."""
    found = graph(
        """
steps:
  mug: {matrix: {color: [teal, red]}, generate: "{{ color }}"}
  banner: {each: mug, matrix: {lang: {en: Sale, de: Preis}}, when: not (color == 'red' and lang == 'Preis'), use: banner.yaml, with: {photo: mug, words: "{{ lang }}"}}
  sheet: {each: mug, images: banner/text, edit: S}
  after: {each: banner/wide, edit: A}
"""
    )
    one = "color=teal,lang=de"
    assert found.nodes[f"banner/text[{one},size=s]"].prompt == "Preis in s"
    assert reads(found.nodes[f"banner/proof[{one}]"]) == [
        *(f"banner/text[{one},size=s]", f"banner/text[{one},size=m]", "mug[color=teal]")
    ]
    assert found.nodes[f"banner/proof[{one}]"].output == "banner/teal/de/proofs/Preis"
    assert found.nodes[f"banner/text[{one},size=s]"].output == "banner/text/teal/de/s"
    assert len(reads(found.nodes["sheet[color=teal]"])) == 4
    assert len(reads(found.nodes["sheet[color=red]"])) == 2
    assert {one.id for one in found.skipped} == {
        *("banner/wide[color=red,lang=de]", "banner/proof[color=red,lang=de]", "after[color=red,lang=de]"),
        *("banner/text[color=red,lang=de,size=s]", "banner/text[color=red,lang=de,size=m]"),
    }


def test_recipes_use_recipes_that_use_recipes(graph: Load, tmp_path: Path) -> None:
    """Paths are relative to the file that they stand in, prompts too; inputs go all the way down."""
    (tmp_path / "kit" / "deep" / "prompts").mkdir(parents=True)
    (tmp_path / "kit" / "deep" / "prompts" / "mark.j2").write_text("deep mark")
    (tmp_path / "kit" / "deep" / "ink.png").write_bytes(b"")
    (tmp_path / "kit" / "outer.yaml").write_text(
        "inputs: [pic]\nsteps: {frame: {images: pic, edit: F}, in: {use: deep/inner.yaml, with: {a: frame, b: [pic, frame]}}}"
    )
    (tmp_path / "kit" / "deep" / "inner.yaml").write_text(
        "inputs: [a, b]\nsteps: {m: {images: [a, b, ink.png], edit: '{% include \"mark.j2\" %}'}, c: {chain: {n: [1, 2]}, start: m, edit: '{{ n }}'}}"
    )
    found = graph(
        "steps: {hero: {matrix: {x: [1, 2]}, generate: '{{ x }}'}, one: {each: hero, use: kit/outer.yaml, with: {pic: hero}}, e: {images: 'one/in/c[last]', edit: E}}"
    )
    node = found.nodes["one/in/m[x=2]"]
    assert (node.prompt, reads(node)) == (
        "deep mark",
        ["one/frame[x=2]", "hero[x=2]", "one/frame[x=2]", "ink.png"],
    )
    assert node.output == "one/in/m/2"
    assert reads(found.nodes["e"]) == ["one/in/c[x=1,n=2]", "one/in/c[x=2,n=2]"]
    assert {source.path.name for source in found.sources} == {"recipe.yaml", "outer.yaml", "inner.yaml", "mark.j2"}


@pytest.mark.usefixtures("banner")
def test_out_of_a_used_recipe_come_its_axes_and_none_of_its_variables(graph: Load) -> None:
    """Who is `each` of an inner step has its own variables, and the values of the axes of both."""
    found = graph(
        """
vars: {words: mine}
steps:
  mug: {matrix: {color: {t: teal}}, generate: "{{ color }}"}
  banner: {each: mug, use: banner.yaml, with: {photo: mug, words: inner}}
  thumb: {each: banner/text, edit: "{{ words }} {{ color }} {{ size }} {{ names.color }}"}
"""
    )
    assert found.nodes["thumb[color=t,size=s]"].prompt == "mine teal s t"
    assert found.nodes["banner/text[color=t,size=s]"].prompt == "inner in s"
    with pytest.raises(RecipeErrors, match="`sizes` is not defined"):
        graph(
            "steps: {m: {generate: M}, b: {use: banner.yaml, with: {photo: m}}, t: {each: b/text, edit: '{{ sizes }}'}}"
        )


def test_what_is_given_may_be_dropped(graph: Load, tmp_path: Path) -> None:
    """An input of which nothing exists leaves nothing to read, inside as outside."""
    (tmp_path / "b.yaml").write_text("inputs: [p]\nsteps: {x: {images: p, edit: X}, y: {generate: Y}}")
    found = graph("steps: {a: {when: false, generate: A}, b: {use: b.yaml, with: {p: a}}}")
    assert [*found.nodes] == ["b/y"]
    assert [(one.id, one.reason) for one in found.skipped] == [("a", "when"), ("b/x", "empty")]


def test_an_input_that_is_a_transform_has_no_other_takes(graph: Load, tmp_path: Path) -> None:
    """That is said where the take is asked for; nothing is bought for it."""
    (tmp_path / "b.yaml").write_text("inputs: [p]\nsteps: {x: {images: p@2, edit: X}}")
    with pytest.raises(RecipeErrors, match="`t` is a transform and has one picture: there is no take 2") as raised:
        graph("steps: {a: {generate: A}, t: {images: a, transform: [trim]}, b: {use: b.yaml, with: {p: [a, t]}}}")
    at = raised.value.errors[0].at
    assert at is not None
    assert (Path(at.path).name, at.line, at.column) == ("b.yaml", 2, 21)


def test_a_recipe_with_inputs_is_not_run_by_itself(graph: Load) -> None:
    """It says who fills them."""
    with pytest.raises(RecipeErrors) as raised:
        graph("inputs: [photo]\nsteps: {a: {images: photo, edit: A}}")
    assert "who uses this recipe" in raised.value.errors[0].message


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 4), st.booleans(), st.booleans())
def test_a_split_into_use_keeps_what_is_asked(tmp_path: Path, cut: int, chain: bool, drop: bool) -> None:
    """The law: steps may move into a used recipe; requests and who reads whom stay as they were."""
    when = "when: n != 'b', " if drop else ""
    fan = "chain: {m: [p, q]}, start: s0" if chain else "matrix: {m: [p, q]}, images: s0"
    steps = [
        f"s0: {{matrix: {{n: [a, b]}}, {when}generate: 'A {{{{ n }}}}', samples: 2}}",
        f"s1: {{each: s0, {fan}, edit: 'B {{{{ m }}}}'}}",
        "s2: {each: s1, images: [s1, s0@2], edit: 'C {{ n }}'}",
        "s3: {images: 's2[*]', edit: D}",
    ]

    def told(graph: Graph, prefix: str) -> list[tuple[object, ...]]:
        return [
            (node.id.replace(prefix, ""), node.prompt, node.action, [one.replace(prefix, "") for one in reads(node)])
            for node in graph
        ]

    def written(name: str, lines: list[str]) -> Path:
        (tmp_path / name).write_text("steps:\n" + "".join(f"  {line}\n" for line in lines))
        return tmp_path / name

    whole = load(written("whole.yaml", steps))
    written("part.yaml", steps[:cut] or ["t: {generate: T}"])
    rest = steps[cut:]
    for number in range(cut):
        rest = [line.replace(f"s{number}", f"u/s{number}") for line in rest]
    split = load(written("split.yaml", ["u: {use: part.yaml}", *rest]))
    assert [one for one in told(split, "u/") if one[0] != "t"] == told(whole, "u/")


def test_a_used_recipe_knows_no_values_of_its_users_axes(graph: Load, tmp_path: Path) -> None:
    """Its own variable of that name is what it says, also for each of what a recipe makes that it uses itself."""
    (tmp_path / "outer.yaml").write_text(
        "vars: {color: mine}\n"
        "steps: {in: {use: inner.yaml}, a: {each: in/x, generate: '{{ color }} {{ n }} {{ names.color }}'}}"
    )
    (tmp_path / "inner.yaml").write_text(
        "vars: {color: deep}\nsteps: {x: {matrix: {n: [1]}, generate: '{{ color }} {{ n }}'}}"
    )
    found = graph(
        "steps: {u: {matrix: {color: {t: teal}}, use: outer.yaml}, b: {each: u/in/x, generate: '{{ color }} {{ n }}'}}"
    )
    assert found.nodes["u/in/x[color=t,n=1]"].prompt == "deep 1"
    assert found.nodes["u/a[color=t,n=1]"].prompt == "mine 1 t"
    assert found.nodes["b[color=t,n=1]"].prompt == "teal 1"
