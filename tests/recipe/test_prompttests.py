"""Prompts held against what they must say. Unaware of commands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from banana_pipe.errors import RecipeErrors, UsageError
from banana_pipe.recipe import jsonschema, keys, load, prompttests
from banana_pipe.recipe.prompttests import Verdict, by_place, file_beside, held, read_tests, recipe_of

SHOP = """\
vars:
  product: a ceramic mug
  nothing: ""
  colors: {ivory: ivory white, teal: deep teal}
steps:
  base:
    generate: Studio photo of {{ product }}, {{ 'nothing' and '' }}alone
  tint:
    matrix: {color: "{{ colors }}"}
    images: base
    edit: |
      Change the glaze
      to {{ color }}.
      {% include "light.j2" %}
  small: {each: tint, transform: [{resize: 40}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "light.j2").write_text("Soft light, no logo.")
    (tmp_path / "shop.yaml").write_text(SHOP)
    return tmp_path


def verdict(tests: str | None, *, recipe: str = SHOP, sets: tuple[str, ...] = ()) -> Verdict:
    Path("shop.yaml").write_text(recipe)
    if tests is not None:
        Path("shop.test.yaml").write_text(tests)
    path = file_beside(Path("shop.yaml"))
    given = [one.partition("=")[0] for one in sets]
    return held(load(Path("shop.yaml"), sets=sets), read_tests(path) if path else None, given)


def failures(one: Verdict) -> list[tuple[str, str, str]]:
    return [(each.node, each.rule, str(each.at)) for each in one.failures]


@pytest.mark.usefixtures("folder")
def test_what_holds_is_counted_and_nothing_is_said() -> None:
    """Whatever the case, and however the prompt is broken into lines; transforms have none."""
    one = verdict(
        "prompts:\n- node: tint  # all of them\n  contains: [the GLAZE to, soft light]\n  lacks: ivory tower\n"
        "  max_length: 80\n"
    )
    assert (one.tests, one.prompts, one.failures) == (1, 3, ())


@pytest.mark.usefixtures("folder")
def test_each_failure_has_its_place_in_the_test_file_and_its_prompt_s_place_in_the_recipe() -> None:
    """And the words that are wrong have theirs: a line of a partial, or a variable."""
    one = verdict(
        "version: 1\nprompts:\n  - node: tint[color=teal]\n    contains: ivory\n    lacks: [deep teal, No  LOGO]\n"
        "    max_length: 5\n  - {node: base, min_length: 500}\n"
    )
    assert failures(one) == [
        ("tint[color=teal]", "contains", "shop.test.yaml:4:15"),
        ("tint[color=teal]", "lacks", "shop.test.yaml:5:13"),
        ("tint[color=teal]", "lacks", "shop.test.yaml:5:24"),
        ("tint[color=teal]", "max_length", "shop.test.yaml:6:17"),
        ("base", "min_length", "shop.test.yaml:7:30"),
    ]
    assert {str(each.prompt) for each in one.failures} == {"shop.yaml:11:11", "shop.yaml:7:15"}
    found = [each.found for each in one.failures]
    assert [origin and (origin.what, origin.path and origin.path.name, origin.line) for origin in found] == [
        None,
        ("`colors.teal`, axis color=teal", "shop.yaml", 4),
        ("partial light.j2", "light.j2", 1),
        None,
        None,
    ]
    assert one.failures[-1].message.startswith("`base` has 36 characters, 464 too few")


@pytest.mark.usefixtures("folder")
def test_braces_and_double_spaces_are_found_without_a_test_file() -> None:
    """What comes from a variable is not rendered again; an empty one leaves two spaces."""
    one = verdict(None, sets=("product=a {{size}} mug",))
    assert one.path is None
    assert [(each.node, each.rule, each.at) for each in one.failures] == [("base", "braces", None)]
    origin = one.failures[0].found
    assert origin is not None
    assert origin.what == "`product` (--set)"
    assert "`Studio photo of a {{size}} mug, alone`" in one.failures[0].message
    gap = SHOP.replace("'nothing' and ''", "nothing").replace("}}alone", "}} alone")
    assert [each.rule for each in verdict(None, recipe=gap).failures] == ["spaces"]
    assert verdict("double_spaces: true", recipe=gap).failures == ()


@pytest.mark.usefixtures("folder")
def test_indented_lines_are_no_double_spaces() -> None:
    """Lists in prompts are indented."""
    assert verdict(None, recipe=SHOP.replace("to {{ color }}", "  - to {{ color }}")).failures == ()


@pytest.mark.usefixtures("folder")
def test_what_fails_everywhere_by_one_rule_is_one_mistake() -> None:
    """A word in a partial is in every prompt."""
    groups = by_place(verdict("prompts: [{lacks: photo}, {lacks: logo}]").failures)
    assert [[one.node for one in group] for group in groups] == [["base"], ["tint[color=ivory]", "tint[color=teal]"]]


@pytest.mark.usefixtures("folder")
def test_spaces_around_a_text_hold_whole_words_apart() -> None:
    """Also at the ends of a prompt; the end of a line that a block of YAML has is none of them."""
    words = "prompts: [{node: base, lacks: [' stud ', ' mu '], contains: [' Studio', ' mug, ', 'alone ']}]"
    assert not verdict(words).failures
    assert not verdict("prompts:\n- node: base\n  contains: |\n    Studio\n    photo\n").failures
    assert len(verdict(words.replace("stud", "studio")).failures) == 1


@pytest.mark.usefixtures("folder")
def test_where_words_come_from_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand prompts that fail alike are one mistake, and are searched as one."""
    searched: list[object] = []
    monkeypatch.setattr(prompttests._Judge, "_stands", lambda *asked: searched.append(asked))
    assert len(verdict("prompts: [{lacks: glaze}]").failures) == 2
    assert len(searched) == 1


@pytest.mark.usefixtures("folder")
def test_tests_end_whoever_wrote_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many tests times so many prompts would not; by their whole names nodes cost nothing to find."""
    monkeypatch.setattr(prompttests, "MAX_LOOKS", 30)
    many = "prompts:\n" + "- lacks: logos\n" * 6
    with pytest.raises(RecipeErrors, match=r"shop.test.yaml:7:10: so many tests of so many prompts"):
        verdict(many)
    with pytest.raises(RecipeErrors, match="do not come to an end"):
        verdict(many.replace("- lacks", "- node: tint\n  lacks"))
    assert not verdict(many.replace("- lacks", "- node: 'tint[color=teal]'\n  lacks")).failures


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("prompts: [{node: tnit, lacks: x}]", "1:18", "there is no node `tnit`"),
        ("prompts: [{node: small, lacks: x}]", "1:18", "is made here, without a prompt"),
        ("prompts: [{node: base@2, lacks: x}]", "1:18", "all takes have one prompt"),
        ("prompts: [{node: base}]", "1:11", "a test says what a prompt must be"),
        ("prompts: [{lack: x}]", "1:12", "unknown key `lack` in a test"),
        ("prompts: {lacks: x}", "1:10", "`prompts` is a list, not a mapping"),
        ("prompts: [{lacks: '{{ color }}'}]", "1:19", "`lacks` is no template"),
        ("prompts: [{lacks: []}]", "1:19", "`lacks` is empty"),
        ("prompts: [{contains: ' '}]", "1:22", "`contains` is empty"),
        ("prompts: [{contains: 7}]", "1:22", "`contains` is a text, not a number"),
        ("prompts: [{max_length: many}]", "1:24", "`max_length` is a number of characters"),
        ("prompts: [{min_length: 9, max_length: 8}]", "1:39", "no text has at least 9 and at most 8 characters"),
        ("double_spaces: 1", "1:16", "`double_spaces` is `true` or `false`, not a number"),
        ("version: 2", "1:10", "`version` is 1"),
        ("prompts: [", "1:11", ""),
        ("", "1:1", "the test file is empty"),
        ("prompts:\n  - lacks: colour #ff0000\n", "2:12", "is a comment"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_mistake_in_a_test_file_is_told_at_its_place(text: str, place: str, words: str) -> None:
    """As in a recipe: all at once, and what to do."""
    with pytest.raises(RecipeErrors) as caught:
        verdict(text)
    (error,) = caught.value.errors
    assert str(error.at) == f"shop.test.yaml:{place}"
    assert words in error.message


def test_a_test_file_is_its_recipe_s_by_name(folder: Path) -> None:
    """With either suffix; and it stands beside it, not behind a link."""
    assert recipe_of(Path("shop.test.yml")) == Path("shop.yaml")
    assert recipe_of(Path("a/other.test.yaml")) == Path("a/other.yaml")
    assert [recipe_of(Path(name)) for name in ("shop.yaml", ".test.yaml", "shop.test.csv")] == [None] * 3
    assert file_beside(Path("shop.yaml")) is None
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "secret.yaml").write_text("password: 1")
    (folder / "shop.test.yml").symlink_to("elsewhere/secret.yaml")
    path = file_beside(Path("shop.yaml"))
    assert path == Path("shop.test.yml")
    with pytest.raises(UsageError, match="leads elsewhere"):
        read_tests(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# " + "x" * 1024 * 1024, "larger than 1 MiB"),
        ("prompts:\n  - &a {contains: x}\n" + "  - *a\n" * 101, "more than 100 aliases"),
        ("prompts: " + "[" * 40 + "]" * 40, "deep"),
    ],
)
def test_a_stranger_s_test_file_is_bounded_as_recipes_are(folder: Path, text: str, words: str) -> None:
    """In its size, its aliases, its depth."""
    path = folder / "shop.test.yaml"
    path.write_text(text)
    with pytest.raises(RecipeErrors) as raised:
        read_tests(path)
    assert words in str(raised.value)


