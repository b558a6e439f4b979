"""What no test may do: see a real token, leave this machine, leave the canary or an undocumented log behind.

Unaware of the program; it guards the process that the tests run in, and what they start.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.canary import CANARY
from tests.logs import faults_in

# Nothing listens on the discard port: what slips through is refused here and not billed elsewhere.
NOBODY = "http://127.0.0.1:9"
OURS = ("ACEDATA", "BANANA_PIPE_")
OF_THE_MACHINE = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NO_COLOR", "FORCE_COLOR", "COLUMNS")

# Times are no part of what a test proves, and a slow machine is no failure.
_PATIENT: dict[str, Any] = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("local", **_PATIENT)
settings.register_profile("ci", derandomize=True, **_PATIENT)
settings.register_profile("campaign", max_examples=2_000, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "local"))

_leaks: list[str] = []

# Whoever begins the tests in the background has Ctrl-C ignored, and what is started here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


class YouForgotToFakeTheNetwork(BaseException):
    """A test reached for another machine. Not an Exception: no retry may take it for a fault."""


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No token, no user's configuration, no vendor: neither here nor in what a test starts."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(OURS) or name.upper() in OF_THE_MACHINE:
                patch.delenv(name)
        for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home))
        patch.setenv("ACEDATACLOUD_API_BASE_URL", NOBODY)
        yield


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Sockets of this process reach this machine and no other."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_others(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_others(self.family, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        _refuse_host(host)
        return getaddrinfo(host, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_canary_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the last test the canary stands in no file, and no test has shown it."""
    yield
    files = [str(path) for path in files_with(CANARY, tmp_path_factory.getbasetemp())]
    assert not files, f"the API token was written to {files}"
    assert not _leaks, f"the API token was shown by {_leaks}"


@pytest.fixture(scope="session", autouse=True)
def _logs_are_as_documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the last test every line of every log that a run left has the form that its schema says."""
    yield
    faults = faults_in(tmp_path_factory.getbasetemp())
    assert not faults, "\n".join(faults[:20])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look for the canary in what a test printed, logged and raised."""
    if any(CANARY in text for _, text in report.sections) or CANARY in report.longreprtext:
        _leaks.append(f"{report.nodeid} ({report.when})")


def files_with(text: str, folder: Path) -> list[Path]:
    """The files below *folder* whose bytes or whose name hold *text*, sorted."""
    wanted = text.encode("utf-8")
    regular = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in regular if text in path.name or wanted in path.read_bytes())


def _refuse_others(family: int, address: Any) -> None:
    if family in {socket.AF_INET, socket.AF_INET6}:
        _refuse_host(address[0])


def _refuse_host(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in {None, "", "localhost"} and not _is_loopback(name):
        raise YouForgotToFakeTheNetwork(f"a test reaches for {name}")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
