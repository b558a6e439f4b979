"""A comparison as a comment: short enough, and nothing in it is alive."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.comparing.differences import Comparison, Difference, Reading, difference_of
from banana_pipe.comparing.matching import Pair, Shown
from banana_pipe.comparing.pixels import Distance
from banana_pipe.outputs.comment import MARK, MOST_BYTES, comment

FAR = Reading(Distance(0.5, 0.2, 0.1, 0.25))
HOSTILE = (
    *(
        "`",
        "``",
        "```",
        "````\n",
        "|",
        "\\|",
        "\\",
        "@org/team",
        "#123",
        "<img src=x onerror=alert(1)>",
        "![x](http://evil)",
    ),
    *(
        "[x](javascript:0)",
        "</code>",
        "\n\n# h\n",
        "\r",
        "\x1b[31m",
        "\u202e",
        "\u2028",
        "\ud800",
        "~~~",
        "<!--",
        "*",
        "_",
        "e",
    ),
)
hostile = st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join) | st.text(max_size=30)


def shown(node: str, content: str, prompt: str = "A mug", **more: object) -> Shown:
    request = {"provider": "acedata", "action": "edit", "model": "m", "prompt": prompt, "params": more}
    return Shown(f"{node}.png", digest_of(content.encode()), node, 1, request=request, price=39_000)


def changed(node: str, before: str, now: str, **more: object) -> Difference:
    return difference_of(Pair(shown(node, "x", before), shown(node, "y", now, **more)), lambda _: FAR)


def told(*differences: Difference, before: str = "HEAD", notes: tuple[str, ...] = ()) -> str:
    return comment(Comparison(before, "out/shop, as it is now", differences, notes))


def outside_of_code(text: str) -> str:
    """*text* without its code, as CommonMark reads it: fenced blocks first, then spans with as many backticks."""
    text = re.sub(r"^(`{3,})diff\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)", "", text)


@given(hostile, hostile, hostile, hostile, hostile)
def test_any_text_stays_in_code(node: str, before: str, now: str, value: str, where: str) -> None:
    """No mention, link, picture or tag, and no control character; every table's row keeps its cells."""
    text = told(changed(node, before, now, ratio=value), before=where, notes=(where,))
    assert not re.search(r"[^\n -~\xa0-\u2027\u202f-\u2065\u206a-\ufefe\uff00-\U0010ffff]", text)
    head, _, rest = text.removeprefix(MARK).partition("\n")
    assert head.startswith("**1 picture: 1 changed")
    assert not set("@<[]`\\*_") & set(outside_of_code(rest))
    rows = [line for line in text.splitlines() if line.startswith("| ≠ ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [8]


def test_a_row_and_the_words_are_told() -> None:
    """The line before, the line now, the settings."""
    text = told(changed("hero", "A red mug", "A blue mug", ratio="1:1"))
    assert "| ≠ changed | `hero` | 50% | 10% | 25% | $0.039 | prompt, settings |" in text
    assert "```diff\n- A red mug\n+ A blue mug\n- ratio: not set\n+ ratio: 1:1\n```" in text


def test_what_finds_no_room_is_counted() -> None:
    """Below what a comment may hold, however much there is; the lines say how much is left out."""
    many = [changed(f"scene[number={number}]", "a " * 300, "b " * 300) for number in range(2000)]
    text = told(*many)
    assert len(text.encode()) <= MOST_BYTES < 65_536
    rows = text.count("\n| ≠ changed")
    blocks = text.count("```diff")
    assert f"\n… and {2000 - rows:,} more pictures: `banana-pipe diff` shows them all.\n" in text
    assert f"\nWhat was asked otherwise for {2000 - blocks:,} more pictures had no room here.\n" in text
    assert rows > 300
    assert blocks > 10


@given(st.integers(1_500, 6_000), st.integers(0, 60))
def test_it_is_never_longer_than_it_may_be(most: int, number: int) -> None:
    """Whatever the limit."""
    many = tuple(changed(f"scene[ü={place}]", "a " * place, "b") for place in range(number))
    assert len(comment(Comparison("A", "B", many), most).encode()) <= most


def test_nothing_different_is_one_line() -> None:
    """And no table."""
    one = shown("hero", "x")
    text = told(difference_of(Pair(one, one), lambda _: FAR))
    assert text == f"{MARK}**1 picture: 1 the same**\n\n- A: `HEAD`\n- B: `out/shop, as it is now`\n"