def test_what_is_no_file_is_not_waited_for(folder: Path) -> None:
    """A pipe that nobody writes to; and a link to nowhere is not what was meant by it."""
    os.mkfifo(folder / "shop.test.yaml")
    with pytest.raises(UsageError, match="not a regular file"):
        read_tests(folder / "shop.test.yaml")
    (folder / "other.test.yaml").symlink_to("nowhere.yaml")
    with pytest.raises(UsageError, match="no such file") as raised:
        read_tests(folder / "other.test.yaml")
    assert raised.value.hint is None or "other.test" not in raised.value.hint


SCHEMA = Draft202012Validator(jsonschema.tests_document())


def test_the_schema_says_what_the_reader_says(folder: Path) -> None:
    """Of every mistake above that a schema can see; and each key has a description and an example that is right."""
    Draft202012Validator.check_schema(jsonschema.tests_document())
    for table in (keys.TEST_FILE, keys.PROMPT_TEST):
        for key in table:
            form = {"$ref": f"#/$defs/{key.form}", "$defs": jsonschema.tests_document()["$defs"]}
            assert key.about.endswith("."), key.name
            assert Draft202012Validator(form).is_valid(key.example), key.name
    for good in ({"prompts": [{"lacks": "x"}]}, {"version": 1, "prompts": [], "double_spaces": True}):
        assert SCHEMA.is_valid(good)
        (folder / "shop.test.yaml").write_text(json.dumps(good))
        read_tests(folder / "shop.test.yaml")
    wrong: list[dict[str, Any]] = [{"prompts": [{"node": "base"}]}, {"prompts": [{"lack": 1}]}, {"prompts": {}}]
    for bad in (*wrong, {"prompts": [{"lacks": "{{ x }}"}]}):
        assert not SCHEMA.is_valid(bad)


@settings(max_examples=25)
@given(st.text(st.characters(blacklist_categories=("C", "Z"), blacklist_characters="{}%#"), min_size=1, max_size=20))
def test_what_a_prompt_says_it_contains(words: str) -> None:
    """Whatever the words are: what stands in the prompt is found in it, and found where it must not be."""
    with TemporaryDirectory() as folder:
        recipe, tests = Path(folder) / "shop.yaml", Path(folder) / "shop.test.yaml"
        quoted = json.dumps(words, ensure_ascii=False)
        recipe.write_text(f"vars: {{w: {quoted}}}\nsteps: {{a: {{generate: 'Photo of {{{{ w }}}} alone'}}}}", "utf-8")
        tests.write_text(f"prompts: [{{contains: {quoted}}}, {{lacks: {quoted}}}]", "utf-8")
        assert [one.rule for one in held(load(recipe), read_tests(tests)).failures] == ["lacks"]
