"""Tables: what rows are read from which file, what templates and axes make of them, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.errors import RecipeError, RecipeErrors, UsageError
from banana_pipe.recipe import data
from banana_pipe.recipe.data import read_table
from tests.recipe.test_compose import open_at, said, write

ROWS = [{"id": "007", "title": "A mug"}, {"id": "042", "title": "Oak, old"}]
CSV = 'id,title\n007,A mug\n042,"Oak, old"\n'
SHOPS = 'data: {shops: shops.csv}\nsteps: {s: {matrix: {shop: "{{ shops }}"}, generate: "{{ shop.title }}"}}'


def read(text: str | bytes, suffix: str = ".csv") -> list[data.Row] | None:
    """The rows of a table without mistakes."""
    errors: list[RecipeError] = []
    rows = read_table(text.encode() if isinstance(text, str) else text, suffix, f"t{suffix}", errors)
    assert not errors
    return rows


def refused(text: str | bytes, suffix: str = ".csv") -> list[str]:
    """What is wrong with a table, each mistake with its place."""
    errors: list[RecipeError] = []
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    assert read_table(content, suffix, f"t{suffix}", errors) is None
    for error in errors:
        assert str(error)
    return [f"{error.at}: {error.message}" for error in errors]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shops.csv", CSV),
        ("shops.json", json.dumps(ROWS)),
        ("shops.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("shops.yaml", "- {id: 007, title: A mug}\n- {id: 042, title: 'Oak, old'}\n"),
        ("shops.yml", "- {id: 007, title: A mug}\n- {id: 042, title: 'Oak, old'}\n"),
        ("SHOPS.CSV", CSV),
    ],
)
def test_a_table_is_an_axis_of_rows_whatever_its_format(name: str, content: str, tmp_path: Path) -> None:
    """Rows are named by their `id`; `007` stays `007`; the file is one of the graph's sources."""
    write(tmp_path, {name: content, "recipe.yaml": SHOPS.replace("shops.csv", name)})
    found = open_at(tmp_path)
    assert {node.id: node.prompt for node in found} == {"s[shop=007]": "A mug", "s[shop=042]": "Oak, old"}
    source = found.sources[-1]
    assert (source.path, source.kind, source.digest) == (tmp_path / name, "data", digest_of(content.encode()))


def test_rows_are_named_by_id_or_name_or_the_first_column(tmp_path: Path) -> None:
    """In this order, wherever the columns stand."""
    for header, expected in (("x,id,name", "2"), ("x,title,name", "3"), ("x,y,z", "1")):
        write(tmp_path, {"t.csv": f"{header}\n1,2,3\n"})
        write(tmp_path, {"recipe.yaml": "data: {t: t.csv}\nsteps: {s: {matrix: {r: '{{ t }}'}, generate: x}}"})
        assert list(open_at(tmp_path).nodes) == [f"s[r={expected}]"]


def test_templates_know_tables_as_they_know_variables(tmp_path: Path) -> None:
    """Rows can be counted, filtered and put into words, and a filtered table is an axis too."""
    write(
        tmp_path,
        {
            "shops.csv": "id,land\na,de\nb,fr\nc,de\n",
            "recipe.yaml": """
vars: {wanted: de}
data: {shops: shops.csv}
steps:
  all: {generate: "{{ shops | length }} in {{ shops | map(attribute='land') | unique | join(', ') }}"}
  some: {matrix: {shop: "{{ shops | selectattr('land', 'eq', wanted) }}"}, generate: "{{ names.shop }}", samples: 2}
  more: {each: some, matrix: {n: [1, 2]}, edit: "{{ shop.land }}"}
  both: {matrix: {x: "{{ shops }}", y: "{{ shops }}"}, images: some, edit: "{{ x.id }}{{ y.id }}"}
""",
        },
    )
    found = open_at(tmp_path)
    assert found.nodes["all"].prompt == "3 in de, fr"
    assert [node.id for node in found if node.step == "some"] == ["some[shop=a]", "some[shop=c]"]
    assert [node.prompt for node in found if node.step == "more"] == ["de"] * 4
    assert len([node for node in found if node.step == "both"]) == 9


