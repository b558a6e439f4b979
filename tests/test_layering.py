"""The house: who may import whom, who may write, who may read the clock.

Unaware of what the modules do: it reads their imports and calls, and runs none of them.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "banana_pipe"

# A module imports only from floors below, and within its floor only from what stands left of it.
# A package's own name stands for its __init__.
FLOORS = (
    "version errors regular canonical",
    "model.names model.recipe model.graph model.results model.runs model events",
    """
    avif images metadata.base metadata.exif metadata.png metadata.jpeg metadata.webp metadata.avif metadata.xmp metadata
    transforms.kinds transforms.tables transforms.pixels transforms.outlines transforms.base transforms.resize transforms.crop
    transforms.trim transforms.pad transforms.rotate transforms.flip transforms.convert transforms.palette transforms.keying
    transforms.chroma_key transforms.mask transforms.overlay transforms.grid transforms.compare transforms.sprites transforms.icons transforms.fonts transforms.text transforms.plugins transforms ops
    recipe.words recipe.complaints recipe.naming recipe.syntax recipe.yaml recipe.variables recipe.keys recipe.expectations recipe.ops
    recipe.written recipe.entries recipe.settings recipe.steps recipe.schema recipe.jsonschema
    recipe.measures recipe.limits recipe.failures recipe.partials
    recipe.templates recipe.references recipe.files recipe.data recipe.compose recipe.use recipe.axes
    recipe.parameters recipe.beside recipe.instances recipe.order recipe.reading recipe.presence recipe.expand recipe.select
    recipe.narrow recipe.origins recipe.drift recipe.prompttests recipe
    request prices diagram
    """,
    "clock gitcall disk",
    """
    store.blobs store.results store.attempts store.ledger store.keylock store.locktext
    store.labels store.pins store.lockmembers store.lockmerge store.lockfile store.published store.madebefore store.lookup store.mending store
    """,
    """
    providers.addresses providers.secret providers.base providers.catalog providers.reading
    providers.refusals providers.answers providers.wire providers.transfer
    providers.listing providers.http providers.acedata
    providers.sandbox.sheet providers.sandbox.pixels providers.sandbox.checks providers.sandbox.memory
    providers.sandbox.palette providers.sandbox.words providers.sandbox.pen providers.sandbox.stage
    providers.sandbox.motifs providers.sandbox.places providers.sandbox.touches providers.sandbox.scene
    providers.sandbox.lettering providers.sandbox.layout providers.sandbox.strip providers.sandbox.cutout providers.sandbox.painter
    providers.sandbox.app providers.sandbox providers
    """,
    """
    takes foresight planning comparing.pixels explain making
    comparing.matching comparing.differences comparing.album comparing.shapes comparing lineage lineage.family
    purchase.rules purchase.slots purchase.poller purchase.search purchase.orders purchase.replies purchase.stops
    purchase.collect purchase.follow purchase.buyer
    purchase frozen
    """,
    "judging execute",
    "telling.words telling.advice telling.latencies telling.tally telling outputs.manifest outputs.foreign outputs.publish outputs.log outputs.logged outputs.crate outputs.page.thumbs outputs.page.timeline outputs.page.past outputs.page.words outputs.page.shots outputs.page.shown outputs.page.graph outputs.page outputs.report outputs.comment outputs.differences outputs.ancestry outputs.portrait outputs",
    """
    project starting replaying shapes links workspace watching bills fetching buying record beforehand verdict running drifting explaining reporting choosing delivery delivery.selection delivery.exporting delivery.crating bookkeeping examining
    care.books locks locks.accepting locks.merging locks.usage locks.checking locks.resetting locks.cleaning
    lineage.tracing lineage.ancestry sides.side sides.folders sides.runs sides.revisions sides.naming sides.contrast sides care.inventory care.sweeping care.sources care.verifying care.repairing care.archive care.records care.carrying care api
    serving.callbacks serving.guard serving.connections serving.loopback serving.server serving
    studio.house studio.errors studio.shelf studio.panel studio.standing studio.purchases studio.acts studio.board studio.desk studio.pictures studio.app studio.server studio
    """,
    """
    cli.terminal cli.words cli.config cli.table cli.errors cli.bugs cli.names cli.completing cli.examples cli.options cli.signals
    cli.selecting cli.lines cli.frame cli.live cli.plans cli.review cli.progress cli.spending cli.summary cli.explained cli.tested cli.keys cli.watching cli.compared cli.descent cli.kept cli.locks cli.verified
    cli.commands.planning cli.commands.running cli.commands.choosing cli.commands.merging cli.commands.lock cli.commands.ledger
    cli.commands.providers cli.commands.diff cli.commands.why
    cli.commands.cache cli.commands.reading cli.commands.schema cli.commands.looking cli.commands.beginning cli.commands.doctor
    cli.commands.serving cli.commands.studio cli.commands.replay cli.commands.report cli.commands.export cli.commands.completion cli.commands cli.group cli __init__ __main__
    """,
)
PURE_FLOORS = 3
# On one floor, and still none imports another.
APART = ("planning", "explain", "purchase")

# Imports inside functions, each with its reason: (module, what it imports there).
LAZY = {
    ("images", "PIL.Image"): "a run with nothing to do decodes nothing",
    ("images", "PIL.features"): "as for `PIL.Image`, and few pictures are AVIFs",
    ("outputs.log", "PIL"): "and a plan, which has no log, imports nothing of it",
    ("comparing.pixels", "PIL.Image"): "as in images: what has the same bytes is never decoded",
    ("comparing.pixels", "PIL.ImageChops"): "as in images",
    ("transforms.pixels", "PIL.Image"): "as in images",
    ("transforms.pixels", "PIL.ImageChops"): "as in images",
    ("transforms.pixels", "PIL.ImageCms"): "and few pictures have a profile",
    ("transforms.pixels", "PIL.ImageOps"): "as in images",
    ("transforms.plugins", "importlib.metadata"): "only a recipe with ops looks for those of others",
    ("transforms.fonts", "PIL.Image"): "as in images",
    ("transforms.fonts", "PIL.ImageDraw"): "as in images",
    ("transforms.fonts", "PIL.ImageFont"): "as in images",
    ("transforms.fonts", "PIL.features"): "as in images",
    ("transforms.tables", "PIL.Image"): "as in images",
    ("transforms.tables", "PIL.ImageChops"): "as in images",
    ("transforms.tables", "PIL.ImageStat"): "as in images",
    ("transforms.outlines", "PIL.Image"): "as in images",
    ("transforms.outlines", "PIL.ImageChops"): "as in images",
    ("transforms.outlines", "PIL.ImageDraw"): "as in images",
    ("transforms.keying", "PIL.Image"): "as in images",
    ("transforms.keying", "PIL.ImageChops"): "as in images",
    ("transforms.keying", "PIL.ImageFilter"): "as in images",
    ("transforms.keying", "PIL.ImageStat"): "as in images",
    ("outputs.page.thumbs", "PIL.Image"): "as in images",
    ("providers.acedata", "banana_pipe.providers.http"): "a run with nothing to do imports no HTTP client",
    ("fetching", "banana_pipe.providers.http"): "as for `providers.acedata`",
    ("cli", "banana_pipe.cli.group"): "`--version` needs no click",
    ("cli.commands.diff", "banana_pipe.outputs.differences"): "a template engine, for a page alone",
    ("cli.commands.why", "banana_pipe.outputs.portrait"): "Pillow, and the sandbox's letters, for a picture alone",
    ("cli.group", "banana_pipe.cli.bugs"): "most runs have none",
    ("cli.group", "banana_pipe.cli.completing"): "only a shell that completes asks for it",
    ("cli.names", "banana_pipe.api"): "only who completes the number of a take opens the stores",
    ("cli.progress", "banana_pipe.cli.live"): "threads, for a terminal alone",
    ("cli.commands.serving", "banana_pipe.serving"): "uvicorn, a web framework and the painter: not for `--help`",
    ("cli.commands.serving", "banana_pipe.cli.bugs"): "as in cli.group",
    ("cli.commands.studio", "banana_pipe.studio"): "as for `cli.commands.serving`",
    ("cli.commands.studio", "banana_pipe.cli.bugs"): "as in cli.group",
    ("__init__", "banana_pipe.api"): "`--version` imports nothing, and so does `import banana_pipe`",
    ("buying", "banana_pipe.providers.sandbox"): "only who draws placeholders needs the painter and its web framework",
}

# Durable acts outside `disk`, each with its reason: (module, what it calls there).
WRITERS = {
    ("cli", "os.open"): "the null device, in the place of a stream that is closed",
    ("regular", "os.open"): "reads, and waits for no pipe",
    ("recipe.partials", "os.open"): "reads, folder by folder, so that no symlink is followed",
    ("store.ledger", "sqlite3.connect"): "SQLite syncs its own commits, and announces them to disk",
    ("store.mending", "sqlite3.connect"): "as in the ledger: a damaged one is opened where it stops the other",
    ("store.results", "_Cache"): "SQLite too; what it loses is rebuilt from the ledger",
}

# Who may read the environment: wiring is the command line's.
ENVIRONMENT = ("cli",)

# Distributions that are named otherwise than what one imports.
DISTRIBUTIONS = {"PIL": "pillow", "dotenv": "python-dotenv", "yaml": "pyyaml"}

# Declared though nothing of ours imports it, with the reason.
UNIMPORTED = {"sniffio": "httpcore tries to import it at every lock, and a failing import searches the whole path"}

UNCLEAN = {"asyncio", "datetime", "http", "random", "secrets", "socket", "subprocess", "time", "urllib.request", "uuid"}
OS_WRITES = {
    *("write", "fsync", "fdatasync", "rename", "replace", "link", "symlink", "unlink", "remove", "rmdir"),
    *("mkdir", "makedirs", "removedirs", "chmod", "truncate", "ftruncate", "utime"),
}
PATH_WRITES = {
    *("write_text", "write_bytes", "touch", "mkdir", "unlink", "rmdir", "rename", "chmod"),
    *("symlink_to", "hardlink_to"),
}


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the package: its dotted name below it, where it is, and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Where *node* stands, as editors jump to it."""
        return f"{self.path}:{node.lineno}"

    def within(self, places: tuple[str, ...]) -> bool:
        """Whether the module, or a package around it, is among *places*."""
        parts = self.name.split(".")
        return any(".".join(parts[:length]) in places for length in range(1, len(parts) + 1))


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, `local` if inside a function."""

    module: str
    node: ast.stmt
    local: bool


def _read_package() -> list[Module]:
    found = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found.append(Module(name, path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))))
    return found


MODULES = _read_package()
NAMES = {module.name for module in MODULES}
RANKS = {name: (floor, place) for floor, names in enumerate(FLOORS) for place, name in enumerate(names.split())}


def imports(module: Module) -> Iterator[Import]:
    """All imports of *module*, those inside functions too."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = {id(inner) for outer in ast.walk(module.tree) if isinstance(outer, functions) for inner in ast.walk(outer)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node, id(node) in inside)
        elif isinstance(node, ast.ImportFrom):
            for name in _imported_from(node):
                yield Import(name, node, id(node) in inside)


