"""Recipes that would cost, call or fill more than anybody meant. Unaware of what a terminal shows."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import Stranger
from tests.hostile.places import PICTURE
from tests.vendor.fixture import env_for
from tests.vendor.server import Vendor

ADDRESSES = [
    "https://127.0.0.1/a.png",
    "https://127.1/a.png",
    "https://2130706433/a.png",
    "https://0x7f000001/a.png",
    "https://0x7f.0.0.1/a.png",
    "https://0177.0.0.1/a.png",
    "https://017700000001/a.png",
    "https://0/a.png",
    "https://[::1]/a.png",
    "https://[::ffff:127.0.0.1]/a.png",
    "https://[::ffff:7f00:1]/a.png",
    "https://[64:ff9b::7f00:1]/a.png",
    "https://[2002:7f00:1::]/a.png",
    "https://[fe80::1%25lo]/a.png",
    "https://[fd00::1]/a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://metadata.google.internal/a.png",
    "https://10.0.0.1/a.png",
    "https://192.168.1.1/a.png",
    "https://localhost/a.png",
    "https://LOCALHOST./a.png",
    "https://printer.local/a.png",
    "https://router/a.png",
    "https://127。0。0。1/a.png",
    "https://①②⑦.⓪.⓪.①/a.png",
    "https://example.com@127.0.0.1/a.png",
    "https://me:secret@example.com/a.png",
    "https://example.com:99999/a.png",
    "https://example.com:0x50/a.png",
    "https://example.com\\\\@127.0.0.1/a.png",
    "https://example.com/\\u000d\\u000aHost: evil/a.png",
    "https:///a.png",
    "https:/127.0.0.1/a.png",
    "https://1.2.3.4.5/a.png",
    "HTTP://example.com/a.png",
    "ftp://example.com/a.png",
    "gopher://example.com/a.png",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "https://" + "a" * 3000 + ".com/a.png",
]


@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
def test_nobody_who_is_not_public_is_asked_for_a_picture(stranger: Stranger, vendor: Vendor, address: str) -> None:
    """Not even with a cap and consent; and nothing is bought that would read it."""
    stranger.env |= env_for(vendor)
    stranger.write("recipe.yaml", f'steps: {{a: {{images: "{address}", edit: Older}}}}\n')
    told = stranger.pipe("run", "recipe.yaml", "--yes")
    assert told.code == 2, told.said
    assert "recipe.yaml:1:" in told.err
    assert not told.asked
    assert "Traceback" not in told.err
    assert not vendor.posts


EXPENSIVE = {
    "a matrix": "steps: {a: {matrix: {x: [1, 2, 3, 4, 5, 6, 7, 8, 9]}, generate: 'fox {{ x }}'}}\n",
    "takes": "steps: {a: {generate: fox, samples: 9}}\n",
    "its own consent": "yes: true\nsteps: {a: {generate: fox, samples: 9}}\n",
    "its own cap": "max_calls: 1000\nsteps: {a: {generate: fox, samples: 9}}\n",
    "a field of the API": "extra: {count: 100}\nsteps: {a: {generate: fox}}\n",
    "a field in other letters": "extra: {Count: 100}\nsteps: {a: {generate: fox}}\n",
    "a field from a template": "steps: {a: {generate: fox, extra: {n: '{{ 9 }}'}, samples: 9}}\n",
    "a profile": "profiles: {p: {samples: 100}}\nsteps: {a: {generate: fox, samples: 9}}\n",
    "a token": "token: abc\nsteps: {a: {generate: fox}}\n",
    "another address": "base_url: https://evil.example\nsteps: {a: {generate: fox}}\n",
    "an address in extra": "extra: {callback_url: https://evil.example}\nsteps: {a: {generate: fox}}\n",
    "a proxy": "proxy: https://evil.example\nsteps: {a: {generate: fox}}\n",
}


@pytest.mark.parametrize("name", EXPENSIVE)
def test_no_recipe_buys_beyond_the_cap_or_moves_it(stranger: Stranger, vendor: Vendor, name: str) -> None:
    """What a run may cost is said by who runs it; a recipe that tries to say it is wrong."""
    stranger.env |= env_for(vendor)
    stranger.write("recipe.yaml", EXPENSIVE[name])
    told = stranger.pipe("run", "recipe.yaml", "--max-calls", "2", "--allow-unpriced")
    assert told.code in (2, 3), told.said
    assert len(vendor.posts) == (2 if told.code == 3 else 0)
    assert not told.asked


def test_what_is_much_is_asked_about_first(stranger: Stranger, vendor: Vendor) -> None:
    """Without a cap and without consent nothing is bought at all; a project's own file cannot give either."""
    stranger.env |= env_for(vendor)
    stranger.write("banana-pipe.toml", "yes = true\nmax_calls = 100000\n")
    stranger.write("recipe.yaml", "steps: {a: {generate: fox, samples: 100}}\n")
    told = stranger.pipe("run", "recipe.yaml")
    assert told.code in (2, 3), told.said
    assert not vendor.posts


