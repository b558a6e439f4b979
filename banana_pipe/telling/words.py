"""Times in words, as terminal, gallery and studio say them.

Unaware of what took so long.
"""

from __future__ import annotations

_STEPS = ((60, 10), (600, 60), (3600, 300), (86_400, 1800))
"""Up to so many seconds, told to so many."""


def duration(seconds: float) -> str:
    """`7.4 s`, `48 s`, `3 min 05 s`, `1 h 01 min`."""
    if round(seconds) < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def passed(seconds: float) -> str:
    """The same in whole seconds: what is looked at while it grows does not flicker."""
    return duration(seconds) if seconds >= 9.95 else f"{max(0.0, seconds):.0f} s"


def roughly(seconds: float) -> str:
    """An estimate, no more precise than it is: `10 s`, `20 s`, `3 min`, `1 h 30 min`. Rounded up."""
    step = next((step for most, step in _STEPS if seconds <= most), 3600)
    whole = max(1, -int(-seconds // step)) * step
    minutes = whole // 60
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
