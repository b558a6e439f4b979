"""https from end to end: who is vouched for is bought from, all others get neither a request nor the token.

Unaware of how certificates are checked: the authorities here are made for the tests.
"""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.campaigns.http.teller import TWO, Teller
from tests.campaigns.http.test_schedules import Story
from tests.campaigns.projects import Project, judge
from tests.campaigns.shared_clock import SharedClock
from tests.canary import CANARY
from tests.vendor import Vendor

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody who vouches for servers."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        folder.mkdir()
        _openssl(
            *("req", "-x509", *_CURVE, "-days", "2", "-subj", "/CN=An authority of the tests"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "authority.pem")),
        )
        return cls(folder)

    @property
    def path(self) -> Path:
        return self.folder / "authority.pem"

    def vouch(self, name: str, names: str, days: int = 1) -> ssl.SSLContext:
        """What a server shows that is called *names*; of yesterday where *days* are negative."""
        request, key, shown, more = (self.folder / f"{name}.{kind}" for kind in ("csr", "key", "pem", "ext"))
        _openssl("req", *_CURVE, "-subj", "/CN=vendor", "-keyout", str(key), "-out", str(request))
        more.write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n")
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.path), "-CAkey", str(self.folder / "key.pem")),
            *("-set_serial", "7", "-days", str(days), "-extfile", str(more), "-out", str(shown)),
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(shown, key)
        return context


def _openssl(*arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("tls") / "ours")


@contextmanager
def vendor_by_https(tls: ssl.SSLContext, clock: SharedClock) -> Iterator[Vendor]:
    with Vendor(token=CANARY, clock=clock.now, tls=tls) as vendor:
        yield vendor


def trust(authority: Authority | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the program believe *authority* alone; nobody but the world's authorities where there is none."""
    context = ssl.create_default_context(cafile=authority.path if authority else None)
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: context)


def test_all_is_bought_by_https_where_the_server_is_vouched_for(
    authority: Authority, clock: SharedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls, polls and pictures."""
    trust(authority, monkeypatch)
    with vendor_by_https(authority.vouch("good", "IP:127.0.0.1"), clock) as vendor:
        assert vendor.base_url.startswith("https://")
        project = Project.make(tmp_path / "shop", TWO)
        ended = Teller(vendor, clock)(project)
        assert ended.exit_code == 0, ended
        assert judge(project, vendor).wrong == []
        assert {received.endpoint for received in vendor.received} == {"submit", "poll", "download"}


@pytest.mark.parametrize("why", ["nobody vouches", "another vouches", "another name", "expired"])
def test_nothing_reaches_a_server_that_is_not_vouched_for(
    authority: Authority, clock: SharedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """Proven not sent, so that nothing is in doubt and nothing reserved: the next run buys without asking."""
    names = "IP:127.0.0.1" if why != "another name" else "DNS:vendor.example"
    shown = authority.vouch(why.replace(" ", "-"), names, days=-1 if why == "expired" else 1)
    other = Authority.make(tmp_path / "other") if why == "another vouches" else authority
    trust(None if why == "nobody vouches" else other, monkeypatch)
    with vendor_by_https(shown, clock) as vendor:
        project = Project.make(tmp_path / "shop", TWO)
        ended = Teller(vendor, clock)(project)
        assert (ended.exit_code, set(ended.statuses.values())) == (1, {"failed"})
        assert "CERTIFICATE_VERIFY_FAILED" in str(ended.node("cup")["error"])
        assert vendor.received == []
        assert {row["state"] for row in Story(project, vendor).rows()} == {"NOT_SENT"}


def test_who_checks_nothing_would_have_bought_there(
    authority: Authority, clock: SharedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A harness that finds nothing is worth what it could find."""
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: careless)
    with vendor_by_https(authority.vouch("careless", "DNS:vendor.example"), clock) as vendor:
        assert Teller(vendor, clock)(Project.make(tmp_path / "shop", TWO)).exit_code == 0
        assert vendor.charges