AXIS = "[" + ", ".join(f"v{n}" for n in range(1000)) + "]"
LARGE = {
    "a million pictures": f"steps: {{a: {{matrix: {{x: {AXIS}, y: {AXIS}}}, generate: x}}}}\n",
    "a million under each": f"steps: {{a: {{matrix: {{x: {AXIS}}}, generate: x}}, b: {{each: a, matrix: {{y: {AXIS}}}, edit: x}}}}\n",
    "a million links": f"steps: {{a: {{matrix: {{x: {AXIS}}}, chain: {{y: {AXIS}}}, generate: x}}}}\n",
    "takes without end": "steps: {a: {generate: x, samples: 1000000}}\n",
    "a take beyond all": "steps: {a: {generate: x}, b: {images: a@99999999, edit: x}}\n",
    "a number of digits": "steps: {a: {generate: x, samples: " + "9" * 5000 + "}}\n",
    "an endless timeout": "steps: {a: {generate: x, timeout: 1e400}}\n",
    "a hundred thousand mistakes": "steps:\n" + "".join(f"  s{n}: {{nothing: x}}\n" for n in range(20_000)),
    "one mistake in each of many": f"steps: {{a: {{matrix: {{x: {AXIS}}}, images: 'b[y={{{{ x }}}}]', edit: x}}, b: {{matrix: {{y: {AXIS[:-1]}, z]}}, generate: x}}, c: {{images: 'a[q=1]', edit: x}}, d: {{matrix: {{x: {AXIS}}}, images: 'b[y=nowhere{{{{ x }}}}]', edit: x}}}}\n",
    "long names": "steps: {" + "a" * 300_000 + "b: {generate: x}, c: {images: " + "a" * 300_000 + ", edit: x}}\n",
    "a circle of a thousand": "steps:\n"
    + "".join(f"  s{n}: {{images: s{(n + 1) % 3000}, edit: x}}\n" for n in range(3000)),
    "a circle of each": "steps:\n" + "".join(f"  s{n}: {{each: s{(n + 1) % 3000}, edit: x}}\n" for n in range(3000)),
    "a recipe of itself": "extends: recipe.yaml\nsteps: {a: {generate: x}}\n",
    "a recipe in itself": "steps: {a: {use: recipe.yaml}, b: {use: recipe.yaml}}\n",
    "aliases of aliases": "vars:\n  a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"  {b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "steps: {a: {generate: x}}\n",
    "brackets without end": "vars: " + "[" * 400_000,
    "indents without end": "\n".join(" " * n + "a:" for n in range(1000)),
    "a condition without end": 'steps: {a: {generate: x, when: "{% for a in s %}{% for b in s %}{% for c in s %}{% endfor %}{% endfor %}{% endfor %}"}}\nvars: {s: '
    + "a" * 30_000
    + "}\n",
    "a pattern of stars": "steps: {a: {images: '" + "*a" * 200 + "', edit: x}}\n",
    "a pattern of folders": "steps: {a: {images: '" + "**/" * 300 + "*.png', edit: x}}\n",
    "partials that double": "steps: {a: {generate: \"{% include 'p0' %}\"}}\n",
    "a partial of itself": "steps: {a: {generate: \"{% include 'self' %}\"}}\n",
    "macros of partials": "steps: {a: {generate: \"{% import 'm0' as m %}{{ m.f() }}\"}}\n",
    "a table of brackets": "data: {t: deep.json}\nsteps: {a: {generate: '{{ t }}'}}\n",
    "a table of commas": "data: {t: wide.csv}\nsteps: {a: {generate: '{{ t }}'}}\n",
    "a table of numbers": "data: {t: digits.json}\nsteps: {a: {generate: '{{ t }}'}}\n",
    "a bomb in an op": "steps: {a: {images: photos/cat.png, transform: [{resize: {width: 1000000000, height: 1000000000}}]}}\n",
    "a pad without end": "steps: {a: {images: photos/cat.png, transform: [{pad: {width: 99999999, height: 99999999}}]}}\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_what_has_no_end_is_a_mistake_at_its_place(stranger: Stranger, name: str) -> None:
    """Found by counting, before any of it is made; and what is said of it can be read."""
    for n in range(40):
        stranger.write(f"prompts/p{n}", f"{{% include 'p{n + 1}' %}}{{% include 'p{n + 1}' %}}")
        call = f"{{% import 'm{n + 1}' as m %}}{{% macro f() %}}{{{{ m.f() }}}}{{{{ m.f() }}}}{{% endmacro %}}"
        stranger.write(f"prompts/m{n}", call)
    stranger.write("prompts/p40", "x")
    stranger.write("prompts/m40", "{% macro f() %}x{% endmacro %}")
    stranger.write("prompts/self", "{% include 'self' %}{% include 'self' %}")
    stranger.write("deep.json", '[{"a": ' + "[" * 200_000 + "]" * 200_000 + "}]")
    stranger.write("wide.csv", "id" + "," * 3_000_000 + "\n")
    stranger.write("digits.json", '[{"a": ' + "9" * 1_000_000 + "}]")
    stranger.write("photos/cat.png", PICTURE)
    stranger.write("recipe.yaml", LARGE[name])
    told = stranger.pipe("plan", "recipe.yaml")
    assert told.code == 2, told.said[-2000:]
    assert "Traceback" not in told.err
    assert not told.outside
