"""What a studio answers: the page, its pictures, its events, and what is done for it.

Unaware of the port and of who is let in (see `serving.guard`), and of how anything is done.

Everything stands below the token: `GET /TOKEN/` is the page, `_p/SHA256` a picture, `_/thumbs/SHA256.webp` a small one,
`_events` the state as server-sent events, `_diff?a=RUN&b=RUN` a comparison; `POST _do/ACT` does something. What is not
below the token is not there, whatever is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import cast
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from banana_pipe.bills import Bill
from banana_pipe.errors import BananaError, NotAuthorised, StoreError
from banana_pipe.model import Json
from banana_pipe.serving.guard import Manners
from banana_pipe.studio import acts, purchases
from banana_pipe.studio.desk import Desk
from banana_pipe.studio.errors import Busy, Malformed, PriceChanged, told
from banana_pipe.studio.panel import bill_json
from banana_pipe.studio.pictures import Pictures

MAX_BODY = 256 * 1024
_NOTHING = b"default-src 'none'; frame-ancestors 'none'; sandbox"
_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
_THUMB = re.compile(r"_/thumbs/([0-9a-f]{64})\.webp")
_WHOLE = re.compile(r"_p/([0-9a-f]{64})")


def refusal(status: int, code: str, message: str) -> Response:
    """What is answered to whom we do not serve."""
    error: dict[str, Json] = {"code": code, "message": message, "hint": None, "at": None, "errors": []}
    return _json(json.dumps({"error": error}), status)


MANNERS = Manners(
    refuse=refusal,
    crowded=lambda: Malformed("too many large requests at once"),
    max_body=MAX_BODY,
    headers=(
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
        (b"x-frame-options", b"DENY"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ),
    only_pages=True,
)


class App:
    """The application of *desk*, below *token*."""

    def __init__(self, desk: Desk, token: str, pictures: Pictures) -> None:
        self._desk = desk
        self._token = token.encode("ascii")
        self._pictures = pictures
        self._acts: Mapping[str, _Act] = {
            "plan": self._plan,
            "run": self._run,
            "reroll": self._reroll,
            "stop": self._stop,
            "pick": self._pick,
            "unpick": self._unpick,
            "accept": self._accept,
            "preview": self._preview,
            "diff": self._diff,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer."""
        request = Request(scope, receive)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        token, slash, path = request.url.path[1:].partition("/")
        if not slash or not compare_digest(token.encode("utf-8", "replace"), self._token):
            return refusal(404, "not_found", "There is nothing here.")
        if request.method == "POST" and path.startswith("_do/") and path[4:] in self._acts:
            return await self._did(self._acts[path[4:]], request)
        if request.method != "GET":
            return refusal(404, "not_found", "There is nothing here.")
        return await self._shown(path, request)

    # --- what is shown ---

    async def _shown(self, path: str, request: Request) -> Response:
        if path == "":
            page = (await self._desk.fresh()).page
            version = b'data-version="%d"' % self._desk.board.version
            page = page.replace(b'data-version="0"', version, 1)  # what a page is told then, it can tell from itself
            policy = _POLICY.search(page)
            allowed = policy.group(1) if policy else b"default-src 'none'"
            return _html(page, allowed + b"; frame-ancestors 'none'")
        if path == "_events":
            return self._events()
        if path == "_diff":
            return await self._diff_page(request)
        small, whole = _THUMB.fullmatch(path), _WHOLE.fullmatch(path)
        found = await self._pictures.small(small.group(1)) if small else None
        found = await self._pictures.whole(whole.group(1)) if whole else found
        if found is None:
            return refusal(404, "not_found", "There is nothing here.")
        return Response(found[0], media_type=found[1], headers={"content-security-policy": _NOTHING.decode()})

    def _events(self) -> Response:
        if self._desk.board.is_full:
            return refusal(503, "too_many", "Too many pages of this studio are open.")

        async def written() -> AsyncIterator[bytes]:
            async for state in self._desk.board.states():
                yield f"data: {self._desk.house.redacted(json.dumps(state))}\n\n".encode()

        return StreamingResponse(
            written(), media_type="text/event-stream", headers={"content-security-policy": _NOTHING.decode()}
        )

    async def _diff_page(self, request: Request) -> Response:
        asked = parse_qs(request.url.query)
        before, after = asked.get("a", [""])[0], asked.get("b", [None])[0]
        try:
            page = await self._desk.ask(lambda: acts.diff_page(self._desk.house, before, after or None))
        except BananaError as error:
            return self._failed(error)
        policy = _POLICY.search(page)
        return _html(page, (policy.group(1) if policy else b"default-src 'none'") + b"; frame-ancestors 'none'")

    # --- what is done ---

    async def _did(self, act: _Act, request: Request) -> Response:
        try:
            answer = await act(_Said(await _body(request)))
        except BananaError as error:
            return self._failed(error)
        return self._json(answer)

    def _failed(self, error: BananaError) -> Response:
        more = {"bill": bill_json(error.bill)} if isinstance(error, PriceChanged) else {}
        return self._json({"error": {"code": _code(error), **told(error)}, **more}, _status(error))

    def _json(self, value: Mapping[str, Json], status: int = 200) -> Response:
        return _json(self._desk.house.redacted(json.dumps(value)), status)

    async def _plan(self, said: _Said) -> dict[str, Json]:
        said.only()
        return await self._desk.ask(lambda: acts.the_plan(self._desk.house))

    async def _run(self, said: _Said) -> dict[str, Json]:
        said.only("agreed")
        agreed, house = said.price("agreed"), self._desk.house
        await self._desk.buy("run", agreed, purchases.run)
        return {"command": house.commands.about("run", *purchases.caps_of(house, agreed)), "begun": True}

    async def _reroll(self, said: _Said) -> dict[str, Json]:
        said.only("node", "agreed")
        node, agreed, house = said.text("node"), said.price("agreed"), self._desk.house
        await self._desk.buy(
            "reroll", agreed, lambda house, agreed, watch: purchases.reroll(house, node, agreed, watch)
        )
        return {"command": house.commands.about("reroll", node, *purchases.caps_of(house, agreed)), "begun": True}

    async def _stop(self, said: _Said) -> dict[str, Json]:
        said.only()
        return {"stopping": self._desk.stop()}

    async def _pick(self, said: _Said) -> dict[str, Json]:
        said.only("node", "take")
        node, take = said.text("node"), said.number("take")
        return await self._desk.act(lambda: acts.pick(self._desk.house, node, take))

    async def _unpick(self, said: _Said) -> dict[str, Json]:
        said.only("node")
        node = said.text("node")
        return await self._desk.act(lambda: acts.unpick(self._desk.house, node))

    async def _accept(self, said: _Said) -> dict[str, Json]:
        said.only("nodes")
        nodes = said.texts("nodes")
        return await self._desk.act(lambda: acts.accept(self._desk.house, nodes))

    async def _preview(self, said: _Said) -> dict[str, Json]:
        said.only("set")
        sets = said.mapping("set")
        return await self._desk.ask(lambda: acts.preview(self._desk.house, sets))

    async def _diff(self, said: _Said) -> dict[str, Json]:
        said.only("a", "b")
        before, after = said.text("a"), said.text("b") or None
        return await self._desk.ask(lambda: acts.diff(self._desk.house, before, after))


