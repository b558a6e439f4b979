"""The studio: the gallery of a recipe as it stands now, served to one browser on this machine, where one can act.

`house` is what a studio is given; `standing` finds out how things stand, `panel` makes the page of it; `acts` does what
is clicked, `purchases` what costs money; `board` tells the pages, `pictures` has their bytes; `app` answers, `server`
listens and ends.
"""

from __future__ import annotations

from banana_pipe.studio.house import House
from banana_pipe.studio.server import Studio

__all__ = ["House", "Studio"]