def test_a_large_table_is_as_good_as_a_small_one(tmp_path: Path) -> None:
    """5,000 rows twice over: every node there, each behind the one that it reads."""
    rows = "".join(f"{n:05},title {n},{'x' * 100}\n" for n in range(5000))
    write(
        tmp_path,
        {
            "t.csv": f"id,title,more\n{rows}",
            "recipe.yaml": """
data: {products: t.csv}
steps:
  shot: {matrix: {product: "{{ products }}"}, generate: "{{ product.title }} of {{ products | length }}"}
  scene: {each: shot, edit: On a table}
""",
        },
    )
    found = open_at(tmp_path)
    assert len(found) == 10_000
    assert found.nodes["shot[product=04999]"].prompt == "title 4999 of 5000"
    assert found.nodes["scene[product=00007]"].inputs[0].node == "shot[product=00007]"  # type: ignore[union-attr]


def test_filters_go_through_large_tables_and_their_work_is_bounded(tmp_path: Path) -> None:
    """What makes nothing longer is not refused for the length of its words; but going through has a price."""
    rows = "".join(f"{n},{'a country with a long name'}\n" for n in range(20_000))
    chosen = "t | selectattr('a_column_with_a_long_name', 'eq', 'a country with a long name') | list | length"
    recipe = 'data: {t: t.csv}\nsteps: {s: {generate: "TEXT"}}'
    write(tmp_path, {"t.csv": f"id,a_column_with_a_long_name\n{rows}"})
    write(tmp_path, {"recipe.yaml": recipe.replace("TEXT", "{{ " + chosen + " }}")})
    assert open_at(tmp_path).nodes["s"].prompt == "20000"
    many = "{% for n in t[:1000] %}{{ " + chosen + " }}{% endfor %}"
    write(tmp_path, {"recipe.yaml": recipe.replace("TEXT", many)})
    assert said(tmp_path)[0].endswith("this template's loops do not come to an end in reasonable time")


def test_a_parent_s_table_is_beside_the_parent_and_the_child_s_wins(tmp_path: Path) -> None:
    """What the child replaces isn't even read."""
    write(
        tmp_path,
        {
            "shared/shops.csv": CSV,
            "shared/base.yaml": SHOPS.replace("{shops: shops.csv}", "{shops: shops.csv, other: missing.csv}"),
            "other.csv": "id\n1\n",
            "recipe.yaml": "extends: shared/base.yaml\ndata: {other: other.csv}",
        },
    )
    assert list(open_at(tmp_path).nodes) == ["s[shop=007]", "s[shop=042]"]


def test_the_same_rows_make_the_same_requests_from_any_file(tmp_path: Path) -> None:
    """A table moved out of `vars` into a file changes no prompt and no name."""
    inline = json.dumps(ROWS)
    write(tmp_path, {"a.yaml": SHOPS.replace("data: {shops: shops.csv}", f"vars: {{shops: {inline}}}")})
    write(tmp_path, {"b.yaml": SHOPS, "shops.csv": CSV})
    one, two = open_at(tmp_path, "a.yaml"), open_at(tmp_path, "b.yaml")
    assert [(node.id, node.prompt, node.output) for node in one] == [
        (node.id, node.prompt, node.output) for node in two
    ]


# --- CSV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        "\ufeff" + CSV,
        CSV.replace("\n", "\r\n"),
        CSV.replace("\n", "\r"),
        CSV.rstrip("\n"),
        CSV + "\n\n,\n,\n",
        "\n" + CSV,
        CSV.replace("id,title", " id , title "),
    ],
)
def test_what_spreadsheets_write_is_read_alike(content: str) -> None:
    """A byte order mark, any line ends, empty lines and lines of commas alone."""
    assert read(content) == ROWS


def test_values_of_csv_are_text_as_written() -> None:
    """No numbers, no booleans, no dates, and no white space lost."""
    found = read('id,a,b,c,d\n007,1.10, true ,16:9,"x\ny ""z"""\n')
    assert found == [{"id": "007", "a": "1.10", "b": " true ", "c": "16:9", "d": 'x\ny "z"'}]