class _Said:
    """The body of a request, member by member. Raises Malformed for what is not as it should be."""

    def __init__(self, value: Json) -> None:
        if not isinstance(value, dict):
            raise Malformed("an object is wanted")
        self._value = value

    def only(self, *names: str) -> None:
        """Refuse other members, and missing ones."""
        if set(self._value) != set(names):
            raise Malformed(f"the members are {', '.join(names) or 'none'}: {', '.join(map(str, self._value))}")

    def text(self, name: str) -> str:
        """A text."""
        return str(self._of(name, str))

    def number(self, name: str) -> int:
        """A whole number from 1."""
        value = int(self._of(name, int))
        if value < 1:
            raise Malformed(f"`{name}` is a number from 1")
        return value

    def texts(self, name: str) -> list[str]:
        """Some texts, at least one: no name at all would mean every node."""
        value = self._of(name, list)
        if not value or not all(isinstance(one, str) for one in value):
            raise Malformed(f"`{name}` is a list of texts, and not empty")
        return cast("list[str]", value)

    def mapping(self, name: str) -> dict[str, str]:
        """Texts by name."""
        value = self._of(name, dict)
        if not all(isinstance(key, str) and isinstance(one, str) for key, one in value.items()):
            raise Malformed(f"`{name}` is an object of texts")
        return cast("dict[str, str]", value)

    def price(self, name: str) -> Bill:
        """Calls and micro-dollars; no micro-dollars: whatever it costs, since nobody knows."""
        value = self._of(name, dict)
        calls, micros = value.get("calls"), value.get("micros")
        if set(value) != {"calls", "micros"} or not _is_amount(calls) or not (micros is None or _is_amount(micros)):
            raise Malformed(f"`{name}` has `calls` and `micros`, both whole numbers from 0")
        return Bill(calls, micros)

    def _of(self, name: str, wanted: type) -> Json:
        value = self._value[name]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise Malformed(f"`{name}` is not what it should be")
        return value


_Act = Callable[[_Said], Awaitable[dict[str, Json]]]


def _is_amount(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


async def _body(request: Request) -> Json:
    received = bytearray()
    async for piece in request.stream():
        received += piece
        if len(received) > MAX_BODY:
            raise Malformed("the request is too large")
    try:
        return json.loads(received)
    except (ValueError, RecursionError):
        raise Malformed("the request is no JSON") from None


def _code(error: BananaError) -> str:
    named = {PriceChanged: "price_changed", Busy: "busy", Malformed: "malformed", NotAuthorised: "not_authorised"}
    return next((code for kind, code in named.items() if isinstance(error, kind)), "failed")


def _status(error: BananaError) -> int:
    statuses = {PriceChanged: 409, Busy: 409, Malformed: 400, NotAuthorised: 403, StoreError: 500}
    return next((status for kind, status in statuses.items() if isinstance(error, kind)), 422)


def _json(text: str, status: int) -> Response:
    """*text* is ASCII: half a character that somebody asks for has no other form."""
    headers = {"content-security-policy": _NOTHING.decode()}
    return Response(text.encode("ascii"), status, headers, media_type="application/json")


def _html(page: bytes, policy: bytes) -> Response:
    return Response(page, media_type="text/html; charset=utf-8", headers={"content-security-policy": policy.decode()})
