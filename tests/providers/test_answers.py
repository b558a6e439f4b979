"""What the vendor's answers mean: every code in both envelopes, every status, every form of a task."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.canonical import digest_of
from banana_pipe.providers.answers import read_free_answer, read_submission, read_task
from banana_pipe.providers.base import Done, Pending, Picture, ProviderError
from banana_pipe.providers.reading import MAX_DEPTH, MAX_VALUES, Received, read_json
from banana_pipe.providers.secret import Token
from tests.canary import CANARY

TOKEN = Token(CANARY)
LINK = "https://platform.cdn.acedata.cloud/nanobanana/8e9e0253.png"
DATA = [{"prompt": "a cat", "image_url": LINK}]
PIXELS = b"\x89PNG\r\n\x1a\n..."
BASE64 = base64.b64encode(PIXELS).decode()

CODES = [
    ("bad_request", 400, "invalid"),
    ("no_token", 400, "auth"),
    ("token_mismatched", 400, "auth"),
    ("token_mismatched", 401, "auth"),
    ("api_not_implemented", 400, "invalid"),
    ("invalid_token", 401, "auth"),
    ("token_expired", 401, "auth"),
    ("disabled", 400, "disabled"),
    ("disabled", 403, "disabled"),
    ("used_up", 403, "balance"),
    ("used_up", 402, "balance"),
    ("forbidden", 403, "moderation"),
    ("no_api", 404, "invalid"),
    ("request_too_large", 413, "too_large"),
    ("too_many_requests", 429, "rate"),
    ("rate_limited", 429, "rate"),
    ("api_error", 500, "transient"),
    ("timeout", 504, "unknown"),
]


def submitted(status: int, answer: object, retry_after: float | None = None) -> Done | Pending | ProviderError:
    """What a POST's answer means."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    try:
        return read_submission(Received(status, body, retry_after), TOKEN)
    except ProviderError as error:
        return error


def refused(status: int, answer: object) -> ProviderError:
    """The error that a POST's answer means."""
    said = submitted(status, answer)
    assert isinstance(said, ProviderError)
    return said


