"""Templates from a stranger: work and size end by the program's own limits, and nothing inside is reached.

Unaware of files and of the network.
"""

from __future__ import annotations

import pytest

from tests.hostile.conftest import Stranger

REFUSED = {
    "a text of a gigabyte": "{{ 'a' * 10**9 }}",
    "a list of a thousand million": "{% for a in [1] * 10**9 %}x{% endfor %}",
    "no range": "{% for a in range(10**9) %}x{% endfor %}",
    "loops in loops": "{% for a in s %}{% for b in s %}{% for c in s %}{% endfor %}{% endfor %}{% endfor %}x",
    "a loop that drops everything": "{% for a in s %}{% for b in s if false %}{% endfor %}{% endfor %}x",
    "lists in lists, shown": "{{ ([[1] * 32000] * 32000) | tojson }}",
    "lists in lists, as text": "{{ ([[1] * 32000] * 32000) | string | length }}",
    "lists in lists, compared": "{{ [[[1] * 32000] * 32000] * 32000 == [[[1] * 32000] * 32000] * 32000 }}",
    "lists of lists that are written": (
        "{% set a = [1, 1] %}{% set b = [1, 1] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40 + "{{ a == b }}"
    ),
    "lists of lists, looked through": "{% set a = [1, 1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a in [[2], a] }}",
    "tuples of tuples as a name": "{% set a = (1, 1) %}" + "{% set a = (a, a) %}" * 40 + "{% set m = {a: 1} %}x",
    "tuples of tuples in brackets": "{% set a = (1, 1) %}" + "{% set a = (a, a) %}" * 40 + "{{ {1: 1}[a] }}",
    "tuples of tuples in a method": "{% set a = (1, 1) %}" + "{% set a = (a, a) %}" * 40 + "{{ {}.fromkeys([a]) }}",
    "tuples of tuples in a loop": (
        "{% set a = (1, 1) %}{% set b = (1, 1) %}"
        + "{% set a = (a, a) %}{% set b = (b, b) %}" * 40
        + "{% for c in [a, b] %}{{ loop.changed(c) }}{% endfor %}"
    ),
    "lists of lists as arguments": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1, *[varargs, varargs]) }}{% else %}{{ varargs == [1] }}{% endif %}"
        "{% endmacro %}{{ m(60, 1, 2) }}"
    ),
    "a format that doubles": "{% set y = ('%(a)s' * 5000) % {'a': s} %}{% set z = ('%(a)s' * 5000) % {'a': y} %}x",
    "the same as a filter": "{% set t = [s] * 9000 %}{{ ('%s' * 9000) | format(*t) | length }}",
    "a join of what is not there yet": "{{ s | map('upper') | join(s) | length }}",
    "a method's join of the same": "{{ s.join(s | map('upper')) | length }}",
    "a map that widens": "{{ s | map('center', 30000) | list | length }}",
    "bytes": "{% set b = (1).to_bytes(30000, 'big') %}{% set b = b * 32000 %}{% set b = b * 32000 %}{{ b | length }}",
    "a sum of lists": "{{ [[1] * 2000] * 2000 | sum(start=[]) | length }}",
    "rounding in a loop": "{% for a in s %}{% if 1.5 | round(300000, 'floor') %}{% endif %}{% endfor %}x",
    "a slow filter in a loop": "{% for a in s %}{% if s | title %}{% endif %}{% endfor %}x",
    "slices in a loop": "{% set l = s | list %}{% for a in s %}{% for b in 'abc' %}{% if l[::] %}{% endif %}{% endfor %}{% endfor %}x",
    "one text many times": "{{ s }}" * 9_000,
    "a macro that calls itself twice": "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "blocks that call each other twice": "".join(
        f"{{% block a{n} %}}{{{{ self.a{n + 1}() }}}}{{{{ self.a{n + 1}() }}}}{{% endblock %}}" for n in range(60)
    )
    + "{% block a60 %}x{% endblock %}",
    "a loop that calls itself": "{% for a in [s] recursive %}{{ loop([s]) }}{{ loop([s]) }}{% endfor %}",
    "a block of text that doubles": "{% set x %}{{ s }}{% endset %}"
    + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40
    + "x",
    "a power of powers": "{{ 9 ** (9 ** 9) }}",
    "numbers that grow": "{% set n = 2 ** 4000 %}" + "{% set n = n * n %}" * 60 + "{{ n }}",
    "a number of a million digits": "{{ ('f' * 30000) | int(base=16) }}",
    "a width in a format": "{{ '%*d' | format(999999999, 1) }}",
    "a format string that walks": "{{ '{0.__class__.__mro__}'.format(s) }}",
    "a walk to the classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a walk by a filter": "{{ '' | attr('__class__') }}",
    "a walk by brackets": "{{ ''['__class__'] }}",
    "a walk by a map": "{{ [''] | map(attribute='__class__.__mro__') | list }}",
    "a walk from a macro": "{% macro m() %}{% endmacro %}{{ m.__globals__ }}{{ m.__init__.__globals__ }}",
    "a walk from a loop": "{% for a in 'a' %}{{ loop.__class__.__init__.__globals__ }}{% endfor %}",
    "a walk from the template": "{{ self._TemplateReference__context.environment }}",
    "a walk from what is missing": "{{ nothing.__init__.__globals__ }}",
    "the environment": "{{ environ }}{{ env }}{{ request }}{{ config }}",
    "a walk in a format of percents": "{{ '%(a.__class__)s' % {'a': s} }}",
    "a million braces": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "a long chain": "{{ 1" + " + 1" * 50_000 + " }}",
    "a long row of filters": "{{ 'a'" + " | upper" * 20_000 + " }}",
    "tags without end": "{% if true %}" * 3_000 + "x",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_that_never_ends_or_goes_too_far_is_a_mistake_at_its_place(stranger: Stranger, name: str) -> None:
    """Refused with a place, soon, whatever it would have taken; nothing of Python's insides is shown."""
    lines = "\n".join(f"      {line}" for line in REFUSED[name].splitlines())
    stranger.write("recipe.yaml", f"vars: {{s: {'a' * 30_000}}}\nsteps:\n  hero:\n    generate: |\n{lines}\n")
    told = stranger.pipe("validate", "recipe.yaml")
    assert told.code == 2, told.said[-3000:]
    assert "recipe.yaml:5:" in told.err
    assert "Traceback" not in told.err
    assert "<class" not in told.said
    assert "object at 0x" not in told.said
    assert len(told.said) < 20_000
    assert not told.outside
