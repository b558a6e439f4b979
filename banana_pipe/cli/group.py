"""The commands by name, each imported when it is called, and what becomes of an error.

Unaware of what the commands do.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

import click

from banana_pipe.cli.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    error_json,
    message_json,
    print_json,
    show_error,
    show_usage,
    usage_json,
)
from banana_pipe.cli.examples import with_examples
from banana_pipe.cli.terminal import be_lenient, data_apart, err, out
from banana_pipe.errors import BananaError
from banana_pipe.model import Json
from banana_pipe.version import __version__

EXIT_READER_GONE = 1
VARIABLE = "_BANANA_PIPE_COMPLETE"
"""A shell that completes sets it, to what it wants."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and what it does in a few words: `--help` imports none of them."""

    module: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "init": Entry("beginning", "Write a small project: a recipe that runs at once, offline and free."),
    "run": Entry("running", "Make the pictures of a recipe, buying what is missing."),
    "plan": Entry("planning", "Show what a run would do, why, and what it would cost."),
    "validate": Entry("reading", "Check recipes: all that can be known without network and token."),
    "render": Entry("reading", "Show the prompts as they would be sent."),
    "explain": Entry("looking", "Show why a node would be made anew: what has changed, and where."),
    "schema": Entry("schema", "Print the JSON Schema of recipes, for editors."),
    "graph": Entry("looking", "Draw who reads whom: as Mermaid, as Graphviz's dot, as JSON."),
    "diff": Entry("diff", "Compare two runs, folders or git revisions, picture by picture."),
    "why": Entry("why", "Show where a picture comes from, by its bytes, wherever it was copied."),
    "report": Entry("report", "Make the gallery of a recipe's folder again, or one file to send."),
    "studio": Entry("studio", "Look at a recipe live, in the browser: pick, run, re-roll, try values."),
    "pick": Entry("choosing", "Choose which take of a node flows on."),
    "reroll": Entry("choosing", "Buy one more take of a node, and pick it."),
    "lock": Entry("lock", "Check the lock file against what is there; accept, reset, clean."),
    "replay": Entry("replay", "Make the folder of a past run again, from its log and the cache."),
    "export": Entry("export", "Copy the pictures for others: with metadata, without, as a research object."),
    "ledger": Entry("ledger", "Show every attempt that may have cost money; settle the open ones."),
    "cache": Entry("cache", "Look after the cache: what it holds, what may go, whether it is whole."),
    "doctor": Entry("doctor", "Check this machine: disk, locks, clock, token, provider."),
    "providers": Entry("providers", "Show providers, models and prices."),
    "completion": Entry("completion", "Print what a shell reads to complete commands and names."),
    "serve": Entry("serving", "Serve the sandbox on a port of this machine, for any client."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The command, imported."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"banana_pipe.cli.commands.{entry.module}")
        return with_examples(cast(click.Command, getattr(module, cmd_name)), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """The list in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that *args* name; a wrong word is answered with the nearest right one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            meant = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command `{args[0]}`: {meant}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="banana-pipe", message="%(prog)s %(version)s")
def commands() -> None:
    """Make for generated images: a recipe in YAML, the same folder for ever, every picture paid once."""


with_examples(commands, "")


def run_command(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* name; its exit code, whatever happens."""
    be_lenient()
    if VARIABLE in os.environ:
        from banana_pipe.cli.completing import register

        register()
    try:
        return _run(arguments)
    except BrokenPipeError:
        # Python would complain once more while it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdout.fileno())
        return EXIT_READER_GONE


def _run(arguments: Sequence[str]) -> int:
    wants_json = "--json" in arguments
    with data_apart() if wants_json else nullcontext():
        return _called(arguments, wants_json=wants_json)


def _called(arguments: Sequence[str], *, wants_json: bool) -> int:
    try:
        code = commands.main(args=list(arguments), prog_name="banana-pipe", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except BananaError as error:
        show_error(err(), error)
        return _ended(error_json(error, error.exit_code), error.exit_code, wants_json)
    except click.exceptions.NoArgsIsHelpError as error:
        err().say(error.format_message())
        return EXIT_USAGE
    except click.ClickException as error:
        show_usage(err(), error)
        return _ended(usage_json(error), EXIT_USAGE, wants_json)
    except (KeyboardInterrupt, click.Abort):
        err().say("\ninterrupted")
        return _ended(message_json("interrupted", EXIT_INTERRUPTED), EXIT_INTERRUPTED, wants_json)
    except Exception as bug:  # noqa: BLE001 - the last door: nobody above could do better
        from banana_pipe.cli.bugs import tell_bug

        return _ended(message_json(tell_bug(err(), bug), EXIT_BUG), EXIT_BUG, wants_json)


def _ended(value: Json, exit_code: int, wants_json: bool) -> int:
    if wants_json:
        print_json(out(), value)
    return exit_code
