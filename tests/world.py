"""A project with recipes, a provider that bills and a clock that waits for nobody: whole runs in a few lines.

Unaware of what is tested. Nothing is kept between two runs but the folder, as between two processes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeVar

import pytest
from PIL import Image

from banana_pipe import beforehand, bookkeeping, buying, choosing, fetching, running, workspace
from banana_pipe.canonical import Digest, digest_of
from banana_pipe.choosing import Picked, Price, Reroll
from banana_pipe.events import Event
from banana_pipe.locks import accepting
from banana_pipe.locks.accepting import Acceptance
from banana_pipe.model import Attempt, AttemptState, Json, Outcome, Plan, PlannedNode, Run
from banana_pipe.planning import Decided
from banana_pipe.providers.base import Picture, Provider, ProviderError
from banana_pipe.providers.catalog import origin
from banana_pipe.providers.secret import Token
from banana_pipe.purchase.orders import Consent
from banana_pipe.running import Interrupts
from banana_pipe.store import lockfile
from banana_pipe.store.pins import LockFile
from banana_pipe.workspace import Access, Options, Workspace, open_recipe
from tests.canary import CANARY
from tests.clock import FakeClock, run
from tests.purchase.fake import Fake
from tests.purchase.shop import WatchedLedger

T = TypeVar("T")
TOKEN = Access(token=Token(CANARY))
NO_TOKEN = Access()
CHAIN = """
    version: 1
    steps:
      base:
        generate: A mug
      glaze:
        images: base
        edit: Make it teal
      scene:
        images: glaze
        edit: Put it on a table
