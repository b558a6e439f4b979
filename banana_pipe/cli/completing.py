"""Completion in bash, where a name such as `scene[color=teal]` has to be quoted, and a line is split at every `=`.

Unaware of what is completed. In zsh and fish, which quote by themselves, click's own scripts are right.

Bash replaces only what stands behind the last of its word breaks, unless a quote is open: then all behind the quote.
So names that need quotes come with them; where one is open they come plain, and behind a break only their ends.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

VARIABLE = "_BANANA_PIPE_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
_READ_IN_QUOTES = re.compile(r'[$`"\\]')
_UNQUOTED = re.compile(r"[^\w@%+=:,./\[\]-]", re.ASCII)

_SCRIPT = r"""
%(complete_func)s() {
    local response type value
    response=$(COMP_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$response"
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Bash's completion by the line as it stands before the cursor."""

    source_template = _SCRIPT

    _typed = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is being written, and that one."""
        self._typed = _typed(os.environ["COMP_LINE"])
        words = split_arg_string(os.environ["COMP_LINE"])[1:]
        return (words[:-1], words[-1]) if self._typed and words else (words, "")

    def complete(self) -> str:
        """A line for each item, in the form that bash puts in the place of what is typed."""
        items = self.get_completions(*self.get_completion_args())
        plain = [item.value for item in items if item.type == "plain"]
        lines = [f"{item.type},{item.value}" for item in items if item.type != "plain"]
        return "\n".join([*lines, *(f"plain,{name}" for name in in_bash(plain, self._typed))])

    def format_completion(self, item: CompletionItem) -> str:
        """Unused: what an item looks like depends on the others."""
        return f"{item.type},{item.value}"


def in_bash(names: list[str], typed: str) -> list[str]:
    """*names* as bash puts them in the place of *typed*, the beginning of a word with its quotes."""
    if typed[:1] == "'":
        return [name.replace("'", "'\\''") for name in names]
    if typed[:1] == '"':  # where a shell still reads some signs: a stranger's axis may be called `$(…)`
        return [_READ_IN_QUOTES.sub(lambda found: f"\\{found[0]}", name) for name in names]
    broken = max(typed.rfind("="), typed.rfind(":")) + 1
    if broken:
        begun = len(split_arg_string(typed[:broken])[0])
        return [_UNQUOTED.sub(lambda found: f"\\{found[0]}", name[begun:]) for name in names]
    if any(shlex.quote(name) != name for name in names):
        return ["'" + name.replace("'", "'\\''") + "'" for name in names]
    return names


def _typed(line: str) -> str:
    """The word at the end of *line* as it is written there, quotes and all."""
    start, quote, place = 0, "", 0
    while place < len(line):
        letter = line[place]
        if letter == "\\" and quote != "'":
            place += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter.isspace():
            start = place + 1
        place += 1
    return line[start:]


def register() -> None:
    """Let click answer bash so."""
    add_completion_class(Bash)


def script_for(shell: str, commands: Any) -> str:
    """What *shell* reads once to complete from then on."""
    script: type[ShellComplete] = {"bash": Bash, "zsh": ZshComplete, "fish": FishComplete}[shell]
    return script(commands, {}, "banana-pipe", VARIABLE).source().lstrip("\n")
