"""What a command imports, and where its words go. Unaware of what commands do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from banana_pipe.version import __version__
from tests.cli.conftest import Pipe, environment, in_process

LOOK = """
import json, sys
from banana_pipe.cli import main
code = main()
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""

CLIENTS = {"httpx", "httpcore", "anyio", "starlette"}


def imported(project: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command, and the modules that it left behind."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments],
        cwd=project,
        env=environment(None),
        capture_output=True,
        text=True,
        check=False,
    )
    code, modules = json.loads(done.stderr.strip().splitlines()[-1])
    return code, set(modules)


def test_the_version_is_told_before_click_is_imported(project: Path) -> None:
    """What is asked most often, by scripts, costs the least."""
    code, modules = imported(project, "--version")
    assert code == 0
    assert not modules & {"click", "asyncio", "json.decoder"} - {"json.decoder"}


def test_the_version_is_the_packages_own() -> None:
    """One place says it."""
    assert in_process("--version", cwd=Path.cwd()).out == f"banana-pipe {__version__}\n"


def test_help_imports_neither_commands_nor_templates(project: Path) -> None:
    """The list of commands is words; what they need is imported when they are called."""
    code, modules = imported(project, "--help")
    assert code == 0
    assert not modules & {*CLIENTS, "jinja2", "yaml", "PIL", "diskcache", "banana_pipe.api"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", "recipes/small.yaml"),
        ("plan", "recipes/small.yaml"),
        ("render", "recipes/small.yaml"),
        ("providers",),
        ("ledger", "show"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_asks_nobody_imports_no_http_client(project: Path, arguments: tuple[str, ...]) -> None:
    """200 ms for nothing otherwise, and a door that need not be there."""
    code, modules = imported(project, *arguments)
    assert code == 0
    assert not modules & CLIENTS


def test_a_run_with_nothing_to_do_imports_no_http_client(project: Path) -> None:
    """The run that happens most."""
    assert in_process("run", "recipes/small.yaml", "--provider", "sandbox", cwd=project).code == 0
    code, modules = imported(project, "run", "recipes/small.yaml", "--provider", "sandbox")
    assert code == 0
    assert not modules & CLIENTS


def test_every_command_in_help_is_there_and_says_the_same(pipe: Pipe) -> None:
    """The list of `--help` is written by hand, so that nothing has to be imported for it."""
    from banana_pipe.cli.group import COMMANDS

    for name in COMMANDS:
        said = pipe(name, "--help")
        assert said.code == 0, name
        assert said.out.startswith(f"Usage: banana-pipe {name}"), name


@pytest.mark.parametrize("name", ["plan", "run", "validate", "render", "pick", "reroll"])
def test_every_command_about_a_recipe_takes_its_options(pipe: Pipe, name: str) -> None:
    """What can be said to one of them can be said to all."""
    help_text = pipe(name, "--help").out
    for option in ("--set", "--vars", "--profile", "--provider", "--out", "--cache", "--allow-read", "--json"):
        assert option in help_text


def test_no_option_takes_a_token(pipe: Pipe) -> None:
    """A command line is seen by every process of the machine, and kept in the shell's history."""
    from banana_pipe.cli.group import COMMANDS

    assert not [name for name in COMMANDS if "token" in pipe(name, "--help").out.lower().replace("and token", "")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "recipes/small.yaml"),
        ("run", "recipes/small.yaml", "-n"),
        ("run", "recipes/small.yaml", "--provider", "sandbox"),
        ("run", "recipes/small.yaml"),
        ("validate", "recipes/small.yaml"),
        ("validate", "recipes/small.yaml", "recipes/nobody.yaml"),
        ("render", "recipes/small.yaml"),
        ("render", "recipes/small.yaml", "nobody"),
        ("pick", "recipes/small.yaml", "base", "1"),
        ("reroll", "recipes/small.yaml", "base"),
        ("ledger", "show"),
        ("ledger", "reconcile"),
        ("providers",),
        ("plan", "recipes/nobody.yaml"),
        ("plan",),
        ("nonsense",),
        ("run", "recipes/small.yaml", "--max-cost", "much"),
    ],
    ids=" ".join,
)
def test_json_is_one_object_whatever_happens(pipe: Pipe, arguments: tuple[str, ...]) -> None:
    """A script parses stdout first and asks questions later."""
    said = pipe(*arguments, "--json")
    value = json.loads(said.out)
    assert isinstance(value, dict)
    if "error" in value:
        assert value["exit_code"] == said.code != 0
        assert value["error"]["message"]
        assert set(value["error"]) >= {"kind", "message", "hint", "at"}
