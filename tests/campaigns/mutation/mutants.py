"""Small mistakes, one at a time, that a person could make in a module: as changed syntax trees.

Unaware of which modules are tried and of how tests are run.

Not changed: annotations, names that stand in annotations alone (`Literal[…]`, `TypeVar(…)`) and docstrings, which do
nothing; and the wording of errors (what a `raise` names, and what stands beside a `hint`), which tests of messages
hold.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_OPPOSITES = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
"""Comparisons whose other form is their negation: negating the condition would be the same mutant again."""

_Change = tuple[str, ast.AST | None]
"""What was done, and what stands there instead; None: nothing does."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one mistake in it.

    `function` is the dotted name of the function that has it, empty for what runs when the module is imported;
    `text` is the line as it was, `what` the mistake, and `lines` what must run for the mistake to matter.
    """

    function: str
    text: str
    what: str
    lines: tuple[int, ...]
    tree: ast.Module

    @property
    def name(self) -> tuple[str, str, str]:
        """What it is known by, whatever is written above it."""
        return self.function, self.text, self.what


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines; the same mistake again in one line has its number."""
    texts = source.splitlines()
    tree = ast.parse(source)
    met: Counter[tuple[str, str, str]] = Counter()
    for site in _sites(tree):
        for what, instead in _changes(site.node):
            text = texts[getattr(site.node, "lineno", site.lines[0]) - 1].strip()
            met[site.function, text, what] += 1
            again = met[site.function, text, what]
            numbered = what if again == 1 else f"{what} ({again})"
            yield Mutant(site.function, text, numbered, site.lines, _changed(tree, site, instead))


@dataclass(frozen=True, slots=True)
class _Site:
    node: ast.AST
    path: tuple[tuple[str, int | None], ...]
    function: str
    lines: tuple[int, ...]


def _sites(tree: ast.Module) -> Iterator[_Site]:
    yield from _below(_Site(tree, (), "", ()), "")


def _below(site: _Site, scope: str) -> Iterator[_Site]:
    """*site* and all that is in it. *scope* names the classes and functions around it, `function` only a function."""
    if site.path:
        yield site
    node = site.node
    inner = scope
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        inner = f"{scope}.{node.name}".lstrip(".")
    for field, child, number in _children(node):
        function = site.function
        if field == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not function:
            function = inner
        yield from _below(_Site(child, (*site.path, (field, number)), function, _lines(child, site)), inner)


def _lines(node: ast.AST, around: _Site) -> tuple[int, ...]:
    """The lines that run where *node* matters: all of a simple statement, the first and its own of a compound one."""
    if isinstance(node, ast.stmt):
        simple = not hasattr(node, "body")
        return tuple(range(node.lineno, (node.end_lineno or node.lineno) + 1)) if simple else (node.lineno,)
    if isinstance(around.node, ast.stmt) and hasattr(around.node, "body") and isinstance(node, ast.expr):
        return (around.node.lineno, *range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return around.lines


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST, int | None]]:
    for field, value in ast.iter_fields(node):
        if _means_nothing(node, field):
            continue
        for number, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_docstring(child) and not _is_name_of_a_type(child):
                yield field, child, number


def _means_nothing(node: ast.AST, field: str) -> bool:
    if field in ("annotation", "returns"):
        return True
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Call) and any(keyword.arg == "hint" for keyword in node.keywords):
        return True
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_name_of_a_type(node: ast.AST) -> bool:
    match node:
        case ast.Assign(value=ast.Subscript(value=ast.Name(id=name)) | ast.Call(func=ast.Name(id=name))):
            return name in ("Literal", "TypeVar", "tuple")
    return False


def _changed(tree: ast.Module, site: _Site, instead: ast.AST | None) -> ast.Module:
    """*tree* with something else at *site*. What is not on the way there is shared, not copied."""
    whole = copy.copy(tree)
    node: ast.AST = whole
    for place, (field, number) in enumerate(site.path):
        last = place == len(site.path) - 1
        value = getattr(node, field)
        child = value if number is None else value[number]
        new = instead if last else copy.copy(child)
        if new is None:
            new = ast.Pass()
        if last:
            new = ast.copy_location(new, child)
            ast.fix_missing_locations(new)
        if number is None:
            setattr(node, field, new)
        else:
            setattr(node, field, [*value[:number], new, *value[number + 1 :]])
        node = new
    return whole


