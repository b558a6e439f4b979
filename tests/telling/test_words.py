"""Times in words. Unaware of what took so long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.telling.words import duration, passed, roughly


def test_durations_are_told_in_the_unit_that_suits_them() -> None:
    """Seconds, minutes, hours."""
    told = [duration(seconds) for seconds in (0.04, 9.94, 9.96, 59.4, 59.6, 185, 3_700)]
    assert told == ["0.0 s", "9.9 s", "10 s", "59 s", "1 min 00 s", "3 min 05 s", "1 h 01 min"]


def test_what_grows_is_told_in_whole_seconds() -> None:
    """A tenth that changes ten times a second is looked at by nobody."""
    assert [passed(seconds) for seconds in (-0.1, 0.4, 7.6, 9.96, 185)] == ["0 s", "0 s", "8 s", "10 s", "3 min 05 s"]


def test_an_estimate_is_no_more_precise_than_it_is() -> None:
    """And never too short a one."""
    told = [roughly(seconds) for seconds in (0, 9, 11, 41, 61, 185, 601, 3_600, 3_601, 86_401)]
    assert told == [*("10 s", "10 s", "20 s", "50 s", "2 min", "4 min", "15 min", "1 h", "1 h 30 min", "25 h")]


@given(st.floats(0, 10**6), st.floats(0, 10**6))
def test_a_longer_time_is_never_told_as_a_shorter_one(one: float, other: float) -> None:
    """By the seconds that the words stand for."""
    first, second = sorted((one, other))
    assert _seconds(roughly(first)) <= _seconds(roughly(second))


def _seconds(words: str) -> int:
    units = {"s": 1, "min": 60, "h": 3600}
    parts = words.split()
    return sum(int(n) * units[unit] for n, unit in zip(parts[::2], parts[1::2], strict=True))