_CELLS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=8)


@given(st.lists(st.lists(_CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_any_text_comes_back_from_csv(rows: list[list[str]]) -> None:
    """What `csv` writes is read as it was; rows of nothing are passed over."""
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], ["1", "2", "3"], *rows])
    expected = [dict(zip("abc", row, strict=True)) for row in [["1", "2", "3"], *rows] if any(row)]
    assert read(stream.getvalue()) == expected


@given(st.text(max_size=40), st.sampled_from([".csv", ".json", ".jsonl", ".yaml"]))
def test_whatever_stands_in_a_table_is_read_or_explained(text: str, suffix: str) -> None:
    """Nothing but mistakes with a place; never an exception."""
    errors: list[RecipeError] = []
    rows = read_table(text.encode("utf-8", "surrogatepass"), suffix, "t", errors)
    assert (rows is None) == bool(errors)
    assert all(error.at is not None for error in errors)
    assert all(isinstance(row, dict) for row in rows or ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "t.csv:1:1: the table has no rows"),
        ("id,title\n", "t.csv:1:1: the table has no rows"),
        ("id,title\n1,a\n2\n", "t.csv:3:1: this row has 1 value, the header names 2 columns"),
        ('id,title\n1,"a\nb"\n2,a,b\n', "t.csv:4:1: this row has 3 values, the header names 2 columns"),
        ("id,id\n1,2\n", "t.csv:1:1: two columns are named `id`"),
        ("id,,x\n1,2,3\n", "t.csv:1:1: column 2 has no name"),
        ("id;title\n1;a\n", "t.csv:1:1: columns are separated by commas, not by `;`"),
        ("id\ttitle\n1\ta\n", "t.csv:1:1: columns are separated by commas, not by tabs"),
        ('id,t\n1,a\n2,"b\n3,c\n', "t.csv:3:1: a value's quote is opened here, and never closed"),
        ('id,t\n1,"a"b\n', "t.csv:2:1: something stands behind a closing quote"),
        (f'id,t\n1,"{"x" * 200_000}"\n', "t.csv:2:1: a value that begins here is longer than 128 KiB"),
        (b"id,t\n1,\xff\n", "t.csv:2:3: byte 0xff is not UTF-8"),
        ("id,t\n1,\0\n", "t.csv:2:3: character U+0000 cannot stand in a table"),
        ("id\n1\n".encode("utf-16"), "t.csv:1:1: the file is UTF-16, not UTF-8"),
        ("a\n" + "1\n" * 100_001, "t.csv:1:1: the table has more than 100,000 rows"),
        ("," * 1_000_000, "t.csv:1:1: the table has no rows"),
        ("a" + "," * 1_000_000, "t.csv:1:1: the table has more than 1,000,000 values"),
        ("x" * (data.MAX_BYTES + 1), "t.csv:1:1: the table is larger than 8 MiB"),
    ],
)
def test_what_is_no_csv_is_explained(text: str | bytes, expected: str) -> None:
    """At its line."""
    assert refused(text) == [expected]


# --- JSON and YAML --------------------------------------------------------------------------------


