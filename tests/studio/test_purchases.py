"""What was agreed to: never more is begun, and never more can be bought. Unaware of HTTP and of runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.bills import Bill
from banana_pipe.buying import Limits
from banana_pipe.model import Budget
from banana_pipe.studio.errors import PriceChanged, words_of
from banana_pipe.studio.purchases import _limited, _refuse_more

AMOUNTS = st.integers(0, 10**9)
MAYBE = st.none() | AMOUNTS
BILLS = st.builds(Bill, st.integers(0, 1000), MAYBE)


@given(owed=BILLS, agreed=BILLS)
def test_what_costs_more_than_was_agreed_to_is_not_begun(owed: Bill, agreed: Bill) -> None:
    """More calls, more money, or a price that nobody knows where one was agreed to. No calls cost nothing."""
    dearer = agreed.cost is not None and (owed.cost is None or owed.cost > agreed.cost)
    if owed.calls > agreed.calls or (owed.calls and dearer):
        with pytest.raises(PriceChanged) as refused:
            _refuse_more(owed, agreed)
        assert refused.value.bill == owed
        assert words_of(owed) in refused.value.message
    else:
        _refuse_more(owed, agreed)


@given(agreed=BILLS, calls=MAYBE, cost=MAYBE, unpriced=st.booleans())
def test_what_was_agreed_to_is_a_cap_beside_the_others(
    agreed: Bill, calls: int | None, cost: int | None, unpriced: bool
) -> None:
    """Whatever a run finds on its way; the caps of flags and configuration stay."""
    day = Budget(calls, cost, max_calls_per_day=7, max_cost_per_day=9, allow_unpriced=unpriced)
    budget = _limited(Limits(budget=day), agreed).budget
    assert budget.max_calls == min(agreed.calls, agreed.calls if calls is None else calls)
    if agreed.cost is None:
        assert budget.max_cost == cost
    else:
        assert budget.max_cost == min(agreed.cost, agreed.cost if cost is None else cost)
    assert budget.allow_unpriced == unpriced
    assert (budget.max_calls_per_day, budget.max_cost_per_day) == (7, 9)