def _imported_from(node: ast.ImportFrom) -> set[str]:
    assert node.module, "relative imports are not used"
    if node.module.split(".")[0] != PACKAGE:
        return {node.module}
    # `from package import module` imports the module, `from module import name` does not.
    return {
        whole if _below(whole) in NAMES else node.module
        for whole in (f"{node.module}.{alias.name}" for alias in node.names)
    }


def _below(module: str) -> str | None:
    """The name inside our package, None for modules of others."""
    if module == PACKAGE:
        return "__init__"
    return module.removeprefix(PACKAGE + ".") if module.startswith(PACKAGE + ".") else None


def upward(module: Module) -> Iterator[str]:
    """Imports from above, from the right, or between those that stay apart."""
    here = RANKS.get(module.name)
    for used in imports(module):
        target = _below(used.module)
        if target is None or here is None:
            continue
        there = RANKS.get(target)
        if there is None or there >= here:
            yield f"{module.at(used.node)}: {module.name} imports {target}, which does not stand below or left of it"
        elif _apart(module.name, target):
            yield f"{module.at(used.node)}: {module.name} imports {target}, and none of {APART} imports another"


def _apart(one: str, other: str) -> bool:
    first, second = one.partition(".")[0], other.partition(".")[0]
    return first != second and first in APART and second in APART


