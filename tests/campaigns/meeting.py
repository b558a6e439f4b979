"""Where one child, who leads, meets the others: it has a lock before they begin, and dies when one of them wants it.

Unaware of locks and of acts: it passes on what it is told, by two pipes that a parent makes before it forks.
"""

from __future__ import annotations

import contextlib
import os


class Meeting:
    """Made before the fork; then each process says once which of three it is: `lead`, `follow` or `watch`."""

    def __init__(self) -> None:
        self._held, self._holds = os.pipe()
        self._wanted, self._wants = os.pipe()
        self.leads = False
        self._said = False

    def lead(self) -> None:
        """This process is the one that the others meet."""
        self.leads = True
        _close(self._held, self._wants)

    def follow(self) -> None:
        """This process begins when the leader has what it leads with."""
        _close(self._holds, self._wanted)
        os.read(self._held, 1)
        _close(self._held)

    def watch(self) -> None:
        """This process is none of them."""
        _close(self._held, self._holds, self._wanted, self._wants)

    def wait_until_wanted(self) -> None:
        """By the leader: let the others begin, and wait until one is refused what this process has, or none is left."""
        if self.leads:
            _close(self._holds)
            os.read(self._wanted, 1)

    def refused(self) -> None:
        """By another: somebody else has what this process wants."""
        if not self.leads and not self._said:
            self._said = True
            with contextlib.suppress(BrokenPipeError):  # the leader is dead
                os.write(self._wants, b"!")


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
