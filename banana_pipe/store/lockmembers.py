"""Pins become the members of a lock file's blocks, and members become pins again.

Unaware of folders, locks and of the form of the text, which `locktext` knows.

Members that this version does not know are kept as they are.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from banana_pipe.canonical import Digest, is_digest
from banana_pipe.errors import UsageError
from banana_pipe.model import Artifact, BaseKey, Json, Url
from banana_pipe.prices import MICROS, usd
from banana_pipe.store import locktext
from banana_pipe.store.pins import LockAccepted, LockBlock, LockFile, LockLink, LockTake

_TAKE = re.compile(r"take [1-9]\d{0,8}")


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
