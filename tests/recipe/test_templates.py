"""Rendering: strict, sandboxed, bounded, and told at its line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from banana_pipe.errors import Location, RecipeError, RecipeErrors
from banana_pipe.model import Text
from banana_pipe.recipe import load
from banana_pipe.recipe.templates import Templates

AT = Location("r.yaml", 1, 1)


def make(folder: Path) -> Templates:
    return Templates(folder, "", {})


def render(text: str, folder: Path = Path("."), **scope: Any) -> str:
    return make(folder).render(Text(text, AT), scope)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("  \n a \n ", "a"),
        ("{{ yes }} {{ no }} {{ n }}", "true false 7"),
        ("{{ row.items }} {{ row.title }}", "three Tea"),
        ("{{ row.title | tojson }}", '"Tea"'),
        ("{{ 'it\\'s <b>' | tojson }}", '"it\'s <b>"'),
        ("{{ words | join(', ') }}", "a, b"),
        ("{% for w in words %}{{ loop.index }}{{ w }}{% endfor %}", "1a2b"),
        ("{{ missing | default('x') }}{% if missing is defined %}y{% endif %}", "x"),
        ("{{ 'a' ~ n ~ yes }}", "a7true"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('a') }}", "<a>"),
        ("100% of {that}", "100% of {that}"),
        ("{{ '%05d' | format(n) }} {{ '%s!' % n }}", "00007 7!"),
    ],
)
def test_texts_are_rendered_as_authors_expect(text: str, rendered: str) -> None:
    """Columns win over methods, `true` is `true`, line ends are LF, outer white space is gone."""
    scope: dict[str, Any] = {
        "yes": True,
        "no": False,
        "n": 7,
        "row": {"items": "three", "title": "Tea"},
        "words": ["a", "b"],
    }
    assert render(text, **scope) == rendered


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{{ n | abs }} {{ n | string }} {{ n | round | int }}", "5000000 5000000 5000000"),
        ("{{ missing | default(n) }}", "5000000"),
        ("{{ 'even' if n is divisibleby(2) }}", "even"),
        ("{{ rows | selectattr('price', 'gt', 2000) | list | length }}", "1"),
    ],
)
def test_a_large_number_is_no_long_text(text: str, rendered: str) -> None:
    """Only what a number would count to is measured: a width, a count; not what is piped in or compared."""
    assert render(text, n=5_000_000, rows=[{"price": 3000}, {"price": 12}]) == rendered


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("{{ (rows | selectattr('id', 'equalto', id) | first).text }}", 12),
        ("{{ rows | selectattr('id', 'in', [id, 'r7']) | map(attribute='text') | list | length }}", 18),
        ("{% for row in rows %}{% if row.id == id %}{{ row.text }}{% endif %}{% endfor %}", 8),
    ],
)
def test_a_row_of_a_joined_table_costs_few_calls(text: str, most: int, tmp_path: Path) -> None:
    """Where hundreds of nodes each look for a row among thousands, little is asked of every row."""
    rows = [{"id": f"r{n}", "text": "words of it", "color": "teal", "size": n} for n in range(1000)]
    templates = make(tmp_path)
    wanted = Text(text, AT)
    templates.render(wanted, {"rows": rows, "id": "r1"})
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        templates.render(wanted, {"rows": rows, "id": "r999"})
    finally:
        sys.setprofile(None)
    assert calls / len(rows) < most


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10**9 }}",
        "{{ [1] * 10**9 }}",
        "{{ 10 ** 10000000 }}",
        "{{ 'a'.center(10**9) }}",
        "{{ 'a' | center(10**9) }}",
        "{{ 'a\n' | indent(10**9) }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' | format(999999999, 1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ ('a' * 30000).replace('a', 'b' * 30000) }}",
        "{{ 'a' * 30000 | replace('a', 'b' * 30000) }}",
        "{% set x = 'a' * 1000 %}" + "{% set x = x ~ x %}" * 60 + "{{ x | length }}",
        "{% set x = 'a' * 1000 %}" + "{% set x = x + x %}" * 60 + "{{ x | length }}",
        "{% set x %}{{ 'a' * 1000 }}{% endset %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60,
        "{% for a in 'a' * 9999 %}{% for a in 'a' * 9999 %}{% for a in 'a' * 9999 %}{% endfor %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{{ m(n - 1) }}{{ m(n - 1) }}{% endmacro %}{{ m(40) }}",
        "{% for a in 'a' * 9999 %}" + "long " * 2000 + "{% endfor %}",
        "{{ range(10) }}",
        "{{ lipsum() }}",
        "{{ namespace() }}",
        "{{ cycler('a') }}",
        "{{ [1, 2] | random }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ 'x'.upper }}",
        "{{ words }}",
        "{{ words | map('upper') }}",
        "{{ row }}",
        "{{ nothing }}",
        "{{ words.append('c') }}",
        "{{ 1 / 0 }}",
        "{{ 1 + 'a' }}",
        "{{ '\\ud800' }}",
        "{% include 'recipe.yaml' %}",
        "{% extends 'none' %}",
        "x" * 40_000,
        "é" * 20_000,
    ],
)
def test_what_has_no_end_and_no_business_is_refused(text: str, tmp_path: Path) -> None:
    """A template may be anything: the answer is an error at its place, soon."""
    with pytest.raises(RecipeError) as raised:
        render(text, tmp_path, words=["a", "b"], row={"a": 1}, nothing=None)
    assert all(error.at for error in getattr(raised.value, "errors", [raised.value]))


def test_all_undefined_names_of_a_text_are_told_at_once() -> None:
    """Three misspelt names are three errors, each with the nearest right one."""
    with pytest.raises(RecipeErrors) as raised:
        render("{{ colr }} {{ siez }} {{ zzz }}", color="c", size="s")
    assert [error.hint and error.hint.split("?")[0] for error in raised.value.errors] == [
        "did you mean `color`",
        "did you mean `size`",
        "defined here: color, size",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ xs }}", ["a", 1, True]),
        (" {{- xs[1] -}} ", 1),
        ("{{ xs | map('string') }}", ["a", "1", "True"]),
        ("{{ 7.5 }}", 7.5),
        ("{{ nothing }}", None),
        ("{{ '}}' }}", "}}"),
        ("{{ xs[0] }}{{ xs[1] }}", "a1"),
        ("x{{ xs[1] }}", "x1"),
        ("plain", "plain"),
    ],
)
def test_a_text_that_is_one_expression_keeps_its_type(text: str, value: Any, tmp_path: Path) -> None:
    """`{{ colors }}` is the list itself where a list is wanted; two expressions are text."""
    found = make(tmp_path).value(Text(text, AT), {"xs": ["a", 1, True], "nothing": None})
    assert found == value
    assert type(found) is type(value)


def test_partials_come_from_prompts_and_are_sources(tmp_path: Path) -> None:
    """What was included is in the list of sources, once, with its digest."""
    (tmp_path / "prompts" / "light").mkdir(parents=True)
    (tmp_path / "prompts" / "style.txt").write_text("soft {{ tone }}\n")
    (tmp_path / "prompts" / "light" / "warm.txt").write_text("{% macro warm(x) %}warm {{ x }}{% endmacro %}")
    templates = make(tmp_path)
    text = "{% import 'light/warm.txt' as light %}{% include 'style.txt' %}, {{ light.warm('sun') }}"
    assert templates.render(Text(text, AT), {"tone": "grey"}) == "soft grey, warm sun"
    assert [source.path.name for source in templates.sources] == ["warm.txt", "style.txt"]
    assert {source.kind for source in templates.sources} == {"prompt"}


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "link.txt", "linked/a.txt", "big.txt", "latin.txt"])
def test_partials_cannot_be_read_from_elsewhere(name: str, tmp_path: Path) -> None:
    """No way up, no absolute path, no link, nothing large, nothing but UTF-8."""
    prompts = tmp_path / "prompts"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("SECRET")
    (tmp_path / "secret.txt").write_text("SECRET")
    prompts.mkdir()
    (prompts / "link.txt").symlink_to(tmp_path / "secret.txt")
    (prompts / "linked").symlink_to(tmp_path / "other")
    (prompts / "big.txt").write_bytes(b"a" * (256 * 1024 + 1))
    (prompts / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(RecipeError) as raised:
        render(f"{{% include '{name}' %}}", tmp_path)
    assert "SECRET" not in str(raised.value)


def test_a_named_pipe_is_no_partial(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    (tmp_path / "prompts").mkdir()
    os.mkfifo(tmp_path / "prompts" / "pipe.txt")
    with pytest.raises(RecipeError, match="not a file"):
        render("{% include 'pipe.txt' %}", tmp_path)


def test_a_missing_partial_is_explained_where_there_is_none_at_all(tmp_path: Path) -> None:
    """The words for what could have been meant are not put around nothing."""
    (tmp_path / "a.yaml").write_text("version: 1\nsteps: {a: {generate: '{% include \"light.j2\" %}'}}\n")
    with pytest.raises(RecipeErrors) as raised:
        load(tmp_path / "a.yaml")
    assert [error.hint for error in raised.value.errors] == ["put it into prompts/ beside the recipe"]


def test_a_recipe_of_one_step_says_that_there_are_no_others(tmp_path: Path) -> None:
    """A list of none is said in words."""
    (tmp_path / "a.yaml").write_text("version: 1\nsteps: {a: {each: b, generate: A fox}}\n")
    with pytest.raises(RecipeErrors) as raised:
        load(tmp_path / "a.yaml")
    assert [error.hint for error in raised.value.errors] == ["there are no other steps"]
