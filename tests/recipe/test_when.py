"""What `when` drops does not exist: lists are shorter, chains pass over it, and what is left with nothing goes too."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banana_pipe.errors import RecipeErrors, UsageError
from banana_pipe.model import Graph, Node, NodeInput
from banana_pipe.recipe import load
from banana_pipe.recipe.select import select
from tests.recipe.conftest import Load


def reads(node: Node) -> list[str]:
    return [one.node if isinstance(one, NodeInput) else one.label for one in node.inputs]


def dropped(graph: Graph) -> dict[str, str]:
    return {one.id: one.reason for one in graph.skipped}


SCENES = """
vars: {colors: {ivory: ivory white, teal: deep teal}}
steps:
  base: {generate: A mug}
  glaze: {matrix: {color: "{{ colors }}"}, images: base, edit: "{{ color }}"}
  scene:
    each: glaze
    matrix: {setting: {oak: an oak table, marble: a marble counter}}
    when: not (names.color == 'ivory' and names.setting == 'marble')
    edit: On {{ setting }}
  sheet: {each: glaze, images: scene, edit: S}
  thumb: {each: scene, edit: T}
  all: {images: ["scene[setting=marble]", base], edit: A}
  only: {images: "scene[color=ivory,setting=marble]", edit: O}
  after: {images: only, generate: N}
"""


def test_a_false_when_drops_the_instance_and_what_hangs_on_it_alone(graph: Load) -> None:
    """Lists have one picture fewer; `each` of it, and who reads nothing else, go too, however far down."""
    found = graph(SCENES)
    assert dropped(found) == {
        "scene[color=ivory,setting=marble]": "when",
        "thumb[color=ivory,setting=marble]": "empty",
        "only": "empty",
        "after": "empty",
    }
    assert reads(found.nodes["sheet[color=ivory]"]) == ["scene[color=ivory,setting=oak]"]
    assert len(reads(found.nodes["sheet[color=teal]"])) == 2
    assert reads(found.nodes["all"]) == ["scene[color=teal,setting=marble]", "base"]
    assert (
        next(one.detail for one in found.skipped if one.id == "after")
        == "it would read `only`: no such picture is made"
    )


def test_what_is_there_for_each_of_a_dropped_one_goes_whatever_it_reads(graph: Load) -> None:
    """`each` is once per instance, and there is none; also where it fell only because nothing was left to read."""
    found = graph(
        """
steps:
  a: {matrix: {n: [1, 2]}, when: n == 1, generate: A}
  b: {matrix: {n: [1, 2]}, images: a, edit: B}
  logo: {generate: L}
  c: {each: b, images: logo, edit: "C {{ n }}"}
  d: {each: c, matrix: {m: [x, y]}, images: [], generate: "D {{ m }}"}
"""
    )
    assert dropped(found) == {
        "a[n=2]": "when",
        "b[n=2]": "empty",
        "c[n=2]": "empty",
        "d[n=2,m=x]": "empty",
        "d[n=2,m=y]": "empty",
    }


@pytest.mark.parametrize(
    ("when", "there"),
    [
        ("n == 2", ["2"]),
        ("'{{ n == 2 }}'", ["2"]),
        ("n in wanted", ["1", "3"]),
        ("names.n == '3' and on", ["3"]),
        ("on", ["1", "2", "3"]),
        ("true", ["1", "2", "3"]),
        ("false", []),
        ("empty", []),
        ("nothing", []),
        ("'{{ n > 1 and not (n == 3) }}'", ["2"]),
        ("'# ' ~ n == '# 1'", ["1"]),
        ("|\n      n == 1\n      or n == 3", ["1", "3"]),
    ],
)
def test_conditions_are_expressions_with_or_without_braces(when: str, there: list[str], graph: Load) -> None:
    """Over variables and axes; what is empty, zero or null is false."""
    when = f'"{when}"' if when.startswith("'#") else when
    found = graph(
        f"""
vars: {{wanted: [1, 3], on: true, empty: "", nothing: null}}
steps:
  s:
    matrix: {{n: [1, 2, 3]}}
    when: {when}
    generate: G {{{{ n }}}}
"""
    )
    assert [dict(node.axes)["n"] for node in found] == there
    assert len(found.skipped) == 3 - len(there)


def test_a_dropped_link_is_passed_over(graph: Load) -> None:
    """`previous` is the last link that is there, `[last]` too; `index` still counts what is written."""
    found = graph(
        """
vars: {out: [1, 3, 4, 6]}
steps:
  base: {generate: B}
  s: {chain: {n: [1, 2, 3, 4, 5, 6]}, start: base, when: n not in out, edit: "{{ index }}"}
  end: {images: "s[last]", edit: E}
"""
    )
    assert reads(found.nodes["s[n=2]"]) == ["base"]
    assert reads(found.nodes["s[n=5]"]) == ["s[n=2]"]
    assert found.nodes["s[n=5]"].prompt == "5"
    assert reads(found.nodes["end"]) == ["s[n=5]"]


def test_a_link_that_has_nothing_left_is_passed_over_too(graph: Load) -> None:
    """A link that reads only what is dropped does not exist; the next one reads what it would have read."""
    found = graph(
        """
steps:
  base: {generate: B}
  ref: {matrix: {n: [1, 2, 3]}, when: n != 2, generate: "{{ n }}"}
  s: {chain: {n: [1, 2, 3]}, start: base, images: "{{ ['ref'] if n == 2 else ['previous', 'ref'] }}", edit: "{{ n }}"}
