"""The lock file: what was bought for a recipe and which takes were picked, as text that git merges.

Unaware of nodes, recipes, caches and prices' sense; for what labels say see `labels`.

The file is read, changed and written under a flock on its folder, so that no process undoes what
another added, whichever cache it has. Nobody waits inside a thread: those are for paid pictures.
Members that this version does not know are kept as they are. For the text's form see `locktext`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import Digest, is_digest
from banana_pipe.clock import Clock
from banana_pipe.errors import Location, StoreError, UsageError
from banana_pipe.model import Artifact, BaseKey, Json, Key, Result, Url
from banana_pipe.prices import MICROS, usd
from banana_pipe.regular import read_regular
from banana_pipe.store import locktext
from banana_pipe.store.labels import parts_of

TURN_POLL_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
"""For who has the folder: a turn takes milliseconds."""

_TAKE = re.compile(r"take [1-9]\d{0,8}")


@dataclass(frozen=True, slots=True)
class LockTake:
    """One take of a request: the picture, and where it came from. Times have milliseconds."""

    artifact: Artifact
    bought_at: float
    price: int | None = None
    served: str | None = None
    task_id: str | None = None
    trace_id: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Members that a later version wrote."""


@dataclass(frozen=True, slots=True)
class LockAccepted:
    """A picture that somebody accepted in place of the takes of a request."""

    artifact: Artifact
    accepted_at: float
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LockBlock:
    """What is known of one request: its takes by sample, and the one that somebody picked."""

    base: BaseKey
    provider: str
    model: str
    inputs: tuple[Digest, ...] = ()
    labels: tuple[str, ...] = ()
    takes: Mapping[int, LockTake] = field(default_factory=dict)
    pick: int | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    accepted: LockAccepted | None = None
    """What flows on instead of any take, while it stands."""

    @property
    def bought_at(self) -> float:
        """When its latest picture was bought or accepted; 0 without any."""
        dates = [take.bought_at for take in self.takes.values()]
        return max([*dates, *([self.accepted.accepted_at] if self.accepted else [])], default=0.0)