def unlisted_lazy(module: Module) -> Iterator[str]:
    """Imports inside functions that nobody gave a reason for."""
    for used in imports(module):
        if used.local and (module.name, used.module) not in LAZY:
            yield f"{module.at(used.node)}: {used.module} is imported inside a function without a reason in LAZY"


def foreign_http(module: Module) -> Iterator[str]:
    """httpx anywhere but in its one module."""
    for used in imports(module):
        if used.module.split(".")[0] == "httpx" and module.name != "providers.http":
            yield f"{module.at(used.node)}: only providers/http.py names httpx"


def impure(module: Module) -> Iterator[str]:
    """Clock, chance, network and environment where only text and bytes are known."""
    for used in imports(module):
        if used.module in UNCLEAN:
            yield f"{module.at(used.node)}: {module.name} is pure and imports {used.module}"


def foreign_clock(module: Module) -> Iterator[str]:
    """The time read anywhere but in `clock`."""
    for used in imports(module):
        if used.module == "time" and module.name != "clock":
            yield f"{module.at(used.node)}: only clock reads the time"


def environment(module: Module) -> Iterator[str]:
    """The environment read anywhere but where things are wired."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute) or module.within(ENVIRONMENT):
            continue
        if _dotted(node) in {"os.environ", "os.environb", "os.getenv"}:
            yield f"{module.at(node)}: only {ENVIRONMENT} read the environment"


def writes(module: Module) -> Iterator[str]:
    """Durable acts anywhere but in `disk`."""
    for node in ast.walk(module.tree):
        if module.name == "disk" or not isinstance(node, ast.Call):
            continue
        if _is_write(node) and (module.name, _dotted(node.func)) not in WRITERS:
            yield f"{module.at(node)}: {ast.unparse(node)[:60]} is for disk to do"


def prints(module: Module) -> Iterator[str]:
    """`print` outside the command line."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _dotted(node.func) == "print" and not module.within(("cli",)):
            yield f"{module.at(node)}: only the command line prints"


