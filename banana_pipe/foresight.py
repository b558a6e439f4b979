"""What each node comes to before a run: what it reads, its takes, which of them flows on, what stands in its way.

Unaware of prices, and of how a plan says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from banana_pipe.model import Artifact, Finding, Hit, Input, Key, Known, Miss, Node, NodeInput, Open, Place, Result
from banana_pipe.takes import Market, TakeWanted, judge, needed, originals, pick_of, picked, unsendable


@dataclass(slots=True)
class Seen:
    """One node on the way to its line in the plan."""

    node: Node
    images: tuple[Artifact, ...] | None = None
    """What it reads; None while something of it is not known."""
    unknown: tuple[Input, ...] = ()
    """Of what it reads, what is not known."""
    takes: tuple[TakeWanted, ...] = ()
    asked: frozenset[int] = frozenset()
    """The takes that others read by number."""
    accepted: Artifact | None = None
    """What flows on instead of any take."""
    is_accepted_gone: bool = False
    """Whether its bytes are nowhere."""
    results: dict[int, Result] = field(default_factory=dict)
    """The known takes that pass: only these flow on."""
    sample: int | None = 1
    """The take that flows on; where that is not known yet, the one that it hangs on; None: on a pick."""
    is_new: bool = False
    """Whether its request is one that nobody can have picked from: it reads what is yet to be bought."""
    gates: tuple[str, ...] = ()
    """The nodes that somebody has to pick from before it is known what this one reads."""
    needs: tuple[str, ...] = ()
    """The nodes that it reads and that a run brings no picture of, or none that could be sent."""
    unsendable: str | None = None
    """Why a picture that it reads cannot be sent: too large, or an address that it cannot be had from."""

    def take(self, sample: int | None) -> TakeWanted | None:
        """The take that a reader gets, by number or (None) as picked; None while no take is known."""
        wanted = self.sample if sample is None else sample
        return next((take for take in self.takes if take.wanted.sample == wanted), None)

    @property
    def needed(self) -> tuple[TakeWanted, ...]:
        """The takes that a run sees to: beside what was accepted only those that others read by number."""
        return needed(self.takes, self.accepted, self.asked)


def settle_images(one: Seen, seen: Mapping[str, Seen], files: Mapping[Place, Artifact]) -> None:
    """Say what pictures it reads, from *seen*, the nodes before it, and *files*."""
    found = [(read, _image(read, seen, files)) for read in one.node.inputs]
    one.unknown = tuple(read for read, image in found if image is None)
    one.images = None if one.unknown else tuple(image for _, image in found if image is not None)


def _image(read: Input, seen: Mapping[str, Seen], files: Mapping[Place, Artifact]) -> Artifact | None:
    """The picture that is read; None where it is not known yet: not made, not picked, or not fetched."""
    if not isinstance(read, NodeInput):
        return files.get(read.place)
    upstream = seen[read.node]
    if read.sample is None and upstream.accepted is not None:
        return upstream.accepted
    sample = upstream.sample if read.sample is None else read.sample
    result = None if sample is None else upstream.results.get(sample)
    return None if result is None else result.artifact


def settle_pick(one: Seen, market: Market, findings: Mapping[Key, Finding]) -> None:
    """Say which of its takes are known and fit, and which flows on, once all of them are looked up."""
    if one.images is None:
        return
    digests = [image.digest for image in one.images]
    known: dict[int, Result] = {}
    for take in one.takes:
        finding = findings[take.wanted.key]
        if isinstance(finding, Hit | Known):
            known[take.wanted.sample] = finding.result
    read, expect = originals(one.node, digests), one.node.expect
    judged = {sample: judge(result.artifact, read, expect) for sample, result in known.items()}
    one.sample = picked(one.node, pick_of(one.node, market.stores.lock, one.takes[0].wanted.base), judged)
    if one.accepted is not None:
        one.sample = None
    elif one.sample is None and not one.node.asks:
        one.sample = next(sample for sample in range(1, one.node.samples + 1) if sample not in judged)
    one.results = {sample: result for sample, result in known.items() if judged[sample] is None}


def settle_needs(
    one: Seen,
    seen: Mapping[str, Seen],
    market: Market,
    findings: Mapping[Key, Finding],
    broken: Mapping[Place, str],
) -> None:
    """Say what keeps it from being sent, if it would be sent."""
    if not _would_be_sent(one, findings):
        return
    one.is_new = any(_brings_new(seen[read.node], read.sample, findings) for read in _read_by(one))
    one.needs = tuple(
        read.node
        for read in _read_by(one)
        if _is_hopeless(seen[read.node], read.sample, findings) or _is_gone(seen[read.node], read.sample, findings)
    )
    one.unsendable = unsendable(one.node, one.images, broken, market)
    one.gates = tuple(gate for read in _read_by(one) for gate in _gates(seen[read.node], read.sample))


def _gates(one: Seen, sample: int | None) -> tuple[str, ...]:
    """The nodes that somebody has to pick from before that take is known."""
    if one.gates:
        return one.gates
    asks = sample is None and one.sample is None and one.accepted is None
    # What it reads may turn out to be what it was when somebody picked: then nobody is asked.
    return (one.node.id,) if asks and (one.images is not None or one.is_new) else ()


def _brings_new(one: Seen, sample: int | None, findings: Mapping[Key, Finding]) -> bool:
    """Whether a run gives that take a picture that was not there before: bought ones are never the same."""
    if one.node.is_local:
        return False
    if one.images is None:
        return one.is_new
    take = one.take(sample)
    return take is not None and isinstance(findings[take.wanted.key], Miss)


def _read_by(one: Seen) -> list[NodeInput]:
    return [read for read in one.node.inputs if isinstance(read, NodeInput)]


def _would_be_sent(one: Seen, findings: Mapping[Key, Finding]) -> bool:
    return one.images is None or any(isinstance(findings[take.wanted.key], Miss) for take in one.needed)


def _is_hopeless(one: Seen, sample: int | None, findings: Mapping[Key, Finding]) -> bool:
    """Whether a run brings no picture of that take, or one that does not flow on."""
    if sample is None and one.accepted is not None:
        return False
    take = one.take(sample)
    if take is None:  # nobody picks while one of the takes is in the way
        stops = any(_is_no_more(findings[take.wanted.key]) for take in one.takes)
        return bool(one.needs) or one.unsendable is not None or (one.sample is None and stops)
    finding = findings[take.wanted.key]
    if isinstance(finding, Miss):
        return bool(one.needs) or one.unsendable is not None
    if isinstance(finding, Open):
        return _is_no_more(finding)
    return take.wanted.sample not in one.results


def _is_no_more(finding: Finding) -> bool:
    return isinstance(finding, Open) and finding.attempt.state in ("REFUSED", "LOST")


def _is_gone(one: Seen, sample: int | None, findings: Mapping[Key, Finding]) -> bool:
    """Whether that take is bought, and its bytes are nowhere."""
    if sample is None and one.accepted is not None:
        return one.is_accepted_gone
    if sample is None and one.sample is None:
        return bool(_unseen(one, findings))
    take = one.take(sample)
    return take is not None and isinstance(findings[take.wanted.key], Known)


def _unseen(one: Seen, findings: Mapping[Key, Finding]) -> list[TakeWanted]:
    """The takes that somebody is to choose from, where the bytes of all of them are nowhere.

    Of those beyond `samples` none, unless there are no others: enough to choose from.
    """
    found = [findings[take.wanted.key] for take in one.takes]
    if one.sample is not None or one.accepted is not None or not all(isinstance(it, Hit | Known) for it in found):
        return []
    fit = [take for take in one.takes if take.wanted.sample in one.results]
    if not all(isinstance(findings[take.wanted.key], Known) for take in fit):
        return []
    return [take for take in fit if take.wanted.sample <= one.node.samples] or fit[:1]


def _gone(one: Seen, sample: int | None, findings: Mapping[Key, Finding]) -> list[TakeWanted]:
    """What a reader of that take would need, and nobody has the bytes of."""
    take = one.take(sample)
    return _unseen(one, findings) if take is None else [take] if _is_gone(one, sample, findings) else []


def lost_of(seen: Mapping[str, Seen], findings: Mapping[Key, Finding]) -> frozenset[Key]:
    """What is bought, has its bytes nowhere, and is to be published or sent."""
    wanted: list[TakeWanted] = []
    for one in seen.values():
        if one.node.output is not None and (one.sample is None or one.sample in one.results):
            wanted += _gone(one, None, findings)
        reads = _read_by(one)
        hopeless = any(_is_hopeless(seen[read.node], read.sample, findings) for read in reads)
        if _would_be_sent(one, findings) and not hopeless and one.unsendable is None:
            wanted += [take for read in reads for take in _gone(seen[read.node], read.sample, findings)]
    return frozenset(take.wanted.key for take in wanted)
