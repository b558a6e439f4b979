"""The rows of the ledger: legal moves, damage that is found, and what counts as spent.

Unaware of threads and processes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.errors import StoreError
from banana_pipe.model import ACTIVE, COUNTED, Attempt, AttemptState, Budget
from banana_pipe.store import attempts
from banana_pipe.store.attempts import MOVES, CapReached, TaskTaken
from tests.store.attempts import ARTIFACT, NOW, intent, key_of

STATES: tuple[AttemptState, ...] = get_args(AttemptState)
FREE = Budget()


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = memory()
    yield made
    made.close()


def memory() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None)
    attempts.create_schema(made)
    return made


def put(connection: sqlite3.Connection, attempt: Attempt, *states: AttemptState) -> Attempt:
    """*attempt*, moved through *states*."""
    attempts.insert_intent(connection, attempt, FREE)
    for state in states:
        attempt = attempts.move(connection, attempt, replace(attempt, state=state))
    return attempt


LEGAL = {
    "INTENT": "ACCEPTED SUCCEEDED REFUSED FAILED NOT_SENT UNKNOWN",
    "UNKNOWN": "UNKNOWN ACCEPTED NOT_SENT ABANDONED",
    "ACCEPTED": "UNKNOWN SUCCEEDED REFUSED FAILED ABANDONED",
    "SUCCEEDED": "SUCCEEDED STORED LOST",
}
"""The drawing, as the design has it."""

WAYS: dict[AttemptState, tuple[AttemptState, ...]] = {
    "INTENT": (),
    "ACCEPTED": ("ACCEPTED",),
    "SUCCEEDED": ("ACCEPTED", "SUCCEEDED"),
    "STORED": ("SUCCEEDED", "STORED"),
    "REFUSED": ("REFUSED",),
    "FAILED": ("FAILED",),
    "NOT_SENT": ("NOT_SENT",),
    "UNKNOWN": ("UNKNOWN",),
    "ABANDONED": ("UNKNOWN", "ABANDONED"),
    "LOST": ("SUCCEEDED", "LOST"),
}


@pytest.mark.parametrize("state", STATES)
def test_an_attempt_goes_only_where_the_drawing_says(state: AttemptState, connection: sqlite3.Connection) -> None:
    """Every other move is our bug; what has ended stays as it is."""
    attempt = put(connection, intent(), *WAYS[state])
    assert MOVES[state] == set(LEGAL.get(state, "").split())
    assert bool(MOVES[state]) == (state in ACTIVE)
    for other in set(STATES) - MOVES[state]:
        with pytest.raises(AssertionError, match=f"from {state} to {other}"):
            attempts.move(connection, attempt, replace(attempt, state=other))
    assert attempts.all_attempts(connection) == [attempt]


@pytest.mark.parametrize("state", STATES)
def test_a_key_is_held_by_what_is_active_and_by_nothing_else(
    state: AttemptState, connection: sqlite3.Connection
) -> None:
    """The partial unique index: the last barrier against a second POST, should a lock ever fail."""
    put(connection, intent("a"), *WAYS[state])
    if state in ACTIVE:
        with pytest.raises(StoreError, match="under way for a"):
            attempts.insert_intent(connection, intent("a"), FREE)
    else:
        attempts.insert_intent(connection, intent("a"), FREE)


def test_a_task_belongs_to_one_attempt(connection: sqlite3.Connection) -> None:
    """Of one origin, for ever: two samples never steal each other's."""
    attempts.insert_intent(connection, first := intent("a"), FREE)
    attempts.insert_intent(connection, second := intent("b"), FREE)
    attempts.insert_intent(connection, elsewhere := intent("c", origin="https://other"), FREE)
    attempts.move(connection, first, replace(first, state="ACCEPTED", task_id="t"))
    with pytest.raises(TaskTaken):
        attempts.move(connection, second, replace(second, state="ACCEPTED", task_id="t"))
    attempts.move(connection, elsewhere, replace(elsewhere, state="ACCEPTED", task_id="t"))
    assert attempts.known_tasks(connection, second, ["t", "u"], 0.0) == {"t": first.wire}
    assert attempts.known_tasks(connection, second, ["t"], first.created_at) == {"t": first.wire}
    assert attempts.known_tasks(connection, second, ["t"], first.created_at + 1) == {"t": None}