"""
    )
    assert dropped(found) == {"ref[n=2]": "when", "s[n=2]": "empty"}
    assert reads(found.nodes["s[n=3]"]) == ["s[n=1]", "ref[n=3]"]


def test_without_its_start_a_fold_is_not_there_and_without_any_link_it_has_no_end(graph: Load) -> None:
    """Nothing is left to read for the first link, hence for any; a fold that needs no start begins anew."""
    found = graph(
        """
steps:
  base: {when: false, generate: B}
  s: {chain: {n: [1, 2]}, start: base, edit: "{{ n }}"}
  end: {images: "s[last]", edit: E}
  free: {chain: {n: [1, 2, 3]}, when: n > 1, edit: "{{ n }}"}
"""
    )
    assert dropped(found) == {
        "base": "when",
        "s[n=1]": "empty",
        "s[n=2]": "empty",
        "end": "empty",
        "free[n=1]": "when",
    }
    assert (found.nodes["free[n=2]"].action, reads(found.nodes["free[n=3]"])) == ("generate", ["free[n=2]"])


def test_axes_of_what_is_dropped_need_no_values(graph: Load) -> None:
    """A row without poses is dropped, and nobody asks for the poses of its pictures."""
    found = graph(
        """
vars: {rows: [{id: a, poses: [run]}, {id: b, poses: []}]}
steps:
  hero: {matrix: {row: "{{ rows }}"}, when: row.poses, generate: "{{ row.id }}"}
  pose: {each: hero, matrix: {pose: "{{ row.poses }}"}, edit: "{{ pose }}"}
"""
    )
    assert [*found.nodes] == ["hero[row=a]", "pose[row=a,pose=run]"]
    assert dropped(found) == {"hero[row=b]": "when"}


def test_two_steps_of_which_one_is_there_may_share_a_place(graph: Load) -> None:
    """Who does not exist lands nowhere, also where it only had nothing left to read."""
    found = graph(
        """
vars: {night: true}
steps:
  day: {when: not night, generate: D, output: sky}
  dark: {when: night, generate: N, output: sky}
  small: {images: day, edit: S, output: small}
  little: {images: dark, edit: S, output: small}
"""
    )
    assert {node.id: node.output for node in found} == {"dark": "sky", "little": "small"}


def test_variables_from_outside_decide(graph: Load) -> None:
    """`--set night=false` is what it says: the recipe's value has a type."""
    text = "vars: {night: true}\nsteps: {a: {when: night, generate: A}, b: {when: not night, generate: B}}"
    assert [*graph(text).nodes] == ["a"]
    assert [*graph(text, sets=["night=false"]).nodes] == ["b"]


def test_whoever_is_dropped_is_not_rendered_but_must_be_a_template(graph: Load) -> None:
    """A prompt may use what only the wanted rows have; a brace left open is a mistake all the same."""
    rows = 'vars: {rows: [{id: a, look: red}, {id: b}]}\nsteps: {s: {matrix: {r: "{{ rows }}"}, when: r.look is defined'
    assert [*graph(rows + ', generate: "{{ r.look }}"}}').nodes] == ["s[r=a]"]
    with pytest.raises(RecipeErrors):
        graph("steps: {s: {when: false, generate: '{{ oops'}}")


def test_commands_say_that_a_node_was_left_out(graph: Load) -> None:
    """A name that the recipe knows is not simply unknown."""
    found = graph(SCENES)
    with pytest.raises(UsageError) as raised:
        select(found, "only")
    assert raised.value.hint is not None
    assert "`when`" in raised.value.hint


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7), min_size=1))
def test_what_when_drops_is_what_a_shorter_list_has_not(tmp_path: Path, gone: set[int], chosen: set[int]) -> None:
    """The law: with `when: n not in gone` the same nodes exist, with the same requests, as with a list without them."""
    kept = sorted(set(range(8)) - gone)
    if not kept:
        return

    def load_with(values: list[int], condition: str) -> Graph:
        path = tmp_path / "r.yaml"
        path.write_text(
            f"""
vars: {{gone: {sorted(gone)}, chosen: {sorted(chosen)}}}
steps:
  base: {{generate: B}}
  a: {{matrix: {{n: {values}}}, {condition} generate: "{{{{ n }}}}"}}
  b: {{each: a, matrix: {{m: [x, y]}}, edit: "{{{{ m }}}}", samples: 2}}
  s: {{chain: {{n: {values}}}, start: base, images: [previous, a], {condition} edit: "{{{{ n }}}}"}}
  end: {{images: ["s[last]", "b[*]", base], edit: E}}
  each: {{each: s, images: [s, b], edit: E}}
"""
        )
        return load(path)

    def told(graph: Graph) -> dict[str, tuple[object, ...]]:
        return {node.id: (node.prompt, node.output, node.action, reads(node)) for node in graph}

    assert told(load_with([*range(8)], "when: n not in gone,")) == told(load_with(kept, ""))


@pytest.mark.parametrize("condition", ["true", "false"])
def test_what_decides_about_itself_is_a_circle_whatever_is_dropped(graph: Load, condition: str) -> None:
    """`b` is there for each `a`, and `a` reads it: a condition elsewhere does not make that right or wrong."""
    text = f"""
steps:
  c: {{generate: c}}
  a: {{matrix: {{k: [x, z]}}, images: b, edit: a}}
  b: {{each: a, images: c, edit: b}}
  other: {{generate: o, when: {condition}}}
"""
    with pytest.raises(RecipeErrors) as raised:
        graph(text)
    assert "in a circle: a[k=x] -> b[k=x] -> a[k=x]" in raised.value.errors[0].message
