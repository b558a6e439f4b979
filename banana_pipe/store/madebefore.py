"""What transforms made, as the output folder's manifest says it: for a clone that has the pictures and no cache.

Unaware of how transforms are made. The manifest is believed about which key a picture is of, never about its
bytes: the file is hashed and measured. A lock file has no transforms, since they are free and made anywhere; but
what they were made of may be nowhere by then.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from banana_pipe.canonical import Digest
from banana_pipe.errors import BananaError
from banana_pipe.images import NotAPicture, measure_file
from banana_pipe.model import LOCAL, Json, Key, Op, Result, SideFile
from banana_pipe.store.published import Published
from banana_pipe.store.results import Results, side_files_from_json
from banana_pipe.transforms import side_suffixes


class MadeBefore:
    """*results*, and behind them what the manifest in *published* says of transforms."""

    def __init__(self, results: Results, published: Published) -> None:
        self._results = results
        self._published = published
        self._entries: dict[Key, Mapping[str, Json]] | None = None
        self._known: dict[Key, Result | None] = {}

    def get(self, key: Key) -> Result | None:
        """The result of *key*."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[Key]) -> Mapping[Key, Result]:
        """The results of those *keys* that have one."""
        listed = list(keys)
        found = dict(self._results.get_many(listed))
        for key in listed:
            if key not in found and (result := self._published_as(key)) is not None:
                found[key] = result
        return found

    def put(self, result: Result, *, instead: bool = False) -> Result:
        """Write *result* unless its key has one; the one that stands. *instead*: replace it."""
        return self._results.put(result, instead=instead)

    def put_all(self, results: Sequence[Result]) -> list[Result]:
        """Write all *results* as `put` does, in one go; for each the one that stands."""
        return self._results.put_all(results)

    def keys_of(self, pictures: Container[Digest]) -> list[Key]:
        """The keys whose result is one of *pictures*, as far as they were written here."""
        return self._results.keys_of(pictures)

    def close(self) -> None:
        """Give back files."""
        self._results.close()

    def _published_as(self, key: Key) -> Result | None:
        if self._entries is None:
            self._entries = _transforms(self._published.manifest())
        if key not in self._known:
            entry = self._entries.get(key)
            self._known[key] = None if entry is None else self._result(key, entry)
        return self._known[key]

    def _result(self, key: Key, entry: Mapping[str, Json]) -> Result | None:
        path = entry.get("path")
        if not isinstance(path, str) or self._published.digest_at(path) is None:
            return None
        try:
            artifact = replace(measure_file(self._published.out / path), blank=False)
        except (NotAPicture, OSError):
            return None
        beside = self._beside(path.rpartition(".")[0], entry.get("side_files", []))
        if artifact.digest != entry.get("sha256") or beside is None:
            return None
        # One that was changed by hand is not in the manifest, and half of a result is none.
        if [one.suffix for one in beside] != _suffixes(entry):
            return None
        return Result(key, artifact, LOCAL, "", None, None, None, 0, 0.0, beside)

    def _beside(self, stem: str, described: Json) -> tuple[SideFile, ...] | None:
        """The side files of the picture *stem*; None where one of them is not there, or is another one."""
        try:
            found = side_files_from_json({**one, "suffix": str(one["path"]).removeprefix(stem)} for one in described)
        except (KeyError, TypeError, ValueError):
            return None
        there = all(self._published.digest_at(stem + one.suffix) == one.digest for one in found)
        return found if there else None


def _suffixes(entry: Mapping[str, Json]) -> list[str] | None:
    """What its ops make beside the picture of *entry*; None where nobody can say."""
    try:
        ops = [Op(one["op"], one["version"], one["params"]) for one in entry["request"]["ops"]]
        return side_suffixes(ops)
    except (BananaError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _transforms(manifest: Mapping[str, Json] | None) -> dict[Key, Mapping[str, Json]]:
    """The entries of what was made here, by key."""
    files = (manifest or {}).get("files")
    listed = (entry for entry in files if isinstance(entry, dict)) if isinstance(files, list) else ()
    return {Key(str(entry.get("key"))): entry for entry in listed if entry.get("provider") == LOCAL}