@pytest.mark.parametrize(
    ("price", "budget", "words", "cap", "way_on"),
    [
        (40_000, Budget(max_calls=1), "the cap of 1 call for this run is reached", "run", "--max-calls"),
        (40_000, Budget(max_calls=0), "the cap of 0 calls for this run is reached", "run", "--max-calls"),
        (40_000, Budget(max_calls_per_day=1), "the cap of 1 call for the day 2026-09-21 (UTC) is", "day",
         "max_calls_per_day"),
        (40_000, Budget(max_cost=0), "the cap of $0 for this run is reached: $0 is spent or reserved", "run",
         "--max-cost"),
        (40_000, Budget(max_cost_per_day=10_000), "the cap of $0.01 for the day 2026-09-21 (UTC) is", "day",
         "max_cost_per_day"),
        (None, Budget(max_cost=10_000), "the price of b is unknown", None, "--allow-unpriced"),
        (None, Budget(max_cost_per_day=10_000), "the price of b is unknown", None, "--allow-unpriced"),
    ],
)  # fmt: skip
def test_a_cap_says_which_it_is(
    price: int | None, budget: Budget, words: str, cap: str | None, way_on: str, connection: sqlite3.Connection
) -> None:
    """In words, and for who has to know what would help."""
    attempts.insert_intent(connection, intent("a", price=0), FREE)
    with pytest.raises(CapReached) as caught:
        attempts.insert_intent(connection, intent("b", price=price), budget)
    assert caught.value.message.startswith(words)
    assert way_on in str(caught.value.hint).replace(",", "").split()
    assert caught.value.cap == cap


def test_another_accounts_task_is_known_and_proves_nothing(connection: sqlite3.Connection) -> None:
    """Two tokens may be of one account and list the same tasks: none is taken twice, none vouches for the other."""
    attempts.insert_intent(connection, first := intent("a"), FREE)
    attempts.insert_intent(connection, second := intent("b", account="another"), FREE)
    attempts.move(connection, first, replace(first, state="ACCEPTED", task_id="t"))
    assert attempts.known_tasks(connection, second, ["t"], 0.0) == {"t": None}
    with pytest.raises(TaskTaken):
        attempts.move(connection, second, replace(second, state="ACCEPTED", task_id="t"))


def test_a_move_that_takes_anothers_id_is_our_bug(connection: sqlite3.Connection) -> None:
    """And no task that is taken: it goes up as it is."""
    first, second = put(connection, intent("a")), put(connection, intent("b"))
    with pytest.raises(sqlite3.IntegrityError, match=r"attempts\.id"):
        attempts.move(connection, first, replace(first, id=second.id, state="UNKNOWN"))


def test_a_row_that_changed_meanwhile_is_not_overwritten(connection: sqlite3.Connection) -> None:
    """Who moves an attempt must know it as it is."""
    before = put(connection, intent())
    attempts.move(connection, before, replace(before, state="UNKNOWN"))
    with pytest.raises(StoreError, match="changed by somebody else"):
        attempts.move(connection, before, replace(before, state="ACCEPTED", task_id="t"))


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.none() | st.integers(0, 2**62))
def test_every_field_is_read_back(text: str, number: float, price: int | None) -> None:
    """Also words that UTF-8 cannot carry: a provider's message must not make a paid row unwritable."""
    connection = memory()
    full = intent(
        price=price, node=text.encode("utf-8", "replace").decode(), under_way_until=number, task_id="t", adopted=True,
        trace_id=text, served=text, response=text, picture=text, artifact=ARTIFACT, error_kind=text, error_code=text,
        error_message=text,
    )  # fmt: skip
    attempts.insert_intent(connection, full, FREE)
    assert attempts.all_attempts(connection) == [full]
    connection.close()