class TestTheAnswerToAPost:
    """Done, pending, or an error of one kind."""

    @pytest.mark.parametrize(("code", "status", "kind"), CODES)
    @pytest.mark.parametrize("envelope", [{}, {"success": False}])
    @pytest.mark.parametrize("actual", [None, 200])
    def test_an_errors_code_decides_in_both_envelopes_whatever_the_status(
        self, code: str, status: int, kind: str, envelope: Mapping[str, Any], actual: int | None
    ) -> None:
        """The vendor's documents disagree on statuses, and 403 is four different things."""
        answer = {**envelope, "error": {"code": code, "message": "Its own words."}, "trace_id": "trace-1"}
        error = refused(actual or status, answer)
        assert (error.kind, error.code, error.trace_id, error.message) == (kind, code, "trace-1", "Its own words.")

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            *(
                (301, "invalid"),
                (302, "invalid"),
                (307, "invalid"),
                (400, "invalid"),
                (404, "invalid"),
                (422, "invalid"),
            ),
            *((401, "auth"), (402, "balance"), (403, "auth"), (413, "too_large"), (429, "rate")),
            *(
                (408, "unknown"),
                (409, "unknown"),
                (499, "unknown"),
                (500, "unknown"),
                (502, "unknown"),
                (504, "unknown"),
            ),
            (200, "unknown"),
        ],
    )
    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>Bad Gateway</html>", b"[]", b"null", b"{}", b'{"error": null}', b'{"error": "fetch failed"}'],
    )
    def test_without_a_code_the_status_decides(self, status: int, kind: str, body: bytes) -> None:
        """A bare 5xx, a page, an empty object: nobody can say. A bare 403 is never a word on the prompt."""
        assert refused(status, body).kind == kind

    def test_a_403_with_a_new_code_is_about_this_request(self) -> None:
        """It must neither stop the run nor be remembered as a refusal."""
        assert refused(403, {"error": {"code": "brand_new", "message": "no"}}).kind == "invalid"

    def test_pictures_are_done(self) -> None:
        """The documented success."""
        done = submitted(200, {"success": True, "task_id": "t", "trace_id": "r", "data": DATA})
        assert isinstance(done, Done)
        assert (done.task_id, done.trace_id, done.pictures) == ("t", "r", (Picture(url=LINK),))
        assert json.loads(done.response)["data"] == DATA

    def test_pictures_without_the_success_flag_are_done(self) -> None:
        """A router failover may drop the flag while a valid picture is stored."""
        assert isinstance(submitted(200, {"data": DATA}), Done)

    def test_an_explicit_no_wins_over_pictures(self) -> None:
        """`success: false` always does."""
        assert refused(200, {"success": False, "data": DATA, "error": {"code": "forbidden"}}).kind == "moderation"

    @pytest.mark.parametrize(
        "answer",
        [
            {"success": True, "task_id": "t"},
            {"success": True, "task_id": "t", "data": []},
            {"success": True, "task_id": "t", "data": None},
            {"success": True, "task_id": "t", "data": [{"prompt": "a cat"}, None, {"image_url": ""}]},
            {"success": True, "task_id": "t", "error": {"code": "api_error"}},
            {"success": False, "task_id": "t", "error": "fetch failed"},
            {"success": False, "task_id": "t", "error": None},
            {"task_id": "t"},
        ],
    )
    @pytest.mark.parametrize("status", [200, 202, 500, 504])
    def test_a_task_id_without_a_final_word_is_pending(self, answer: Mapping[str, Any], status: int) -> None:
        """Where a task can be asked, it is asked; nothing is sent again."""
        assert submitted(status, answer) == Pending("t")

    def test_a_timeout_with_a_task_id_is_pending_and_without_one_unknown(self) -> None:
        """The picture may still come."""
        answer = {"success": False, "error": {"code": "timeout", "message": "Timeout to generate the image."}}
        assert refused(504, answer).kind == "unknown"
        assert submitted(504, {**answer, "task_id": "t"}) == Pending("t")

    def test_a_final_word_with_a_task_id_is_an_error_that_names_the_task(self) -> None:
        """`forbidden` tasks are saved in a failed state."""
        error = refused(403, {"success": False, "error": {"code": "forbidden", "message": "no"}, "task_id": "t"})
        assert (error.kind, error.task_id) == ("moderation", "t")

    def test_success_without_pictures_and_without_a_task_is_unknown(self) -> None:
        """Paid perhaps, and nothing to ask by."""
        for answer in (
            {"success": True, "data": []},
            {"success": True},
            {"success": True, "error": {"code": "api_error"}},
        ):
            assert refused(200, answer).kind == "unknown"

    @pytest.mark.parametrize(
        "body",
        [
            b'{"success": true, "task_id": "t-1", "trace_id": "r-1", "data": [{"imag',
            b'{"task_id": "t-1", "trace_id": "r-1", "elapsed": NaN}',
            b'{"task_id": "t-1", "trace_id": "r-1", "elapsed": 1e999}',
            b'{"task_id": "t-1", "trace_id": "r-1", "x": 1, "x": 2}',
            b'{"task_id": "t-1", "trace_id": "r-1", "n": ' + b"9" * 5000 + b"}",
            b'{"task_id": "t-1", "trace_id": "r-1", "deep": ' + b"[" * 100_000,
            b'{"task_id": "t-1", "trace_id": "r-1", "bytes": "\xff"}',
        ],
    )
    def test_an_unreadable_answer_is_unknown_and_keeps_the_ids_that_can_be_read(self, body: bytes) -> None:
        """They are what the call can be found by."""
        error = refused(200, body)
        assert (error.kind, error.task_id, error.trace_id) == ("unknown", "t-1", "r-1")
        assert error.body is not None
        assert error.body.startswith('{"')
        assert len(error.body) <= 65536

    def test_two_different_task_ids_in_an_unreadable_answer_are_none(self) -> None:
        """A guess would adopt somebody else's task."""
        assert refused(200, b'{"task_id": "a", "was": {"task_id": "b"').task_id is None

    def test_an_inline_picture_is_kept_apart_from_the_answer(self) -> None:
        """The answer goes to the ledger, a picture of 20 MB does not."""
        for item in ({"image_url": f"data:image/png;base64,{BASE64}"}, {"b64_json": BASE64}):
            done = submitted(200, {"success": True, "data": [item]})
            assert isinstance(done, Done)
            assert done.pictures == (Picture(data=PIXELS),)
            (name,) = item
            assert json.loads(done.response)["data"] == [{name: f"sha256:{digest_of(PIXELS)}"}]

    def test_an_inline_picture_that_is_no_base64_is_no_picture(self) -> None:
        """Then the task is asked."""
        answer = {"success": True, "task_id": "t", "data": [{"image_url": "data:image/png;base64,!!"}]}
        assert submitted(200, answer) == Pending("t")

    def test_a_link_can_always_be_written_down(self) -> None:
        """JSON may spell half a character, which no file and no database takes."""
        done = submitted(200, b'{"data": [{"image_url": " https://a.example/\\ud800.png\\n"}]}')
        assert isinstance(done, Done)
        assert done.pictures == (Picture(url="https://a.example/?.png"),)

    def test_the_model_that_was_served_is_kept_where_it_is_named(self) -> None:
        """An alias may change its engine overnight."""
        done = submitted(200, {"data": [{"image_url": LINK, "model": "gemini-3-pro-image"}]})
        assert isinstance(done, Done)
        assert done.served == "gemini-3-pro-image"

    def test_a_redirect_says_what_to_do(self) -> None:
        """It is the base URL that is wrong."""
        error = refused(308, b"")
        assert "redirects" in error.message
        assert error.hint
        assert "base URL" in error.hint

    def test_an_echoed_token_is_masked_everywhere(self) -> None:
        """In messages, ids, bodies and what goes to the ledger; also where JSON spells it with escapes."""
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in CANARY)
        for spelling in (CANARY, escaped):
            body = f'{{"success": true, "note": "{spelling}", "data": [{{"image_url": "{LINK}?{spelling}"}}]}}'
            done = submitted(200, body.encode())
            assert isinstance(done, Done)
            assert CANARY not in repr(done)
            error = refused(403, f'{{"error": {{"code": "c-{spelling}", "message": "m {spelling}"}}}}'.encode())
            assert CANARY not in repr(vars(error)) + str(error)
        broken = refused(200, f'{{"trace_id": "{CANARY}", '.encode() + b"x" * 65_500 + CANARY.encode())
        assert CANARY[:8] not in repr(vars(broken))

    def test_a_message_is_one_plain_line(self) -> None:
        """It is shown on a terminal."""
        message = "red \x1b[31m\u202e" + "long " * 500
        error = refused(400, {"error": {"code": "bad_request", "message": message}})
        assert "\x1b" not in error.message
        assert "\u202e" not in error.message
        assert len(error.message) <= 500

    def test_the_wait_that_was_asked_for_is_passed_on(self) -> None:
        """429 with Retry-After."""
        said = submitted(429, {"error": {"code": "too_many_requests"}}, retry_after=7.0)
        assert isinstance(said, ProviderError)
        assert said.retry_after == 7.0


