"""How to run: settings from the environment, the project and the user, and how to reach the provider.

Unaware of recipes and commands. What is bought never stands here: these settings cannot change a
request.

What counts, first to last: a flag (`options`), `BANANA_PIPE_…` in the environment, the project's
`banana-pipe.toml` (else `[tool.banana-pipe]` in its pyproject.toml), the user's own
configuration, the default. A setting that nobody knows is an error: a misspelt cap must not be no cap.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from platformdirs import user_config_path

from banana_pipe.errors import Location, UsageError
from banana_pipe.prices import MICROS, read_usd
from banana_pipe.project import CONFIG_NAME, is_inside, read_toml
from banana_pipe.providers.catalog import BASE_URL
from banana_pipe.providers.secret import MASK, Token
from banana_pipe.recipe.words import suggestion

PREFIX = "BANANA_PIPE_"
_FLAGS = ("out", "cache", "allow_read")  # paths that have one
_NO_SETTINGS = ("DEBUG",)  # BANANA_PIPE_… variables that are none
TOKEN_NAMES = ("ACEDATACLOUD_API_TOKEN", "ACEDATACLOUD_API_KEY", "ACEDATA_API_KEY")
BASE_URL_NAME = "ACEDATACLOUD_API_BASE_URL"


# --- kinds of values; each raises ValueError with what it wants -------------------------------


def read_count(value: object) -> int:
    """A whole number from 0."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,15}\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("a whole number is wanted, for example 20")


def read_positive(value: object) -> int:
    """A whole number from 1."""
    number = read_count(value)
    if number < 1:
        raise ValueError("at least 1 is wanted")
    return number


def read_dollars(value: object) -> int:
    """Dollars, in micro-dollars."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return read_usd(str(value))
        except ValueError:
            pass
    raise ValueError("dollars are wanted, for example 2.50")


def read_seconds(value: object) -> float:
    """A finite number of seconds from 0."""
    try:
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        seconds = -1.0
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("seconds are wanted, for example 2.5")
    return seconds


def read_interval(value: object) -> float:
    """A finite number of seconds above 0."""
    seconds = read_seconds(value)
    if seconds <= 0:
        raise ValueError("more than 0 seconds are wanted, for example 2.5")
    return seconds


def read_path(value: object) -> Path:
    """A path; `~` is the home folder."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError('a path is wanted, for example "cache"')
    return Path(os.path.expanduser(value))  # not Path's own, which raises where there is no such home


def read_paths(value: object) -> tuple[Path, ...]:
    """Paths: a list, or in the environment a text separated as in PATH."""
    values = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError('a list of folders is wanted, for example ["photos"]')
    return tuple(read_path(one) for one in values)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: where it stands in a file (a table and a name), and how it is read."""

    name: str
    read: Callable[[object], Any]
    table: str = ""

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("jobs", read_positive),
    Setting("cache", read_path),
    Setting("out", read_path),
    Setting("allow_read", read_paths),
    Setting("prices", read_path),
    Setting("max_calls", read_count),
    Setting("max_cost", read_dollars),
    Setting("confirm_calls", read_count),
    Setting("confirm_cost", read_dollars),
    Setting("poll_seconds", read_interval),
    Setting("settle_seconds", read_seconds),
    Setting("max_calls_per_day", read_count, table="budget"),
    Setting("max_cost_per_day", read_dollars, table="budget"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; None: not set. Money in micro-dollars, paths absolute but for `allow_read` (from the root)."""

    jobs: int | None = None
    cache: Path | None = None
    out: Path | None = None
    allow_read: tuple[Path, ...] = ()
    prices: Path | None = None
    max_calls: int | None = None
    max_cost: int | None = None
    confirm_calls: int = 50
    confirm_cost: int = 5 * MICROS
    poll_seconds: float | None = None
    settle_seconds: float | None = None
    max_calls_per_day: int | None = None
    max_cost_per_day: int | None = None
    from_environment: frozenset[str] = frozenset()
    """Names of those that the environment set: said for this call, as a flag is."""


def read_settings(root: Path) -> Settings:
    """The settings for the project in *root*. Raises UsageError, at its place, for one that is wrong."""
    environment = _from_environment()
    files = [_from_file(file, root) for file in _files(root)]
    found: dict[str, Any] = {}
    for source in (environment, *files):
        found = {**source, **found}
    return Settings(**found, from_environment=frozenset(environment))


# --- the environment ---------------------------------------------------------------------------


def _from_environment() -> dict[str, Any]:
    by_variable = {setting.variable: setting for setting in SETTINGS}
    found: dict[str, Any] = {}
    for variable, text in os.environ.items():
        if not variable.startswith(PREFIX) or not text or variable.removeprefix(PREFIX) in _NO_SETTINGS:
            continue
        setting = by_variable.get(variable)
        if setting is None:
            raise UsageError(f"there is no setting {variable}", hint=suggestion(variable, by_variable, kind="known"))
        try:
            value = setting.read(text)
        except ValueError as error:
            raise UsageError(f"{variable}: {error}") from None
        # As a flag's: from the working directory. Folders to read are from the root, wherever they are named.
        found[setting.name] = value.absolute() if isinstance(value, Path) else value
    return found


