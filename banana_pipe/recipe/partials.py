"""Prompt partials: the texts in `prompts/` beside the recipe, for `{% include %}` and `{% import %}`.

Unaware of recipes; it reads text files below one folder and nothing else, following no link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from jinja2 import BaseLoader, Environment

from banana_pipe.canonical import digest_of
from banana_pipe.model import Source
from banana_pipe.recipe.measures import Refused
from banana_pipe.recipe.words import suggestion

MAX_BYTES = 256 * 1024
FOLDER = "prompts"
_LINK_ERRORS = (errno.ELOOP, errno.ENOTDIR)
# Without O_NONBLOCK opening a named pipe would wait for its writer.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Partials(BaseLoader):
    """Reads partials below *folder*; `sources` are those read, `lines` their texts by shown path."""

    def __init__(self, recipe_folder: Path, shown: str) -> None:
        self.folder = recipe_folder / FOLDER
        self.shown = shown
        self.sources: dict[str, Source] = {}
        self.lines: dict[str, list[str]] = {}

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002 - Jinja hands it to every loader
        template: str,
    ) -> tuple[str, str, Callable[[], bool]]:
        """The text of a partial and its shown path. Raises Refused with what is wrong with it."""
        data = self.read(template)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused(f"{FOLDER}/{template}: byte {error.start + 1} is not UTF-8", "save it as UTF-8") from None
        path = os.path.join(self.shown, FOLDER, template)
        self.sources[template] = Source(self.folder / template, "prompt", digest_of(data))
        self.lines[path] = text.splitlines()
        return text, path, lambda: True

    def read(self, name: str) -> bytes:
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise Refused(
                f"`{name}` is no file below {FOLDER}/",
                f"name it from {FOLDER}/ on, without `..`: `{{% include 'style.txt' %}}`",
            )
        try:
            return self._open(parts)
        except FileNotFoundError:
            names = self.names()
            hint = suggestion(name, names, kind="there") if names else f"put it into {FOLDER}/ beside the recipe"
            raise Refused(f"there is no file `{FOLDER}/{name}`", hint) from None
        except OSError as error:
            why = "links are not followed" if error.errno in _LINK_ERRORS else (error.strerror or "unreadable")
            raise Refused(f"{FOLDER}/{name} cannot be read: {why}") from None

    def names(self) -> list[str]:
        """What could have been meant."""
        try:
            return sorted(entry.name for entry in os.scandir(self.folder) if not entry.name.startswith("."))
        except OSError:
            return []

    def _open(self, parts: list[str]) -> bytes:
        handle = os.open(self.folder, _OPEN | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                inner = os.open(part, _OPEN | os.O_DIRECTORY, dir_fd=handle)
                os.close(handle)
                handle = inner
            file = os.open(parts[-1], _OPEN, dir_fd=handle)
        finally:
            os.close(handle)
        with open(file, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Refused(f"{FOLDER}/{'/'.join(parts)} is not a file")
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Refused(f"{FOLDER}/{'/'.join(parts)} is larger than 256 KiB")
        return data