def test_a_lone_surrogate_is_written_down(connection: sqlite3.Connection) -> None:
    """JSON allows it in a message."""
    attempts.insert_intent(connection, full := intent(error_message="\ud800"), FREE)
    assert attempts.all_attempts(connection) == [full]


def test_exactly_the_cap_is_let_through(connection: sqlite3.Connection) -> None:
    """A cap is the most that may be spent, not the first that may not; a call without a price costs nothing of it."""
    attempts.insert_intent(connection, intent("a", price=40_000), Budget(max_cost=40_000))
    attempts.insert_intent(connection, intent("b", price=60_000), Budget(max_cost_per_day=100_000))
    attempts.insert_intent(connection, intent("c", price=None), Budget(max_cost=100_000, allow_unpriced=True))
    with pytest.raises(CapReached) as caught:
        attempts.insert_intent(connection, intent("d", price=1), Budget(max_cost=100_000))
    assert caught.value.hint == "what is paid is kept; the same command with a larger --max-cost goes on"


def test_who_may_have_sent_the_same_is_another_with_the_same_wire(connection: sqlite3.Connection) -> None:
    """Not the one who asks, not other wires, not what was not sent; in doubt alone, and of that account."""
    asker = put(connection, intent("a", wire=digest_of(b"one")), "UNKNOWN")
    put(connection, intent("b", wire=digest_of(b"another")), "UNKNOWN")
    put(connection, intent("c", wire=asker.wire), "NOT_SENT")
    assert attempts.may_have_failed_unnamed(connection, asker) is False
    assert attempts.may_have_sent_too(connection, asker, asker.account) is False
    put(connection, intent("d", wire=asker.wire), "FAILED")
    assert attempts.may_have_failed_unnamed(connection, asker) is True
    assert attempts.may_have_sent_too(connection, asker, asker.account) is False
    put(connection, intent("e", wire=asker.wire), "UNKNOWN")
    assert attempts.may_have_sent_too(connection, asker, asker.account) is True
    assert attempts.may_have_sent_too(connection, asker, "somebody else") is False


# --- what stands ----------------------------------------------------------------------------------


def test_the_active_attempt_says_how_a_key_stands(connection: sqlite3.Connection) -> None:
    """Else the newest claim: a picture, a refusal, a loss. The others claim nothing."""
    put(connection, intent("a"), "REFUSED")
    stored = put(connection, intent("a"), "SUCCEEDED", "STORED")
    put(connection, intent("a"), "NOT_SENT")
    put(connection, intent("a"), "FAILED")
    put(connection, intent("b"), "UNKNOWN", "ABANDONED")
    assert attempts.standing(connection, [key_of("a"), key_of("b"), key_of("c")]) == {key_of("a"): stored}
    active = put(connection, intent("a"), "UNKNOWN")
    assert attempts.standing(connection, [key_of("a")]) == {key_of("a"): active}


def test_thousands_of_keys_and_tasks_are_looked_up_at_once(connection: sqlite3.Connection) -> None:
    """In parts that SQLite takes, none of which leaves one out."""
    numbers = [edge + one for edge in range(0, 3_000, 500) for one in (-1, 0, 1) if edge + one >= 0]
    there = [put(connection, intent(str(number), task_id=f"task-{number}")) for number in numbers]
    keys = [key_of(str(number)) for number in range(3_000)]
    assert attempts.standing(connection, keys) == {attempt.key: attempt for attempt in there}
    tasks = [f"task-{number}" for number in range(3_000)]
    assert attempts.known_tasks(connection, there[0], tasks, 0.0) == {one.task_id: one.wire for one in there}


def keep(connection: sqlite3.Connection, state: AttemptState, **changes: Any) -> Attempt:
    """A row of *state*, however it came there."""
    attempt = intent("a", state=state, **changes)
    marks = ",".join("?" * len(COLUMNS))
    row = attempts.row_of(attempt)
    connection.execute(f"INSERT INTO attempts ({', '.join(COLUMNS)}) VALUES ({marks})", row)
    return attempt


