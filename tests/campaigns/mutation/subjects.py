"""The modules that money and safety hang on, each with the tests that are quick enough to be run for every mutant.

Unaware of what a mutant is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).absolute().parents[3]
_SURVIVORS = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True, slots=True)
class Subject:
    """A module, by its path below the package, and its tests: files, and words in the names of those left out."""

    module: str
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()
    only: str = ""
    """A word that the names of tests must hold."""

    @property
    def name(self) -> str:
        """As it is imported."""
        return "banana_pipe." + self.module.removesuffix(".py").replace("/", ".")

    @property
    def path(self) -> Path:
        return ROOT / "banana_pipe" / self.module

    @property
    def source(self) -> str:
        return self.path.read_text("utf-8")


def _purchase(module: str, *tests: str) -> Subject:
    """A module of the purchase, with those of its tests that are not long: files, or a single test as `file::test`."""
    files = (name.partition("::") for name in tests)
    paths = tuple(f"tests/purchase/test_{file}.py{colons}{test}" for file, colons, test in files)
    return Subject(f"purchase/{module}.py", paths, _LONG)


_OF_THE_BUYER = (
    "follow::test_a_list_may_prove_itself_for_so_long_after_the_first_call_that_was_accepted",
    "follow::test_closing_ends_all_asking",
    "search::test_a_call_that_vanishes_again_and_again_is_not_made_for_ever",
    "search::test_a_listing_that_is_away_gives_nothing_up_at_once",
    "search::test_settling_counts_from_the_end_of_the_call",
    "search::test_the_first_accepted_call_of_a_run_can_prove_the_listing",
    "search::test_who_finds_its_task_taken_looks_for_its_own",
)
_OF_THE_FOLLOWER = (
    "collect::test_a_dead_link_is_lost_after_the_task_was_asked_again",
    "collect::test_rebuy_replaces_what_is_gone",
)
"""Tests of others that hold what these make of it."""
_LONG = ("mishaps", "cannot_be_written_stops", "no_download_begins")

SUBJECTS = (
    Subject("store/blobs.py", ("tests/store/test_blobs.py",), ("LikeADict",)),
    Subject("store/keylock.py", ("tests/store/test_keylock.py",), ("processes", "process", "lets_nobody")),
    Subject("providers/addresses.py", ("tests/providers/test_addresses.py",), ("any_text", "one_number", "nat64")),
    Subject("store/attempts.py", ("tests/store/test_attempts.py", "tests/store/test_ledger.py"),
            ("Caps", "processes", "flipped_bit_anywhere", "every_field_is_read_back")),
    Subject("store/ledger.py", ("tests/store/test_ledger.py",), ("Caps", "processes", "flipped_bit")),
    _purchase("slots", "slots", "orders"),
    _purchase("orders", "orders"),
    _purchase("rules", "orders", "rules"),
    _purchase("replies", "orders", "replies"),
    _purchase("stops", "orders", "stops"),
    _purchase("poller", "orders", "poller"),
    _purchase("search", "orders", "search_once", "search", "proof"),
    _purchase("collect", "orders", "collect", "follow"),
    _purchase("follow", "orders", "follow", "search", "proof", *_OF_THE_FOLLOWER),
    _purchase("buyer", "orders", "buyer", "collect", "rules", *_OF_THE_BUYER),
)  # fmt: skip


Name = tuple[str, str, str]
"""Function, line and mistake of a mutant."""


def survivors() -> Mapping[str, Mapping[Name, str]]:
    """Module → the mutants that no test can tell from the program as it is, or need not, each with the reason."""
    listed: dict[str, dict[Name, str]] = {}
    for entry in tomllib.loads(_SURVIVORS.read_text("utf-8")).get("survivor", []):
        of_module = listed.setdefault(entry["module"], {})
        for mistake in entry["mistakes"]:
            of_module[entry["function"], entry["line"], mistake] = entry["reason"]
    return listed