def test_values_of_json_have_their_types() -> None:
    """Also lists and mappings inside a row; white space anywhere."""
    rows = [{"a": 1, "b": None, "c": [True, {"d": 1.5}], "e": "\u00fc"}, {"a": "x"}]
    assert read(json.dumps(rows, indent=3), ".json") == rows
    assert read(" \n".join(json.dumps(row) + "\r\n" for row in rows), ".jsonl") == rows
    assert read("\ufeff [ ] ".replace("[ ]", '[{"a": 1}]'), ".json") == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: a table is a list of rows, each a mapping of column: value"),
        ('{"a": {"x": 1}}', "1:1: a table is a list of rows, each a mapping of column: value"),
        ("[]", "1:1: the table has no rows"),
        ('[{"a": 1},\n {"a" 2}]', "2:7: this cannot be read as JSON: expecting ':' delimiter"),
        ('[{"a": 1},]', "1:11: this cannot be read as JSON: expecting value"),
        ('[{"a": 1}', "1:10: a comma or `]` is missing here"),
        ('[{"a": 1}\n {"a": 2}]', "2:2: a comma or `]` is missing here"),
        ('[{"a": 1}] x', "1:12: something stands behind the table's end"),
        ('[{"a": 1},\n  7]', "2:3: this row is no mapping"),
        ('[{"a": 1},\n  {}]', "2:3: this row is empty"),
        ('[{"a": 1},\n {"b": {"a": 1, "a": 2}}]', "2:2: this row cannot be read: `a` stands in it twice"),
        ('[{"a": NaN}]', "1:2: this row cannot be read: NaN is no number that can be used"),
        ('[{"a": 1e999}]', "1:2: this row cannot be read: 1e999 is no number that can be used"),
        ('[{"a": "\\ud800"}]', "1:2: a text here has half a character (a lone surrogate) in it"),
        ('[{"a": ' + "[" * 100_000, "1:2: this row is too deep"),
    ],
)
def test_what_is_no_json_is_explained(text: str, expected: str) -> None:
    """At its row, and closer where the parser says where."""
    assert refused(text, ".json") == [f"t.json:{expected}"]


def test_every_line_of_json_lines_is_judged_by_itself() -> None:
    """One mistake doesn't hide the next; of a table that is wrong all over the first ten are shown."""
    assert refused('{"a": 1}\n{"a"}\n[1]\n\n{"a": 1} x\n', ".jsonl") == [
        "t.jsonl:2:5: this cannot be read as JSON: expecting ':' delimiter",
        "t.jsonl:3:1: this row is no mapping",
        "t.jsonl:5:10: something stands behind the row",
    ]
    assert len(refused("7\n" * 50_000, ".jsonl")) == data.MAX_ERRORS
    assert len(refused("[" + "7," * 50_000 + "7]", ".json")) == data.MAX_ERRORS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the table has no rows"]),
        ("a: {x: 1}", ["1:1: a table is a list of rows, each a mapping of column: value"]),
        ("- 7\n- {a: 1}\n-\n", ["1:3: this row is no mapping", "3:2: this row is empty"]),
        ("- {a: 1, a: 2}", ["1:10: `a` stands here twice: first in line 1, column 4"]),
        ("- a: red #ff0000\n- a: !!python/name:os.system", ["1:6", "2:6"]),
        ("- {a: [}", ["1:8"]),
        ("x" * (1024 * 1024 + 1), ["1:1: a table in YAML is at most 1 MiB"]),
    ],
)
def test_a_table_in_yaml_has_the_rules_of_recipes(text: str, expected: list[str]) -> None:
    """No tags, no lost comments, no duplicate keys; everything at its place."""
    found = sorted(refused(text, ".yaml"))
    assert len(found) == len(expected)
    assert all(one.startswith(f"t.yaml:{start}") for one, start in zip(found, expected, strict=True))


