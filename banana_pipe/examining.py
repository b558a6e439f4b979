"""Whether this machine and this project have what the promises need: `doctor`.

Unaware of recipes, of the command line and of the environment. Nothing is bought and nothing stays behind:
what is tried on the disk is tried where the cache is or would be, and removed.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from banana_pipe import disk, transforms
from banana_pipe.bookkeeping import attempts
from banana_pipe.clock import COUNTS_SLEEP, Clock, SystemClock
from banana_pipe.errors import BananaError, StoreError, UsageError
from banana_pipe.model import ACTIVE
from banana_pipe.prices import show_usd
from banana_pipe.providers import catalog
from banana_pipe.providers.acedata import AceData
from banana_pipe.providers.base import ProviderError
from banana_pipe.store.lookup import folders_of
from banana_pipe.transforms import plugins
from banana_pipe.workspace import Access

Verdict = Literal["good", "warning", "bad"]

LEAST_SQLITE = (3, 8, 0)
"""What the ledger's tables need (partial indexes)."""
LITTLE_SPACE, NO_SPACE = 1 << 30, 64 << 20
OLD_PRICES_DAYS = 90
CLOCK_SECONDS = 300.0
"""A listing is asked for tasks from ten minutes before a call on: half of that is what a clock may be wrong by."""

_OVER_A_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "sshfs",
    "fuse.sshfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "fuse.gcsfuse",
    "fuse.s3fs",
)
_MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. A `warning` is for you to judge; what is `bad` breaks a promise."""

    name: str
    verdict: Verdict
    words: str
    hint: str | None = None


async def examine(cache: Path, access: Access, *, ask: bool = True, clock: Clock | None = None) -> list[Check]:
    """All checks for the project whose cache is *cache*. Without *ask* the provider is not asked."""
    clock = clock or SystemClock()
    return [
        _python(),
        _sqlite(),
        _ops(),
        *_folder(_standing(cache)),
        await _ledger(cache, clock),
        _clock(clock),
        _prices(access, clock),
        _engines(clock),
        await _provider(access, clock, ask=ask),
    ]


def _python() -> Check:
    return Check("python", "good", f"Python {'.'.join(map(str, sys.version_info[:3]))} on {sys.platform}")


def _sqlite() -> Check:
    words = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        least = ".".join(map(str, LEAST_SQLITE))
        return Check(
            "sqlite", "bad", f"{words} is too old for the ledger", f"{least} at least: a newer Python brings it"
        )
    return Check("sqlite", "good", f"{words}; the ledger uses a rollback journal, synced at every commit")


def _ops() -> Check:
    """Ours, and those of other packages: each is imported, since a recipe may ask for any of them."""
    others, broken = [], []
    for plugin in plugins.installed():
        try:
            transforms.find(plugin.name)
            clash = plugin.name in transforms.TRANSFORMS
            others += [] if clash else [f"{plugin.name} ({plugin.whose})"]
            broken += [f"{plugin.whose} has an op `{plugin.name}`, and so has banana-pipe itself"] if clash else []
        except plugins.BrokenPlugin as error:
            broken.append(error.message)
    words = f"{len(transforms.TRANSFORMS)} of our own{''.join(f', {one}' for one in others)}"
    if broken:
        return Check("ops", "warning", "; ".join([words, *broken]), "uninstall what is broken, or take another version")
    return Check("ops", "good", words)


# --- the disk ---------------------------------------------------------------------------------


def _standing(cache: Path) -> Path:
    """The folder in which to try: the cache, or where it would be made."""
    return next(folder for folder in (cache, *cache.parents) if folder.is_dir())


def _folder(folder: Path) -> Iterator[Check]:
    yield _writes(folder)
    yield _locks(folder)
    yield _file_system(folder)
    yield _space(folder)


def _writes(folder: Path) -> Check:
    try:
        with disk.Temporary(folder) as file:
            file.write(b"banana-pipe")
            file.seal()
        disk.sync_folder(folder)
    except StoreError as error:
        return Check("disk", "bad", f"nothing can be recorded, so nothing is bought: {error.message}", error.hint)
    return Check("disk", "good", f"{folder} takes files and syncs them")


def _locks(folder: Path) -> Check:
    path = folder / f"{disk.TEMPORARY_PREFIX}{os.getpid()}-lock"
    try:
        held = disk.try_lock(path)
        if held is None:
            return Check("locks", "bad", f"{path} is locked by somebody else", "remove it")
        second = disk.try_lock(path)
        held.release(unlink=True)
    except StoreError as error:
        return Check("locks", "bad", error.message, error.hint)
    if second is not None:
        second.release()
        words = "this file system gives one lock to two holders: two runs at once could pay twice"
        return Check("locks", "bad", words, "keep the cache on a local disk (--cache DIR)")
    return Check("locks", "good", "a lock has one holder, and is free when that one dies")


def _file_system(folder: Path) -> Check:
    kind = file_system(folder)
    if kind is None:
        return Check("file system", "good", "its kind is not told by this system")
    if kind.startswith(_OVER_A_NETWORK):
        words = f"{kind}: over a network, locks and syncs are as good as its server"
        return Check(
            "file system",
            "warning",
            words,
            "a cache on a local disk is safer (--cache DIR, or `cache` in your configuration)",
        )
    return Check("file system", "good", kind)


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of the file system that *folder* is on (`ext4`), None where the system lists no *mounts*."""
    try:
        listed = [line.split() for line in mounts.read_text("utf-8", errors="replace").splitlines()]
    except OSError:
        return None
    real = Path(os.path.realpath(folder))
    points = [(Path(_unescaped(fields[1])), fields[2]) for fields in listed if len(fields) > 2]
    around = [(len(point.parts), kind) for point, kind in points if real.is_relative_to(point)]
    # Of two at one place the later one is on top.
    return max(enumerate(around), key=lambda one: (one[1][0], one[0]))[1][1] if around else None