def task(**fields: Any) -> dict[str, Any]:
    """A task's record."""
    return {"id": "t", "trace_id": "r", "created_at": 1.5, "request": {"action": "generate"}, **fields}


def stand(**fields: Any) -> str:
    """How a task with these fields stands: done, pending, or an error's kind."""
    said = read_task(task(**fields), TOKEN)
    return said.kind if isinstance(said, ProviderError) else type(said).__name__.lower()


SUCCESS = {"success": True, "task_id": "t", "data": DATA}
FAILURE = {"success": False, "error": {"code": "forbidden", "message": "no"}, "task_id": "t"}


class TestATask:
    """There is no status field: the rules of the vendor's own SDK."""

    @pytest.mark.parametrize("word", ["succeed", "succeeded", "success", "Completed", "complete", "finished"])
    @pytest.mark.parametrize("field", ["status", "state"])
    def test_a_word_for_done_wins(self, word: str, field: str) -> None:
        """Rule 1."""
        assert stand(**{field: word}, response={"data": DATA, "success": False}) == "done"
        assert stand(**{field: word}, response={"data": []}) == "no_image"
        assert stand(**{field: word}, response=FAILURE) == "moderation"

    @pytest.mark.parametrize("word", ["failed", "FAILURE", "error", "cancelled", "canceled", "rejected"])
    def test_a_word_for_failed_wins(self, word: str) -> None:
        """Rule 1."""
        assert stand(status=word, response=SUCCESS) == "no_image"
        assert stand(status=word, response=FAILURE) == "moderation"
        assert stand(status=word, error={"code": "api_error"}) == "transient"

    def test_a_word_for_under_way_wins(self) -> None:
        """Rule 1."""
        assert stand(status="processing", response=SUCCESS) == "pending"

    @pytest.mark.parametrize("word", ["ok", "", 200, None])
    def test_other_words_say_nothing(self, word: object) -> None:
        """Then the other rules hold."""
        assert stand(status=word, response=SUCCESS) == "done"
        assert stand(status=word) == "pending"

    @pytest.mark.parametrize(
        "response",
        [
            None,
            {},
            "x",
            {"success": True, "task_id": "t"},
            {"success": True, "data": []},
            {"error": {"code": "api_error"}},
        ],
    )
    def test_nothing_yet_is_pending_until_it_is_finished(self, response: object) -> None:
        """Rule 2."""
        assert stand(response=response) == "pending"
        assert stand() == "pending"

    @pytest.mark.parametrize("response", [None, {}, {"success": True, "task_id": "t"}, {"success": True, "data": []}])
    def test_finished_without_a_picture_is_no_image(self, response: object) -> None:
        """It will not come any more."""
        assert stand(response=response, finished_at=2.5) == "no_image"

    def test_a_no_with_a_code_is_final_even_unfinished(self) -> None:
        """Rule 3."""
        assert stand(response=FAILURE) == "moderation"
        assert stand(response={**FAILURE, "data": DATA}) == "moderation"

    @pytest.mark.parametrize("error", ["fetch failed", None, {}, {"message": "no code"}])
    def test_a_no_without_a_code_may_be_passing_until_it_is_finished(self, error: object) -> None:
        """Rules 3 and 4."""
        assert stand(response={"success": False, "error": error}) == "pending"
        assert stand(response={"success": False, "error": error}, finished_at=2.5) == "no_image"

    def test_finished_with_success_is_done(self) -> None:
        """Rule 4."""
        done = read_task(task(response=SUCCESS, finished_at=2.5), TOKEN)
        assert isinstance(done, Done)
        assert (done.task_id, done.trace_id, done.pictures) == ("t", "r", (Picture(url=LINK),))

    def test_pictures_without_the_flag_are_done(self) -> None:
        """Rule 5."""
        assert stand(response={"data": DATA}) == "done"

    @pytest.mark.parametrize(("code", "kind"), sorted({(code, kind) for code, _, kind in CODES}))
    def test_a_failed_task_has_the_kind_of_its_code(self, code: str, kind: str) -> None:
        """A task's end is never a doubt: what is not documented as free to repeat is not repeated in the run."""
        told = {"unknown": "no_image", "rate": "transient"}.get(kind, kind)
        assert stand(response={"success": False, "error": {"code": code}}, finished_at=2.5) == told
        assert stand(response={"success": False, "error": {"code": "new"}}, finished_at=2.5) == "no_image"

    def test_the_error_carries_the_ids_of_the_task(self) -> None:
        """The vendor's support asks for them."""
        error = read_task(task(response={**FAILURE, "trace_id": None, "task_id": "other"}), TOKEN)
        assert isinstance(error, ProviderError)
        assert (error.task_id, error.trace_id) == ("t", "r")


