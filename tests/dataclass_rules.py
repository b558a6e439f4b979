"""Which dataclasses of a module can be changed by whoever they are handed to.

Unaware of why one may be.
"""

from __future__ import annotations

import dataclasses
from types import ModuleType


def loose(module: ModuleType) -> set[str]:
    """The names of its own dataclasses that are not frozen, or have no slots."""
    own = [one for one in vars(module).values() if getattr(one, "__module__", None) == module.__name__]
    return {
        one.__name__
        for one in own
        if dataclasses.is_dataclass(one)
        and isinstance(one, type)
        and not (vars(one)["__dataclass_params__"].frozen and "__slots__" in vars(one))
    }
