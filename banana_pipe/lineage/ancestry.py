"""Answers why a file is there: by its bytes, or by what its metadata say that it was made of.

Unaware of how an answer is shown. Where a file lies now does not matter.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from banana_pipe.canonical import Digest, digest_of, is_digest
from banana_pipe.errors import UsageError
from banana_pipe.lineage.family import Family, family
from banana_pipe.lineage.tracing import Archive
from banana_pipe.metadata import embedded_digest
from banana_pipe.regular import read_regular


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a file. `family` is None where nobody knows it; `readers` are the nodes made from it.

    `by` says how it was found: `sha256`, or `metadata`, whose digest then is the family's root.
    """

    file: Path
    digest: Digest
    data: bytes
    looked_in: tuple[str, ...]
    by: Literal["sha256", "metadata"] | None = None
    family: Family | None = None
    readers: tuple[str, ...] = ()
    archive: Archive | None = None
    """Where it was found, and its family's bytes may be."""


def ask(file: Path, archives: Iterable[Archive]) -> Answer:
    """Why *file* is there, by the first of *archives* that knows. Raises UsageError where it cannot be read."""
    try:
        data = read_regular(file)
    except OSError as error:
        hint = "name a file, not its folder" if os.path.isdir(file) else None
        raise UsageError(f"cannot read {file}: {error.strerror}", hint=hint) from None
    digest = digest_of(data)
    named = embedded_digest(data)
    ways: list[tuple[Literal["sha256", "metadata"], Digest]] = [("sha256", digest)]
    ways += [("metadata", Digest(named))] if named is not None and is_digest(named) else []
    looked_in: list[str] = []
    for archive in archives:
        for by, wanted in ways:
            found = family(wanted, archive.records, archive.outside)
            if found.members[wanted].is_known or found.members[wanted].outside:
                readers = tuple(archive.readers(wanted))
                return Answer(file, digest, data, tuple(archive.looked_in), by, found, readers, archive)
        looked_in += [f"{archive.root}: {', '.join(archive.looked_in)}"]
    return Answer(file, digest, data, tuple(looked_in))


def answer_bytes(answer: Answer, digest: Digest) -> bytes | None:
    """The bytes of a picture of the family, if they are anywhere; those of the file itself for its root."""
    if answer.family is not None and digest == answer.family.root:
        return answer.data
    return answer.archive.read(digest) if answer.archive is not None else None
