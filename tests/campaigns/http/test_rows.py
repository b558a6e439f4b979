"""Every row of the two fault tables, wherever it can befall: the paid call, its polls, the listing, the picture.

Unaware of retries: each row says how the run ends in which it befalls the second of two calls, and
whether that call was billed; the run after it, without faults, has to have everything.

H1–H18 are what HTTP can do to a paid API, C1–C7 what it can do to a download. H1, H2, H4 and H5 are
tried where connections can be held in hand (`test_cuts`, `test_limits`, `test_tls`, and H4 by every
call's having a connection of its own in `tests/providers/test_http.py`); H17 has nothing to befall:
no callback is offered or listened to.
"""

from __future__ import annotations

import gzip
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.campaigns.http.teller import READER, Teller
from tests.campaigns.projects import Project, Verdict, judge
from tests.campaigns.score import Line, Tell
from tests.campaigns.shared_clock import SharedClock
from tests.canary import CANARY
from tests.vendor import Endpoint, Fault, Vendor

EVERY = 19
"""The short form tries one row in so many."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and how the run ends that it befalls. `posts`: calls for the second picture in that run."""

    row: str
    endpoint: Endpoint
    fault: Fault
    exit_code: int = 0
    posts: int = 1

    def __str__(self) -> str:
        fault = self.fault
        told = zlib.crc32(f"{fault} {fault.sent}".encode())
        parts = [self.row, self.endpoint, fault.kind, fault.number, fault.code, f"{told:08x}"]
        return "-".join(str(part) for part in parts if part)


def _answer(body: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json") -> str:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines) + body.decode("latin-1")


def _unended(body: str, status: str = "200 OK") -> str:
    """An answer whose length nobody says: `{task_id}` in it gets longer."""
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{body}"


# --- H: the paid API ---------------------------------------------------------------------------------

_GZIP = "Content-Encoding: gzip"
NO_JSON = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"accepted"',
    b"42",
    b"<html><title>Log in to the hotel's network</title></html>",
    b'{"success": true, "task_id": NaN}',
    b'{"task_id": "a", "task_id": "b"}',
    b'{"success": true, "task_id": 1' + b"0" * 5_000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xff\xfe" + '{"success": true}'.encode("utf-16-le"),
    b'{"task_id": "\xe9"}',
    b"\x00" * 100,
)
"""H11 and H18: bodies of a 200 that mean nothing, a captive portal's page among them."""
PACKED = (
    _answer(gzip.compress(b" " * 3_000_000, mtime=0), "200 OK", _GZIP),
    _answer(gzip.compress(b'{"success": true}', mtime=0)[:-9], "200 OK", _GZIP),
    _answer(b"this is not packed", "200 OK", _GZIP),
    _answer(b"\x1b\x2e\x00", "200 OK", "Content-Encoding: br"),
)
"""H16: bombs, cut-off and unknown packings."""
NO_HTTP = (
    "SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/1.1 2",
    "HTTP/1.1 200 OK\r\nContent-Le",
    "HTTP/1.1 abc OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "HTTP/1.1 200 OK\r\nX: " + "a" * 300_000,
)
"""H3: what breaks before or in the head, or is none."""
NO_DATA = ("null", "[]", "{}", '"soon"', "[null]", "[{}]", '[{"image_url": null}]', '[{"image_url": 7}, []]')
"""H13: what stands in `data` where pictures should."""


def _paid_rows() -> Iterator[Row]:
    # H3, H11, H16, H18: the same words, once nothing was received, and once it was all accepted.
    for row, sent in [
        *(("H11", _answer(body)) for body in NO_JSON),
        *(("H16", sent) for sent in PACKED),
        *(("H3", sent) for sent in NO_HTTP),
    ]:
        yield Row(row, "submit", Fault("raw", sent=sent), posts=2)
        yield Row(row, "submit", Fault("raw_after_accept", sent=sent))
        yield Row(row, "poll", Fault("raw", sent=sent, times=2))
        yield Row(row, "list", Fault("raw", sent=sent, times=2))
    for status in (400, 404, 413, 422):
        yield Row("H6", "submit", Fault("bare", number=status), exit_code=1)
        yield Row("H6", "submit", Fault("raw", sent=_answer(b'{"error": "no"}', f"{status} No")), exit_code=1)
    yield Row("H6", "submit", Fault("status", number=401, code="invalid_token"), exit_code=4)
    yield Row("H6", "submit", Fault("status", number=403, code="disabled"), exit_code=4)
    yield Row("H6", "submit", Fault("status", number=403, code="used_up"), exit_code=3)
    yield Row("H6", "submit", Fault("status", number=413, code="request_too_large"), exit_code=1)
    for wait in ("7", "0", "0.5", "-1", "soon", "1e9", "999999999", "Wed, 21 Oct 2037 07:28:00 GMT", "Wed, 99 Oct"):
        busy = _answer(b'{"error": {"code": "rate_limited"}}', "429 Slow Down", f"Retry-After: {wait}")
        yield Row("H8", "submit", Fault("raw", sent=busy, times=3), posts=4)
        yield Row("H8", "poll", Fault("raw", sent=busy, times=2))
        yield Row("H8", "list", Fault("raw", sent=busy, times=2))
    for status in (408, 409, 425, 500, 502, 503, 504, 520):
        if status != 425:  # "too early" is a refusal
            yield Row("H9", "submit", Fault("bare", number=status), posts=2)
            yield Row("H9", "submit", Fault("bare_after_accept", number=status))
        yield Row("H9", "poll", Fault("bare", number=status, times=2))
    for status in (301, 302, 303, 307, 308):
        moved = _answer(b"", f"{status} Moved", "Location: http://127.0.0.1:9/elsewhere")
        yield Row("H10", "submit", Fault("raw", sent=moved), exit_code=1)
        yield Row("H10", "poll", Fault("raw", sent=moved, times=2))
    yield from _answered_rows()