def _unescaped(text: str) -> str:
    """A path as /proc writes it: spaces and the like stand as octal numbers."""
    return text.encode("latin-1", "replace").decode("unicode_escape") if "\\" in text else text


def _space(folder: Path) -> Check:
    free = disk.free_bytes(folder)
    words = f"{free / (1 << 30):,.1f} GiB free"
    if free < NO_SPACE:
        return Check("space", "bad", f"{words}: a run could not keep what it pays for", "free some, or --cache DIR")
    if free < LITTLE_SPACE:
        return Check("space", "warning", f"{words}: some hundred pictures, fewer in 4K", "free some, or --cache DIR")
    return Check("space", "good", words)


# --- the project -------------------------------------------------------------------------------


async def _ledger(cache: Path, clock: Clock) -> Check:
    path = folders_of(cache)["ledger"]
    if not path.exists():
        return Check("ledger", "good", "none yet: nothing was bought here")
    try:
        known = await attempts(cache, clock)
    except StoreError as error:
        return Check("ledger", "bad", error.message, error.hint)
    still_open = [attempt for attempt in known if attempt.state in ACTIVE]
    words = f"{len(known):,} calls on record"
    if still_open:
        words = f"{words}, {len(still_open):,} of them open"
        return Check(
            "ledger", "warning", words, "`banana-pipe ledger reconcile` settles them, and so does the next run"
        )
    return Check("ledger", "good", f"{words}, none open")


# --- time, prices, the provider ------------------------------------------------------------------


def _clock(clock: Clock) -> Check:
    words = f"{datetime.fromtimestamp(clock.now(), UTC):%Y-%m-%d %H:%M} UTC"
    if clock.now() < _moment(catalog.load(None).as_of):
        return Check("clock", "bad", f"{words} is before this program was made", "set this machine's clock")
    if not COUNTS_SLEEP:
        hint = "don't let it sleep between a call and its answer"
        return Check("clock", "warning", f"{words}; this system doesn't count the time it sleeps", hint)
    return Check("clock", "good", f"{words}; deadlines count the time that this machine sleeps")


def _prices(access: Access, clock: Clock) -> Check:
    try:
        known = catalog.load(access.prices)
    except UsageError as error:
        return Check("prices", "bad", str(error), error.hint)
    oldest = min((note.as_of for note in known.price_notes.values()), default=known.as_of)
    days = int((clock.now() - _moment(oldest)) / 86_400)
    dearest = max((price for table in known.prices.prices.values() for price in table.values()), default=0)
    words = f"as of {oldest}, up to {show_usd(dearest)} a picture"
    if days > OLD_PRICES_DAYS:
        hint = "compare with the provider's list; `prices` in your configuration names a table of your own"
        return Check("prices", "warning", f"{words}: {days} days old", hint)
    return Check("prices", "good", words)


def _engines(clock: Clock) -> Check:
    """Whether the model behind a name may be another one by now: names stay when engines go."""
    models = catalog.load(None).models.values()
    ended = [one for one in models if one.engine_ends is not None and _moment(one.engine_ends) < clock.now()]
    if not ended:
        return Check("engines", "good", "of no known model the end was announced for a day before today")
    told = ", ".join(f"{one.name} ({one.engine}, {one.engine_ends})" for one in ended)
    hint = "look at a picture of it before you buy many, or name another model: `banana-pipe providers` lists them"
    return Check("engines", "warning", f"the end was announced of the engine of {told}: another may draw by now", hint)


def _moment(day: str) -> float:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp()


async def _provider(access: Access, clock: Clock, *, ask: bool) -> Check:
    if access.token is None:
        hint = "set ACEDATACLOUD_API_TOKEN to buy; `--provider sandbox` draws for free without one"
        return Check("provider", "warning", "there is no API token", hint)
    if not ask:
        return Check("provider", "good", f"there is a token for {access.base_url}; it was not asked")
    provider = AceData(access.base_url, access.token, clock)
    try:
        there = await provider.time_there()
    except ProviderError as error:
        return _unreachable(error, access.base_url)
    except BananaError as error:
        return Check("provider", "bad", error.message, error.hint)
    finally:
        await provider.close()
    return _compared(there, clock.now(), access.base_url)


def _unreachable(error: ProviderError, base_url: str) -> Check:
    if error.kind == "unsupported":
        words = f"{base_url} can be reached, and lists no tasks: a call whose answer is lost stays in doubt"
        return Check(
            "provider", "warning", words, "`ledger reconcile --abandon` or `run --retry-unknown` settle it then"
        )
    return Check("provider", "bad", f"{base_url}: {error.message}", error.hint)


def _compared(there: float | None, here: float, base_url: str) -> Check:
    words = f"{base_url} takes the token and lists tasks"
    if there is not None and abs(there - here) > CLOCK_SECONDS:
        words = f"{words}, and its clock is {abs(there - here) / 60:,.0f} minutes {'ahead of' if there > here else 'behind'} ours"
        return Check("provider", "bad", words, "set this machine's clock: calls are looked up by their time")
    return Check("provider", "good", words)
