"""Any bytes, given to what strangers can write to: a typed error or an answer, in bounded time and memory.

Unaware of what the answers are.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.campaigns.intruders.targets import MAX_MEMORY, MAX_SECONDS, TARGETS, Target, TooMuch, within_limits
from tests.campaigns.projects import seed
from tests.campaigns.score import Line, Tell

EXAMPLES = {"recipe": 30, "reference": 400, "answer": 250, "picture": 250}
"""Of the short form: a few seconds in all."""
MINUTES = 10
"""Of the full form, shared by the targets."""


@st.composite
def mutations(draw: st.DrawFn, target: Target) -> bytes:
    """A seed of *target*, cut, joined, spoilt and salted with its words, as a fuzzer would; or any bytes."""
    data = bytearray(draw(st.sampled_from(target.seeds()) | st.binary(max_size=64)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        end = min(len(data), place + draw(st.sampled_from([0, 0, 1, 2, 4, 64, 4096])))
        data[place:end] = draw(
            st.sampled_from(target.words) | st.binary(max_size=4) | st.text(max_size=4).map(_encoded)
        )
    return bytes(data)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _tried(target: Target, examples: int) -> int:
    """Give *target* that many mutations; how many it was in the end. Raises what it raises, and TooMuch."""
    count = 0

    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutations(target))
    def feed(data: bytes) -> None:
        nonlocal count
        count += 1
        within_limits(target, data)

    for data in target.seeds():
        target.feed(data)  # what is imported late, and once, counts for no input
    feed()
    return count


@pytest.mark.both
def test_any_mutation_is_an_answer_or_a_typed_error(tell: Tell) -> None:
    """Nobody's bytes end in a traceback, a minute or a gigabyte."""
    cases = {name: _tried(target, EXAMPLES[name]) for name, target in TARGETS.items()}
    figure = ", ".join(f"{count:,} {name}s" for name, count in cases.items())
    tell(Line(8, "mutations of seeds: only typed errors", sum(cases.values()), figure=figure))
    assert all(count >= EXAMPLES[name] // 2 for name, count in cases.items()), figure


def _stumbles(data: bytes) -> None:
    if b"[" in data[5:]:
        raise KeyError("what a reader forgot")


def _dawdles(_: bytes) -> None:
    sum(range(100_000_000))


def _swells(_: bytes) -> None:
    bytearray(b"x") * (2 * MAX_MEMORY)


def test_the_same_mutations_catch_a_reader_that_stumbles() -> None:
    """A harness that finds nothing is worth what it could find."""
    with pytest.raises(KeyError):
        _tried(replace(TARGETS["reference"], feed=_stumbles, seeds=lambda: [b"hero@2"]), 400)


@pytest.mark.parametrize("feed", [_dawdles, _swells])
def test_the_same_limits_catch_a_reader_that_dawdles_or_swells(feed: Callable[[bytes], None]) -> None:
    """In time and in memory."""
    with pytest.raises(TooMuch):
        within_limits(replace(TARGETS["reference"], feed=feed), b"hero")


@pytest.mark.campaign
@pytest.mark.parametrize("name", TARGETS)
def test_ten_minutes_of_coverage_guided_fuzzing(name: str, tmp_path: Path, tell: Tell) -> None:
    """The same, led by atheris to every branch that it can reach; the dearest input counts without its counting."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: it has no wheels for all Pythons that we run on")
    seconds = MINUTES * 60 // len(TARGETS)
    command = [sys.executable, "-m", "tests.campaigns.intruders.fuzz", name, str(tmp_path), str(seconds), str(seed())]
    # libFuzzer ends without a clean-up: what is left goes with the test's own folder.
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    broken = [path.read_bytes() for path in tmp_path.glob("*-*") if path.is_file()]
    assert ended.returncode == 0, f"{broken!r}\n{ended.stderr[-3000:]}"
    told = json.loads((tmp_path / "told.json").read_text("utf-8"))
    dearest = within_limits(TARGETS[name], (tmp_path / "slowest").read_bytes())
    covered = max(int(line.split("cov: ")[1].split()[0]) for line in ended.stderr.splitlines() if "cov: " in line)
    figure = f"{covered:,} branches, {dearest * 1_000:.0f} ms for the dearest, {told['mib']} MiB grown"
    tell(Line(8, f"atheris, {seconds} s: {name}", told["inputs"], figure=figure))
    assert dearest < MAX_SECONDS
