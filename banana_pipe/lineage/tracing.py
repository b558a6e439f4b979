"""What a project's records say of some bytes: manifests, lock files, ledger, results, the logs of runs.

Unaware of why somebody asks, and of recipes: what they say now need not be what they said then. It only looks.

A record is believed about names and prices, never about bytes: those are hashed by whoever has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from banana_pipe.canonical import Digest, canonical_json, digest_of, is_digest
from banana_pipe.care.books import find_locks, walk
from banana_pipe.lineage.family import Ancestor, Record
from banana_pipe.model import LOCAL, Attempt, Json, Result
from banana_pipe.prices import MICROS
from banana_pipe.recipe.compose import SUFFIXES
from banana_pipe.regular import read_regular
from banana_pipe.store import lockfile, mending
from banana_pipe.store.blobs import Blobs
from banana_pipe.store.labels import parts_of
from banana_pipe.store.lockmembers import show_time
from banana_pipe.store.lookup import folders_of
from banana_pipe.store.pins import LockBlock, LockFile
from banana_pipe.store.published import MANIFEST, RUNS, files_of, is_inside, read_manifest


class Archive:
    """The records of the project in *root*, whose cache is *cache*; each kind is read when it is first needed."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self.cache = root, cache
        self._blobs = Blobs(folders_of(cache)["blobs"])

    def records(self, digest: Digest) -> list[Record]:
        """What is known of *digest*: what says most first. The logs are asked where nothing else names a node."""
        found = [
            *self._manifested.get(digest, ()),
            *self._locked.get(digest, ()),
            *(self._attempted(one) for one in self._attempts.get(digest, ())),
            *(self._resulted(one) for one in self._results.get(digest, ())),
        ]
        if not any(record.node and record.recipe for record in found):
            found += [self._with_request(record) for record in self._logged.get(digest, ())]
        return found

    def _with_request(self, record: Record) -> Record:
        request = self.request(record.key or "")
        return record if request is None else replace(record, request=request, inputs=_images(request))

    def request(self, key: str) -> Mapping[str, Json] | None:
        """What the key *key* stands for, as far as a manifest or the cache has it."""
        if key in self._requests:
            return self._requests[key]
        data = self._blobs.read(Digest(key)) if is_digest(key) else None
        return None if data is None else _mapping(data)

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of *digest*, from the cache or from a folder whose manifest names them."""
        data = self._blobs.read(digest)
        if data is not None:
            return data
        for record in self._manifested.get(digest, ()):
            path = self.root / Path(record.where).parent / (record.path or "")
            found = _bytes_of(path)
            if found is not None and digest_of(found) == digest:
                return found
        return None

    def outside(self, digest: Digest) -> Ancestor | None:
        """*digest* as something from outside that a recipe reads: by a manifest's word, or a lock file's."""
        return self._read_from_outside.get(digest)

    def readers(self, digest: Digest) -> list[str]:
        """The nodes that were made from *digest*."""
        return list(dict.fromkeys(self._readers.get(digest, ())))

    @property
    def looked_in(self) -> list[str]:
        """Where all of this was looked for, in words."""
        manifests = ", ".join(self._shown(path) for path in self._manifests[:4])
        more = f" and {len(self._manifests) - 4} more" if len(self._manifests) > 4 else ""
        locks = ", ".join(self._shown(path) for path in self._locks)
        return [
            f"manifests: {manifests}{more}" if self._manifests else "no manifest is there",
            f"lock files: {locks}" if self._locks else "no lock file is there",
            f"the ledger and the results in {self._shown(self.cache)}",
            f"logs of runs: {len(self._logs)}",
        ]

    # --- manifests ---

    @cached_property
    def _files(self) -> list[Path]:
        return list(walk(self.root, self.cache))

    @cached_property
    def _manifests(self) -> list[Path]:
        return [path for path in self._files if path.name == MANIFEST and read_manifest(path.parent) is not None]

    @cached_property
    def _entries(self) -> list[tuple[Path, str | None, Mapping[str, Json]]]:
        """Every entry with its manifest and the recipe that this names."""
        found = []
        for path in self._manifests:
            manifest = read_manifest(path.parent) or {}
            found += [(path, _text(manifest.get("recipe")), entry) for entry in entries_in(manifest)]
        return found

    @cached_property
    def _manifested(self) -> Mapping[Digest, list[Record]]:
        found: dict[Digest, list[Record]] = {}
        for path, recipe, entry in self._entries:
            record = record_of(entry, self._shown(path), recipe)
            # What lies beside a picture was made with it, of the same.
            for one in files_of({"files": [entry]}):
                found.setdefault(one.digest, []).append(replace(record, digest=one.digest, path=one.path))
        return found

    @cached_property
    def _requests(self) -> Mapping[str, Mapping[str, Json]]:
        """What was asked, as manifests tell it, by what it really is the key of."""
        found: dict[str, Mapping[str, Json]] = {}
        for _, _, entry in self._entries:
            try:
                found[digest_of(canonical_json(entry.get("request")))] = entry["request"]
            except (KeyError, ValueError, RecursionError):
                continue
        return found

    @cached_property
    def _readers(self) -> Mapping[Digest, list[str]]:
        found: dict[Digest, list[str]] = {}
        for _, _, entry in self._entries:
            for one in ancestors_in(entry):
                found.setdefault(one.digest, []).append(str(entry["node"]))
        for lock in self._locks.values():
            for block in lock.blocks.values():
                for digest in block.inputs:
                    found.setdefault(digest, []).extend(parts_of(label)[0] for label in block.labels)
        return found

    @cached_property
    def _read_from_outside(self) -> Mapping[Digest, Ancestor]:
        found: dict[Digest, Ancestor] = {}
        for lock in self._locks.values():
            for url, link in lock.links.items():
                found[link.artifact.digest] = Ancestor(link.artifact.digest, url, outside="url")
        for _, _, entry in self._entries:
            found |= {one.digest: one for one in ancestors_in(entry) if one.outside}
        return found

    # --- lock files ---

    @cached_property
    def _locks(self) -> Mapping[Path, LockFile]:
        return {path: lockfile.read(path) for path in find_locks(self.root, self.cache)}

    @cached_property
    def _locked(self) -> Mapping[Digest, list[Record]]:
        found: dict[Digest, list[Record]] = {}
        for path, lock in self._locks.items():
            recipe = self._recipe_of(path)
            for block in lock.blocks.values():
                for record in _of_block(block, self._shown(path), recipe):
                    found.setdefault(record.digest, []).append(record)
        return found

    def _recipe_of(self, lock: Path) -> str | None:
        """The recipe whose lock file *lock* is: the one beside it."""
        beside = [lock.with_suffix(suffix) for suffix in SUFFIXES]
        return next((self._shown(path) for path in beside if path.is_file()), None)

    # --- the cache ---

    @cached_property
    def _attempts(self) -> Mapping[Digest, list[Attempt]]:
        found: dict[Digest, list[Attempt]] = {}
        for one in mending.read_ledger(folders_of(self.cache)["ledger"]).attempts:
            if one.artifact is not None:
                found.setdefault(one.artifact.digest, []).append(one)
        return found

    @cached_property
    def _results(self) -> Mapping[Digest, list[Result]]:
        found: dict[Digest, list[Result]] = {}
        for one in mending.read_results(folders_of(self.cache)["results"]).results:
            found.setdefault(one.artifact.digest, []).append(one)
        return found

    def _attempted(self, one: Attempt) -> Record:
        request = self.request(one.key)
        return Record(
            digest=one.artifact.digest if one.artifact else Digest(""),
            where=f"{self._shown(self.cache)}/ledger.db",
            node=one.node or None,
            take=_sample(request),
            key=one.key,
            request=request,
            inputs=_images(request),
            provider=one.provider,
            model=one.model,
            served=one.served,
            task_id=one.task_id,
            trace_id=one.trace_id,
            price=one.price,
            bought_at=show_time(one.updated_at),
        )

    def _resulted(self, one: Result) -> Record:
        request = self.request(one.key)
        return Record(
            digest=one.artifact.digest,
            where=f"{self._shown(self.cache)}/results",
            take=_sample(request),
            key=one.key,
            request=request,
            inputs=_images(request),
            provider=one.provider,
            model=one.model or None,
            served=one.served,
            task_id=one.task_id,
            trace_id=one.trace_id,
            price=0 if one.provider == LOCAL else one.price,
            bought_at=show_time(one.bought_at) if one.bought_at else None,
        )

    # --- the logs ---

    @cached_property
    def _logs(self) -> list[Path]:
        return [path for path in self._files if path.suffix == ".jsonl" and path.parent.as_posix().endswith(RUNS)]

    @cached_property
    def _logged(self) -> Mapping[Digest, list[Record]]:
        """What the logs say, the latest run first."""
        found: dict[Digest, list[Record]] = {}
        for path in sorted(self._logs, key=lambda path: path.name, reverse=True):
            recipe = None
            for line in (_bytes_of(path) or b"").splitlines():
                if line.startswith(b'{"type": "start"'):
                    recipe = _text((_mapping(line) or {}).get("recipe"))
                elif line.startswith(b'{"type": "node"'):
                    for record in self._of_line(_mapping(line) or {}, path, recipe):
                        found.setdefault(record.digest, []).append(record)
        return found

    def _of_line(self, event: Mapping[str, Json], path: Path, recipe: str | None) -> Iterator[Record]:
        for one in outputs_in(event):
            yield Record(
                digest=one["sha256"],
                where=self._shown(path),
                recipe=recipe,
                node=str(event["node"]),
                take=_whole(one.get("take")),
                path=one["path"],
                key=_text(event.get("key")) if one.get("picked") else None,
            )

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()


def record_of(entry: Mapping[str, Json], where: str, recipe: str | None) -> Record:
    """What an *entry* of a manifest says."""
    request = entry.get("request")
    price = entry.get("price_usd")
    return Record(
        digest=entry["sha256"],
        where=where,
        recipe=recipe,
        node=entry["node"],
        take=_whole(entry.get("take")),
        path=entry["path"],
        key=_text(entry.get("key")),
        request=request if isinstance(request, dict) else None,
        inputs=ancestors_in(entry),
        provider=_text(entry.get("provider")),
        model=_text(entry.get("model")),
        served=_text(entry.get("served")),
        task_id=_text(entry.get("task_id")),
        trace_id=_text(entry.get("trace_id")),
        price=round(price * MICROS) if isinstance(price, int | float) and 0 <= price < MICROS else None,
        bought_at=_text(entry.get("bought_at")),
        accepted=entry.get("take") is None and isinstance(request, dict),
    )


def entries_in(manifest: Mapping[str, Json] | None) -> Iterator[Mapping[str, Json]]:
    """The entries of *manifest* that say which bytes are where, for which node."""
    files = (manifest or {}).get("files")
    for entry in files if isinstance(files, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("node"), str) and _is_place(entry):
            yield entry


def outputs_in(event: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """The pictures that the line of a node, in a run's log, names."""
    outputs = event.get("outputs")
    if isinstance(event.get("node"), str) and isinstance(outputs, list):
        yield from (one for one in outputs if isinstance(one, dict) and _is_place(one))


