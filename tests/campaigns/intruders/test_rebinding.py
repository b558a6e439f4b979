"""DNS that answers otherwise at each look-up: the address that was checked is the one that is connected to.

Unaware of TLS and of what is fetched; tests/providers/test_http.py shows one whole download from a pinned address.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from banana_pipe.clock import SystemClock
from banana_pipe.providers import http
from banana_pipe.providers.addresses import is_public
from banana_pipe.providers.base import ProviderError
from tests.campaigns.projects import seed
from tests.campaigns.score import Line, Tell
from tests.providers.test_addresses import LOCAL, PUBLIC

CASES = 200


class Rebinder:
    """A resolver whose every answer is drawn anew, and a network that notes who is connected to and answers nobody."""

    def __init__(self, lot: random.Random) -> None:
        self.lot = lot
        self.answers: list[Sequence[str]] = []
        self.connected: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        answer = self.lot.choices([*PUBLIC * 8, *LOCAL], k=self.lot.randint(0, 4))
        self.answers.append(answer)
        return answer

    async def connect(self, remote_host: str, **_: Any) -> Any:
        self.connected.append(remote_host)
        raise OSError("nobody is there")


def _tried(rebinder: Rebinder) -> str:
    """One download; the kind of its failure."""

    async def run() -> str:
        client = http.Http("", None, SystemClock(), resolve=rebinder.resolve)
        try:
            await client.download("https://cdn.example.com/a.png", lambda _: None)
        except ProviderError as error:
            return error.kind
        finally:
            await client.close()
        return "done"

    return asyncio.run(run())


def _wrong(rebinder: Rebinder, kind: str) -> bool:
    """Whether somebody was connected to who was not checked, or who is not public."""
    first = rebinder.answers[0]
    public = bool(first) and all(is_public(ip_address(address)) for address in first)
    right = list(first) if public else []
    return len(rebinder.answers) != 1 or rebinder.connected != right or (kind == "refused_address") is public


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes longer than all else here, and nobody gets as far as showing one."""
    monkeypatch.setattr(http.Http, "_trust", lambda self, _: self._no_tls)


@pytest.mark.both
@pytest.mark.usefixtures("no_certificates")
def test_only_addresses_that_were_checked_are_connected_to(monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    """One look-up a hop; what it gave is checked, all of it, and nothing else is ever connected to."""
    lot = random.Random(seed())
    wrong, refused = 0, 0
    for _ in range(CASES):
        rebinder = Rebinder(lot)
        monkeypatch.setattr("anyio.connect_tcp", rebinder.connect)
        kind = _tried(rebinder)
        refused += kind == "refused_address"
        wrong += _wrong(rebinder, kind)
    tell(Line(8, "DNS that changes between check and connect", CASES, corrupt=wrong, figure=f"{refused} refused"))
    assert not wrong
    assert 0 < refused < CASES


@pytest.mark.usefixtures("no_certificates")
def test_the_same_catches_a_client_that_looks_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that finds nothing is worth what it could find."""

    async def careless(self: http.Http, url: Any) -> list[Any]:
        await self._resolve(url.host, 443)
        return [http._get(url, url.copy_with(host=address)) for address in await self._resolve(url.host, 443)]

    monkeypatch.setattr(http.Http, "_pinned", careless)
    lot = random.Random(seed())
    rebinders = [Rebinder(lot) for _ in range(20)]
    for rebinder in rebinders:
        monkeypatch.setattr("anyio.connect_tcp", rebinder.connect)
        _tried(rebinder)
    assert any(not is_public(ip_address(address)) for rebinder in rebinders for address in rebinder.connected)
