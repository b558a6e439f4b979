"""How long a call takes, by the nearest that is known. Unaware of runs."""

from __future__ import annotations

from dataclasses import replace

from banana_pipe.telling.latencies import Latencies, Medians, latencies
from tests.telling.builders import attempt


def test_a_median_is_of_its_own_name_and_of_no_outlier() -> None:
    """One call in a hundred hangs for minutes; nobody's estimate is to be that of it."""
    medians = Medians()
    assert medians.of("a") is None
    for seconds in (30, 10, 600):
        medians.add("a", seconds)
    assert medians.of("a") == 30
    medians.add("a", 20)
    assert medians.of("a") == 25
    assert (medians.of("b"), medians.of(None)) == (None, None)


def test_the_nearest_that_is_known_counts() -> None:
    """This run's step, the step before, the model here, the model before, anything here."""
    before = replace(attempt("hero[a=b]"), state="STORED", created_at=100.0, updated_at=140.0, model="pro")
    known = latencies({"hero": "pro", "scene": "pro", "logo": "mini"}, [before])
    assert [known.of(step) for step in ("hero", "scene", "logo", "other")] == [40, 40, None, None]
    known.add("scene", "pro", 20.0)
    assert [known.of(step) for step in ("hero", "scene", "logo", "other")] == [40, 20, 20, 20]
    known.add("hero", "pro", 30.0)
    assert known.of("hero") == 30


def test_what_says_nothing_of_a_model_is_left_out() -> None:
    """Calls that failed, that a later run collected, that were found in a listing."""
    stored = replace(attempt("hero"), state="STORED", created_at=100.0, updated_at=130.0)
    for odd in (
        replace(stored, state="FAILED"),
        replace(stored, updated_at=100_000.0),
        replace(stored, adopted=True),
        replace(stored, updated_at=90.0),
    ):
        assert latencies({"hero": stored.model}, [odd]).of("hero") is None
    assert latencies({"hero": stored.model}, [stored]).of("hero") == 30
    assert Latencies().of("hero") is None