def _is_write(call: ast.Call) -> bool:
    called = _dotted(call.func)
    last = called.rsplit(".", 1)[-1]
    if called == "os.open":
        return "O_RDONLY" not in ast.unparse(call)
    if called.startswith("os."):
        return last in OS_WRITES and called == f"os.{last}"
    if called.startswith(("shutil.", "tempfile.")) or called in {"_Cache", "diskcache.Cache", "sqlite3.connect"}:
        return True
    if not isinstance(call.func, ast.Attribute):
        return called == "open" and _opens_for_writing(call, 1)
    if last == "open":
        return _opens_for_writing(call, 0)
    # `text.replace(a, b)` has two arguments, `path.replace(target)` one.
    return last in PATH_WRITES or (last == "replace" and len(call.args) == 1 and not call.keywords)


def _opens_for_writing(call: ast.Call, place: int) -> bool:
    modes = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+") for mode in modes)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _module(name: str, source: str) -> Module:
    return Module(name, Path(f"{name}.py"), ast.parse(source))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
class TestEveryModule:
    """What holds for each module of the package."""

    def test_has_a_floor(self, module: Module) -> None:
        """A new module needs a floor before anybody imports it."""
        assert module.name in RANKS, f"{module.path}: a new module needs a place in FLOORS"

    def test_imports_downward_only(self, module: Module) -> None:
        """Floors below, or left on the same floor: with every place different, cycles cannot be."""
        assert not list(upward(module))

    def test_imports_inside_functions_have_a_reason(self, module: Module) -> None:
        """An import inside a function hides a dependency; start-up is the one excuse."""
        assert not list(unlisted_lazy(module))

    def test_leaves_http_to_its_module(self, module: Module) -> None:
        """One file knows the HTTP library, so that one file knows its traps."""
        assert not list(foreign_http(module))

    def test_leaves_durable_acts_to_disk(self, module: Module) -> None:
        """Faults are injected at one seam; an act beside it would be an act that no test has killed."""
        assert not list(writes(module))

    def test_leaves_time_and_environment_alone(self, module: Module) -> None:
        """Time is handed in, the environment is read where things are wired."""
        assert not [*foreign_clock(module), *environment(module)]

    def test_does_not_print(self, module: Module) -> None:
        """What a library says goes through events and errors."""
        assert not list(prints(module))

    def test_is_pure_on_the_lower_floors(self, module: Module) -> None:
        """Floors 0 to 2 are functions of text and bytes."""
        if module.name in RANKS and RANKS[module.name][0] < PURE_FLOORS:
            assert not list(impure(module))

    def test_says_what_it_is_unaware_of(self, module: Module) -> None:
        """First what a module does, then what it does not know; a package's door is let off."""
        docstring = ast.get_docstring(module.tree) or ""
        assert docstring or not module.tree.body, f"{module.path} has no docstring"
        if module.path.name not in {"__init__.py", "__main__.py"}:
            paragraphs = docstring.split("\n\n")
            assert len(paragraphs) > 1, f"{module.path}: the second paragraph is missing"
            assert paragraphs[1].startswith("Unaware of "), f"{module.path}: {paragraphs[1][:40]!r}"