def _changes(node: ast.AST) -> Iterator[_Change]:
    for made_wrong in _OPERATORS_OF.get(type(node), ()):
        yield from made_wrong(node)


def _comparison(node: ast.Compare) -> Iterator[_Change]:
    for number, operator in enumerate(node.ops):
        other = _COMPARISONS[type(operator)]
        operators = [*node.ops[:number], other(), *node.ops[number + 1 :]]
        yield f"{_named(operator)} → {other.__name__}", ast.Compare(node.left, operators, node.comparators)


def _boolean(node: ast.BoolOp) -> Iterator[_Change]:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And
    yield f"{_named(node.op)} → {other.__name__}", ast.BoolOp(other(), node.values)


def _not(node: ast.UnaryOp) -> Iterator[_Change]:
    if isinstance(node.op, ast.Not):
        yield "Not → nothing", node.operand
    elif isinstance(node.op, ast.USub):
        yield "minus → plus", node.operand


def _arithmetic(node: ast.BinOp) -> Iterator[_Change]:
    other = _OPERATORS.get(type(node.op))
    if other is not None:
        yield f"{_named(node.op)} → {other.__name__}", ast.BinOp(node.left, other(), node.right)


def _counting(node: ast.AugAssign) -> Iterator[_Change]:
    other = _OPERATORS[type(node.op)]
    yield f"{_named(node.op)} → {other.__name__}", ast.AugAssign(node.target, other(), node.value)
    yield "deleted", None


def _constant(node: ast.Constant) -> Iterator[_Change]:
    match node.value:
        case bool():
            yield f"{node.value} → {not node.value}", ast.Constant(not node.value)
        case int() | float():
            yield f"{node.value} → {node.value + 1}", ast.Constant(node.value + 1)
        case str():
            yield f"{node.value!r} → another", ast.Constant(_another(node.value))
        case bytes():
            yield f"{node.value!r} → another", ast.Constant(node.value + b"X")


def _another(text: str) -> str:
    """*text* with an X; of a network's mask, the next narrower one, which is an address's own kind of mistake."""
    network, slash, bits = text.partition("/")
    return f"{network}/{int(bits) + 1}" if slash and bits.isdigit() else f"{text}X"


def _returned(node: ast.Return) -> Iterator[_Change]:
    if node.value is None:
        yield "deleted", None
    elif not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield "returns None", ast.Return(ast.Constant(None))


def _condition(node: ast.If | ast.While | ast.IfExp | ast.Assert) -> Iterator[_Change]:
    test = node.test
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], _OPPOSITES):
        return
    if isinstance(test, ast.Constant):
        return
    other = copy.copy(node)
    other.test = ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
    yield "condition negated", other


def _filter(node: ast.comprehension) -> Iterator[_Change]:
    if node.ifs:
        yield "filter dropped", ast.comprehension(node.target, node.iter, [], node.is_async)


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[_Change]:
    if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None):
        return
    other = copy.copy(node)
    other.value = ast.copy_location(ast.Constant(None), node.value)
    yield "assigns None", other


def _statement(node: ast.stmt) -> Iterator[_Change]:
    yield "deleted", None


def _loop_end(node: ast.Break | ast.Continue) -> Iterator[_Change]:
    other = ast.Continue if isinstance(node, ast.Break) else ast.Break
    yield f"{_named(node)} → {other.__name__}", other()


def _named(node: ast.AST) -> str:
    return type(node).__name__


_OPERATORS_OF: dict[type[ast.AST], tuple[Callable[..., Iterator[_Change]], ...]] = {
    ast.Compare: (_comparison,),
    ast.BoolOp: (_boolean,),
    ast.UnaryOp: (_not,),
    ast.BinOp: (_arithmetic,),
    ast.AugAssign: (_counting,),
    ast.Constant: (_constant,),
    ast.Return: (_returned,),
    **dict.fromkeys((ast.If, ast.While, ast.IfExp, ast.Assert), (_condition,)),
    ast.comprehension: (_filter,),
    **dict.fromkeys((ast.Assign, ast.AnnAssign), (_assigned,)),
    **dict.fromkeys((ast.Expr, ast.Raise, ast.Delete), (_statement,)),
    **dict.fromkeys((ast.Break, ast.Continue), (_loop_end,)),
}
