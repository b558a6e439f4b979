"""Any text gives a graph or located errors, and nothing else."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from banana_pipe.errors import RecipeError, RecipeErrors
from banana_pipe.recipe import load
from banana_pipe.recipe.complaints import SaidElsewhere

BROKEN = Path(__file__).parent / "broken"
WORDS = sorted({word for path in BROKEN.glob("*.yaml") for word in path.read_bytes().split(b" ")})
PIECES = [
    b"\n",
    b"  ",
    b": ",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{{ ",
    b" }}",
    b"{% ",
    b" %}",
    b"#",
    b"'",
    b'"',
    b"|\n",
    b"&a",
    b"*a",
]
KEYS = [
    b"steps:\n",
    b"  s:\n",
    b"    generate: ",
    b"    edit: ",
    b"    images: ",
    b"    matrix: ",
    b"    each: ",
    b"    output: ",
]

recipes = st.lists(st.sampled_from(WORDS + PIECES * 4 + KEYS * 4), max_size=40).map(b" ".join) | st.binary(max_size=60)
prompts = st.lists(
    st.sampled_from([b"{{", b"}}", b"{%", b"%}", b"x", b"|", b"~", b"(", b")", b"for", b"in", b"if"]), max_size=12
)


def mistakes(tmp_path: Path, data: bytes) -> tuple[RecipeError, ...]:
    path = tmp_path / "r.yaml"
    path.write_bytes(data)
    try:
        load(path)
    except RecipeErrors as raised:
        return raised.errors or (RecipeError("an error without a mistake"),)
    return ()


def check(tmp_path: Path, data: bytes) -> None:
    lines = sum(data.count(end) for end in (b"\n", b"\r", b"\xc2\x85", b"\xe2\x80")) + 1
    for error in mistakes(tmp_path, data):
        assert error.at is not None
        assert not isinstance(error, SaidElsewhere)
        assert 1 <= error.at.line <= lines
        assert 1 <= error.at.column <= len(error.at.source) + 1 or not error.at.source


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(recipes)
@example(b"2024-13-45")
@example(b'"\\UB2B2B2B2"')
@example(b"[" * 2000)
@example(b"9" * 5000)
@example(b"steps: {s: {generate: A, matrix: {x: &a [*a]}}}")
@example(b"steps: {s: {generate: A, extra: null, matrix: {x: null}, images: null, output: null, each: null}}")
@example(b"steps: {s: {generate: A, extra: {}, output: true, each: []}, t: null}")
@example(
    b"vars:\n  v: #0\nsteps: {s: {generate: '{{ v }}', transform: [{resize: {width: '{{ v }}'}}], matrix: {a: ['{{ v }}']}}}"
)
@example(
    b"vars:\n  v: #0\nsteps: {s: {images: x.png, transform: [{resize: {width: '{{ v }}'}}], when: v, expect: {alpha: '{{ v }}'}}}"
)
@example(b"\xef\xbb\xbf")
@example(b"a\r\rb: \xc2\x85 - c")
@example(b"vars: null\ndefaults: null\nextra: null\nsteps: null\nname: null\nversion: null\ntimeout: null")
def test_any_text_gives_a_graph_or_located_errors(tmp_path: Path, data: bytes) -> None:
    """No exception of YAML's, Jinja's or ours escapes, whatever the bytes."""
    check(tmp_path, data)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    prompts,
    st.sampled_from([b"generate: |", b"generate: >", b"generate: A\n    output: |", b"generate: A\n    images: |"]),
)
def test_any_template_gives_a_text_or_a_located_error(tmp_path: Path, words: list[bytes], key: bytes) -> None:
    """Half-written templates in every place where a template may stand."""
    check(tmp_path, b"vars: {x: [a]}\nsteps:\n  s:\n    " + key + b"\n      " + b" ".join(words) + b"\n")
