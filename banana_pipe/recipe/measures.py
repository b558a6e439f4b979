"""What a template's work costs and how large its values are: counted, and refused beyond bounds.

Unaware of Jinja.

A value is weighed in units: one for each value in it, all the way down, and one for eight letters.
Eight units of what an operation looks at are one turn of a loop.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

MAX_TEXT = 32 * 1024
"""Bytes of a rendered text. The API names no limit; prompts that work are a few hundred words."""
MAX_WORK = 100_000
"""Turns of loops and calls of macros in one rendering; 64 characters of text count as one."""
ALLOWANCE = 64
"""So many turns of each rendering are nothing to count: a hundred thousand nodes have a prompt of 4 KiB each."""
MAX_TOTAL_WORK = 5_000_000
"""The same for all renderings of a recipe together: some seconds."""
MAX_PRODUCT = 4 * 1024 * 1024
"""An operation may not make more than this of its operands: the product of their sizes."""
MAX_UNITS = 4_000_000
"""What a value may weigh that an operation looks at: lists of lists of lists are small to write."""
MAX_DEPTH = 32
MAX_BITS = 4096

SHORTER = "a prompt has at most 32 KiB: make it shorter"
SMALLER = "write the number itself, where a picture needs one"
FEWER = "loop over less: put what belongs together into a table or a variable, and name only that"

_REMEMBERED = 64
"""Units; what is lighter is weighed again."""
_MAX_REMEMBERED = 8_000_000
_LIGHT = frozenset([bool, float, type(None)])
_WIDTH = re.compile(r"%[^a-zA-Z%]*(?:[0-9]{4}|\*)")
_VIEWS: tuple[type[Collection[Any]], ...] = (
    list,
    tuple,
    set,
    frozenset,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)


class Refused(Exception):
    """A template does what is not allowed; the message is for its author, `hint` what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class _Known:
    """What values came to that were looked at before, by identity: no template can change one."""

    def __init__(self) -> None:
        self._units: dict[int, tuple[Any, int]] = {}
        self._held = 0

    def get(self, value: Any) -> int | None:
        known = self._units.get(id(value))
        return known[1] if known is not None and known[0] is value else None

    def keep(self, value: Any, units: int) -> None:
        if units < _REMEMBERED:
            return
        if self._held > _MAX_REMEMBERED:
            self._units.clear()
            self._held = 0
        # Kept with the value itself: its id is nobody else's as long as that is there.
        self._units[id(value)] = (value, units)
        self._held += units


