"""What each edit of a chain did to the picture, as far as its pictures are here.

Unaware of the command line, and of why somebody asks. Touches no network, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from banana_pipe.canonical import Digest
from banana_pipe.comparing.pixels import Distance, distance, seen
from banana_pipe.explain import Drifted
from banana_pipe.images import NotAPicture
from banana_pipe.model import FileInput, Hit, Input, Key, NodeInput
from banana_pipe.planning import Decided
from banana_pipe.recipe.drift import Depths
from banana_pipe.regular import read_regular
from banana_pipe.workspace import Workspace

MOST_MEASURED = 8
"""Of more nodes at once only the edits are told: every hop is two pictures to decode."""
MOST_HOPS = 24
"""So many of the last edits behind a node are measured; what all of them did together is, however many they are."""


def drifted(workspace: Workspace, decided: Decided, names: Iterable[str]) -> dict[str, Drifted]:
    """The edits behind each of the nodes *names* that has any, measured where these are few."""
    depths = Depths(workspace.graph)
    chains = {name: chain for name in names if (chain := depths.chain(name)) is not None}
    ruler = _Ruler(workspace, decided) if len(chains) <= MOST_MEASURED else None
    found = {}
    for name, chain in chains.items():
        hops: list[Distance | None] = [None] * chain.edits
        whole = None
        if ruler is not None:
            last = chain.hops[-MOST_HOPS:]
            hops[-len(last) :] = [ruler.between(hop.reads, NodeInput(hop.node)) for hop in last]
            whole = ruler.between(chain.start, NodeInput(chain.hops[-1].node)) if chain.edits > 1 else hops[0]
        found[name] = Drifted(chain, tuple(hops), whole)
    return found


class _Ruler:
    """Measures pictures, each two once."""

    def __init__(self, workspace: Workspace, decided: Decided) -> None:
        self._workspace = workspace
        self._decided = decided
        self._keys = {line.id: line.key for line in decided.plan.nodes if line.state == "cached"}
        self._known: dict[tuple[Digest, Digest], Distance | None] = {}

    def between(self, one: Input, other: Input) -> Distance | None:
        """How far the two are apart; None where one of them is not here, or is no picture."""
        first, second = self._digest(one), self._digest(other)
        if first is None or second is None:
            return None
        if (first, second) not in self._known:
            before, after = self._bytes(one, first), self._bytes(other, second)
            self._known[first, second] = _apart(before, after) if before and after else None
        return self._known[first, second]

    def _digest(self, one: Input) -> Digest | None:
        if not isinstance(one, NodeInput):
            artifact = self._workspace.files.get(one.place)
            return None if artifact is None else artifact.digest
        accepted = self._decided.accepted.get(one.node)
        if accepted is not None and one.sample is None:
            return accepted.digest
        key = self._key(one)
        finding = self._decided.findings.get(key) if key is not None else None
        return finding.result.artifact.digest if isinstance(finding, Hit) else None

    def _key(self, one: NodeInput) -> Key | None:
        if one.sample is None:
            return self._keys.get(one.node)
        takes = self._decided.takes.get(one.node, ())
        return next((take.wanted.key for take in takes if take.wanted.sample == one.sample), None)

    def _bytes(self, one: Input, digest: Digest) -> bytes | None:
        if isinstance(one, FileInput):
            try:
                return read_regular(one.path)
            except OSError:
                return None
        return self._workspace.read(digest)


def _apart(before: bytes, after: bytes) -> Distance | None:
    try:
        return distance(seen(before), seen(after))
    except NotAPicture:
        return None
