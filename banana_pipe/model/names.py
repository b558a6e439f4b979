"""Names of requests and places, and what kinds of action there are.

Unaware of what bears them.
"""

from __future__ import annotations

from typing import Any, Literal, NewType

Key = NewType("Key", str)
"""The sha256 of a request's canonical JSON, sample included."""

BaseKey = NewType("BaseKey", str)
"""The same without the sample: what the takes of one request share; names a block of the lock."""

Url = NewType("Url", str)
"""An `https:` address, as written."""

Json = Any
Action = Literal["generate", "edit", "transform"]
LOCAL = "local"
"""The provider of transforms: this machine."""
