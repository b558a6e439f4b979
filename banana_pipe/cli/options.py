"""What the commands are told alike: the recipe, its options, and what follows from them.

Unaware of what each command does.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from banana_pipe.api import Access, Options, Workspace, open_recipe
from banana_pipe.cli.config import (
    Settings,
    read_base_url,
    read_count,
    read_dollars,
    read_positive,
    read_settings,
    read_token,
)
from banana_pipe.cli.names import complete_profile
from banana_pipe.cli.terminal import Paper, err, out
from banana_pipe.errors import UsageError
from banana_pipe.model import Budget
from banana_pipe.project import find_root

Command = TypeVar("Command", bound=Callable[..., Any])


class Number(click.ParamType[int]):
    """What *read* makes of a text: the same words are wrong here as in a configuration."""

    def __init__(self, name: str, read: Callable[[object], int]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read *value*, or fail with what is wanted."""
        if isinstance(value, int):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


COUNT = Number("number", read_count)
POSITIVE = Number("number", read_positive)
DOLLARS = Number("usd", read_dollars)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command for a recipe: what the user asked for, and the settings around it.

    `out` and `err` are where data and messages go; under `--json` stdout is for one object alone.
    """

    recipe: Path
    options: Options
    settings: Settings
    root: Path
    json: bool
    shared: tuple[str, ...]
    """The recipe's options as the user gave them: commands to copy repeat them."""
    part: tuple[str, ...] = ()
    """Those that ask for a part of it, which `plan` and `run` alone take."""

    @property
    def out(self) -> Paper:
        """Where data goes."""
        return out()

    @property
    def err(self) -> Paper:
        """Where messages go."""
        return err()

    @property
    def said(self) -> Paper:
        """Where a command's answer in words goes: beside the one object of `--json`, if there is one."""
        return self.err if self.json else self.out

    def access(self, *, token: bool) -> Access:
        """How to reach the provider; the token only where it may be used. Raises UsageError, NotAuthorised."""
        return Access(
            token=read_token(self.root) if token else None,
            base_url=read_base_url(self.root),
            prices=self.settings.prices,
        )

    @contextmanager
    def opened(self) -> Iterator[Workspace]:
        """The recipe with its stores, for whoever buys nothing. What was read of it stays when it is closed."""
        workspace = open_recipe(self.recipe, self.options, self.access(token=False))
        with closing(workspace):
            yield workspace

    def command(self, name: str, *more: str) -> str:
        """A command about the same recipe, to be copied into a shell."""
        part = self.part if name in ("plan", "run") else ()
        return shlex.join(["banana-pipe", *name.split(), str(self.recipe), *more, *part, *self.shared])

    def shown(self, path: Path) -> str:
        """*path* as one would write it here."""
        return shown_path(path)