def ancestors_in(entry: Mapping[str, Json]) -> tuple[Ancestor, ...]:
    """What the picture of a manifest's *entry* was made from."""
    listed = entry.get("inputs")
    found = []
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and is_digest(one.get("sha256")):
            outside = next((kind for kind in ("file", "url") if isinstance(one.get(kind), str)), "")
            name = _text(one.get(outside or "node")) or ""
            found.append(Ancestor(one["sha256"], name, _whole(one.get("take")), outside))
    return tuple(found)


def _is_place(entry: Mapping[str, Json]) -> bool:
    path = entry.get("path")
    return isinstance(path, str) and is_inside(path) and is_digest(entry.get("sha256"))


def _of_block(block: LockBlock, where: str, recipe: str | None) -> Iterator[Record]:
    inputs = tuple(map(Ancestor, block.inputs))
    pictures = [(take.artifact.digest, sample, take) for sample, take in block.takes.items()]
    for label in block.labels or ("",):
        node = parts_of(label)[0] or None
        for digest, sample, take in pictures:
            yield Record(
                digest=digest,
                where=where,
                recipe=recipe,
                node=node,
                take=sample,
                inputs=inputs,
                provider=block.provider,
                model=block.model,
                served=take.served,
                task_id=take.task_id,
                trace_id=take.trace_id,
                price=take.price,
                bought_at=show_time(take.bought_at),
            )
        if block.accepted is not None:
            digest = block.accepted.artifact.digest
            yield Record(digest=digest, where=where, recipe=recipe, node=node, accepted=True)


def _images(request: Mapping[str, Json] | None) -> tuple[Ancestor, ...] | None:
    if request is None:
        return None
    images = request.get("images")
    listed: Sequence[Json] = images if isinstance(images, list) else []
    return tuple(Ancestor(Digest(one)) for one in listed if is_digest(one))


def _sample(request: Mapping[str, Json] | None) -> int | None:
    return _whole((request or {}).get("sample"))


def _whole(value: Json) -> int | None:
    return value if type(value) is int and 0 < value < 1_000_000_000 else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _mapping(data: bytes) -> Mapping[str, Json] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _bytes_of(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None
