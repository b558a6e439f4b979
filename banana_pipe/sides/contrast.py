"""Compares two sides: each pair of pictures decoded, measured and let go before the next.

Unaware of where the sides come from and of how the outcome is shown. Equal bytes are never decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from banana_pipe.canonical import Digest
from banana_pipe.comparing import pixels
from banana_pipe.comparing.album import Album, Views
from banana_pipe.comparing.differences import Comparison, Difference, Reading, Size, difference_of
from banana_pipe.comparing.matching import Pair, match
from banana_pipe.images import NotAPicture
from banana_pipe.sides.side import Side

if TYPE_CHECKING:
    from PIL.Image import Image


def compare_sides(before: Side, after: Side, album: Album | None = None) -> Comparison:
    """What is different; small pictures of it go into *album*, if there is one."""
    darkroom = _Darkroom(before, after, album)
    pairs = match(before.pictures, after.pictures, before.unsaid, after.unsaid)
    differences = tuple(darkroom.develop(place, pair) for place, pair in enumerate(pairs))
    left_out = len(before.unsaid | after.unsaid)
    notes = [f"{left_out} nodes were no part of that run: nothing is said of them"] if left_out else []
    return Comparison(before.about, after.about, differences, (*before.notes, *after.notes, *notes))


class _Darkroom:
    """Decodes, and keeps small pictures where somebody wants them."""

    def __init__(self, before: Side, after: Side, album: Album | None) -> None:
        self._before, self._after, self._album = before, after, album

    def develop(self, place: int, pair: Pair) -> Difference:
        """*pair*, told; measured where it is changed."""
        difference = difference_of(pair, lambda pair: self._measured(place, pair))
        if self._album is not None and pair.kind in ("added", "removed"):
            self._keep_alone(place, pair, self._album)
        return difference

    def _measured(self, place: int, pair: Pair) -> Reading:
        if pair.before is None or pair.after is None:
            raise AssertionError("only what is on both sides is measured")
        old, was, trouble = _seen(self._before, pair.before.digest, "A")
        new, now, more = _seen(self._after, pair.after.digest, "B")
        if old is None or new is None:
            alone = new or old
            if self._album is not None and alone is not None:
                self._album.add(place, _alone(alone, was=new is None), 1.0)
            return Reading(None, "; ".join(filter(None, (trouble, more))), was, now)
        distance = pixels.distance(old, new)
        if self._album is not None:
            views = Views(pixels.shown_size(new.size), pixels.small(old), pixels.small(new), _heat(old, new))
            self._album.add(place, views, distance.colour)
        return Reading(distance, "", was, now)

    def _keep_alone(self, place: int, pair: Pair, album: Album) -> None:
        side, shown = (self._before, pair.before) if pair.after is None else (self._after, pair.after)
        image = _seen(side, shown.digest, "")[0] if shown else None
        if image is not None:
            # Worth less than any change: what is wholly new is seen in the folder itself.
            album.add(place, _alone(image, was=pair.after is None), -1.0)


def _alone(image: Image, *, was: bool) -> Views:
    small = pixels.small(image)
    return Views(pixels.shown_size(image.size), small if was else None, None if was else small)


def _heat(old: Image, new: Image) -> bytes:
    return pixels.small(pixels.heat(old, new))


def _seen(side: Side, digest: Digest, which: str) -> tuple[Image | None, Size | None, str]:
    try:
        data = side.read(digest)
        if data is None:
            return None, None, f"the bytes of {which} ({digest[:12]}) are nowhere: neither there nor in the cache"
        image = pixels.seen(data)
    except NotAPicture as error:
        return None, None, f"{which}: {error.message}"
    return image, Size(image.width, image.height, len(data)), ""
