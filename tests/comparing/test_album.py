"""Small pictures find room, the most important first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.comparing.album import Album, Views


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1)), max_size=20), st.integers(0, 120))
def test_there_is_never_more_than_there_is_room_for(offers: list[tuple[int, float]], room: int) -> None:
    """What was left out is counted."""
    album = Album(room)
    for place, (weight, worth) in enumerate(offers):
        album.add(place, Views((1, 1), after=bytes(weight)), worth)
        assert sum(views.weight for views in album.views.values()) <= room
    assert len(album.views) + album.left_out == len(offers)


@given(st.lists(st.floats(0, 1), max_size=20), st.integers(0, 20))
def test_what_is_worth_most_is_kept(worths: list[float], room: int) -> None:
    """Of equally heavy ones; where two are worth the same, the first."""
    album = Album(room)
    for place, worth in enumerate(worths):
        album.add(place, Views((1, 1), heat=b"x"), worth)
    best = sorted(range(len(worths)), key=lambda place: (-worths[place], place))[:room]
    assert sorted(album.views) == sorted(best)
