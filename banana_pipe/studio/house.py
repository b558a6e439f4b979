"""What a studio is given: the recipe, how it is read and bought, and how commands are written.

Unaware of HTTP and of pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from banana_pipe.buying import Limits
from banana_pipe.clock import Clock, SystemClock
from banana_pipe.workspace import Access, Options, Workspace, open_recipe


class Commands(Protocol):
    """How the commands are written that do the same, ready for a shell."""

    def about(self, name: str, *more: str, sets: Mapping[str, str] | None = None) -> str:
        """The command *name* about the recipe, with *more* words; *sets* are variables that it sets besides."""

    def diff(self, before: str, after: str | None, out: Path) -> str:
        """The command that compares two runs of the folder *out*."""

    def dollars(self, price: int) -> str:
        """Micro-dollars as a flag takes them."""


@dataclass(frozen=True, slots=True)
class House:
    """One recipe, and whoever looks after it. `access` may have the token: only a purchase is given it."""

    path: Path
    options: Options
    access: Access
    limits: Limits
    commands: Commands
    caps: tuple[str, ...] = ()
    """The caps as flags, for the command that makes the folder again."""
    clock: Clock = field(default_factory=SystemClock)

    @contextmanager
    def opened(self, *, sets: Mapping[str, str] | None = None, paying: bool = False) -> Iterator[Workspace]:
        """The recipe as it is now, *sets* on top; with the token only where *paying*. Raises what opening raises."""
        options = self.options
        if sets:
            options = replace(options, sets=(*options.sets, *(f"{name}={value}" for name, value in sets.items())))
        access = self.access if paying else replace(self.access, token=None)
        workspace = open_recipe(self.path, options, access, self.clock)
        try:
            yield workspace
        finally:
            workspace.close()

    def redacted(self, text: str) -> str:
        """*text* without the token, should anything have said it."""
        return self.access.token.redact(text) if self.access.token is not None else text
