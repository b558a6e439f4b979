"""The nano-banana API as an app that runs anywhere, without network, token or money.

Unaware of its callers: they reach it over HTTP, in the process or through a port.

`app` answers as the vendor documents it (`checks` says what it accepts, `memory` keeps the tasks);
`painter` makes the pictures from a `sheet`: `pixels` how large, `layout` what goes where, `scene` the
illustration (`words` and `palette` choose; `places`, `motifs` and `touches` draw on a `stage` with a
`pen`), `strip` what it was made from, `lettering` the text.
"""

from __future__ import annotations

from banana_pipe.providers.sandbox.app import create_app

__all__ = ["create_app"]
