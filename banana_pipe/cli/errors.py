"""What becomes of an error: text for people, an object for scripts, and the exit code.

Unaware of which command it ended.
"""

from __future__ import annotations

import json

import click

from banana_pipe.cli.terminal import Paper, clean
from banana_pipe.errors import BananaError, Location, NotAuthorised, RecipeError, RecipeErrors, StoreError, UsageError
from banana_pipe.model import Json

EXIT_USAGE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

_KINDS: tuple[tuple[type[BananaError], str], ...] = (
    (RecipeError, "recipe"),
    (UsageError, "usage"),
    (NotAuthorised, "not-authorised"),
    (StoreError, "store"),
)
_KIND_OF_CODE = {EXIT_USAGE: "usage", 3: "spending", EXIT_BUG: "bug", EXIT_INTERRUPTED: "interrupted"}


def show_error(paper: Paper, error: BananaError) -> None:
    """Say *error* to people: the first line of each mistake stands out, its hint is dimmed."""
    errors = error.errors if isinstance(error, RecipeErrors) else (error,)
    for one in errors:
        first, *rest = "\n".join(one.lines()).split("\n")
        paper.say(paper.styled("error: ", "bold red") + paper.styled(first, "bold"))
        for line in rest:
            paper.say(paper.styled(line, "cyan" if line.lstrip().startswith("→") else ""))
    if len(errors) > 1:
        paper.say(paper.styled(f"{len(errors)} mistakes", "bold red"))


def show_usage(paper: Paper, error: click.ClickException) -> None:
    """Say what was wrong with the command line."""
    paper.say(paper.styled("error: ", "bold red") + paper.styled(error.format_message(), "bold"))
    hint = _help_for(error)
    if hint is not None:
        paper.say(paper.styled(f"  → {hint}", "cyan"))


def error_json(error: BananaError, exit_code: int) -> Json:
    """The one object of `--json` where there is no other: what went wrong, where, and what to do."""
    kind = next((kind for type_, kind in _KINDS if isinstance(error, type_)), _KIND_OF_CODE.get(exit_code, "failed"))
    described = {"kind": kind, **_described(error)}
    if isinstance(error, RecipeErrors):
        described["errors"] = [_described(one) for one in error.errors]
    return {"error": described, "exit_code": exit_code}


def usage_json(error: click.ClickException) -> Json:
    """The same for a wrong command line."""
    return message_json(error.format_message(), EXIT_USAGE, _help_for(error))


def message_json(message: str, exit_code: int, hint: str | None = None) -> Json:
    """The same for what is no BananaError."""
    kind = _KIND_OF_CODE.get(exit_code, "failed")
    return {"error": {"kind": kind, "message": message, "hint": hint, "at": None}, "exit_code": exit_code}


def print_json(paper: Paper, value: Json) -> None:
    """Print *value* as the one object on stdout. ASCII: an escape sequence in a name stays one of JSON's."""
    paper.say(json.dumps(value, indent=2))


def print_json_line(paper: Paper, value: Json) -> None:
    """The same on one line: whoever reads it from a command that goes on knows where it ends."""
    paper.say(json.dumps(value))


def _help_for(error: click.ClickException) -> str | None:
    """What to call for the words that are known, where it is known which command was meant."""
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else None


def _described(error: BananaError) -> dict[str, Json]:
    return {"message": clean(error.message), "hint": error.hint, "at": _place(error.at)}


def _place(at: Location | None) -> Json:
    return None if at is None else {"path": at.path, "line": at.line, "column": at.column}