def shown_path(path: Path) -> str:
    """*path* as one would write it in the working directory."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)


def recipe_argument(command: Command) -> Command:
    """The argument RECIPE."""
    return click.argument("recipe", type=click.Path(path_type=Path))(command)


def recipe_options(command: Command) -> Command:
    """The options that every command with a RECIPE takes."""
    for option in reversed(_RECIPE_OPTIONS):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    """`--json`, for commands without a recipe."""
    return _JSON(command)


def spending_options(command: Command) -> Command:
    """The options of whatever may buy."""
    for option in reversed(_SPENDING_OPTIONS):
        command = option(command)
    return command


def cap_options(command: Command) -> Command:
    """Those of them that are caps: for whoever asks about each purchase."""
    for option in reversed(_SPENDING_OPTIONS[:-1]):
        command = option(command)
    return command


_CONSENT_OPTIONS = (
    click.option("--rebuy", is_flag=True, help="Buy again what was paid and is lost."),
    click.option(
        "--retry-unknown", is_flag=True, help="Give up calls in doubt, which may have been paid, and buy anew."
    ),
    click.option("--retry-refused", is_flag=True, help="Send again what the provider refused."),
)


def consent_options(command: Command) -> Command:
    """Those that agree to pay once more."""
    for option in reversed(_CONSENT_OPTIONS):
        command = option(command)
    return command


def read_call(recipe: Path, values: dict[str, Any]) -> Call:
    """The call that the options *values* (of `recipe_options`) describe. Raises UsageError."""
    folder = Path(os.path.realpath(recipe)).parent  # `resolve` raises for a link to itself
    root = find_root(folder) if folder.is_dir() else Path.cwd()
    settings = read_settings(root)
    _refuse_no_folders(root, values["allow_read"])
    options = Options(
        sets=values["sets"],
        vars_files=values["vars_files"],
        provider=values["provider"],
        out=values["out"] or settings.out,
        cache=values["cache"] or settings.cache,
        allow_read=(*settings.allow_read, *values["allow_read"]),
        select=values.get("select", ()),
        first=values.get("first"),
        profile=values["profile"],
    )
    return Call(recipe, options, settings, root, values["as_json"], _shared(values), _part(values))


def _refuse_no_folders(root: Path, folders: tuple[Path, ...]) -> None:
    for folder in folders:
        if not os.path.isdir(root / folder):
            what = "it is no folder" if os.path.exists(root / folder) else "there is no such folder"
            hint = f"folders to read are named from the project's root, {root}, or by their whole path"
            raise UsageError(f"--allow-read {folder}: {what}", hint=hint)


def read_budget(settings: Settings, values: dict[str, Any]) -> Budget:
    """The caps: those of the flags (of `spending_options`), else the settings'."""
    return Budget(
        max_calls=settings.max_calls if values["max_calls"] is None else values["max_calls"],
        max_cost=settings.max_cost if values["max_cost"] is None else values["max_cost"],
        max_calls_per_day=settings.max_calls_per_day,
        max_cost_per_day=settings.max_cost_per_day,
        allow_unpriced=values["allow_unpriced"],
    )


def _shared(values: dict[str, Any]) -> tuple[str, ...]:
    given: list[str] = []
    for flag, name in (("--set", "sets"), ("--vars", "vars_files"), ("--allow-read", "allow_read")):
        for value in values[name]:
            given += [flag, str(value)]
    for flag, name in (("--profile", "profile"), ("--provider", "provider"), ("--out", "out"), ("--cache", "cache")):
        if values[name] is not None:
            given += [flag, str(values[name])]
    return tuple(given)


def _part(values: dict[str, Any]) -> tuple[str, ...]:
    selected = values.get("select", ())
    first = values.get("first")
    return (*(("--select", *selected) if selected else ()), *(() if first is None else ("--first", str(first))))


_FOLDER = click.Path(path_type=Path, file_okay=False)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
_RECIPE_OPTIONS = (
    click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Set a variable of the recipe."),
    click.option(
        "--vars",
        "vars_files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Set variables from a YAML file.",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        shell_complete=complete_profile,
        help="Use this profile of the recipe: it wins over what its steps say.",
    ),
    click.option("--provider", metavar="NAME", help="Ask this provider for everything: acedata, sandbox."),
    click.option("--out", type=_FOLDER, metavar="DIR", help="Put the pictures there instead of out/NAME."),
    click.option("--cache", type=_FOLDER, metavar="DIR", help="Use this cache instead of the project's."),
    click.option(
        "--allow-read",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Let the recipe read pictures there too (from the project's root).",
    ),
    _JSON,
)
_SPENDING_OPTIONS = (
    click.option("--max-calls", type=COUNT, metavar="N", help="Make at most N calls, then stop."),
    click.option("--max-cost", type=DOLLARS, metavar="USD", help="Spend at most so many dollars, then stop."),
    click.option("--allow-unpriced", is_flag=True, help="Under --max-cost, buy what has no known price too."),
    click.option("--yes", "-y", is_flag=True, help="Agree to the price without being asked."),
)
