"""What can be wrong with a picture's container.

Unaware of the containers.
"""

from __future__ import annotations

from banana_pipe.errors import BananaError


class Unreadable(BananaError):
    """The bytes are no whole PNG, JPEG or WebP, or what is to be put in has no room there."""
