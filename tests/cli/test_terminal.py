"""Text that fits its stream. Unaware of what is said."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.cli.plans import plan_lines
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import Paper, be_lenient, clean, fitted, one_line, out, shortened, width
from banana_pipe.cli.words import ATTEMPTS, STATES, STATUSES, bill, dollars
from banana_pipe.model import Plan, PlannedNode


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


@given(st.text(), st.integers(1, 40))
def test_what_is_shortened_fits(text: str, cells: int) -> None:
    """Whatever its letters are; and what fits is left as it is."""
    line = one_line(text)
    for short in (fitted(line, cells), shortened(line, cells)):
        assert width(short) <= cells
        assert short == line or "…" in short
        assert width(line) > cells or short == line


@given(st.text())
def test_cleaned_text_holds_nothing_that_a_terminal_acts_on(text: str) -> None:
    """But line breaks, and joiners within words and emoji."""
    import unicodedata

    left = {letter for letter in clean(text) if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert left <= {"\n", "\u200c", "\u200d"}


def test_wide_letters_are_two_cells() -> None:
    """Columns stay aligned in every script."""
    assert width("モカ") == 4
    assert width("e\u0301") == 1
    assert fitted("モカモカモカ", 7) == "モカ…カ"


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("e\u0301", 1),
        ("กี่", 1),
        ("कु", 1),
        ("\u1112\u1161\u11ab", 2),
        ("a\u20dd", 1),
        ("🦊", 2),
        ("❤\ufe0f", 2),
    ],
)
def test_what_stands_on_other_letters_takes_no_room(text: str, cells: int) -> None:
    """Accents, vowels above and below, the parts of a Korean syllable; where terminals differ, their widest."""
    assert width(text) == cells


def test_an_accent_goes_with_its_letter() -> None:
    """None is left on the dots."""
    assert fitted("abcdefe\u0301", 4) == "ab…e\u0301"
    assert fitted("abcdefモ\u0301", 3) == "ab…"
    assert shortened("ae\u0301bcd", 3) == "ae\u0301…"


def test_many_accents_cost_no_more_than_their_number() -> None:
    """A stranger's name is shortened at each frame, whatever it is made of."""
    text = "e" + "\u0301" * 100_000 + "nd of it"
    assert width(shortened(text, 4)) == 4
    assert width(fitted(text, 4)) == 4


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_no_line_of_a_table_is_wider_than_its_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """First a column goes, then names lose their middle and prose its end."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [
        [Cell("● call"), Cell(f"scene[colour=terracotta,setting=m{n}]"), Cell("generate"), Cell("x" * 50)]
        for n in (1, 2)
    ]
    heads = (Column("state"), Column("node", gives=1), Column("action", drops=1), Column("why", gives=2, prose=True))
    lines = table(Paper(Screen()), heads, rows)
    assert max(width(line) for line in lines) < columns
    assert len(set(lines)) == 3


@pytest.mark.parametrize(("columns", "titles"), [(40, "state node why price"), (60, "state node takes why price")])
def test_a_plan_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, titles: str) -> None:
    """How many takes there are gives way before nobody can read any more which node is meant."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    node = PlannedNode("scene[color=terracotta]", "edit", "needs-pick", "pick", None, 4, 400_000, ())
    ready = replace(node, id="hero", state="call", reason="new")
    for nodes in ((node, ready), (replace(ready, state="wait", calls=1), node)):
        plan = Plan("shop", nodes, 8, 8, 800_000, 800_000)
        head, first, second, *_ = lines = plan_lines(Paper(Screen()), plan, every_node=True)
        assert head.split() == titles.split()
        assert max(map(width, lines[:3])) < columns
        assert "hero" in first + second


def test_what_is_piped_is_whole() -> None:
    """A pipe has no width."""
    rows = [[Cell("x" * 300)]]
    assert table(Paper(io.StringIO()), (Column("why", gives=1),), rows)[1] == "x" * 300


@pytest.mark.parametrize(
    ("name", "value", "coloured"),
    [("TERM", "xterm", True), ("NO_COLOR", "1", False), ("CI", "true", False), ("TERM", "dumb", False)],
)
def test_colour_is_for_terminals_whose_owner_wants_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, *, coloured: bool
) -> None:
    """NO_COLOR, CI and TERM=dumb are honoured, and a pipe has none."""
    for other in ("CI", "NO_COLOR"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    assert ("\033[31m" in Paper(Screen()).styled("x", "red")) is coloured
    assert Paper(io.StringIO()).styled("x", "red") == "x"


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        ((0, 0, 0, 0), "nothing to buy"),
        ((3, 120_000, 7, 310_000), "3 calls, about $0.12 (at most 7 calls, $0.31)"),
        ((1, 39_000, 1, 39_000), "1 call, about $0.039"),
        ((0, 0, 2, 78_000), "at most 2 calls, $0.078"),
        ((2, 0, 9, 0), "2 calls, at most 9, free"),
        ((2, 0, 2, 0), "2 calls, free"),
        ((2, None, 2, None), "2 calls, unknown price"),
    ],
)
def test_a_bill_says_what_is_certain_and_what_may_be(totals: tuple[int, int, int, int], words: str) -> None:
    """Prices are a table, not an offer: about."""
    assert bill(*totals) == words


def test_a_cap_is_rounded_up() -> None:
    """Never below what it must allow."""
    assert [dollars(price) for price in (0, 1, 39_000, 7_000_000)] == ["0.00", "0.01", "0.04", "7.00"]


def test_a_letter_that_an_encoding_lacks_is_a_plainer_one_of_the_same_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our marks stay marks and tables stay aligned on an old console; what is not ours is an escape."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="cp1252", write_through=True))
    be_lenient()
    marks = "".join(look.mark for look in (*STATES.values(), *STATUSES.values(), *ATTEMPTS.values()))
    out().say(f"{marks}━╸─│…→×“é”モ")
    said = raw.getvalue().decode("cp1252").splitlines()[0]
    assert said.endswith("==-|…>×“é”\\u30e2")
    assert len(said) == len(marks) + len("━╸─│…→×“é”") + len("\\u30e2")
    assert not set(said[: len(marks)]) - set("*o+x-!?")
