"""Texts that know the recipe file in which they are written: a path in one belongs to that file's folder.

Unaware of folders, files and references.

Only recipes of several folders have such texts. What is made out of one, by a filter or in a longer
text, is written where that is done.
"""

from __future__ import annotations

from typing import Any, Self

from banana_pipe.model import Json


class Written(str):
    """A text of a recipe that was written in another place than where it is read."""

    # Underscored: templates cannot say it.
    __slots__ = ("_file",)
    _file: str

    def __new__(cls, text: str, file: str) -> Self:
        """*text*, written in the recipe file that messages show as *file*."""
        made = super().__new__(cls, text)
        made._file = file
        return made


def file_of(text: str, otherwise: str) -> str:
    """The file, as messages show it, that *text* is written in: *otherwise*, unless it knows better."""
    return text._file if isinstance(text, Written) else otherwise


def like(model: str, text: str) -> str:
    """*text*, written where *model* is."""
    return Written(text, model._file) if isinstance(model, Written) else text


def written(value: Json, file: str) -> Json:
    """*value* with every text in it written in *file*, but for those that know theirs."""
    if isinstance(value, str):
        return value if isinstance(value, Written) else Written(value, file)
    if isinstance(value, dict):
        return {name: written(inner, file) for name, inner in value.items()}
    if isinstance(value, list):
        return [written(inner, file) for inner in value]
    return value


def bare(value: Any) -> Json:
    """*value* with nothing but plain texts in it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [bare(inner) for inner in value]
    return value
