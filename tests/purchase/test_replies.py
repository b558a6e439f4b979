"""What is said where there is no picture: whether it was paid, why, and the way on.

Unaware of how things came to be so. Each is read aloud once, and stands here as it is.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from banana_pipe.purchase import replies
from banana_pipe.purchase.orders import NotBought
from tests.purchase.shop import order
from tests.store.attempts import ORIGIN, intent

WANTED = order()
PLAIN = intent("mug", task_id="t1")
SAID = replace(PLAIN, error_message="it says no", trace_id="T-9")
ELSEWHERE = "https://gateway.example.com:443"


@pytest.mark.parametrize(
    ("reply", "status", "reason", "words"),
    [
        (replies.refused(SAID, before=True), "failed", "refused",
         "refused before, not asked again: it says no (trace_id T-9); change the words, or `--retry-refused`"),
        (replies.refused(PLAIN, before=False), "failed", "refused",
         "refused, not billed: no reason given; change the words, or `--retry-refused`"),
        (replies.failed(SAID), "failed", "error", "not billed: it says no (trace_id T-9)"),
        (replies.failed(replace(SAID, error_code="no_api")), "failed", "error",
         "not billed: it says no (trace_id T-9); is the base URL right?"),
        (replies.failed(replace(PLAIN, error_kind="too_large")), "failed", "invalid",
         "not billed: no reason given; asked the same again, it says the same"),
        (replies.failed(replace(SAID, error_code="bad_request")), "failed", "invalid",
         "not billed: it says no (trace_id T-9); asked the same again, it says the same"),
        (replies.lost(WANTED, ("here", "there")), "lost", "lost",
         "bought, but its bytes are nowhere (looked in here, there); `--rebuy` buys a mug@1 again"),
        (replies.dead_link(PLAIN), "lost", "lost", "paid ($0.04), but its link is dead; `--rebuy` buys another"),
        (replies.parked(SAID, "nobody knows"), "parked", "unknown",
         ("may have been paid ($0.04): it says no; nobody knows. A later run looks again; `--retry-unknown` gives it up"
         " and buys anew")),
        (replies.parked(PLAIN, "nobody knows"), "parked", "unknown",
         "may have been paid ($0.04); nobody knows. A later run looks again; `--retry-unknown` gives it up and buys anew"),
        (replies.unfinished(PLAIN), "parked", "resume",
         ("accepted ($0.04, task t1) but not finished yet; the next run goes on waiting for it, `--retry-unknown` gives it"
         " up and buys anew")),
        (replies.not_fetched(PLAIN), "parked", "resume",
         "paid ($0.04), but interrupted before its picture had come; the next run fetches it without paying"),
        (replies.said_before(WANTED, replace(SAID, state="REFUSED")), "failed", "refused",
         "refused before, not asked again: it says no (trace_id T-9); change the words, or `--retry-refused`"),
        (replies.said_before(WANTED, replace(SAID, state="LOST", picture="https://p")), "lost", "lost",
         "bought, but its bytes are nowhere (looked in https://p); `--rebuy` buys a mug@1 again"),
        (replies.said_before(WANTED, replace(SAID, state="LOST")), "lost", "lost",
         "bought, but its bytes are nowhere (looked in its link); `--rebuy` buys a mug@1 again"),
    ],
)  # fmt: skip
def test_it_says_whether_it_was_paid_and_the_way_on(reply: NotBought, status: str, reason: str, words: str) -> None:
    """In one sentence or two."""
    assert (reply.status, reply.reason, reply.error, reply.elsewhere) == (status, reason, words, False)


@pytest.mark.parametrize(
    ("origin", "sent", "with_what"),
    [(ORIGIN, "with another API token", "token"), (ELSEWHERE, f"to {ORIGIN}", "base URL")],
)
def test_what_was_sent_from_elsewhere_names_who_can_help(origin: str, sent: str, with_what: str) -> None:
    """The same base URL with another token, or another base URL."""
    assert replies.elsewhere(PLAIN, origin) == NotBought(
        "parked",
        "unknown",
        f"may have been paid ($0.04): it was sent {sent}. A run with that {with_what} collects it; `--retry-unknown`"
        " gives it up and buys anew",
        elsewhere=True,
    )
    assert replies.another_link_elsewhere(PLAIN, origin) == (
        f"its link is dead, and it was sent {sent}: a run with that {with_what} asks for another (`--rebuy` gives it up)"
    )
    assert replies.left_alone(PLAIN, origin) == (
        f"left alone: sent {sent}; to settle it, reconcile with that {with_what}"
    )


@pytest.mark.parametrize(
    ("number", "calls", "verb", "them"), [(1, "1 call", "is", "it"), (2, "2 calls", "are", "them")]
)
def test_what_waits_for_another_token_is_counted(number: int, calls: str, verb: str, them: str) -> None:
    """And how to see which."""
    assert replies.others_open(number) == (
        f"{calls} of earlier runs {verb} still open, sent with another API token: a run with that token collects"
        f" {them} (`banana-pipe ledger show --open`)"
    )
