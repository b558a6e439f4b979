"""banana-pipe: make for generated images.

A recipe says which pictures a project needs and how each is made from the others; a run buys what
is missing, once, and leaves a folder that can be made again.

To know the core in an hour, read in this order, each module's first lines first:

1. `errors`, `canonical`, `model`: how a mistake is told, what a digest is, and the types that
   everything else is told in.
2. `request`: what a key is made of. Then `recipe` (text becomes a graph), as far as you like.
3. `store.blobs`, `store.results`, `store.attempts`, `store.ledger`: what is kept, and how a row
   moves. `store.lookup` says who wins.
4. `providers.base`: what a provider promises; 100 lines that all of buying rests on.
5. `purchase.rules`, `purchase.buyer`, `purchase.follow`, `purchase.search`: one request, paid once.
   The heart.
6. `takes`, `planning`, then `execute`: the rules of takes and picks, and the order of nodes.
7. `running`: one run from plan to page; `outputs.publish` for what it leaves.

The floors, from the ground: `errors regular canonical` · `model events` · `recipe images request prices` ·
`clock disk` · `store` · `providers` · `takes planning purchase` · `execute` · `telling outputs` ·
`project … api` · `cli`. A module imports from below only; `tests/test_layering.py` holds them to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from banana_pipe.version import __version__

if TYPE_CHECKING:
    from banana_pipe.api import open_recipe, plan, run

__all__ = ["__version__", "open_recipe", "plan", "run"]


def __getattr__(name: str) -> Any:
    """The functions of `banana_pipe.api`, imported when first asked for: start-up must be quick."""
    if name in __all__:
        from banana_pipe import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
