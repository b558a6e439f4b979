"""Completion as a shell does it: what is typed, the Tab key, and the words that the command then gets."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.cli.completing import SHELLS, in_bash
from banana_pipe.cli.group import run_command
from tests.cli.conftest import ROOT, Pipe
from tests.world import picture

RECIPE = """
version: 1
profiles: {draft: {resolution: 1K}, drab: {resolution: 2K}}
steps:
  base: {generate: A mug}
  tint:
    matrix: {color: [ivory, deep teal, "it's"]}
    images: base
    edit: Make it {{ color }}
  scene: {each: tint, edit: Outdoors, samples: 2}
"""
OF_A_PHOTO = "{images: ../photos/mug.png, edit: A mug}"
PROGRAM = """#!/bin/sh
if [ -n "$_BANANA_PIPE_COMPLETE" ]; then PYTHONPATH={root} exec {python} -m banana_pipe "$@"; fi
if [ "$1" = completion ]; then PYTHONPATH={root} exec {python} -m banana_pipe "$@"; fi
for word; do printf '<%s>' "$word"; done
echo '<END>'
"""
PATIENCE = 120.0
"""Seconds for a shell that says nothing: it hangs."""


class Bash:
    """A real one, whose `banana-pipe` completes as ours does, and otherwise says what words it got."""

    def __init__(self, folder: Path) -> None:
        program = folder / "bin" / "banana-pipe"
        program.parent.mkdir()
        program.write_text(PROGRAM.format(root=shlex.quote(str(ROOT)), python=shlex.quote(sys.executable)))
        program.chmod(0o755)
        env = {
            **{name: value for name, value in os.environ.items() if name != "PROMPT_COMMAND"},
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "TERM": "dumb",
            "PS1": "$ ",
            "HISTFILE": "",
            "INPUTRC": os.devnull,
            "BASH_SILENCE_DEPRECATION_WARNING": "1",
        }
        self.child, self.end = pty.fork()
        if self.child == 0:
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
        self.words('eval "$(banana-pipe completion bash)"; banana-pipe')

    def words(self, typed: str) -> list[str]:
        """The words that the command gets when *typed* is typed, Tab keys and all, and entered."""
        os.write(self.end, f"{typed}\n".encode())
        said = ""
        # The echo of what is typed has no END.
        while "<END>" not in said:
            assert select.select([self.end], [], [], PATIENCE)[0], said
            said += os.read(self.end, 65536).decode()
        return said.partition("<END>")[0].rpartition("\n")[2].strip("<>").split("><")

    def close(self) -> None:
        """Leave it."""
        os.write(self.end, b"\x03\nexit\n")
        os.close(self.end)
        os.waitpid(self.child, 0)


@pytest.fixture
def bash(project: Path, tmp_path: Path) -> Iterator[Bash]:
    """A shell in the project, with a recipe whose names need quoting."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    (project / "recipes" / "small.yaml").write_text(RECIPE)
    shell = Bash(tmp_path)
    yield shell
    shell.close()


def test_bash_completes_names_and_quotes_them(bash: Bash, pipe: Pipe, project: Path) -> None:
    """The command gets the name itself, however its beginning was typed; and so with profiles, takes and runs."""
    recipe = "recipes/small.yaml"
    assert bash.words("banana-pipe prov\t") == ["providers"]
    assert bash.words(f"banana-pipe render {recipe} ba\t") == ["render", recipe, "base"]
    assert bash.words(f"banana-pipe render {recipe} 'tint[color=iv\t") == ["render", recipe, "tint[color=ivory]"]
    assert bash.words(f"banana-pipe render {recipe} tint[color=de\t") == ["render", recipe, "tint[color=deep teal]"]
    assert bash.words(f"banana-pipe render {recipe} ti\t[color=it\t") == ["render", recipe, 'tint[color="it\'s"]']
    assert bash.words(f"banana-pipe plan {recipe} --profile dra\tf\t") == ["plan", recipe, "--profile", "draft"]
    assert bash.words(f"banana-pipe plan {recipe} --select 'tint[color=iv\t")[-1] == "tint[color=ivory]"
    ran = pipe("run", recipe, "--provider", "sandbox")
    assert ran.code == 0
    (log,) = (project / "out" / "small@sandbox" / "_" / "runs").iterdir()
    pick = f"banana-pipe pick --provider sandbox {recipe} 'scene[color=ivory]'"
    assert bash.words(f"{pick} \t2")[-1] == "2"
    assert bash.words(f"banana-pipe pick --provider sandbox {recipe} base \t")[-1] == "1"
    assert bash.words("banana-pipe replay 2\t") == ["replay", log.stem]
    assert bash.words("banana-pipe replay l\t") == ["replay", "last"]
    assert bash.words("banana-pipe diff 2\t out") == ["diff", log.stem, "out"]


def test_names_are_those_that_the_command_will_read(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the pictures that the project's configuration lets it read; and nothing is written for it."""
    (project / "photos").mkdir()
    (project / "photos" / "mug.png").write_bytes(picture(8, 8))
    (project / "recipes" / "small.yaml").write_text(RECIPE.replace("{generate: A mug}", OF_A_PHOTO))
    monkeypatch.setenv("_BANANA_PIPE_COMPLETE", "bash_complete")

    def completed(line: str) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        with pytest.raises(SystemExit):
            run_command(())
        return capsys.readouterr().out.split()

    assert completed("banana-pipe explain recipes/small.yaml ba") == []
    assert completed("banana-pipe explain --allow-read photos recipes/small.yaml ba") == ["plain,base"]
    (project / "banana-pipe.toml").write_text('allow_read = ["photos"]')
    before = sorted(project.rglob("*"))
    assert completed("banana-pipe explain recipes/small.yaml ba") == ["plain,base"]
    assert completed("banana-pipe pick recipes/small.yaml 'tint[color=ivory]' ") == []
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_its_script(pipe: Pipe, shell: str) -> None:
    """On stdout, to be evaluated."""
    said = pipe("completion", shell)
    assert (said.code, said.err) == (0, "")
    assert f"_BANANA_PIPE_COMPLETE={shell}_complete" in said.out


@pytest.mark.parametrize("typed", ["", "'", '"', "tint="])
def test_no_name_is_a_command(tmp_path: Path, typed: str) -> None:
    """What a recipe calls its axes is a stranger's word, and bash would run it within double quotes, too."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    name = f"tint=$(touch {tmp_path}/ran)`touch {tmp_path}/ran`\\$HOME\"'"
    (end,) = in_bash([name], typed)
    quote = typed if typed in ("'", '"') else ""
    line = f"printf %s {quote or typed}{end}{quote}"
    said = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert said.stdout == name
    assert not list(tmp_path.iterdir())


@given(st.text(min_size=1).filter(lambda name: not set("\0\n\r") & set(name)))
def test_what_bash_gets_is_the_name_once_it_is_unquoted(name: str) -> None:
    """At the beginning of a word, behind an open quote, and behind a break."""
    (whole,) = in_bash([name], "")
    assert shlex.split(whole) == [name]
    (rest,) = in_bash([name], "'")
    assert shlex.split(f"'{rest}'") == [name]
    (other,) = in_bash([name.replace("$", "").replace("`", "")], '"')  # which this one's reader takes as they are
    assert shlex.split(f'"{other}"') == [name.replace("$", "").replace("`", "")]
    (end,) = in_bash([f"a={name}"], "a=")
    assert shlex.split(f"a={end}") == [f"a={name}"]
