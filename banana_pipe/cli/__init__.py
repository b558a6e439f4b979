"""The command line: `main` is what `banana-pipe` and `python -m banana_pipe` call.

Read `group` (the commands, and what becomes of errors), `options` and `config` (what a command is
told), then one file in `commands/`. Nothing is imported here: whatever can be answered before click
is imported (today `--version`, later a snapshot that says there is nothing to do) is answered here.
"""

from __future__ import annotations

import os
import sys
import warnings

from banana_pipe.version import __version__


def main() -> int:
    """Run the command that `sys.argv` names; its exit code."""
    _lead_nowhere()
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"banana-pipe {__version__}\n")
        return 0
    if (
        not sys.warnoptions
    ):  # what libraries warn their developers of, as Pillow does of large pictures, is no message of ours
        warnings.simplefilter("ignore")
    from banana_pipe.cli.group import run_command

    return run_command(sys.argv[1:])


def _lead_nowhere() -> None:
    """Open the null device in place of what whoever started us has closed (`>&-`).

    The next file that is opened would have its number: a ledger that gets what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
