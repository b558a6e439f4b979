"""What a stranger's texts do to a terminal: nothing. Unaware of what the texts are for."""

from __future__ import annotations

import re
import unicodedata

import pytest

from tests.hostile.conftest import Stranger, Told
from tests.hostile.places import PICTURE

EVIL = {
    "a title": "\x1b]0;owned\x07",
    "a clear screen": "\x1b[2J\x1b[H",
    "a link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "an answer": "\x1b[6n\x1b[c",
    "C1 controls": "\x9b31m\x90q\x9d0;x\x9c",
    "a bell and a backspace": "\x07\x08\x08\x08",
    "a return": "harmless\rERROR",
    "another direction": "\u202egnp.exe\u2066x\u2069",
    "what is not seen": "a\u200bb\ufeffc\u00add\u2028e\u2029f",
    "tags": "a\U000e0041\U000e0042b",
}
OWN = re.compile(r"\x1b\[[0-9;]*m|\r\n|\x1b\[\?25[hl]|\x1b\[[0-9]*[AGK]|\x1b\[2K|\r|\n")
PLACES = {
    "a prompt": 'steps: {{a: {{generate: "fox {0}"}}}}\n',
    "a variable": 'vars: {{v: "{0}"}}\nsteps: {{a: {{generate: "{{{{ v }}}}"}}}}\n',
    "a name of an axis' value": 'steps: {{a: {{matrix: {{v: ["{0}", b]}}, generate: "{{{{ v }}}}"}}}}\n',
    "a model": 'steps: {{a: {{generate: fox, model: "{0}"}}}}\n',
    "an output": 'steps: {{a: {{generate: fox, output: "x{0}"}}}}\n',
    "an unknown key": 'steps: {{a: {{generate: fox, "k{0}": 1}}}}\n',
    "the name of a step": 'steps: {{"a{0}": {{generate: fox}}}}\n',
    "the name of a recipe": 'name: "n{0}"\nsteps: {{a: {{generate: fox}}}}\n',
    "a file": 'steps: {{a: {{images: "p{0}.png", edit: fox}}}}\n',
    "a pattern": 'steps: {{a: {{images: "p{0}*.png", edit: fox}}}}\n',
    "an address": 'steps: {{a: {{images: "https://e.example/{0}.png", edit: fox}}}}\n',
    "a reference": 'steps: {{a: {{generate: fox}}, b: {{images: "a[x={0}]", edit: fox}}}}\n',
    "an undefined name": "steps: {{a: {{generate: \"{{{{ row['{0}'] }}}}\"}}}}\nvars: {{row: {{b: c}}}}\n",
    "a partial": "steps: {{a: {{generate: \"{{% include '{0}' %}}\"}}}}\n",
    "a parent": 'extends: "{0}.yaml"\n',
    "a used recipe": 'steps: {{a: {{use: "{0}.yaml"}}}}\n',
    "a table": 'data: {{t: "{0}.csv"}}\nsteps: {{a: {{generate: fox}}}}\n',
    "a condition": "steps: {{a: {{generate: fox, when: \"'{0}' == x\"}}}}\n",
    "a profile": 'profiles: {{"p{0}": {{resolution: 1K}}}}\nsteps: {{a: {{generate: fox}}}}\n',
    "a provider": 'steps: {{a: {{generate: fox, provider: "s{0}"}}}}\n',
    "extra": 'extra: {{"e{0}": "{0}"}}\nsteps: {{a: {{generate: fox}}}}\n',
    "an op": 'steps: {{a: {{images: photos/cat.png, transform: [{{"o{0}": {{}}}}]}}}}\n',
}


def harmless(told: Told) -> None:
    """Nothing is left that a terminal acts on but our own colours and lines."""
    rest = OWN.sub("", told.said)
    bad = sorted({ascii(letter) for letter in rest if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}})
    assert not bad, ascii(rest)
    assert "Traceback" not in told.said
    assert told.code in (0, 1, 2), told.err


def escaped(text: str) -> str:
    """*text* as it stands inside a quoted scalar of YAML: the letters themselves cannot stand in a file."""
    return "".join(
        letter if 0x20 <= ord(letter) < 0x7F and letter not in '"\\' else f"\\U{ord(letter):08x}" for letter in text
    )


@pytest.mark.parametrize("place", PLACES)
def test_no_text_of_a_recipe_moves_a_terminal(stranger: Stranger, place: str) -> None:
    """Wherever it stands, whether it is shown in a plan, a page of prompts, or a mistake."""
    stranger.write("recipe.yaml", PLACES[place].format(escaped("".join(EVIL.values()))))
    for command in ("plan --verbose", "render"):
        told = stranger.pipe(*command.split(), "recipe.yaml", terminal=True)
        assert told.said
        harmless(told)


def test_no_name_moves_a_terminal_while_pictures_are_made(stranger: Stranger) -> None:
    """Neither in the live table nor in the lines at the end."""
    values = ", ".join(f'"{escaped(evil)}"' for evil in EVIL.values())
    stranger.write("recipe.yaml", f'steps: {{a: {{matrix: {{v: [{values}]}}, generate: "fox {{{{ v }}}}"}}}}\n')
    told = stranger.pipe("run", "recipe.yaml", "--provider", "sandbox", terminal=True)
    assert told.code == 0, told.said
    harmless(told)


@pytest.mark.parametrize("name", EVIL)
def test_no_name_of_a_file_moves_a_terminal(stranger: Stranger, name: str) -> None:
    """An archive holds names that no editor writes."""
    evil = EVIL[name].replace("/", "-")
    stranger.write(f"photos/{evil}.png", PICTURE)
    stranger.write(f"photos/{evil}.txt", "x")
    stranger.write(f"prompts/{evil}.txt", "x")
    stranger.write("good.yaml", "steps: {a: {matrix: {p: 'photos/*.png'}, images: '{{ p }}', edit: Older}}\n")
    stranger.write("none.yaml", "steps: {a: {images: photos/c.pngg, edit: Older}}\n")
    stranger.write("text.yaml", "steps: {a: {images: 'photos/*.txt', edit: Older}}\n")
    stranger.write("part.yaml", "steps: {a: {generate: \"{% include 'none.txt' %}\"}}\n")
    for recipe in ("good", "none", "text", "part"):
        harmless(stranger.pipe("plan", f"{recipe}.yaml", "--verbose", terminal=True))


@pytest.mark.parametrize("name", EVIL)
def test_no_line_that_is_drawn_moves_a_terminal(stranger: Stranger, name: str) -> None:
    """A mistake is shown with its line, which is a stranger's, in a recipe, a partial or a table."""
    evil = EVIL[name]
    stranger.write("recipe.yaml", f"steps: {{a: {{generate: '{{{{ x }}}} {evil}'}}}} # {evil}\n")
    harmless(stranger.pipe("validate", "recipe.yaml", terminal=True))
    stranger.write("part.yaml", "steps: {a: {generate: \"{% include 'p.txt' %}\"}}\n")
    stranger.write("prompts/p.txt", f"{evil} {{{{ x }}}} {evil}\n")
    harmless(stranger.pipe("validate", "part.yaml", terminal=True))
    stranger.write(
        "rows.yaml", "data: {t: t.csv}\nsteps: {a: {matrix: {r: '{{ t }}'}, generate: '{{ r.x }} {{ r.none }}'}}\n"
    )
    stranger.write("t.csv", f"id,x{evil!s}\na,{evil}\nb,{evil},too many\n".replace("\r", ""))
    harmless(stranger.pipe("validate", "rows.yaml", terminal=True))


def test_json_is_plain_letters(stranger: Stranger) -> None:
    """A terminal may be where it goes."""
    for evil in EVIL.values():
        stranger.write(
            "recipe.yaml", f'steps: {{a: {{matrix: {{v: ["{escaped(evil)}"]}}, generate: "{{{{ v }}}}"}}}}\n'
        )
        told = stranger.pipe("plan", "recipe.yaml", "--json", terminal=True)
        assert told.out.isascii()
        assert told.said
        harmless(told)
