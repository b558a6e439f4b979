"""The sandbox on a port of this machine, for any client of the vendor's API.

`server` listens and ends; `connections` cuts off who is slow, `guard` turns away who should not be
here, `callbacks` tells clients what became of their tasks. What is answered is the sandbox's own.
"""

from __future__ import annotations

from banana_pipe.serving.server import Server

__all__ = ["Server"]
