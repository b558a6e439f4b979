"""A studio in a thread of this process, and a plain client that knows its address.

Unaware of what is asked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from banana_pipe.buying import Limits
from banana_pipe.cli.commands.studio import _caps, _Commands
from banana_pipe.cli.options import read_call
from banana_pipe.model import Budget
from banana_pipe.purchase.orders import Pace
from banana_pipe.studio import House, Studio

NOTHING_GIVEN: dict[str, Any] = {
    **dict.fromkeys(("sets", "vars_files", "allow_read"), ()),
    **dict.fromkeys(("provider", "out", "cache", "profile", "max_calls", "max_cost"), None),
    "as_json": False,
}
PACE = Pace(poll=0.02, settle=0.2)


@dataclass(slots=True)
class Served:
    """A studio that listens; `bugs` are what nobody foresaw."""

    url: str
    port: int
    bugs: list[Exception] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Its pages' own."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> httpx.Client:
        """A client that says which page it is."""
        return httpx.Client(base_url=self.url, headers={"origin": self.origin, **headers}, trust_env=False, timeout=60)

    def get(self, path: str = "") -> httpx.Response:
        """One GET."""
        with self.client() as client:
            return client.get(path)

    def act(self, name: str, **said: Any) -> httpx.Response:
        """One act."""
        with self.client() as client:
            return client.post(f"_do/{name}", json=said)

    def data(self) -> dict[str, Any]:
        """What the page knows of the studio."""
        return dict(json.loads(self.get().text.split('id="studio-data">')[1].split("</script>")[0]))

    def cards(self) -> dict[str, dict[str, Any]]:
        """The pictures of the page, by node, each with where it is asked for."""
        told = json.loads(self.get().text.split('id="data">')[1].split("</script>")[0])
        for shot in (shot for card in told["cards"] for shot in card["t"]):
            assert shot["u"] == f"_p/{shot['h']}"
            shot["t"] = f"_/thumbs/{shot['h']}.webp"
        return {card["n"]: card for card in told["cards"]}

    def states(self) -> Iterator[dict[str, Any]]:
        """What it tells, for as long as somebody listens."""
        with self.client() as client, client.stream("GET", "_events") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def ended(self) -> dict[str, Any]:
        """How what is being bought ends, once it has; the page is of then."""
        for state in self.states():
            if state["going"] is None and state["ended"] is not None:
                return dict(state["ended"])
        raise AssertionError("it ended without a word")

    def buy(self, name: str = "run", **said: Any) -> dict[str, Any]:
        """A purchase at the price that the page shows, to its end."""
        agreed = self.data()["bill"]
        body = {"agreed": {"calls": agreed["calls"], "micros": agreed["micros"]}, **said}
        answer = self.act(name, **body)
        assert answer.status_code == 200, answer.text
        return self.ended()


@contextmanager
def studio(recipe: Path, *, access: Any = None, budget: Budget | None = None, **given: Any) -> Iterator[Served]:
    """A studio as long as the block lasts; *given* are options of the command."""
    values = {**NOTHING_GIVEN, **given}
    call = read_call(recipe, values)
    limits = Limits(budget=budget or Budget(), pace=PACE)
    house = House(recipe, call.options, access or call.access(token=True), limits, _Commands(call), _caps(values))
    bugs: list[Exception] = []
    served = Studio(house, 0, bugs.append)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: served.run(ready.set))
    with ExitStack() as stack:
        thread.start()
        stack.callback(thread.join)
        ready.wait(60)
        stack.callback(served.stop)
        yield Served(served.url, served.port, bugs)
    assert not bugs
