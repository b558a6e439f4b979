"""What reads is put behind what it reads, and circles are found.

Unaware of nodes beyond their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence


def in_order(reads: Mapping[str, Sequence[str]], circle: Callable[[list[str]], None]) -> list[str]:
    """The names in *reads* in their order, but each behind those that it reads.

    *circle* is told every circle that is met, as the names along it.
    """
    ordered: dict[str, None] = {}
    for name in reads:
        if name not in ordered:
            _visit(name, reads, ordered, circle)
    return list(ordered)


def _visit(
    start: str, reads: Mapping[str, Sequence[str]], ordered: dict[str, None], circle: Callable[[list[str]], None]
) -> None:
    # A stack of our own: a chain of a thousand nodes would be too deep for Python's.
    trail: list[tuple[str, Iterator[str]]] = [(start, iter(reads[start]))]
    within = {start}
    while trail:
        current, left = trail[-1]
        for read in left:
            if read in within:
                names = [name for name, _ in trail]
                circle(names[names.index(read) :])
            elif read not in ordered:
                trail.append((read, iter(reads[read])))
                within.add(read)
                break
        else:
            trail.pop()
            within.remove(current)
            ordered[current] = None