def test_every_library_used_is_declared() -> None:
    """What comes along with another library today may not come along tomorrow."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=!~ ]", dependency)[0].lower() for dependency in declared}
    used = {used.module.split(".")[0] for module in MODULES for used in imports(module)}
    libraries = used - sys.stdlib_module_names - {PACKAGE, "__future__"}
    assert {DISTRIBUTIONS.get(library, library) for library in libraries} == names - set(UNIMPORTED)


def test_every_exception_listed_is_still_needed() -> None:
    """A list of exceptions that nobody needs any more invites the next one."""
    local = {(module.name, used.module) for module in MODULES for used in imports(module) if used.local}
    called = {
        (module.name, _dotted(node.func))
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
    }
    assert not set(LAZY) - local
    assert not set(WRITERS) - called


def test_no_module_is_listed_twice() -> None:
    """One module, one place."""
    listed = [name for names in FLOORS for name in names.split()]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("check", "name", "source"),
    [
        (upward, "errors", "from banana_pipe.model import Key"),
        (upward, "errors", "from banana_pipe import model"),
        (upward, "errors", "import banana_pipe.canonical"),
        (upward, "model", "def f():\n    from banana_pipe.events import Event"),
        (upward, "store.blobs", "from banana_pipe.store.ledger import Ledger"),
        (upward, "purchase", "from banana_pipe.planning import plan"),
        (unlisted_lazy, "model", "def f():\n    import json"),
        (foreign_http, "providers.acedata", "import httpx"),
        (foreign_http, "providers.acedata", "def f():\n    from httpx import Client"),
        (impure, "model", "import time"),
        (impure, "model", "from urllib.request import urlopen"),
        (foreign_clock, "execute", "from time import time"),
        (environment, "recipe.yaml", "import os\nos.environ['HOME']"),
        (environment, "recipe.yaml", "import os\nos.getenv('HOME')"),
        (writes, "outputs.log", "open('x', 'w')"),
        (writes, "outputs.log", "open('x', mode='ab')"),
        (writes, "outputs.log", "path.open('r+')"),
        (writes, "outputs.log", "path.write_text('x')"),
        (writes, "outputs.log", "path.replace(other)"),
        (writes, "outputs.log", "os.rename(a, b)"),
        (writes, "outputs.log", "os.open(a, flags)"),
        (writes, "outputs.log", "shutil.move(a, b)"),
        (writes, "outputs.log", "tempfile.mkdtemp()"),
        (writes, "outputs.log", "sqlite3.connect(path)"),
        (prints, "execute", "print('x')"),
    ],
)
def test_every_check_bites(check: Callable[[Module], Iterator[str]], name: str, source: str) -> None:
    """A check that finds nothing in a bad module would prove nothing about the good ones."""
    assert list(check(_module(name, source)))


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "open('x', 'rb')",
        "path.open()",
        "'a'.replace('a', 'b')",
        "replace(node, step='x')",
        "os.path.join(a)",
    ],
)
def test_reading_is_not_taken_for_writing(source: str) -> None:
    """Text is replaced and files are read everywhere."""
    assert not list(writes(_module("outputs.log", source)))
