"""Colours that go together, from a seed and the colours that a prompt names.

Unaware of what is painted in them.

Colours are picked in OKLCH (lightness 0…1, chroma 0…0.2, hue in degrees), where equal steps look
equal, so that any hue gives a picture of the same calm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, radians, sin
from random import Random

RGB = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour in OKLCH."""

    light: float
    chroma: float
    hue: float

    def rgb(self) -> RGB:
        """Red, green and blue, 0…255, clipped to what a screen shows."""
        a, b = self.chroma * cos(radians(self.hue)), self.chroma * sin(radians(self.hue))
        # Björn Ottosson's matrices for OKLab.
        l_, m_, s_ = (
            (self.light + 0.3963377774 * a + 0.2158037573 * b) ** 3,
            (self.light - 0.1055613458 * a - 0.0638541728 * b) ** 3,
            (self.light - 0.0894841775 * a - 1.2914855480 * b) ** 3,
        )
        return (
            _screen(4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_),
            _screen(-1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_),
            _screen(-0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_),
        )

    def lit(self, more: float) -> Colour:
        """The same, lighter or (below 0) darker."""
        return replace(self, light=min(max(self.light + more, 0.08), 0.98))

    def turned(self, degrees: float) -> Colour:
        """The same, of another hue."""
        return replace(self, hue=self.hue + degrees)


def _screen(linear: float) -> int:
    linear = min(max(linear, 0.0), 1.0)
    encoded = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * encoded)


@dataclass(frozen=True, slots=True)
class Mood:
    """The light of a scene. Hues are relative to the palette's, those of `low` and `sun` absolute if warm."""

    top: Colour
    low: Colour
    far: Colour
    near: Colour
    sun: Colour
    warm: bool = False
    dark: bool = False


MOODS: Mapping[str, Mood] = {
    "dawn": Mood(
        Colour(0.79, 0.065, 0), Colour(0.95, 0.05, 70), Colour(0.80, 0.055, 8), Colour(0.40, 0.07, 24),
        Colour(0.98, 0.04, 85), warm=True,
    ),
    "noon": Mood(
        Colour(0.74, 0.085, 0), Colour(0.95, 0.03, 20), Colour(0.80, 0.065, 14), Colour(0.43, 0.085, 40),
        Colour(0.99, 0.02, 95),
    ),
    "golden": Mood(
        Colour(0.80, 0.06, 0), Colour(0.91, 0.10, 78), Colour(0.77, 0.075, 30), Colour(0.37, 0.065, 10),
        Colour(0.97, 0.08, 92), warm=True,
    ),
    "dusk": Mood(
        Colour(0.46, 0.095, 0), Colour(0.83, 0.10, 45), Colour(0.58, 0.085, 16), Colour(0.26, 0.055, 6),
        Colour(0.92, 0.10, 62), warm=True, dark=True,
    ),
    "night": Mood(
        Colour(0.23, 0.055, 0), Colour(0.50, 0.075, 22), Colour(0.40, 0.06, 10), Colour(0.19, 0.035, 4),
        Colour(0.96, 0.03, 95), dark=True,
    ),
    "mist": Mood(
        Colour(0.87, 0.03, 0), Colour(0.96, 0.018, 40), Colour(0.83, 0.035, 4), Colour(0.47, 0.05, 18),
        Colour(0.99, 0.015, 85),
    ),
}  # fmt: skip
HUES = (12, 30, 55, 165, 190, 215, 238, 258, 282, 305, 345)
"""Hues that a sky may have; the greens between make it look ill."""


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of a frame; `accent` is the one that a prompt names, where it names one."""

    mood: Mood
    accent: Colour
    paper: Colour
    ink: Colour
    muted: Colour
    named: bool

    @property
    def mark(self) -> Colour:
        """The accent as it shows on paper: never pale, never grey."""
        if self.accent.chroma < 0.04:
            return Colour(0.58, 0.09, self.mood.top.hue)
        return self.accent if 0.4 < self.accent.light < 0.70 else Colour(0.60, self.accent.chroma, self.accent.hue)

    def layer(self, depth: float) -> Colour:
        """The land's colour from 0 (far, in the haze) to 1 (near)."""
        far, near = self.mood.far, self.mood.near
        return Colour(
            far.light + (near.light - far.light) * depth,
            far.chroma + (near.chroma - far.chroma) * depth,
            far.hue + (near.hue - far.hue) * depth,
        )


def palette_for(rng: Random, mood: str | None, named: Colour | None) -> Palette:
    """A palette; *named* sets its accent and draws the whole towards it."""
    hue = float(rng.choice(HUES))
    chosen = MOODS[mood or rng.choice(("dawn", "noon", "golden", "dusk", "mist", "dawn"))]
    strength = 1.0
    if named is not None:
        hue = named.hue + rng.choice((-12, 0, 12))
        strength = min(1.0, 0.35 + named.chroma * 8)
    accent = named or Colour(0.66, 0.14, hue + rng.choice((150, 180, 205)))
    return Palette(
        mood=_tuned(chosen, hue, strength),
        accent=accent.lit(0.12) if chosen.dark and accent.light < 0.6 else accent,
        paper=Colour(0.975, 0.008, hue + 60),
        ink=Colour(0.27, 0.025, hue),
        muted=Colour(0.56, 0.02, hue),
        named=named is not None,
    )


def _tuned(mood: Mood, hue: float, strength: float) -> Mood:
    def own(colour: Colour) -> Colour:
        return Colour(colour.light, colour.chroma * strength, colour.hue + hue)

    low = mood.low if mood.warm else own(mood.low)
    return replace(mood, top=own(mood.top), low=low, far=own(mood.far), near=own(mood.near))
