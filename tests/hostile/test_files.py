"""Names of files from a stranger: nothing outside the project is opened, and nothing there is waited for.

Unaware of templates' work and of the network.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hostile.conftest import Stranger
from tests.hostile.places import SECRET

STEP = "steps:\n  stolen:\n    images: {0}\n    edit: Better\n"
OUTSIDE = {
    "an absolute path": "{away}/me.png",
    "a password file": "/etc/passwd",
    "the way up": "../away/me.png",
    "the way up and down": "photos/../../away/me.png",
    "the way up through what is not there": "nowhere/../../away/me.png",
    "dots and slashes": ".//..//./away//me.png",
    "a link to a file": "link.png",
    "a link to a folder": "linked/me.png",
    "a link to a link": "second.png",
    "a pattern up": "../away/*.png",
    "a pattern of all parents": "../*/*.png",
    "a pattern from the root": "/*/passwd",
    "a pattern with two stars from the root": "/etc/**",
    "a pattern through a link": "linked/*.png",
    "a pattern that finds a link": "link*.png",
    "stars and dots": "**/../../away/me.png",
    "a home": "~/me.png",
    "a variable of the shell": "$HOME/me.png",
    "a process' own files": "/proc/self/environ",
    "a file that is open": "/dev/fd/0",
    "a file of zeros": "/dev/zero",
    "a NUL": '"photos/cat.png\\0.txt"',
    "full stops of another width": '"\\uff0e\\uff0e/away/me.png"',
    "a slash of another kind": '"..\\u2215away\\u2215me.png"',
    "backslashes": "'..\\away\\me.png'",
    "percent signs": "%2e%2e/away/me.png",
    "a file address": "file:///etc/passwd",
    "a file address without slashes": "file:/etc/passwd",
    "another computer": "//server/share/me.png",
    "a template that goes up": "\"{{{{ '..' }}}}/away/me.png\"",
    "a list that a template makes": "\"{{{{ ['../away/me.png'] }}}}\"",
}


@pytest.fixture
def linked(stranger: Stranger) -> Stranger:
    """With links out of the project, as an archive may hold them."""
    (stranger.folder / "link.png").symlink_to("../away/me.png")
    (stranger.folder / "second.png").symlink_to("link.png")
    (stranger.folder / "linked").symlink_to("../away")
    return stranger


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_picture_outside_the_project_is_not_read(linked: Stranger, name: str) -> None:
    """Whoever runs it meant to give the project's pictures to a provider, and no others."""
    reference = OUTSIDE[name].format(away=linked.folder.parent / "away")
    linked.write("recipe.yaml", STEP.format(reference))
    told = linked.pipe("run", "recipe.yaml", "--provider", "sandbox")
    assert told.code == 2, told.said
    assert "recipe.yaml:3:" in told.err
    assert "Traceback" not in told.err
    assert not told.outside
    assert not told.asked
    assert not (linked.folder / "cache").exists()


def _secret(home: Path, project: Path) -> None:
    (project / "prompts").mkdir()
    (project / "prompts" / "link.txt").symlink_to(home / "secret.txt")
    (project / "prompts" / "folder").symlink_to(home)
    os.mkfifo(project / "prompts" / "pipe.txt")
    (project / "prompts" / "here.txt").mkdir()
    (project / "base.yaml").symlink_to(home / "secret.yaml")
    (home / "secret.yaml").write_text(f"steps: {{a: {{generate: {SECRET}}}}}\n")
    (project / "rows.csv").symlink_to(home / "secret.csv")
    os.mkfifo(project / "pipe.yaml")
    os.mkfifo(project / "pipe.csv")


