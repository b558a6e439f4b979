"""The vendor in a process of its own, with the same handle: it outlives forked and killed clients.

Unaware of how the vendor works; it talks to its control pages.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.vendor.behaviour import Endpoint, Fault, Faults
from tests.vendor.books import Charge, Received

_ROOT = Path(__file__).resolve().parents[2]


class VendorProcess:
    """`with VendorProcess(listing="never") as vendor: …`; see Vendor. Its clock is the system's."""

    def __init__(self, *, faults: Faults | None = None, **behaviour: Any) -> None:
        self._behaviour = behaviour
        self._faults = faults or {}
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""

    def start(self) -> Self:
        """Start it and wait until it listens. Raises RuntimeError if it does not."""
        faults = {endpoint: [asdict(fault) for fault in queue] for endpoint, queue in self._faults.items()}
        options = ["--behaviour", json.dumps(self._behaviour), "--faults", json.dumps(faults), "--until-stdin-closes"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.vendor", *options],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        self.base_url = self._process.stdout.readline().strip()
        if not self.base_url:
            self.stop()
            raise RuntimeError("the vendor did not start; what it said stands on stderr")
        return self

    def stop(self) -> None:
        """End it; its books are gone."""
        if self._process:
            self._process.terminate()
            self._process.communicate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def charges(self) -> list[Charge]:
        """The bill so far."""
        return [Charge(**{**charge, "images": tuple(charge["images"])}) for charge in self._ledger()["charges"]]

    @property
    def received(self) -> list[Received]:
        """Every request to the API and for pictures, in order."""
        return [Received(**received) for received in self._ledger()["received"]]

    @property
    def posts(self) -> list[Received]:
        """Every request for a new picture, refused ones too."""
        return [received for received in self.received if received.endpoint == "submit"]

    @property
    def pictures(self) -> dict[str, str]:
        """The sha256 of each picture billed, by task_id."""
        return dict(self._ledger()["pictures"])

    @property
    def counts(self) -> Mapping[str, int]:
        """Requests by endpoint."""
        return dict(self._ledger()["counts"])

    @property
    def peak(self) -> int:
        """The most POSTs that were under way at a time."""
        return int(self._ledger()["peak"])

    @property
    def faults_left(self) -> dict[str, list[str]]:
        """The kinds of faults that have not happened yet, by endpoint."""
        return dict(self._ledger()["faults_left"])

    def behave(self, **changes: Any) -> None:
        """Change fields of the Behaviour."""
        self._control("behaviour", changes)

    def fault(self, endpoint: Endpoint, *faults: Fault) -> None:
        """Queue *faults*."""
        self._control("faults", {endpoint: [asdict(fault) for fault in faults]})

    def advance(self, seconds: float) -> None:
        """Turn the vendor's clock on."""
        self._control("clock", {"advance": seconds})

    def calm(self) -> None:
        """Forget the faults still to come."""
        self._control("calm", {})

    def reset(self) -> None:
        """Forget tasks, books and faults; the behaviour stays."""
        self._control("reset", {})

    def keep(self) -> None:
        """Remember how the books are now."""
        self._control("keep", {})

    def rewind(self, prompts: Collection[str]) -> None:
        """Have the books as they were kept, if nothing but requests for *prompts* had come in."""
        self._control("rewind", {"prompts": list(prompts)})

    def _ledger(self) -> dict[str, Any]:
        return self._control("ledger", None)

    def _control(self, page: str, said: Mapping[str, Any] | None) -> dict[str, Any]:
        data = None if said is None else json.dumps(said).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"{self.base_url}/_control/{page}", data=data), timeout=30) as answer:
            return dict(json.load(answer))