class Meter:
    """Counts the work of renderings, and weighs what they look at."""

    def __init__(self) -> None:
        self.work = 0
        self.total = 0
        self._weights = _Known()
        self._breadths = _Known()

    def begin(self) -> None:
        """Count from zero."""
        self.total += max(0, self.work - ALLOWANCE)
        self.work = 0

    def tick(self, cost: int) -> str:
        """Count *cost* turns. Raises Refused where it becomes too much."""
        self.work += cost
        if self.work > MAX_WORK or self.total + self.work - ALLOWANCE > MAX_TOTAL_WORK:
            raise Refused("this template's loops do not come to an end in reasonable time", FEWER)
        return ""

    def looked(self, value: Any, *, deep: bool = True) -> Any:
        """*value*, as a list where it was only about to be made; what looking at it costs is counted.

        Without *deep* nobody looks into the lists and mappings in it.
        """
        kind = type(value)
        # A table is searched value by value: most of what is looked at is a short text or a number.
        if kind is str:
            units = 1 + len(value) // 8
        elif kind in _LIGHT:
            return value
        else:
            value = _made(value)
            units = self.weigh(value) if deep else self._breadth(value, keep=type(value) is kind)
        if units >= 8:
            self.tick(units // 8)
        return value

    def gave(self, result: Any) -> Any:
        """*result*, its length counted where it is a text."""
        if isinstance(result, str) and len(result) >= 64:
            self.tick(len(result) // 64)
        return result

    def weigh(self, value: Any, depth: int = 0) -> int:
        """The units of *value*. Raises Refused where it is too large or too deep."""
        if isinstance(value, str | bytes):
            return 1 + len(value) // 8
        if isinstance(value, int):
            return 1 + value.bit_length() // 64
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, _VIEWS) else None
        if not inner:
            return 1
        known = self._weights.get(value)
        if known is not None:
            return known
        if depth > MAX_DEPTH:
            raise Refused("this value is too deep", "lists and mappings may stand in each other 32 deep")
        units = 1 + sum(len(str(name)) // 8 for name in value) if isinstance(value, dict) else 1
        for one in inner:
            units += 1 + len(one) // 8 if type(one) is str else self.weigh(one, depth + 1)
            if units > MAX_UNITS:
                raise Refused("this value is too large: lists of lists, or texts in them, without end", FEWER)
        self._weights.keep(value, units)
        return units

    def _breadth(self, value: Any, *, keep: bool) -> int:
        """The units of *value* without what is in its values."""
        if type(value) not in (list, dict):
            # What can be a key is looked through by whoever hashes it.
            return min(self.weigh(value), _shallow(value))
        known = self._breadths.get(value)
        if known is None:
            known = _shallow(value)
            if keep:
                self._breadths.keep(value, known)
        return known


def measure(*operands: Any) -> None:
    """Raise Refused where an operation could make too much of *operands*."""
    product = 1
    for operand in operands:
        product *= max(1, size(operand))
        if product > MAX_PRODUCT:
            raise Refused("this would make too long a text", SHORTER)


def measure_growth(operator: str, left: Any, right: Any) -> None:
    """Raise Refused where `+` or `*`, the *operator*, would make too much."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        _measure_number(left, right)
        return
    made = size(left) * size(right) if operator == "*" else size(left) + size(right)
    if made > MAX_TEXT:
        raise Refused("this would make a text or list of more than 32 KiB", SHORTER)


def measure_power(left: Any, right: Any) -> None:
    """Raise Refused where a power would be too large a number."""
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > MAX_BITS:
        raise Refused("this power is too large", SMALLER)


def measure_format(pattern: str, units: int) -> None:
    """Raise Refused where `%` of *pattern* and values of so many *units* would make too much."""
    if _WIDTH.search(pattern) or pattern.count("%") * units * 8 + len(pattern) > MAX_PRODUCT:
        raise Refused("this would make too long a text", SHORTER)


def size(value: Any) -> int:
    """How long *value* is: letters of a text, and of the texts in a list; a number is what it counts to."""
    if isinstance(value, str | bytes | dict):
        return len(value)
    if isinstance(value, int):
        return abs(value)
    if isinstance(value, _VIEWS):
        return sum(len(one) if isinstance(one, str | bytes) else 1 for one in value)
    return 1


def checked(parts: Iterable[str]) -> Iterable[str]:
    """*parts*, unless they are too long together."""
    if sum(map(len, parts)) > MAX_TEXT:
        raise Refused("this would make a text of more than 32 KiB", SHORTER)
    return parts


def kind_of(value: Any) -> str:
    """What *value* is, as authors call it."""
    if isinstance(value, str):
        return "text"
    names = {int: "number", float: "number", bool: "true or false", list: "list", dict: "mapping"}
    return names.get(type(value), "function" if callable(value) else "value of this kind")


def _measure_number(*numbers: float) -> None:
    if any(isinstance(number, int) and number.bit_length() > MAX_BITS for number in numbers):
        raise Refused("this number is too large", SMALLER)


def _made(value: Any) -> Any:
    """*value*, as a list where it is made piece by piece: what is not there yet cannot be weighed."""
    # By type: asking an undefined value for an attribute is a mistake of its own.
    if not hasattr(type(value), "__next__"):
        return value
    made = list(islice(value, MAX_UNITS + 1))
    if len(made) > MAX_UNITS:
        raise Refused("this makes too long a list")
    return made


def _shallow(value: Any) -> int:
    """Units of *value* without what is in the lists and mappings in it."""
    if isinstance(value, int):
        return abs(value) // 8
    # A list's letters are counted besides its values; a mapping has no more than its names.
    return (len(value) if isinstance(value, _VIEWS) else 1) + size(value) // 8