class TestAFreeCall:
    """Polls and listings: what is said of us stops, what passes is tried again."""

    @pytest.mark.parametrize(("code", "status", "kind"), CODES)
    def test_errors_are_on_us_on_the_call_or_passing(self, code: str, status: int, kind: str) -> None:
        """Of the kinds only those that stop a run are kept."""
        passing = kind in ("rate", "transient", "unknown")
        told = kind if kind in ("auth", "disabled", "balance") else "unavailable" if passing else "unsupported"
        body = json.dumps({"error": {"code": code}}).encode()
        with pytest.raises(ProviderError) as caught:
            read_free_answer(Received(status, body, 3.0), TOKEN, "unsupported")
        assert (caught.value.kind, caught.value.retry_after) == (told, 3.0)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            *((401, "auth"), (403, "auth"), (404, "unsupported"), (405, "unsupported"), (302, "unsupported")),
            *((429, "unavailable"), (500, "unavailable"), (502, "unavailable"), (200, "unavailable")),
        ],
    )
    def test_a_page_is_judged_by_its_status(self, status: int, kind: str) -> None:
        """An HTML page with 200 is a captive portal: try again."""
        with pytest.raises(ProviderError) as caught:
            read_free_answer(Received(status, b"<html>"), TOKEN, "unsupported")
        assert caught.value.kind == kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "success",
    "task_id",
    "trace_id",
    "data",
    "error",
    "status",
    "state",
    "response",
    "finished_at",
    "id",
    "items",
)
LIKELY = st.one_of(
    JSON,
    st.sampled_from(
        [True, False, "t", DATA, [{"b64_json": BASE64}], {"code": "api_error"}, "failed", "succeeded", 1.5]
    ),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)),
)
ANSWERS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, LIKELY)) | JSON