TEXTS = {
    "a partial above": "steps: {a: {generate: \"{% include '../../away/secret.txt' %}\"}}",
    "a partial by its whole path": "steps: {a: {generate: \"{% include '/etc/passwd' %}\"}}",
    "a partial that is a link": "steps: {a: {generate: \"{% include 'link.txt' %}\"}}",
    "a partial in a linked folder": "steps: {a: {generate: \"{% include 'folder/secret.txt' %}\"}}",
    "a partial that waits": "steps: {a: {generate: \"{% include 'pipe.txt' %}\"}}",
    "a partial that is a folder": "steps: {a: {generate: \"{% include 'here.txt' %}\"}}",
    "a partial with backslashes": "steps: {a: {generate: \"{% include '..\\\\\\\\secret.txt' %}\"}}",
    "the first of several partials": "steps: {a: {generate: \"{% include ['../../away/secret.txt', 'link.txt'] %}\"}}",
    "a partial to import": "steps: {a: {generate: \"{% import '../../away/secret.txt' as s %}{{ s }}\"}}",
    "a partial to extend": "steps: {a: {generate: \"{% extends '../../away/secret.txt' %}\"}}",
    "a recipe above": "extends: ../away/secret.yaml\n",
    "a recipe by its whole path": "extends: /etc/hostname\n",
    "a recipe that is a link": "extends: base.yaml\n",
    "a recipe that waits": "extends: pipe.yaml\n",
    "a recipe that is a device": "extends: /dev/zero\n",
    "a used recipe above": "steps: {a: {use: ../away/secret.yaml}}\n",
    "a used recipe that is a link": "steps: {a: {use: base.yaml}}\n",
    "a used recipe that waits": "steps: {a: {use: pipe.yaml}}\n",
    "a table above": 'data: {t: ../away/secret.csv}\nsteps: {a: {generate: "{{ t[0].word }}"}}\n',
    "a table by its whole path": 'data: {t: /etc/passwd}\nsteps: {a: {generate: "{{ t[0] }}"}}\n',
    "a table that is a link": 'data: {t: rows.csv}\nsteps: {a: {generate: "{{ t[0].word }}"}}\n',
    "a table that waits": 'data: {t: pipe.csv}\nsteps: {a: {generate: "{{ t[0] }}"}}\n',
    "rows that a pattern finds": 'steps: {a: {matrix: {p: ../away/*}, generate: "{{ p }}"}}\n',
    "another picture of an op": (
        "steps:\n  a: {generate: A fox}\n"
        "  b: {images: a, transform: [{overlay: {picture: ../away/me.png, position: center}}]}\n"
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_outside_the_project_is_not_read(stranger: Stranger, name: str) -> None:
    """Not into a prompt, which is sent and published, and not into a message."""
    _secret(stranger.folder.parent / "away", stranger.folder)
    stranger.write("recipe.yaml", TEXTS[name])
    told = stranger.pipe("run", "recipe.yaml", "--provider", "sandbox")
    assert told.code == 2, told.said
    assert "recipe.yaml:" in told.err
    assert SECRET not in told.said
    assert "Traceback" not in told.err
    assert not told.outside


@pytest.mark.parametrize(
    "name",
    [
        "../out",
        "/tmp/out",
        "a/../../b",
        "..",
        ".",
        "a\\b",
        "a/\u202egnp",
        "nul",
        "com1.x",
        "_/takes/x",
        "_",
        "index.html",
        "Manifest.json",
        ".git/hooks/pre-commit",
        "a:b",
        "a\tb",
        "x" * 300,
        "a/" * 40 + "b",
        "trailing.",
        " ",
    ],
    ids=ascii,
)
def test_no_output_leaves_its_folder_or_is_hidden_in_it(stranger: Stranger, name: str) -> None:
    """Nor is it a name that some system takes for something else."""
    stranger.write(
        "recipe.yaml", f"vars: {{n: {_quoted(name)}}}\nsteps: {{a: {{generate: x, output: '{{{{ n }}}}'}}}}\n"
    )
    before = _everything(stranger.folder.parent)
    told = stranger.pipe("run", "recipe.yaml", "--provider", "sandbox")
    assert told.code == 2, told.said
    assert "recipe.yaml:2:" in told.err
    assert _everything(stranger.folder.parent) == before


@pytest.mark.parametrize(
    "name", ["../up", "/abs", "..", ".git", "_", "a/b", "a\\b", "a\0b", "\u202efdp", "x" * 400, "nul", "-rf"], ids=ascii
)
def test_no_recipe_is_named_out_of_its_folder(stranger: Stranger, name: str) -> None:
    """Its name is that of a folder, and nothing else."""
    stranger.write("recipe.yaml", f"name: {_quoted(name)}\nsteps: {{a: {{generate: x}}}}\n")
    before = _everything(stranger.folder.parent)
    told = stranger.pipe("run", "recipe.yaml", "--provider", "sandbox")
    assert told.code == 2, told.said
    assert "recipe.yaml:1:" in told.err
    assert _everything(stranger.folder.parent) == before


@pytest.mark.parametrize(
    "place",
    [
        "out",
        "out/recipe@sandbox",
        "cache",
        "cache/blobs",
        "recipe.lock",
        "cache/sandbox",
        "out/recipe@sandbox/_",
        "out/recipe@sandbox/_/runs",
        "out/recipe@sandbox/index.html",
    ],
)
def test_what_is_written_goes_through_no_link_out_of_the_project(stranger: Stranger, place: str) -> None:
    """An archive may hold links where we write: what is outside stays as it is."""
    stranger.write("recipe.yaml", "steps: {a: {generate: A fox}}\n")
    is_file = place.endswith(("lock", "html"))
    target = stranger.folder.parent / "away" / ("note.txt" if is_file else "victim")
    if not is_file:
        target.mkdir()
    link = stranger.folder / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    before = _everything(stranger.folder.parent / "away")
    told = stranger.pipe("run", "recipe.yaml", "--provider", "sandbox")
    assert "Traceback" not in told.err
    assert _everything(stranger.folder.parent / "away") == before, told.said


def _quoted(name: str) -> str:
    return '"' + "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else _escape(c) for c in name) + '"'


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04x}"


def _everything(folder: Path) -> dict[str, bytes | None]:
    """What is below *folder*, the cache excepted."""
    found = [path for path in sorted(folder.rglob("*")) if "cache" not in path.parts]
    return {str(path): path.read_bytes() if path.is_file() else None for path in found}