"""


def plain(color: tuple[int, int, int] = (9, 9, 9)) -> bytes:
    """A picture of one colour."""
    stream = BytesIO()
    Image.new("RGB", (8, 8), color).save(stream, "PNG")
    return stream.getvalue()


def picture(width: int, height: int, mode: str = "RGB") -> bytes:
    """A picture of that size which is not blank."""
    stream = BytesIO()
    image = Image.new(mode, (width, height))
    image.putpixel((0, 0), (200, 100, 50, 255)[: len(mode)])
    image.save(stream, "PNG")
    return stream.getvalue()


@dataclass(slots=True)
class Artist(Fake):
    """A provider whose takes can be drawn by hand: `draws` has pictures by prompt and sample."""

    draws: dict[tuple[object, int], bytes] = field(default_factory=dict)

    async def fetch(self, picture: Picture, write: Callable[[bytes], None]) -> None:
        assert picture.url is not None
        task = self.tasks[picture.url.rpartition("/")[2]]
        drawn = self.draws.get((task.asked["prompt"], task.call.sample))
        if drawn is None:
            # Of the class by name: zero-argument super() is lost where slots make another class of it.
            await Fake.fetch(self, picture, write)
        else:
            write(drawn)


@dataclass(slots=True)
class Web:
    """The web: what is at which address, and who asked. An error is raised once, where several stand in a list."""

    pages: dict[str, bytes | ProviderError | list[bytes | ProviderError]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    """What happens elsewhere while somebody downloads."""

    async def download(self, url: str, write: Callable[[bytes], None]) -> None:
        self.asked.append(url)
        self.meanwhile()
        page = self.pages.get(url, ProviderError("dead_link", "the picture is not at its link any more (HTTP 404)"))
        if isinstance(page, list):
            page = page.pop(0)
        if isinstance(page, ProviderError):
            raise page
        write(page)

    async def close(self) -> None:
        """Nothing to give back."""


class World:
    """A project folder (`shop.yaml` unless said otherwise) and who sells to it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        (self.folder / "banana-pipe.toml").touch()
        self.clock = FakeClock()
        self.vendor = Artist(self.clock, origin=origin(TOKEN.base_url))
        self.sandbox = Artist(self.clock, name="sandbox", origin="sandbox", billable=False)
        self.web = Web()
        self.events: list[Event] = []
        patch.setattr(fetching, "fetcher_for", lambda _: self.web)
        patch.setattr(buying, "provider_for", self._provider_for)
        patch.setattr(workspace, "Ledger", WatchedLedger)
        patch.setattr(bookkeeping, "Ledger", WatchedLedger)
        patch.setattr(bookkeeping, "AceData", lambda *_: self.vendor)

    def _provider_for(self, name: str, _: Workspace) -> Provider:
        return self.sandbox if name == "sandbox" else self.vendor

    # --- the folder ---

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def out(self) -> Path:
        return self.folder / "out" / "shop"

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self, text: str, name: str = "shop.yaml") -> Path:
        """Write a recipe (its text may be indented)."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def picture(self, name: str, data: bytes) -> Digest:
        """Write a picture file that recipes can read."""
        self.path(name).write_bytes(data)
        return digest_of(data)

    def lock(self, name: str = "shop.lock") -> LockFile:
        return lockfile.read(self.path(name))

    def forget(self, *places: str) -> None:
        """Take away files and folders, `cache/blobs` say."""
        for place in places:
            path = self.path(place)
            assert path.exists(), f"there is no {place} to take away"
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def pictures(self, out: Path | None = None) -> dict[str, Digest]:
        """The published pictures: path below the output folder → digest."""
        out = out or self.out
        return {path.relative_to(out).as_posix(): digest_of(path.read_bytes()) for path in sorted(out.rglob("*.png"))}

    # --- what is done in it ---

    def open(self, name: str = "shop.yaml", options: Options | None = None, access: Access = TOKEN) -> Workspace:
        return open_recipe(self.path(name), options, access, self.clock)

    def do(self, story: Coroutine[Any, Any, T]) -> T:
        return run(self.clock, story)

    def decide(self, name: str = "shop.yaml", options: Options | None = None, access: Access = NO_TOKEN) -> Decided:
        opened = self.open(name, options, access)
        try:
            return self.do(beforehand.plan(opened))
        finally:
            opened.close()

    def plan(self, name: str = "shop.yaml", options: Options | None = None, access: Access = NO_TOKEN) -> Plan:
        return self.decide(name, options, access).plan

    def run(
        self,
        name: str = "shop.yaml",
        *,
        options: Options | None = None,
        access: Access = TOKEN,
        limits: buying.Limits | None = None,
        consent: Consent | None = None,
        interrupts: Interrupts | None = None,
        emit: Callable[[Event], None] | None = None,
    ) -> Run:
        """A whole run of its own; what it says goes to `events`."""
        limits = limits or buying.Limits()
        if consent is not None:
            limits = replace(limits, consent=consent)
        self.events = []
        opened = self.open(name, options, access)
        try:
            return self.do(running.run(opened, limits, emit=emit or self.events.append, interrupts=interrupts))
        finally:
            opened.close()

    def pick(
        self, node: str, sample: int, name: str = "shop.yaml", *, options: Options | None = None
    ) -> tuple[Picked, ...]:
        opened = self.open(name, options, access=NO_TOKEN)
        try:
            return self.do(choosing.pick(opened, node, sample))
        finally:
            opened.close()

    def accept(
        self, *nodes: str, name: str = "shop.yaml", write: bool = True, options: Options | None = None
    ) -> Acceptance:
        opened = self.open(name, options, access=NO_TOKEN)
        try:
            return self.do(accepting.accept(opened, nodes, write=write))
        finally:
            opened.close()

    def reroll(
        self,
        node: str,
        name: str = "shop.yaml",
        *,
        limits: buying.Limits | None = None,
        agree: Callable[[Price], bool] = lambda _: True,
        access: Access = TOKEN,
        options: Options | None = None,
    ) -> Reroll:
        opened = self.open(name, options, access=access)
        try:
            return self.do(choosing.reroll(opened, node, limits or buying.Limits(), agree=agree))
        finally:
            opened.close()

    # --- the ledger ---

    def attempts(self) -> list[Attempt]:
        return self.do(bookkeeping.attempts(self.cache, self.clock))

    def states(self) -> list[AttemptState]:
        return [attempt.state for attempt in self.attempts()]


def lines(plan: Plan) -> dict[str, PlannedNode]:
    """The lines of a plan by node."""
    return {line.id: line for line in plan.nodes}


def stands(plan: Plan) -> dict[str, str]:
    """How each node stands in a plan, as `state/reason`."""
    return {line.id: f"{line.state}/{line.reason}" for line in plan.nodes}


def ends(run: Run) -> dict[str, str]:
    """How each node ended, as `status/reason`."""
    return {outcome.node: f"{outcome.status}/{outcome.reason}" for outcome in run.outcomes}


def outcome(run: Run, node: str) -> Outcome:
    """How one node ended."""
    return next(one for one in run.outcomes if one.node == node)


def digests(run: Run) -> dict[str, Json]:
    """What flows on from each node."""
    return {
        one.node: next((take.result.artifact.digest for take in one.takes if take.sample == one.picked), None)
        for one in run.outcomes
    }