# --- files ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    """A configuration file; `table` is the one that is ours in it. The project's is perhaps a stranger's."""

    path: Path
    table: tuple[str, ...] = ()
    is_projects: bool = True


def _files(root: Path) -> Iterator[_File]:
    """The configuration files, the one that counts first."""
    own = root / CONFIG_NAME
    yield _File(own) if own.is_file() else _File(root / "pyproject.toml", ("tool", "banana-pipe"))
    yield _File(_own_file(), is_projects=False)


def _own_file() -> Path:
    return user_config_path("banana-pipe") / "config.toml"


def _from_file(file: _File, root: Path) -> dict[str, Any]:
    values: Any = read_toml(file.path)
    for name in file.table:
        values = values.get(name, {}) if isinstance(values, dict) else {}
    if not isinstance(values, dict):
        raise UsageError(f"{'.'.join(file.table)} is no table", at=_place(file.path, file.table[-1]))
    return dict(_read(file, values, "", root))


def _read(file: _File, values: Mapping[str, Any], table: str, root: Path) -> Iterator[tuple[str, Any]]:
    known = {setting.name: setting for setting in SETTINGS if setting.table == table}
    tables = {setting.table for setting in SETTINGS if setting.table} if not table else set()
    for name, value in values.items():
        if name in tables and isinstance(value, dict):
            yield from _read(file, value, name, root)
        elif name in known:
            try:
                read = known[name].read(value)
            except ValueError as error:
                raise UsageError(f"{name}: {error}", at=_place(file.path, name)) from None
            if file.is_projects:
                _keep_inside(file.path, known[name], read, root)
            yield name, root / read if isinstance(read, Path) else read
        else:
            at = _place(file.path, name)
            raise UsageError(f"there is no setting `{name}`{_where(table)}", at=at, hint=_meant(name))


def _keep_inside(path: Path, setting: Setting, value: object, root: Path) -> None:
    """Raise UsageError where a project's own file names what is outside of the project, links followed.

    Whoever clones a project has not read its settings, and they must not choose among his folders.
    """
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, Path) and not is_inside(root, one):
            flag = f", by --{setting.name.replace('_', '-')}" if setting.name in _FLAGS else ""
            raise UsageError(
                f"{setting.name}: {one} is outside of the project {root}, whose own file can't choose it",
                at=_place(path, setting.name),
                hint=f"set it in your own configuration ({_own_file()}){flag} or as {setting.variable} in the environment",
            )


def _meant(name: str) -> str:
    dotted = {(f"[{one.table}] " if one.table else "") + one.name: one.name for one in SETTINGS}
    exact = [shown for shown, plain in dotted.items() if plain == name]
    return f"it stands elsewhere: `{exact[0]}`" if exact else suggestion(name, dotted, kind="known")


def _where(table: str) -> str:
    return f" in [{table}]" if table else ""


def _place(path: Path, name: str) -> Location:
    """Where *name* is set in the file: its first line that sets it (TOML's own reader keeps no places)."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    pattern = re.compile(rf"""(?:^|[\s.{{,\["'])({re.escape(name)})["']?\s*[=.\]]""")
    for number, line in enumerate(lines, start=1):
        found = pattern.search(line)
        if found:
            return Location(str(path), number, found.start(1) + 1, line)
    return Location(str(path), 1, 1, lines[0] if lines else "")


# --- the provider ----------------------------------------------------------------------------------


def read_token(root: Path) -> Token | None:
    """The API token from the environment, else from the project's own `.env`. Raises NotAuthorised."""
    value = _first(os.environ, TOKEN_NAMES) or _first(_dotenv(root), TOKEN_NAMES)
    return Token(value) if value else None


def read_base_url(root: Path) -> str:
    """The provider's base URL, from the environment, else from the project's own `.env`.

    One from `.env` is refused beside a token from the environment: a stranger's project could
    otherwise send the user's token wherever it likes. Raises UsageError.
    """
    value = _first(os.environ, (BASE_URL_NAME,))
    if value:
        return value
    of_project = _first(_dotenv(root), (BASE_URL_NAME,))
    if of_project and _first(os.environ, TOKEN_NAMES):
        raise UsageError(
            f"{root / '.env'} sets {BASE_URL_NAME}, and the token comes from the environment",
            hint=f"set {BASE_URL_NAME} in the environment as well, if you want your token sent there",
        )
    return of_project or BASE_URL


def redact(text: str) -> str:
    """*text* without any token of the environment, or of a `.env` file that was read."""
    for value in {*_seen, *filter(None, (os.environ.get(name, "").strip() for name in TOKEN_NAMES))}:
        text = text.replace(value, MASK)
    return text


_seen: set[str] = set()
"""Tokens that were read from files: nothing that is shown may have one of them in it."""


def _dotenv(root: Path) -> dict[str, str]:
    path = root / ".env"
    if not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {type(error).__name__}") from None
    names = (*TOKEN_NAMES, BASE_URL_NAME)
    found = {name: values[name] or "" for name in names if name in values}
    _seen.update(found[name].strip() for name in TOKEN_NAMES if found.get(name, "").strip())
    return found


def _first(values: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((values[name].strip() for name in names if values.get(name, "").strip()), None)