@settings(max_examples=40)
@given(before=st.lists(st.sampled_from(STATES)), after=st.lists(st.sampled_from(STATES)))
def test_what_stands_is_what_is_active_else_the_newest_claim(
    before: list[AttemptState], after: list[AttemptState]
) -> None:
    """Whatever rows a key has: at most one is active, and that one says how it stands, wherever it is."""
    connection = memory()
    rows = [keep(connection, state) for state in before if state not in ACTIVE]
    rows += [keep(connection, state) for state in after[:1]]
    rows += [keep(connection, state) for state in after[1:] if state not in ACTIVE]
    active = [row for row in rows if row.state in ACTIVE]
    claims = [row for row in rows if row.state in ("STORED", "REFUSED", "LOST")]
    expected = (active or claims[-1:])[:1]
    assert list(attempts.standing(connection, [key_of("a")]).values()) == expected
    connection.close()


@pytest.mark.parametrize("known", ["", "id", "task", "task elsewhere"])
@pytest.mark.parametrize("here", [None, *STATES])
def test_what_was_bought_elsewhere_is_written_where_nothing_speaks_against_it(
    here: AttemptState | None, known: str, connection: sqlite3.Connection
) -> None:
    """Not where its key is bought or under way here, nor where its call is known; twice the same is once."""
    bought = intent("a", state="STORED", task_id="t", artifact=ARTIFACT)
    if here is not None:
        keep(connection, here)
    if known == "id":
        attempts.insert_intent(connection, intent("b", id=bought.id), FREE)
    elif known:
        origin = "https://other" if known == "task elsewhere" else bought.origin
        attempts.insert_intent(connection, intent("b", task_id="t", origin=origin), FREE)
    others = attempts.all_attempts(connection)
    wanted = here not in (*ACTIVE, "STORED") and known in ("", "task elsewhere")
    assert attempts.take_in(connection, [bought]) == ([bought] if wanted else [])
    assert attempts.all_attempts(connection) == [*others, *([bought] if wanted else [])]
    assert attempts.take_in(connection, [bought]) == []


def test_money_counts_from_the_intent_to_the_proof_that_it_was_not_spent(connection: sqlite3.Connection) -> None:
    """Doubt and consent count; the provider's no does not."""
    for state in STATES:
        put(connection, intent(state), *WAYS[state])
    counted = len(COUNTED)
    assert attempts.spent(connection, run_id="run") == (counted, counted * 40_000)
    assert set(STATES) - set(COUNTED) == {"REFUSED", "FAILED", "NOT_SENT"}
    assert attempts.spent(connection, run_id="another") == (0, 0)


def test_a_day_is_a_day_of_utc(connection: sqlite3.Connection) -> None:
    """Of the intent, whenever it ends."""
    midnight = 1_790_035_200.0  # 2026-09-22T00:00:00Z
    put(connection, intent("a", created_at=midnight - 0.001))
    put(connection, intent("b", created_at=midnight))
    assert attempts.spent(connection, day="2026-09-21") == (1, 40_000)
    assert attempts.spent(connection, day="2026-09-22") == (1, 40_000)


# --- damage -----------------------------------------------------------------------------------------


COLUMNS = ("id", "key", "origin", "run_id", "day", "state", "price", "task_id", "content", "digest")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_row_with_a_flipped_bit_is_neither_believed_nor_absent(column: str, connection: sqlite3.Connection) -> None:
    """In whichever column; also where a search would then pass the row over."""
    put(connection, intent("a", task_id="task"))
    ((value,),) = connection.execute(f"SELECT {column} FROM attempts").fetchall()
    flips = [value ^ 1] if isinstance(value, int) else [_flipped(value, place) for place in range(len(value))]
    for wrong in flips:
        connection.execute(f"UPDATE attempts SET {column} = ?", (wrong,))
        with pytest.raises(StoreError, match="damaged") as caught:
            attempts.check(connection)
        assert str(caught.value.hint).endswith("from a backup")
        with pytest.raises(StoreError, match="damaged"):
            attempts.all_attempts(connection)
    connection.execute(f"UPDATE attempts SET {column} = ?", (value,))
    attempts.check(connection)


