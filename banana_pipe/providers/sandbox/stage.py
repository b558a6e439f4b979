"""What everybody who paints in a scene shares: the pen, its room, the colours and the dice.

Unaware of what is painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from banana_pipe.providers.sandbox.palette import Palette
from banana_pipe.providers.sandbox.pen import Pen


@dataclass(frozen=True, slots=True)
class Stage:
    """A scene in the making. Its height is 1, its width `wide`; (0, 0) is at the bottom left."""

    pen: Pen
    wide: float
    palette: Palette
    rng: Random

    @property
    def land(self) -> float:
        """How high things are: a portrait frame is a landscape with much sky, not a stretched one."""
        return min(1.0, self.wide * 0.9)