@given(ANSWERS, st.integers(100, 599))
def test_any_json_is_done_pending_or_an_error(answer: Any, status: int) -> None:
    """What a stranger sends is never a traceback, and what follows can be written to the ledger."""
    said = submitted(status, json.dumps(answer).encode())
    if isinstance(said, Done):
        assert said.pictures
        json.loads(said.response)
        said.response.encode("utf-8")
    if isinstance(said, ProviderError):
        json.dumps(vars(said), default=str, ensure_ascii=False).encode("utf-8")


@given(st.dictionaries(st.sampled_from(FIELDS), LIKELY))
def test_any_record_of_a_task_is_done_pending_or_an_error(record: dict[str, Any]) -> None:
    """The same for tasks; no kind of it is a doubt."""
    said = read_task(record, TOKEN)
    assert not isinstance(said, ProviderError) or said.kind not in ("unknown", "rate", "not_sent")


@given(st.binary(), st.integers(100, 599))
def test_any_bytes_are_done_pending_or_an_error(body: bytes, status: int) -> None:
    """Not even JSON is a promise."""
    assert isinstance(submitted(status, body), Done | Pending | ProviderError)


@given(JSON)
def test_json_that_is_plain_is_read_as_it_is(value: Any) -> None:
    """The reader refuses more than `json` does, and changes nothing."""
    assert read_json(json.dumps(value).encode(), None) == value


def test_nesting_is_bounded_long_before_the_interpreter_gives_up() -> None:
    """What is read can be walked, hashed and written again."""
    read_json(b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1), None)
    with pytest.raises(ValueError, match="too deep"):
        read_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), None)


@pytest.mark.parametrize("value", [b"{}", b"[]", b"0", b'{"":0}'])
def test_more_values_than_any_answer_has_are_not_even_made(value: bytes) -> None:
    """Each costs a hundred bytes of memory, and three of traffic."""
    read_json(b"[" + b",".join([value] * 100_000) + b"]", None)
    with pytest.raises(ValueError, match="more values"):
        read_json(b"[" + b",".join([value] * (MAX_VALUES + 1)) + b"]", None)