def test_a_value_of_another_type_is_damage(connection: sqlite3.Connection) -> None:
    """Which SQLite does not mind, and of which no digest can be made."""
    put(connection, intent("a"))
    connection.execute("UPDATE attempts SET state = CAST(state AS BLOB)")
    with pytest.raises(StoreError, match="damaged"):
        attempts.check(connection)


def test_an_index_that_does_not_have_every_row_is_damage(connection: sqlite3.Connection) -> None:
    """A search by it would pass rows over whose digests are right."""
    put(connection, intent("a"))
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("UPDATE sqlite_master SET sql = replace(sql, '(key)', '(id)') WHERE name = 'by_key'")
    connection.execute("PRAGMA writable_schema=RESET")
    with pytest.raises(StoreError, match="the ledger is damaged: row 1 missing from index by_key"):
        attempts.check(connection)


def _flipped(text: str, place: int) -> str:
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


def test_a_content_of_another_version_is_refused(connection: sqlite3.Connection) -> None:
    """A whole row with a field that we do not know."""
    put(connection, intent("a"))
    ((row),) = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM attempts").fetchall()
    content = json.dumps({**json.loads(row[-2]), "news": 1})
    digest = attempts.row_digest([*row[:-2], content])
    connection.execute("UPDATE attempts SET content = ?, digest = ?", (content, digest))
    with pytest.raises(StoreError, match="cannot be read"):
        attempts.all_attempts(connection)


def test_a_newer_form_of_the_ledger_is_refused(connection: sqlite3.Connection) -> None:
    """An older version must not spend beside it."""
    connection.execute(f"PRAGMA user_version = {attempts.SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match="newer") as caught:
        attempts.schema_is_there(connection)
    assert "update" in str(caught.value.hint)


def test_an_older_form_of_the_ledger_is_refused(connection: sqlite3.Connection) -> None:
    """Its proofs do not say whose they are; it is said what to do, not that a table is there already."""
    connection.execute(f"PRAGMA user_version = {attempts.SCHEMA_VERSION - 1}")
    with pytest.raises(StoreError, match="before the first release") as caught:
        attempts.schema_is_there(connection)
    assert "move the ledger away" in str(caught.value.hint)


def test_another_form_of_the_ledger_has_another_number(connection: sqlite3.Connection) -> None:
    """Else a ledger would be read as what it is not. Whoever changes the form gives it the next number, here too."""
    form = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master ORDER BY name")]
    said = digest_of("\n".join(map(str, form)).encode())
    assert (attempts.SCHEMA_VERSION, said[:16]) == (2, "df60a01f9a30a4da")


def test_who_makes_the_form_after_another_finds_it_there(connection: sqlite3.Connection) -> None:
    """Two processes can begin at once."""
    put(connection, intent("a"))
    attempts.create_schema(connection)
    assert len(attempts.all_attempts(connection)) == 1


def test_what_json_cannot_say_is_not_written() -> None:
    """Not a number is no time; and equal attempts have equal rows, their fields in order."""
    with pytest.raises(ValueError, match="JSON"):
        attempts.row_of(intent(under_way_until=float("nan")))
    fields_there = list(json.loads(str(attempts.row_of(intent())[-2])))
    assert fields_there == sorted(fields_there)


def test_an_attempt_is_all_in_its_row() -> None:
    """Whatever field is added to an attempt is written with it."""
    assert set(json.loads(str(attempts.row_of(intent())[-2]))) == {field.name for field in fields(Attempt)}
    assert attempts.row_of(intent(created_at=NOW))[4] == "2026-09-21"