@dataclass(frozen=True, slots=True)
class LockLink:
    """What an address means: the picture that was there when it was first fetched."""

    artifact: Artifact
    fetched_at: float
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bought:
    """A result on its way into the lock: whose take it is, and what was read to make it."""

    base: BaseKey
    sample: int
    inputs: tuple[Digest, ...]
    result: Result


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file's content. Never changed: the functions below give another one."""

    blocks: Mapping[BaseKey, LockBlock] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)
    links: Mapping[Url, LockLink] = field(default_factory=dict)
    _named: dict[str, list[tuple[str, LockBlock]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By node: labels and their blocks, the one bought last first."""

    def block(self, base: BaseKey) -> LockBlock | None:
        """The block of that request."""
        return self.blocks.get(base)

    def pick(self, base: BaseKey) -> int | None:
        """The take that somebody picked for that request."""
        block = self.blocks.get(base)
        return block.pick if block else None

    def accepted(self, base: BaseKey) -> Artifact | None:
        """The picture that somebody accepted for that request."""
        block = self.blocks.get(base)
        return block.accepted.artifact if block and block.accepted else None

    def result(self, base: BaseKey, sample: int, key: Key) -> Result | None:
        """What the lock pins for take *sample*, as the result of *key*."""
        block = self.blocks.get(base)
        take = block.takes.get(sample) if block else None
        if block is None or take is None:
            return None
        return Result(
            key=key,
            artifact=take.artifact,
            provider=block.provider,
            model=block.model,
            served=take.served,
            task_id=take.task_id,
            trace_id=take.trace_id,
            price=take.price,
            bought_at=take.bought_at,
        )

    def latest_with_label(self, label: str) -> LockBlock | None:
        """The block under that label whose latest take was bought last; ties go by key."""
        return next(iter(self.with_label(label)), None)

    def with_label(self, label: str) -> Sequence[LockBlock]:
        """The blocks under that label, the one bought last first; ties go by key."""
        return [block for name, block in self._alike(label) if name == label]

    def in_other_profiles(self, label: str) -> Sequence[tuple[str, LockBlock]]:
        """The blocks under the other labels of the same node, each with its label; in the same order."""
        return [(name, block) for name, block in self._alike(label) if name != label]

    def _alike(self, label: str) -> Sequence[tuple[str, LockBlock]]:
        if not self._named:
            newest_first = sorted(self.blocks.values(), key=lambda block: (block.bought_at, block.base), reverse=True)
            for block in newest_first:
                for name in block.labels:
                    self._named.setdefault(parts_of(name)[0], []).append((name, block))
        return self._named.get(parts_of(label)[0], ())


# --- changes ----------------------------------------------------------------------------------


def with_takes(lock: LockFile, bought: Iterable[Bought], *, replace_lost: bool = False) -> LockFile:
    """*lock* with these takes added.

    A take that the lock has already stays as it is: key → picture is write-once. *replace_lost* is
    for the one exception, bytes that are gone for good and were bought again by consent.
    """
    blocks = dict(lock.blocks)
    for one in bought:
        known = blocks.get(one.base)
        block = known or LockBlock(one.base, one.result.provider, one.result.model, one.inputs)
        if replace_lost or one.sample not in block.takes:
            blocks[one.base] = replace(block, takes={**block.takes, one.sample: _take_of(one.result)})
    return replace(lock, blocks=blocks)


def with_labels(
    lock: LockFile,
    labels: Mapping[BaseKey, Iterable[str]],
    elsewhere: Container[str] = (),
    *,
    profile: str | None = None,
) -> LockFile:
    """*lock* with the labels of the nodes that used each of these requests in a run under *profile*.

    A label stays on the blocks that it had before, so that its last request can be found. Requests
    that the lock does not have are passed over. Labels that are *elsewhere*, or of another profile,
    had no say in this run: a block that has one keeps it.
    """
    named = {
        base: replace(lock.blocks[base], labels=tuple(sorted({*names, *_kept(lock.blocks[base], elsewhere, profile)})))
        for base, names in labels.items()
        if base in lock.blocks
    }
    return replace(lock, blocks={**lock.blocks, **named})


def _kept(block: LockBlock, elsewhere: Container[str], profile: str | None) -> Iterator[str]:
    return (label for label in block.labels if label in elsewhere or parts_of(label)[1] != profile)


def with_pick(lock: LockFile, base: BaseKey, sample: int | None) -> LockFile:
    """*lock* with that take picked; None takes the pick away. Raises KeyError for an unknown request.

    What was accepted for that request stands no longer.
    """
    return replace(lock, blocks={**lock.blocks, base: replace(lock.blocks[base], pick=sample, accepted=None)})


def with_accepted(lock: LockFile, like: LockBlock, artifact: Artifact, now: float) -> LockFile:
    """*lock* with that picture accepted for the request that *like* describes, under its labels as well."""
    block = lock.blocks.get(like.base) or like
    accepted = LockAccepted(artifact, round(now * 1000) / 1000)
    block = replace(block, accepted=accepted, labels=tuple(sorted({*block.labels, *like.labels})))
    return replace(lock, blocks={**lock.blocks, like.base: block})


def with_links(lock: LockFile, fetched: Mapping[Url, Artifact], at: float) -> LockFile:
    """*lock* with these addresses pinned, fetched *at*; one that is pinned already stays as it is."""
    new = {url: LockLink(artifact, round(at * 1000) / 1000) for url, artifact in fetched.items()}
    return replace(lock, links={**new, **lock.links})


def _take_of(result: Result) -> LockTake:
    return LockTake(
        artifact=result.artifact,
        bought_at=round(result.bought_at * 1000) / 1000,
        price=result.price,
        served=result.served,
        task_id=result.task_id,
        trace_id=result.trace_id,
    )


# --- the file -----------------------------------------------------------------------------------


def read(path: Path) -> LockFile:
    """The lock file *path*; empty where there is none. Raises UsageError with the place of a mistake."""
    return parse(_text_of(path), path)


async def update(path: Path, spare_lock: Path, change: Callable[[LockFile], LockFile], clock: Clock) -> LockFile:
    """Change the lock file as it is now, and give it back; it is written only if its text changes.

    *change* is called in a thread. Processes take turns by a flock on the file's folder; where folders
    cannot be locked, by *spare_lock*, a lock file outside it. Raises UsageError, as `read` does, and
    StoreError, also if somebody else has the folder for PATIENCE_SECONDS.
    """
    give_up = clock.boot() + PATIENCE_SECONDS
    while (changed := await asyncio.to_thread(_update_now, path, spare_lock, change)) is None:
        if clock.boot() >= give_up:
            raise StoreError(
                f"cannot change {path}: another program has had {path.parent} locked for {PATIENCE_SECONDS:g} s",
                hint="end it, and run the same command again: what is paid is kept",
            )
        await clock.sleep(TURN_POLL_SECONDS)
    return changed


def _update_now(path: Path, spare_lock: Path, change: Callable[[LockFile], LockFile]) -> LockFile | None:
    """What `update` does, in one go; None where it is somebody else's turn."""
    # Taken and given back in one thread: who is cancelled meanwhile neither keeps it nor gives it up too early.
    turn = disk.try_lock_folder(path.parent, else_lock=spare_lock)
    if turn is None:
        return None
    with turn:
        before = _text_of(path)
        changed = change(parse(before, path))
        after = as_text(changed)
        # A file that does not exist and would hold nothing is not made.
        if after != before.replace("\r\n", "\n") and (before or changed != LockFile()):
            _sweep(path.parent)
            disk.write_file(path, after.encode())
    return changed


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed while writing left in *folder*: people commit it."""
    for path in folder.glob(f"{disk.TEMPORARY_PREFIX}*"):
        owner = path.name.removeprefix(disk.TEMPORARY_PREFIX).partition("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            disk.remove(path)
        except (ValueError, OverflowError, PermissionError):
            continue


def _text_of(path: Path) -> str:
    try:
        return read_regular(path).decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise UsageError("this lock file is not UTF-8", at=Location(str(path), 1, 1), hint=locktext.RESTORE) from error
    except OSError as error:
        raise UsageError(f"cannot read the lock file {path}: {error.strerror}") from error


def as_text(lock: LockFile) -> str:
    """The one text of *lock*: equal locks have equal texts."""
    links = {str(url): _link_members(link) for url, link in lock.links.items()}
    return locktext.write((_members(lock.blocks[base]) for base in sorted(lock.blocks)), lock.extra, links)


def _members(block: LockBlock) -> locktext.Block:
    fixed = {"provider": block.provider, "model": block.model, "inputs": list(block.inputs)}
    # The labels and the pick have the takes between them: the two are changed on different branches.
    members: list[tuple[str, Json]] = [("labels", sorted(block.labels))]
    members += [(f"take {sample}", _take_members(block.takes[sample])) for sample in sorted(block.takes)]
    members += [] if block.pick is None else [("pick", block.pick)]
    members += [] if block.accepted is None else [("accepted", _accepted_members(block.accepted))]
    return block.base, fixed, members + sorted(block.extra.items())


def _accepted_members(accepted: LockAccepted) -> dict[str, Json]:
    members = {**_picture(accepted.artifact), "accepted_at": show_time(accepted.accepted_at)}
    return members | dict(sorted(accepted.extra.items()))


def _link_members(link: LockLink) -> dict[str, Json]:
    return {**_picture(link.artifact), "fetched_at": show_time(link.fetched_at)} | dict(sorted(link.extra.items()))


def _picture(artifact: Artifact) -> dict[str, Json]:
    members = {
        "sha256": artifact.digest,
        "mime": artifact.mime,
        "width": artifact.width,
        "height": artifact.height,
        "bytes": artifact.size,
        "blank": artifact.blank or None,
        "alpha": artifact.alpha or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _take_members(take: LockTake) -> dict[str, Json]:
    members = {
        **_picture(take.artifact),
        "price_usd": usd(take.price),
        "bought_at": show_time(take.bought_at),
        "served": take.served,
        "task_id": take.task_id,
        "trace_id": take.trace_id,
    }
    return {name: value for name, value in members.items() if value is not None} | dict(sorted(take.extra.items()))


def show_time(seconds: float) -> str:
    """A moment as ISO 8601 in UTC, to the millisecond: `2026-11-22T14:00:00.000Z`."""
    # By whole milliseconds: `fromtimestamp` would cut where a float stands a little below.
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- members and types ---------------------------------------------------------------------------


class _Wrong(Exception):
    """A member is missing or not what it should be; its block's place is added further up."""


def parse(text: str, path: Path) -> LockFile:
    """The lock that *text*, the content of *path*, holds; an empty one for no text at all.

    Raises UsageError with the place of a mistake, as `locktext.read` does.
    """
    if not text:
        return LockFile()
    requests, addresses, extra = locktext.read(text, path)
    blocks, links = {}, {}
    for base, members in requests.items():
        try:
            blocks[BaseKey(base)] = _block(BaseKey(base), members)
        except _Wrong as wrong:
            at = locktext.place_of(text, path, base)
            raise UsageError(str(wrong), at=at, hint=locktext.RESTORE) from None
    for url, members in addresses.items():
        try:
            links[Url(url)] = _link(members)
        except _Wrong as wrong:
            at = locktext.place_of(text, path, url)
            raise UsageError(
                str(wrong), at=at, hint=f"{locktext.RESTORE}; without this line it is fetched anew"
            ) from None
    return LockFile(blocks, extra, links)


def _block(base: BaseKey, members: Json) -> LockBlock:
    if not is_digest(base) or not isinstance(members, dict):
        raise _Wrong("the name of a block is a key of 64 hex digits, and its value a mapping")
    rest = dict(members)
    takes = {int(name[5:]): _take(rest.pop(name)) for name in members if _TAKE.fullmatch(name)}
    provider, model = _text(rest, "provider"), _text(rest, "model")
    inputs, labels = _texts(rest, "inputs"), _texts(rest, "labels")
    if provider is None or model is None or not all(map(is_digest, inputs)):
        raise _Wrong("a block needs `provider`, `model`, and digests as `inputs`")
    pick = _whole(rest, "pick") if "pick" in rest else None
    accepted = _accepted(rest.pop("accepted")) if "accepted" in rest else None
    return LockBlock(base, provider, model, tuple(map(Digest, inputs)), labels, takes, pick, rest, accepted)


def _accepted(members: Json) -> LockAccepted:
    if not isinstance(members, dict):
        raise _Wrong("what was accepted is a mapping")
    rest = dict(members)
    artifact = _artifact(rest, "what was accepted", "accepted_at")
    return LockAccepted(artifact, _moment(rest, "accepted_at"), rest)


def _link(members: Json) -> LockLink:
    if not isinstance(members, dict):
        raise _Wrong("a link is a mapping")
    rest = dict(members)
    return LockLink(_artifact(rest, "a link", "fetched_at"), _moment(rest, "fetched_at"), rest)


def _artifact(members: dict[str, Json], what: str, moment: str) -> Artifact:
    digest, mime = _text(members, "sha256"), _text(members, "mime")
    if not is_digest(digest) or mime is None or moment not in members:
        raise _Wrong(f"{what} needs `sha256`, `mime` and `{moment}`")
    width, height, size = _whole(members, "width"), _whole(members, "height"), _whole(members, "bytes")
    blank, alpha = members.pop("blank", False) is True, members.pop("alpha", False) is True
    return Artifact(Digest(str(digest)), mime, width, height, size, blank, alpha)


def _take(members: Json) -> LockTake:
    if not isinstance(members, dict):
        raise _Wrong("a take is a mapping")
    rest = dict(members)
    return LockTake(
        artifact=_artifact(rest, "a take", "bought_at"),
        bought_at=_moment(rest, "bought_at"),
        price=_price(rest.pop("price_usd", None)),
        served=_text(rest, "served"),
        task_id=_text(rest, "task_id"),
        trace_id=_text(rest, "trace_id"),
        extra=rest,
    )


def _text(members: dict[str, Json], name: str) -> str | None:
    value = members.pop(name, None)
    if value is not None and not isinstance(value, str):
        raise _Wrong(f"`{name}` is a text")
    return value


def _texts(members: dict[str, Json], name: str) -> tuple[str, ...]:
    value = members.pop(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _Wrong(f"`{name}` is a list of texts")
    return tuple(value)


def _whole(members: dict[str, Json], name: str) -> int:
    value = members.pop(name, None)
    if type(value) is not int or value < 1:
        raise _Wrong(f"`{name}` is a whole number from 1")
    return value


def _price(value: Json) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MICROS:
        raise _Wrong("`price_usd` is an amount of dollars")
    return round(value * MICROS)


def _moment(members: dict[str, Json], name: str) -> float:
    try:
        moment = datetime.fromisoformat(_text(members, name) or "")
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year < 9999:
        raise _Wrong(f"`{name}` is a time like 2026-11-22T14:00:00Z")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