def _answered_rows() -> Iterator[Row]:
    """H12 to H15: what is JSON, and still not what one expects."""
    said_no = '{"success": false, "error": {"code": "api_error", "message": "no"}}'
    yield Row("H12", "submit", Fault("raw", sent=_unended(said_no), times=2), posts=3)
    yield Row("H12", "submit", Fault("raw", sent=_unended('{"success": false}')), posts=2)
    yield Row("H12", "submit", Fault("raw_after_accept", sent=_unended('{"success": false}')))
    yield Row("H12", "poll", Fault("raw", sent=_unended('{"success": false}'), times=2))
    for data in NO_DATA:
        words = f'{{"success": true, "data": {data}'
        yield Row("H13", "submit", Fault("raw_after_accept", sent=_unended(words + "}")))
        yield Row("H13", "submit", Fault("raw_after_accept", sent=_unended(words + ', "task_id": "{task_id}"}')))
        item = f'{{"id": "{{task_id}}", "response": {words}}}}}'
        yield Row("H13", "poll", Fault("raw", sent=_unended(f'{{"items": [{item}], "count": 1}}'), times=2))
    for words in (
        '"error": "fetch failed"',
        '"error": {"code": "timeout"}',
        '"error": {"code": "new"}, "success": false',
    ):
        for status in ("200 OK", "500 No", "504 No"):
            yield Row("H14", "submit", Fault("raw_after_accept", sent=_unended(f"{{{words}}}", status)))
            named = f'{{{words}, "task_id": "{{task_id}}"}}'
            yield Row("H14", "submit", Fault("raw_after_accept", sent=_unended(named, status)))
    for items in ("null", "{}", "[]", "[null, 7, {}]", '[{"id": null}]', '[{"id": "somebody-elses"}]'):
        yield Row("H15", "poll", Fault("raw", sent=_unended(f'{{"items": {items}, "count": 1}}'), times=3))
        # What has no list of tasks in it is taken for a vendor that has none to show: parked after a second look.
        is_list = items.startswith("[")
        nothing = Fault("raw", sent=_unended(f'{{"items": {items}, "count": 9}}'), times=3 if is_list else 2)
        yield Row("H15", "list", nothing, exit_code=0 if is_list else 6)


# --- C: the picture ---------------------------------------------------------------------------------


def _png(width: int, height: int, data: bytes = b"", *more: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, held: bytes) -> bytes:
        return struct.pack(">I", len(held)) + name + held + struct.pack(">I", zlib.crc32(name + held))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = b"".join(chunk(*one) for one in more) + chunk(b"IDAT", data or zlib.compress(b"\0"))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


