"""palette: few colours, found in the picture or given.

Unaware of what the colours are for. Transparency stays as it is: only colours are counted.
"""

from __future__ import annotations

from dataclasses import replace

from banana_pipe.transforms.base import BadParams, Param, Params, Transform, each
from banana_pipe.transforms.kinds import Choice, Colours, Whole, rgba
from banana_pipe.transforms.pixels import Frame
from banana_pipe.transforms.tables import of_colours, own_colours


def _check(params: Params) -> None:
    if ("count" in params) == ("colors" in params):
        hint = '`palette: 16`, or `palette: {colors: ["#1a1c2c", white]}`'
        raise BadParams("`palette` needs either `count` or `colors`", hint)


def _reduced(frame: Frame, params: Params) -> Frame:
    given = [rgba(colour)[:3] for colour in params.get("colors", ())]
    colours = given or own_colours(frame.image, params["count"])
    image = of_colours(frame.image, colours, spread=params["dither"] == "floyd-steinberg")
    return replace(frame.showing(image), encoding=replace(frame.encoding, indexed=True))


PALETTE = Transform(
    name="palette",
    version=1,
    about="Few colours: so many of the picture's own, or these; a PNG of them is small.",
    params=(
        Param("count", Whole(2, 256), "How many of its own colours are left.", 16),
        Param("colors", Colours(), "The colours that there are to be.", ["#1a1c2c", "#f4f4f4"]),
        Param(
            "dither",
            Choice(("none", "floyd-steinberg")),
            "floyd-steinberg: colours that are not there are mixed of dots.",
            "floyd-steinberg",
            default="none",
        ),
    ),
    run=each(_reduced),
    check=_check,
)