# --- in a recipe ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("data: {shops: shop.csv}", "1:15: there is no file `shop.csv`"),
        ("data: {shops: ../shops.csv}", "1:15: `../shops.csv` is outside the recipe's folder"),
        ("data: {shops: /etc/passwd}", "1:15: `/etc/passwd` is outside the recipe's folder"),
        ("data: {shops: link.csv}", "1:15: `link.csv` is outside the recipe's folder"),
        ("data: {shops: pipe.csv}", "1:15: `pipe.csv` is not a regular file"),
        ("data: {shops: .}", "1:15: `.` is a folder"),
        ("data: {shops: '{{ shop }}.csv'}", "1:15: `shops` is no template"),
        ("data: {shops: ''}", "1:15: `shops` is empty"),
        ("data: {shops: [shops.csv]}", "1:15: `shops` is one text, not a list"),
        ("data: {shops: 7}", "1:15: `shops` is a text, not a number"),
        ("data: {shops: shops.csv # x\n}", "1:15: what stands behind ` #` is a comment"),
        ("data: shops.csv", "1:7: `data` is a mapping"),
        ("data: {names: shops.csv}", "1:8: `names` is a reserved word and cannot name a table"),
        ("data: {my-shops: shops.csv}", '1:8: "my-shops" cannot name a table'),
        ("vars: {shops: 1}\ndata: {shops: shops.csv}", "2:8: table `shops` has the name of a variable"),
        (
            "data: {shop: shops.csv}\nsteps: {s: {matrix: {shop: [1]}, generate: x}}",
            "2:22: axis `shop` has the name of a table",
        ),
    ],
)
def test_a_table_that_cannot_be_had_is_explained(top: str, expected: str, tmp_path: Path) -> None:
    """Where the recipe names it, and once."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    steps = "" if "steps" in top else "\nsteps: {s: {generate: x}}"
    write(tmp_path, {"shops.csv": CSV, "recipe.yaml": top + steps})
    found = said(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"recipe.yaml:{expected}")


def test_a_table_elsewhere_is_read_if_its_folder_may_be(tmp_path: Path) -> None:
    """As pictures are; its mistakes are shown where it is."""
    write(tmp_path, {"in/recipe.yaml": SHOPS.replace("shops.csv", "../tables/shops.csv"), "tables/shops.csv": CSV})
    allowed = [tmp_path / "tables"]
    assert len(open_at(tmp_path / "in", allow_read=allowed)) == 2
    (tmp_path / "tables" / "shops.csv").write_text("id\n1,2\n")
    assert said(tmp_path / "in", allow_read=allowed) == [
        "../tables/shops.csv:2:1: this row has 2 values, the header names 1 columns"
    ]


def test_mistakes_of_recipe_and_tables_are_told_together(tmp_path: Path) -> None:
    """And what would only follow from a table that can't be read is not."""
    write(
        tmp_path, {"a.csv": "id\n1,2\n", "b.json": "7", "recipe.yaml": SHOPS.replace("shops.csv", "a.csv, b: b.json")}
    )
    assert [one.split(": ")[0] for one in said(tmp_path)] == ["a.csv:2:1", "b.json:1:1"]
    with (tmp_path / "recipe.yaml").open("a") as file:
        file.write("\nstps: {}\n")
    assert [one.split(": ")[0] for one in said(tmp_path)] == ["a.csv:2:1", "b.json:1:1", "recipe.yaml:3:1"]


def test_two_rows_of_one_name_are_found_by_their_numbers(tmp_path: Path) -> None:
    """The table may be large, and the recipe's line says nothing about it."""
    write(tmp_path, {"shops.csv": "id,title\na,x\nb,x\na,y\n", "recipe.yaml": SHOPS})
    with pytest.raises(RecipeErrors) as raised:
        open_at(tmp_path)
    (error,) = raised.value.errors
    assert str(error).startswith("recipe.yaml:2:28: axis `shop` has two values named `a`")
    assert error.hint == "numbers 1 and 3 of its values: give one of them another name"


def test_tables_together_are_bounded(tmp_path: Path) -> None:
    """One table named a hundred times is read once; three large ones are too much."""
    line = "x" * 100_000 + "\n"
    for names, file in ((100, "t.csv"), (3, "{}.csv")):
        named = {f"t{n}": file.format(n) for n in range(names)}
        write(tmp_path, dict.fromkeys(set(named.values()), "a\n" + line * 75))
        steps = "steps: {s: {generate: '{{ t2 | length }}'}}"
        write(tmp_path, {f"{names}.yaml": f"data: {json.dumps(named)}\n{steps}"})
    assert open_at(tmp_path, "100.yaml").nodes["s"].prompt == "75"
    assert said(tmp_path, "3.yaml") == ["3.yaml:1:44: the tables of this recipe have more than 16 MiB together"]


def test_set_does_not_reach_tables(tmp_path: Path) -> None:
    """A table is a file; what `--set` sets are variables."""
    write(tmp_path, {"shops.csv": CSV, "recipe.yaml": SHOPS})
    with pytest.raises(UsageError, match="has no variable `shops`"):
        open_at(tmp_path, sets=["shops=[]"])
