"""What `--help` says of every command. Unaware of what they do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest

from banana_pipe.cli.group import COMMANDS, commands
from banana_pipe.cli.terminal import width
from tests.cli.conftest import Pipe


def paths(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(click.Context(group)):
        one = group.get_command(click.Context(group), name)
        yield (*before, name)
        if isinstance(one, click.Group):
            yield from paths(one, (*before, name))


PATHS = ((), *paths(commands))


def examples(text: str) -> list[list[str]]:
    """The command lines in *text*, each as words, without what is piped on and what is said behind it."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    cut = [line.partition("  ")[0].partition(" | ")[0] for line in lines if line.startswith("banana-pipe ")]
    return [shlex.split(line)[1:] for line in cut]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_help_fits_80_columns_and_has_an_example(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    """One that the program takes: its command and all of its options exist."""
    said = pipe(*path, "--help")
    assert said.code == 0
    assert max(map(width, said.out.splitlines())) <= 80
    shown = [words for words in examples(said.out) if words[: len(path)] == list(path)]
    assert shown, said.out
    for words in shown:
        _parse(words, monkeypatch)


def _parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read *words* as the program does, without doing anything."""
    name, *rest = words
    assert name in COMMANDS
    command = commands.get_command(click.Context(commands), name)
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            monkeypatch.setattr(parameter.type, "exists", False)  # the examples' files are nobody's
    command.make_context(name, rest)
