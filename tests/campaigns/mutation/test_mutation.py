"""Mutation: each mutant is noticed by quick tests, or stands in a list with the reason why it may live.

Unaware of how a mutant is made and run.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.campaigns.mutation.mutants import Mutant, mutants_of
from tests.campaigns.mutation.subjects import ROOT, SUBJECTS, Name, Subject, survivors
from tests.campaigns.mutation.trial import Trial
from tests.campaigns.score import Line, Tell

LEAST = 0.9
"""Of the mutants are killed, those included that are listed as survivors."""


def asked_in_a_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.campaigns.mutation.trial", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def try_in_a_process(module: str, *arguments: str) -> Trial:
    told = asked_in_a_process(module, *arguments)
    return Trial(**{**told, "survived": [tuple(name) for name in told["survived"]]})


def mutants_in(source: str) -> dict[str, Mutant]:
    return {mutant.what: mutant for mutant in mutants_of(source)}


# --- the mutants -----------------------------------------------------------------------------------


def test_a_mutant_differs_in_one_place() -> None:
    """Comparisons, conditions, arithmetic, constants, what is returned, and statements left out."""
    made = mutants_in("def f(a, b):\n    if a and b:\n        g()\n    return a < b + 1\n")
    found = {what: ast.unparse(mutant.tree).splitlines()[1:] for what, mutant in made.items()}
    first, second, last = "    if a and b:", "        g()", "    return a < b + 1"
    assert found == {
        "condition negated": ["    if not (a and b):", second, last],
        "And → Or": ["    if a or b:", second, last],
        "deleted": [first, "        pass", last],
        "returns None": [first, second, "    return None"],
        "Lt → LtE": [first, second, "    return a <= b + 1"],
        "Add → Sub": [first, second, "    return a < b - 1"],
        "1 → 2": [first, second, "    return a < b + 2"],
    }
    assert {mutant.function for mutant in made.values()} == {"f"}


def test_words_for_people_have_no_mutants() -> None:
    """Annotations, docstrings, and what an error says."""
    source = (
        'def f(a: int = None) -> "int":\n    """1"""\n    E("it is 1", hint="try 2")\n    raise E(f"not {a + 1}")\n'
    )
    assert [mutant.what for mutant in mutants_of(source)] == ["deleted", "deleted"]


def test_every_mutant_has_a_name_of_its_own() -> None:
    """For a list of survivors that means one each."""
    for subject in SUBJECTS:
        mutants = [mutant.name for mutant in mutants_of(subject.source)]
        assert len(set(mutants)) == len(mutants)


# --- short -------------------------------------------------------------------------------------------


def test_who_is_listed_as_a_survivor_is_still_there() -> None:
    """A line that has changed is tried again."""
    listed = survivors()
    assert set(listed) <= {subject.module for subject in SUBJECTS}
    for subject in SUBJECTS:
        there = {mutant.name for mutant in mutants_of(subject.source)}
        assert not [name for name in listed.get(subject.module, {}) if name not in there], subject.module
        assert all(len(reason) > 20 for reason in listed.get(subject.module, {}).values())


def test_the_quick_tests_reach_every_branch() -> None:
    """Of every module that is tried, all their tests in one process; the long form asks that of each by itself."""
    left_out = asked_in_a_process("all")
    assert left_out == {subject.module: [] for subject in SUBJECTS}


@pytest.mark.campaign
def test_tests_that_hold_too_little_are_found_out() -> None:
    """Those of public names alone let mutants of the guard live; all of them together none that is not listed."""
    module, function = "providers/addresses.py", "is_public_host"
    blind = try_in_a_process(module, "--function", function, "--tests", "names_of_the_open_internet")
    assert len(blind.survived) >= 5
    seeing = try_in_a_process(module, "--function", function)
    assert set(seeing.survived) <= set(survivors().get(module, {}))
    assert seeing.mutants == blind.mutants


# --- full ----------------------------------------------------------------------------------------------


@pytest.mark.campaign
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.module)
def test_every_mutant(subject: Subject, tell: Tell) -> None:
    """Killed, or listed; and no branch without a test."""
    trial = try_in_a_process(subject.module)
    listed: set[Name] = set(survivors().get(subject.module, {}))
    unexplained = sorted(set(trial.survived) - listed)
    share = trial.killed / trial.mutants if trial.mutants else 1.0
    covered = "all" if not trial.left_out else f"all but {len(trial.left_out)} of"
    reasons = f"{len(unexplained)} of them without a reason" if unexplained else "each with its reason"
    figure = (
        f"{trial.killed:,} killed ({share:.1%}), {len(trial.survived)} survived, {reasons};"
        f" {covered} {trial.branches} branches run; the tests take {trial.seconds:.1f} s"
    )
    tell(Line(10, f"mutants of {subject.module}", trial.mutants, lost=len(unexplained), figure=figure))
    assert not unexplained
    assert not trial.left_out
    assert share >= LEAST
