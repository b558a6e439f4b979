"""What is damaged in the cache is put right where it can be, without paying; the rest is told with what to do about it.

Unaware of how it is shown. Nothing is ever deleted: what is damaged is set aside in `cache/damaged/`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import Digest
from banana_pipe.care.sources import Sources, download
from banana_pipe.care.sweeping import GIVEN_UP, given_up_line
from banana_pipe.care.verifying import (
    OF_BYTES,
    UNREADABLE,
    Damage,
    Records,
    Verified,
    What,
    look,
    wrong,
)
from banana_pipe.clock import Clock, SystemClock
from banana_pipe.model import Attempt, Key, Result
from banana_pipe.providers.acedata import AceData
from banana_pipe.store import mending
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.lookup import folders_of, result_of
from banana_pipe.store.mending import ResultsFile
from banana_pipe.store.results import Results
from banana_pipe.workspace import Access

_BYTES: What = "blob"
_Healed = dict[tuple[What, str], str]
"""What was put right, and how."""


async def repair(root: Path, cache: Path, access: Access | None = None, clock: Clock | None = None) -> Verified:
    """Put right what can be, without paying: what was found, and what became of it. Raises StoreError.

    Without *access* nothing is fetched from the links of pictures.
    """
    state, found = await asyncio.to_thread(look, root, cache)
    if not found.damage and not _unwritten(state):
        return found
    healed = await asyncio.to_thread(_mend_records, cache, state)
    blobs = Blobs(folders_of(cache)["blobs"])
    wanted = await asyncio.to_thread(_set_aside, blobs, found.damage)
    here = await asyncio.to_thread(_put_back, blobs, wanted, Sources(root, cache))
    left, books = [digest for digest in wanted if digest not in here], state.books
    if access is not None and left:
        provider = AceData(access.base_url, access.token, clock or SystemClock())
        try:
            here |= dict.fromkeys(await download(left, books, blobs, provider), "from its link")
        finally:
            await provider.close()
    healed |= {(_BYTES, digest): words for digest, words in here.items()}
    await asyncio.to_thread(_forget, cache, [one for one in left if one not in here and one in books.asked])
    return replace(found, damage=tuple(_told(one, healed) for one in found.damage))


def _told(one: Damage, healed: _Healed) -> Damage:
    words = healed.get((_BYTES if one.what in OF_BYTES else one.what, one.name))
    if words is not None:
        return replace(one, healed=words, hint=None)
    if one.what == "blob" and not one.paid and one.hint is None:
        return replace(one, healed="set aside: nothing was paid for it, as far as the records say")
    return one


def _mend_records(cache: Path, state: Records) -> _Healed:
    """Mend the ledger's rows, and write the results anew; what was healed, by name."""
    folders = folders_of(cache)
    healed: _Healed = {}
    ledger = state.ledger
    if not ledger.good:
        copy = _free_name(folders["damaged"], "ledger.db")
        ledger = mending.mend_ledger(folders["ledger"], state.ledger.bad, copy)
        still = {row.seq for row in ledger.bad}
        healed |= {
            ("attempt", row.id): "its digest says what it was" for row in state.ledger.bad if row.seq not in still
        }
        if not ledger.complaints:
            healed["ledger", str(folders["ledger"])] = "its indexes are written anew"
    if ledger.good and not (state.results.good and not _unwritten(state)):
        healed |= _rebuild_results(cache, ledger.attempts, state.results)
    return healed


def _rebuild_results(cache: Path, attempts: Iterable[Attempt], file: ResultsFile) -> _Healed:
    """Write the results that can be believed, and those that the ledger knows; a damaged file is moved away."""
    folder, bought = folders_of(cache)["results"], _bought(attempts)
    if not file.good:
        disk.move(folder, _free_name(folders_of(cache)["damaged"], "results"))
    results = Results(folder)
    try:
        for result in (*bought.values(), *(() if file.good else (*file.results, *file.astray))):
            results.put(result)
    finally:
        results.close()
    healed: _Healed = {("results", str(folder)): _REBUILT}
    healed |= {("result", key): _REBUILT if key in bought else _NO_PURCHASE for key in file.bad}
    healed |= {("result", result.key): "it says itself what it is" for result in file.astray}
    return healed


_REBUILT = "rebuilt from the ledger"
_NO_PURCHASE = "set aside: the ledger knows no purchase of that key"


def _bought(attempts: Iterable[Attempt]) -> dict[Key, Result]:
    """What the ledger knows of each key: its newest purchase."""
    return {attempt.key: result_of(attempt) for attempt in attempts if attempt.state == "STORED"}


def _unwritten(state: Records) -> bool:
    """Whether a purchase has no result: a run that was killed leaves that, and the next one heals it."""
    return bool(_bought(state.ledger.attempts).keys() - {result.key for result in state.results.results})


def _set_aside(blobs: Blobs, damage: Iterable[Damage]) -> list[Digest]:
    """Move what is damaged out of the way; the digests whose bytes are wanted."""
    wanted = []
    for one in damage:
        if one.what in OF_BYTES and one.words != UNREADABLE:
            digest = Digest(one.name)
            wanted.append(digest)
            for path in [path for path in blobs.root.glob(f"*/{digest}") if wrong(blobs, path) is not None]:
                blobs.set_aside(path)
    return list(dict.fromkeys(wanted))


def _forget(cache: Path, requests: Iterable[Digest]) -> None:
    """Write down what was asked and is known no more: it is told once."""
    for digest in requests:
        disk.append(cache / GIVEN_UP, given_up_line(digest, None, None))


def _put_back(blobs: Blobs, wanted: Iterable[Digest], sources: Sources) -> dict[str, str]:
    healed: dict[str, str] = {}
    for digest in wanted:
        found = (b"", "it stands in its right place, too") if blobs.read(digest) is not None else sources.find(digest)
        if found is not None:
            data, healed[digest] = found
            if data:
                blobs.put(data)
    return healed


def _free_name(folder: Path, name: str) -> Path:
    number = 1
    while os.path.lexists(folder / f"{name}.{number}"):
        number += 1
    return folder / f"{name}.{number}"
