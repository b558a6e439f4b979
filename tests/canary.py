"""A token that must never be seen again.

Unaware of who is given it: tests hand it to the program as its API token, and `conftest` looks
for it in every file that the session leaves.
"""

from __future__ import annotations

CANARY = "canary-7f3d9a-token"
