"""How long calls take: medians of this run, by step and by model, and of what was bought before.

Unaware of runs and of clocks; it is told seconds.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from banana_pipe.model import Attempt
from banana_pipe.recipe.references import step_of

_LONGEST = 1800.0
"""Seconds; a call that took longer was collected by a later run, and says nothing of its model."""


@dataclass(slots=True)
class Medians:
    """The medians of what was told, by name."""

    _sorted: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """One more that took *seconds*."""
        insort(self._sorted.setdefault(name, []), seconds)

    def of(self, name: str | None) -> float | None:
        """The median of *name*; None where nothing was told of it."""
        known = self._sorted.get(name) if name is not None else None
        if not known:
            return None
        middle = len(known) // 2
        return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2


@dataclass(slots=True)
class Latencies:
    """What a call of a step takes, in seconds: the nearest that is known.

    `models` are those of the steps, where they are known before anything is sent.
    """

    models: dict[str, str] = field(default_factory=dict)
    _steps: Medians = field(default_factory=Medians)
    _here: Medians = field(default_factory=Medians)
    _before: Medians = field(default_factory=Medians)

    def add(self, step: str, model: str, seconds: float) -> None:
        """A call of this run has ended."""
        self.models.setdefault(step, model)
        self._steps.add(step, seconds)
        for name in (model, _ALL):
            self._here.add(name, seconds)

    def remember(self, attempt: Attempt) -> None:
        """A call of an earlier run, if it says how long one takes."""
        seconds = attempt.updated_at - attempt.created_at
        if attempt.state == "STORED" and not attempt.adopted and 0 < seconds <= _LONGEST:
            self._before.add(attempt.model, seconds)
            if attempt.node:
                self._before.add(_of_step(step_of(attempt.node), attempt.model), seconds)

    def of(self, step: str) -> float | None:
        """This run's calls of *step*; else those before; else the model's, here or before; else any of this run's."""
        model = self.models.get(step)
        found = (
            self._steps.of(step),
            self._before.of(_of_step(step, model)) if model else None,
            self._here.of(model),
            self._before.of(model),
            self._here.of(_ALL),
        )
        return next((seconds for seconds in found if seconds is not None), None)


def latencies(models: Mapping[str, str], before: Iterable[Attempt] = ()) -> Latencies:
    """Those of steps whose *models* are known, with what the ledger has of *before*."""
    known = Latencies(dict(models))
    for attempt in before:
        known.remember(attempt)
    return known


_ALL = ""


def _of_step(step: str, model: str) -> str:
    return f"{step}\0{model}"
