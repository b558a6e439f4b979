"""The things that stand in a scene, each drawn from the middle of its foot, about 1 high.

Unaware of where it stands and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from banana_pipe.providers.sandbox.palette import Colour
from banana_pipe.providers.sandbox.pen import Pen

CREAM = Colour(0.94, 0.03, 85)
WARM_LIGHT = Colour(0.92, 0.11, 90)
WOOD = Colour(0.42, 0.05, 55)

Motif = Callable[[Pen, Colour], None]


def _cat(pen: Pen, body: Colour) -> None:
    shade, dark = body.lit(-0.08), body.lit(-0.34)
    pen.line([(0.20, 0.06), (0.44, 0.08), (0.50, 0.26), (0.42, 0.38)], 0.075, shade)
    pen.blob([(-0.27, 0.0), (0.0, -0.02), (0.27, 0.0), (0.27, 0.22), (0.15, 0.52), (0.0, 0.60), (-0.15, 0.52),
              (-0.27, 0.22)], body)  # fmt: skip
    pen.shape([(-0.225, 0.70), (-0.20, 1.0), (-0.03, 0.86)], dark)
    pen.shape([(0.225, 0.70), (0.20, 1.0), (0.03, 0.86)], dark)
    pen.oval(0, 0.70, 0.47, 0.39, body)
    pen.oval(0, 0.64, 0.22, 0.17, dark.lit(0.06))
    for side in (-1, 1):
        pen.oval(side * 0.115, 0.735, 0.065, 0.075, Colour(0.72, 0.09, 235))
        pen.oval(side * 0.115, 0.735, 0.024, 0.066, Colour(0.15, 0.01, 270))
        pen.oval(side * 0.10, 0.015, 0.15, 0.08, dark)
    pen.oval(0, 0.67, 0.045, 0.03, Colour(0.68, 0.07, 20))


def _mug(pen: Pen, body: Colour) -> None:
    shade, light = body.lit(-0.09), body.lit(0.06)
    pen.line([(0.30, 0.60), (0.52, 0.60), (0.55, 0.38), (0.46, 0.20), (0.28, 0.19)], 0.085, shade)
    pen.blob([(-0.36, 0.78), (-0.36, 0.30), (-0.29, 0.04), (0.0, 0.0), (0.29, 0.04), (0.36, 0.30), (0.36, 0.78),
              (0.0, 0.74)], body)  # fmt: skip
    pen.blob([(0.12, 0.72), (0.13, 0.30), (0.10, 0.02), (0.29, 0.04), (0.36, 0.30), (0.36, 0.77)], shade)
    pen.line([(-0.27, 0.62), (-0.27, 0.34), (-0.23, 0.16)], 0.035, light)
    pen.oval(0, 0.78, 0.725, 0.15, light)
    pen.oval(0, 0.775, 0.63, 0.11, Colour(0.34, 0.05, 50))
    pen.oval(-0.08, 0.785, 0.26, 0.035, Colour(0.46, 0.06, 55))


def _vase(pen: Pen, body: Colour) -> None:
    leaf = Colour(0.50, 0.07, 150)
    for x, y in ((-0.26, 0.96), (0.02, 1.06), (0.25, 0.92)):
        pen.line([(0.0, 0.55), (x * 0.5, 0.74), (x, y)], 0.018, leaf)
        for turn, (dx, dy) in enumerate(((-0.06, 0.0), (0.06, 0.0), (0.0, 0.06), (0.0, -0.06), (0.0, 0.0))):
            pen.oval(x + dx, y + dy, 0.10, 0.10, WARM_LIGHT if turn == 4 else CREAM)
    pen.blob([(-0.19, 0.70), (0.02, 0.66), (-0.08, 0.80)], leaf)
    pen.blob([(0.20, 0.76), (0.02, 0.62), (0.12, 0.64)], leaf.lit(0.06))
    outline = [(-0.12, 0.60), (-0.11, 0.50), (-0.29, 0.32), (-0.24, 0.08), (-0.12, 0.0), (0.12, 0.0), (0.24, 0.08),
               (0.29, 0.32), (0.11, 0.50), (0.12, 0.60)]  # fmt: skip
    pen.blob(outline, body)
    pen.blob([(0.04, 0.58), (0.05, 0.46), (0.14, 0.30), (0.06, 0.0), (0.14, 0.0), (0.24, 0.08), (0.29, 0.32),
              (0.11, 0.50), (0.12, 0.60)], body.lit(-0.08))  # fmt: skip
    pen.line([(-0.19, 0.36), (-0.20, 0.26), (-0.17, 0.14)], 0.03, body.lit(0.08))
    pen.oval(0, 0.605, 0.27, 0.05, body.lit(0.06))


def _bottle(pen: Pen, body: Colour) -> None:
    pen.box(0, 0.86, 0.15, 0.16, WOOD, round_=0.025)
    pen.box(0, 0.66, 0.12, 0.22, body.lit(0.05))
    pen.box(0, 0.0, 0.46, 0.68, body, round_=0.10)
    pen.box(0.14, 0.02, 0.17, 0.64, body.lit(-0.08), round_=0.07)
    pen.box(-0.03, 0.16, 0.34, 0.30, CREAM, round_=0.015)
    pen.box(-0.03, 0.35, 0.20, 0.025, body.lit(-0.15))
    pen.box(-0.03, 0.28, 0.14, 0.018, body.lit(-0.02))
    pen.line([(-0.18, 0.60), (-0.18, 0.50)], 0.03, body.lit(0.14))


def _balloon(pen: Pen, body: Colour) -> None:
    for x in (-0.10, 0.10):
        pen.line([(x * 1.3, 0.34), (x * 0.7, 0.13)], 0.008, WOOD)
    for width, colour in ((0.74, body), (0.50, CREAM), (0.26, body.lit(-0.08))):
        half = width / 2
        pen.blob([(-half, 0.72), (-half * 0.72, 0.50), (-half * 0.32, 0.33), (half * 0.32, 0.33), (half * 0.72, 0.50),
                  (half, 0.72), (half * 0.68, 0.95), (0, 1.05), (-half * 0.68, 0.95)], colour)  # fmt: skip
    pen.box(0, 0.0, 0.17, 0.14, WOOD, round_=0.03)
    pen.box(0, 0.11, 0.19, 0.035, WOOD.lit(0.12), round_=0.015)


def _boat(pen: Pen, body: Colour) -> None:
    pen.box(0.0, 0.12, 0.025, 0.88, WOOD)
    pen.blob([(0.03, 0.98), (0.03, 0.24), (0.40, 0.24), (0.24, 0.62)], CREAM)
    pen.shape([(-0.03, 0.86), (-0.03, 0.24), (-0.30, 0.24)], body)
    pen.shape([(-0.46, 0.18), (0.50, 0.18), (0.33, 0.0), (-0.34, 0.0)], body.lit(-0.16))
    pen.shape([(-0.46, 0.18), (0.50, 0.18), (0.46, 0.135), (-0.425, 0.135)], CREAM)


def _house(pen: Pen, body: Colour) -> None:
    pen.box(0.25, 0.62, 0.11, 0.30, WOOD)
    pen.shape([(-0.40, 0.0), (-0.40, 0.50), (-0.05, 0.82), (0.30, 0.50), (0.30, 0.0)], CREAM)
    pen.shape([(0.30, 0.0), (0.30, 0.50), (0.52, 0.50), (0.52, 0.0)], CREAM.lit(-0.12))
    pen.shape([(-0.48, 0.46), (-0.05, 0.88), (-0.02, 0.80), (-0.42, 0.42)], body.lit(-0.06))
    pen.shape([(-0.05, 0.88), (0.24, 0.88), (0.60, 0.46), (0.34, 0.46)], body)
    pen.box(-0.05, 0.0, 0.16, 0.32, body.lit(-0.16), round_=0.02)
    for x in (-0.26, 0.16):
        pen.box(x, 0.24, 0.12, 0.14, WARM_LIGHT)
    pen.oval(-0.05, 0.58, 0.12, 0.12, WARM_LIGHT)


def _tree(pen: Pen, body: Colour) -> None:
    pen.shape([(-0.07, 0.0), (0.07, 0.0), (0.04, 0.46), (-0.04, 0.46)], WOOD)
    pen.line([(0.0, 0.26), (0.12, 0.42)], 0.03, WOOD)
    for x, y, size, more in (
        (-0.22, 0.52, 0.44, -0.08), (0.24, 0.55, 0.42, -0.05), (0.0, 0.72, 0.56, 0.0), (-0.14, 0.64, 0.38, 0.02),
        (-0.06, 0.82, 0.28, 0.06),
    ):  # fmt: skip
        pen.oval(x, y, size, size * 0.9, body.lit(more))


def _lantern(pen: Pen, body: Colour) -> None:
    pen.glow(0, 0.5, 1.9, 1.9, WARM_LIGHT, 0.55)
    pen.line([(-0.17, 0.76), (-0.12, 0.95), (0.12, 0.95), (0.17, 0.76)], 0.022, WOOD)
    pen.box(0, 0.0, 0.44, 0.09, body.lit(-0.16), round_=0.03)
    pen.box(0, 0.09, 0.34, 0.60, WARM_LIGHT, round_=0.05)
    pen.glow(0, 0.34, 0.30, 0.52, Colour(0.99, 0.03, 95), 0.9)
    for x in (-0.165, 0.0, 0.165):
        pen.box(x, 0.08, 0.024, 0.62, body.lit(-0.12))
    pen.shape([(-0.26, 0.68), (0.26, 0.68), (0.10, 0.82), (-0.10, 0.82)], body)


def _banana(pen: Pen, body: Colour) -> None:
    pen.blob([(-0.46, 0.42), (-0.40, 0.18), (-0.16, 0.02), (0.14, 0.03), (0.40, 0.24), (0.52, 0.58), (0.44, 0.60),
              (0.26, 0.38), (0.0, 0.26), (-0.24, 0.30), (-0.40, 0.44)], body)  # fmt: skip
    pen.blob([(-0.40, 0.30), (-0.18, 0.12), (0.12, 0.12), (0.36, 0.32), (0.50, 0.58), (0.30, 0.36), (0.04, 0.20),
              (-0.22, 0.21)], body.lit(0.06))  # fmt: skip
    pen.shape([(0.45, 0.58), (0.53, 0.55), (0.57, 0.69), (0.50, 0.71)], WOOD)
    pen.oval(-0.44, 0.42, 0.07, 0.07, WOOD)


def _shirt(pen: Pen, body: Colour) -> None:
    pen.shape([(-0.17, 0.94), (-0.50, 0.74), (-0.38, 0.50), (-0.25, 0.58), (-0.26, 0.04), (0.26, 0.04), (0.25, 0.58),
               (0.38, 0.50), (0.50, 0.74), (0.17, 0.94)], body)  # fmt: skip
    pen.shape([(0.12, 0.92), (0.17, 0.94), (0.50, 0.74), (0.38, 0.50), (0.25, 0.58), (0.26, 0.04), (0.14, 0.04)],
              body.lit(-0.07))  # fmt: skip
    pen.oval(0, 0.95, 0.30, 0.17, body.lit(-0.16))
    pen.oval(0, 0.975, 0.24, 0.12, CREAM.lit(-0.05))
    pen.oval(-0.01, 0.52, 0.22, 0.22, WARM_LIGHT)
    pen.oval(0.05, 0.56, 0.18, 0.18, body)


def _figure(pen: Pen, body: Colour) -> None:
    skin = Colour(0.76, 0.06, 58)
    pen.line([(0.33, 0.0), (0.33, 0.94)], 0.028, WOOD)
    pen.oval(0.33, 0.96, 0.09, 0.09, WARM_LIGHT)
    pen.blob([(-0.30, 0.0), (0.0, 0.015), (0.30, 0.0), (0.23, 0.36), (0.13, 0.66), (0.0, 0.72), (-0.13, 0.66),
              (-0.23, 0.36)], body)  # fmt: skip
    pen.blob([(0.05, 0.01), (0.30, 0.0), (0.23, 0.36), (0.13, 0.66), (0.06, 0.68), (0.10, 0.36)], body.lit(-0.08))
    pen.line([(0.08, 0.54), (0.22, 0.44), (0.32, 0.47)], 0.065, body.lit(-0.04))
    pen.oval(0.33, 0.47, 0.07, 0.07, skin)
    pen.oval(0, 0.77, 0.235, 0.25, skin)
    pen.blob([(-0.14, 0.66), (-0.15, 0.82), (0.0, 0.95), (0.15, 0.82), (0.14, 0.66), (0.115, 0.80), (0.0, 0.86),
              (-0.115, 0.80)], body.lit(-0.14))  # fmt: skip


def _rocket(pen: Pen, body: Colour) -> None:
    pen.glow(0, 0.02, 0.7, 0.7, WARM_LIGHT, 0.7)
    pen.blob([(-0.09, 0.20), (-0.05, 0.06), (0.0, -0.10), (0.05, 0.06), (0.09, 0.20)], WARM_LIGHT)
    pen.shape([(-0.16, 0.46), (-0.34, 0.20), (-0.12, 0.22)], body.lit(-0.10))
    pen.shape([(0.16, 0.46), (0.34, 0.20), (0.12, 0.22)], body.lit(-0.16))
    pen.blob([(-0.14, 0.20), (-0.20, 0.48), (-0.13, 0.80), (0.0, 1.02), (0.13, 0.80), (0.20, 0.48), (0.14, 0.20),
              (0.0, 0.18)], CREAM)  # fmt: skip
    pen.blob([(-0.135, 0.79), (0.0, 1.02), (0.135, 0.79), (0.0, 0.75)], body)
    pen.oval(0, 0.58, 0.19, 0.19, body.lit(-0.14))
    pen.oval(0, 0.58, 0.13, 0.13, Colour(0.85, 0.06, 220))


MOTIFS: Mapping[str, Motif] = {
    "cat": _cat,
    "mug": _mug,
    "vase": _vase,
    "bottle": _bottle,
    "balloon": _balloon,
    "boat": _boat,
    "house": _house,
    "tree": _tree,
    "lantern": _lantern,
    "banana": _banana,
    "shirt": _shirt,
    "figure": _figure,
    "rocket": _rocket,
}
USUAL_COLOURS: Mapping[str, Colour] = {
    "banana": Colour(0.87, 0.15, 98),
    "cat": Colour(0.94, 0.02, 85),
    "tree": Colour(0.60, 0.10, 148),
}
"""The colour of a thing where the prompt names none."""


def draw_motif(name: str, pen: Pen, colour: Colour) -> None:
    """Draw the motif *name* in *colour*."""
    MOTIFS[name](pen, colour)
