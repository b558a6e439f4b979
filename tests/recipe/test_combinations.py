"""Every key that makes many of one, with every other: 64 recipes, and what each has to have is worked out here.

Unaware of how steps are expanded: names, readers and takes are counted by nested loops over what the recipe says.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from banana_pipe.model import NodeInput
from banana_pipe.recipe import load

KEYS = ("each", "matrix", "chain", "when", "samples", "use")
AXES = {
    "each": ("who", ["fox", "owl"]),
    "matrix": ("place", ["hill", "sea"]),
    "chain": ("beat", ["one", "two", "three"]),
}
CARDS = ("card", ["a", "b"])
COMBINATIONS = [
    frozenset(key for key, there in zip(KEYS, row, strict=True) if there) for row in product([0, 1], repeat=6)
]


def shown(keys: frozenset[str]) -> str:
    return "+".join(key for key in KEYS if key in keys) or "none"


def dropped(keys: frozenset[str]) -> tuple[str, str] | None:
    """The axis, of the step's own the innermost, and its name that `when` leaves out."""
    own = [AXES[key] for key in ("each", "matrix", "chain") if key in keys]
    return (own[-1][0], own[-1][1][1]) if "when" in keys and own else None


def recipe_of(keys: frozenset[str]) -> str:
    """The steps `hero` and `x`; `x` has all of *keys* but `use`."""
    lines = ["version: 1", "steps:", "  hero: {matrix: {who: [fox, owl]}, generate: 'A {{ who }}'}", "  x:"]
    says = "".join(f" {{{{ names.{AXES[key][0]} }}}}" for key in ("each", "matrix", "chain") if key in keys)
    lines.append(f"    {'edit' if keys & {'each', 'chain'} else 'generate'}: Picture{says}")
    gone = dropped(keys)
    written = {
        "each": "each: hero",
        "matrix": "matrix: {place: [hill, sea]}",
        "chain": "chain: {beat: [one, two, three]}",
        "samples": "samples: 3\n    pick: 2",
        "when": f"when: names.{gone[0]} != '{gone[1]}'" if gone else "when: false",
    }
    return "\n".join([*lines, *(f"    {written[key]}" for key in KEYS if key in keys and key != "use")]) + "\n"


def expected(keys: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """Each instance of `x` by name, with what it reads."""
    axes = [CARDS] if "use" in keys else []
    axes += [AXES[key] for key in ("each", "matrix", "chain") if key in keys]
    gone, before = dropped(keys), "card/" if "use" in keys else ""
    if "when" in keys and gone is None:
        return
    links: dict[tuple[str, ...], str] = {}
    for names in product(*(values for _, values in axes)):
        pairs = list(zip([axis for axis, _ in axes], names, strict=True))
        if gone in pairs:
            continue
        name = f"{before}x" + (f"[{','.join(f'{axis}={value}' for axis, value in pairs)}]" if pairs else "")
        parents = [f"{axis}={value}" for axis, value in pairs if axis in ("card", "who")]
        reads = [f"{before}hero[{','.join(parents)}]"] if "each" in keys else []
        fold = names[:-1]
        if "chain" in keys and fold in links:
            reads = [links[fold]]
        links[fold] = name
        yield name, reads


@pytest.mark.parametrize("keys", COMBINATIONS, ids=shown)
def test_every_key_goes_with_every_other(keys: frozenset[str], tmp_path: Path) -> None:
    """Names, who reads whom, takes, what is left out; in a used recipe all of it once for each of its user's instances."""
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_of(keys))
    if "use" in keys:
        path.rename(tmp_path / "part.yaml")
        path.write_text("version: 1\nsteps: {card: {matrix: {card: [a, b]}, use: part.yaml}}\n")
    graph = load(path)
    made = [node for node in graph if node.step.endswith("x")]
    found = {node.id: [one.node for one in node.inputs if isinstance(one, NodeInput)] for node in made}
    assert found == dict(expected(keys))
    takes = (3, 2) if "samples" in keys else (1, None)
    assert all((node.samples, node.pick) == takes for node in made)
    assert all(len(node.inputs) == len(found[node.id]) for node in made)
    whole = len(dict(expected(keys - {"when"})))
    assert len([one for one in graph.skipped if one.step.endswith("x")]) == whole - len(made)