BOMBS = (
    _png(65_535, 65_535),
    _png(2**31 - 1, 2**31 - 1),
    _png(9_000, 9_000),
    _png(0, 0),
    _png(8, 8, b"", (b"iCCP", b"x\0\0" + zlib.compress(bytes(20_000_000)))),
    _png(8, 8, b"", (b"zTXt", b"x\0\0" + zlib.compress(bytes(20_000_000)))),
    b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xd9",
    b"RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff",
)
"""C5: sizes that nobody means, and what unpacks to twenty megabytes."""
NO_PICTURE = (
    b"",
    b"<!doctype html><title>Sign in</title>",
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    b"%PDF-1.7\n",
    b"BM\x00\x00\x00\x00\x00\x00\x00\x00",
    b'{"error": {"code": "expired"}}',
    b"PK\x03\x04 a zip that says it is a picture",
    b"\x89PNG\r\n\x1a\n<svg/>",
    b"\xff\xd8\xff\xd9",
)
"""C4: what may stand behind `Content-Type: image/png`."""
ELSEWHERE = (
    *("file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "https://127.0.0.1:9/", "https://127.1/"),
    *(
        "https://0x7f000001/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
    ),
    *("https://localhost/", "https://printer.local/", "https://metadata.google.internal/", "https://10.0.0.1/"),
    *("http://cdn.vendor.example/a.png", "ftp://cdn.vendor.example/a.png", "https://user@cdn.vendor.example/a.png"),
    *("//[", "https:///", "http://127.0.0.1:0/"),
)
"""C7: where a link must not lead."""


def _picture_rows() -> Iterator[Row]:
    for status in (403, 404, 410):
        yield Row("C1", "download", Fault("dead_link", number=status, times=2))
        yield Row("C1", "download", Fault("dead_link", number=status, times=3), exit_code=1)
    for status in (400, 408, 429, 500, 502, 503, 504):
        yield Row("C2", "download", Fault("bare", number=status, times=3))
        yield Row("C2", "download", Fault("bare", number=status, times=4), exit_code=1)
    for fault in (Fault("reset_before", times=3), Fault("short", times=3), Fault("html", times=2)):
        yield Row("C2", "download", fault)
    for number in (1, 8, 33, 57, 4_000, 9_000):
        yield Row("C3", "download", Fault("truncate", number=number, times=2))
        yield Row("C3", "download", Fault("truncate", number=number, length="right", times=2))
    for number, row, bodies in ((2, "C4", NO_PICTURE), (2, "C5", BOMBS), (3, "C5", BOMBS[:2])):
        for body in bodies:
            # Three times nonsense is the end of a run, and not of the picture.
            sent = _answer(body, kind="image/png")
            yield Row(row, "download", Fault("raw", sent=sent, times=number), exit_code=int(number == 3))
    # Nobody means a bomb well: it is left to the next run, which fetches without paying.
    yield Row("H16", "download", Fault("raw", sent=PACKED[0]), exit_code=1)
    for sent in (*PACKED[1:], *NO_HTTP):
        yield Row("C2", "download", Fault("raw", sent=sent, times=2))
    for link in ELSEWHERE:
        yield Row("C7", "download", Fault("redirect", to=link), exit_code=1)


ROWS = (*_paid_rows(), *_picture_rows())


def _ways(row: Row) -> Iterator[tuple[str, Row]]:
    """The ways to answer in which *row* can happen: nobody polls where pictures come at once."""
    yield "task", row
    if row.endpoint != "poll" and "{task_id}" not in row.fault.sent:
        yield "at_once", row


CASES = [way for row in ROWS for way in _ways(row)]


def try_row(answers: str, row: Row, folder: Path) -> Verdict:
    """Have *row* befall a project's second call, and run again where that is how one goes on."""
    clock = SharedClock()
    with Vendor(token=CANARY, clock=clock.now, answers=answers) as vendor:
        if row.endpoint == "list":
            vendor.fault("submit", Fault("reset_after_accept", match="bowl"))
        vendor.fault(row.endpoint, row.fault if row.endpoint == "list" else replace(row.fault, match="bowl"))
        project = Project.make(Path(tempfile.mkdtemp(dir=folder)) / "shop", READER)
        told = Teller(vendor, clock)
        ended = told(project)
        posts = sum("bowl" in post.body["prompt"] for post in vendor.posts)
        verdict = Verdict()
        if (ended.exit_code, posts) != (row.exit_code, row.posts):
            words = f"{ended.exit_code} after {posts} calls instead of {row.exit_code} after {row.posts}"
            verdict.lost.append(f"{words}: {ended.error} {ended.answer.get('nodes')}")
        if any(vendor.faults_left.values()):
            verdict.lost.append("it did not befall anybody")
        lost = row.row == "C1" and row.exit_code
        consent = {"rebuy": True} if lost else {}
        if row.exit_code and (again := told(project, consent=consent)).exit_code:
            verdict.lost.append(f"then {again.exit_code}: {again.error} {again.answer.get('nodes')}")
        verdict.add(judge(project, vendor, doubted=[READER.pictures["bowl"]] if lost else []))
    return verdict


@pytest.mark.parametrize(("answers", "row"), CASES[::EVERY], ids=str)
def test_a_row_of_the_tables_ends_as_it_should(quick_folder: Path, answers: str, row: Row) -> None:
    """The first run ends as the table says, the next one has everything; each picture was charged once."""
    assert try_row(answers, row, quick_folder).wrong == []


@pytest.mark.campaign
def test_every_row_of_the_tables_ends_as_it_should(quick_folder: Path, tell: Tell) -> None:
    """The same, for all of them."""
    verdict = Verdict()
    for answers, row in CASES:
        of_this = try_row(answers, row, quick_folder)
        for told, words in zip((verdict.charged_twice, verdict.lost, verdict.corrupt), _words(of_this), strict=True):
            told += [f"{row} ({answers}): {word}" for word in words]
    rows = len({row.row for row in ROWS})
    figure = f"{rows} rows of the tables, at submit, poll, list and download"
    tell(Line(4, "rows of the fault tables", len(CASES), *verdict.counts, figure=figure))
    assert not verdict.wrong, "\n".join(verdict.wrong)


def _words(verdict: Verdict) -> tuple[list[str], list[str], list[str]]:
    return verdict.charged_twice, verdict.lost, verdict.corrupt
