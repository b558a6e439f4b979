"""One module's trial: its tests are run for each of its mutants, in a process that is forked when they are collected.

Unaware of which mutants may survive.

    python -m tests.campaigns.mutation.trial store/blobs.py
    python -m tests.campaigns.mutation.trial all

The second only looks whether the tests of every module run all of it.
It runs as a process of its own, since the module must not have been imported before. A mistake inside a function
is put into the function as it is (a mutant costs some milliseconds); one that runs at import makes the module from
the changed tree, in a child that has imported nothing of ours yet.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import inspect
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NoReturn

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.campaigns.mutation.mutants import Mutant, mutants_of
from tests.campaigns.mutation.subjects import ROOT, SUBJECTS, Subject

AT_ONCE = os.cpu_count() or 1
_ABOVE = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
_BUG = 99
_PATIENCE = 5.0
"""Seconds of a processor for a mutant whose tests take none; ten times as much as its tests took is added."""
_PATIENCE_WITH_A_TEST = 2.0
"""The same for one test alone: most of those that go round in circles end here."""
_WITHOUT_PROC = 100
"""So much longer by the clock on the wall, where no /proc tells what was used of a processor."""
_STILL = 4.0
"""Seconds after which a child none of whose threads was woken waits for what its mutant has prevented."""
_LAZY = ("anyio._backends._asyncio", "hypothesis.stateful", "hypothesis.internal.conjecture.engine", "httpx",
         "PIL.Image", "jinja2", "starlette.applications", "diskcache", "yaml", "jsonschema",
         "asyncio", "sqlite3", "_pytest.assertion.rewrite")  # fmt: skip
"""What tests import that is not ours: each child would import it anew."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the tests went with nothing wrong: which ran each line, how long they took, what they left out."""

    passed: bool
    tests: Mapping[str, float]
    """Each test's seconds of a processor, while its lines are counted."""
    ran: Mapping[int, Sequence[str]]
    """Line → the tests that ran it; an empty name is the import."""
    branches: int
    left_out: Sequence[str]
    """Lines and branches that no test ran, as coverage names them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a module stood its trial. Mutants are named by function, line and mistake."""

    module: str
    seconds: float
    """Of a processor, that its tests take."""
    branches: int
    left_out: Sequence[str]
    killed: int = 0
    out_of_time: int = 0
    """Those of the killed that made the tests hang."""
    survived: Sequence[tuple[str, str, str]] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        return self.killed + len(self.survived)


def try_module(subject: Subject, wanted: Callable[[Mutant], bool] = lambda _: True) -> Trial:
    """Run the tests of *subject* as it is, then for each mutant that is *wanted*; the numbers of survivors go to stderr."""
    _warm_up()
    baseline = _baseline(subject)
    if not baseline.passed:
        raise AssertionError(f"the tests of {subject.module} fail with nothing wrong")
    mutants = [mutant for mutant in mutants_of(subject.source) if wanted(mutant)]
    verdicts = _verdicts(subject, baseline, mutants) if mutants else []
    return Trial(
        subject.module,
        round(_forked(lambda: _timed(subject)), 2),
        baseline.branches,
        baseline.left_out,
        sum(verdict != "survived" for verdict in verdicts),
        verdicts.count("out of time"),
        [mutant.name for mutant, verdict in zip(mutants, verdicts, strict=True) if verdict == "survived"],
    )


def left_out_of(subjects: Sequence[Subject]) -> dict[str, Sequence[str]]:
    """Module → the lines and branches of it that none of its tests run; nothing wrong in any. In one process."""
    told: dict[str, Sequence[str]] = _forked(lambda: _left_out_of(subjects))
    return told


def _left_out_of(subjects: Sequence[Subject]) -> dict[str, Sequence[str]]:
    paths = [str(subject.path) for subject in subjects]
    measuring = _measuring(paths)
    measuring.start()
    passed = [_run_session(subject, []) == 0 for subject in _without_repetition(subjects)]
    measuring.stop()
    if not all(passed):
        raise AssertionError("the quick tests fail with nothing wrong")
    return {subject.module: _left_out(measuring, subject)[1] for subject in subjects}


def _without_repetition(subjects: Sequence[Subject]) -> list[Subject]:
    """Those whose tests are not all among another one's."""
    return [
        one
        for number, one in enumerate(subjects)
        if not any(
            set(one.tests) < set(other.tests) or (set(one.tests) == set(other.tests) and place < number)
            for place, other in enumerate(subjects)
        )
    ]


def _warm_up() -> None:
    for name in _LAZY:
        importlib.import_module(name)


def _verdicts(subject: Subject, baseline: Baseline, mutants: Sequence[Mutant]) -> list[str]:
    inside: list[int] = []
    outside: list[int] = []
    for number, mutant in enumerate(mutants):
        at_import = not mutant.function or "" in _tests_of(mutant, baseline)
        (outside if at_import else inside).append(number)
    chosen = [(number, _swapped(subject, mutants[number]), _tests_of(mutants[number], baseline)) for number in inside]
    verdicts = dict(_forked(lambda: _with_mistakes(subject, _Children(baseline, chosen)))) if inside else {}
    patience = _PATIENCE + 10 * sum(baseline.tests.values())
    trials = [(number, partial(_run_anew, subject, mutants[number])) for number in outside]
    verdicts |= dict(_all_of(trials, lambda _: patience))
    return [verdicts[number] for number in range(len(mutants))]


def _tests_of(mutant: Mutant, baseline: Baseline) -> list[str]:
    """The tests that ran the line of *mutant*, quickest first."""
    tests = {test for line in mutant.lines for test in baseline.ran.get(line, ())}
    return sorted(tests, key=lambda test: baseline.tests.get(test, 0))


# --- pytest's sessions, each in a child ------------------------------------------------------------


def _run_session(subject: Subject, plugins: Sequence[object]) -> int:
    words = " and ".join([*filter(None, [subject.only]), *(f"not {word}" for word in subject.without)])
    quiet = (
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--capture=sys",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    )
    tests = [str(ROOT / path) for path in subject.tests]
    settings = (f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}")
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        return int(pytest.main([*tests, *settings, *quiet, *(("-k", words) if words else ())], plugins))


def _run_anew(subject: Subject, mutant: Mutant) -> str:
    """Import the module with the mistake in it, and all that imports it."""
    sys.meta_path.insert(0, _Instead(subject, mutant.tree))
    return "survived" if _run_session(subject, []) == 0 else "killed"


class _Instead(SourceFileLoader):
    """Finds and loads the one module from another tree."""

    def __init__(self, subject: Subject, tree: ast.Module) -> None:
        super().__init__(subject.name, str(subject.path))
        self._tree = tree

    def find_spec(self, name: str, *_: object) -> Any:
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def get_code(self, fullname: str) -> types.CodeType:
        return compile(self._tree, self.path, "exec")


# --- with nothing wrong ------------------------------------------------------------------------------


def _baseline(subject: Subject) -> Baseline:
    told = _forked(lambda: _measured(subject))
    return Baseline(**{**told, "ran": dict(told["ran"])})


def _measured(subject: Subject) -> dict[str, Any]:
    measuring = _measuring([str(subject.path)])
    watch = _Watch(measuring)
    measuring.start()
    passed = _run_session(subject, [watch]) == 0
    measuring.stop()
    branches, left_out = _left_out(measuring, subject)
    by_line = measuring.get_data().contexts_by_lineno(str(subject.path))
    ran = {line: list(contexts) for line, contexts in by_line.items()}
    return {"passed": passed, "tests": watch.seconds, "ran": list(ran.items()), "branches": branches,
            "left_out": left_out}  # fmt: skip


def _timed(subject: Subject) -> float:
    watch = _Watch()
    _run_session(subject, [watch])
    return sum(watch.seconds.values())


def _measuring(paths: Sequence[str]) -> coverage.Coverage:
    measuring = coverage.Coverage(data_file=None, branch=True, include=paths, config_file=False)
    measuring.exclude(r"if TYPE_CHECKING:")
    return measuring


def _left_out(measuring: coverage.Coverage, subject: Subject) -> tuple[int, list[str]]:
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        with redirect_stdout(sys.stderr):
            measuring.json_report(morfs=[str(subject.path)], outfile=report.name)
        (told,) = json.load(report)["files"].values()
    lines = [str(line) for line in told["missing_lines"]]
    return told["summary"]["num_branches"], lines + [f"{one}→{other}" for one, other in told["missing_branches"]]


class _Watch:
    """A plugin of pytest that keeps how much each test took of a processor, and tells coverage which one is run."""

    def __init__(self, measuring: coverage.Coverage | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._measuring = measuring

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._switch(item.nodeid)
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - began
        self._switch("")
        return result

    def _switch(self, context: str) -> None:
        if self._measuring is not None:
            self._measuring.switch_context(context)


# --- with a mistake inside a function ------------------------------------------------------------------


def _swapped(subject: Subject, mutant: Mutant) -> Callable[[], None]:
    """What puts the mistake into the module that is imported."""

    def swap() -> None:
        function = _function(sys.modules[subject.name], mutant.function)
        function.__code__ = _code(compile(mutant.tree, str(subject.path), "exec"), mutant.function.split("."))

    return swap


def _function(module: types.ModuleType, name: str) -> types.FunctionType:
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    unwrapped = inspect.unwrap(found)
    assert isinstance(unwrapped, types.FunctionType), name
    return unwrapped


def _code(code: types.CodeType, names: Sequence[str]) -> types.CodeType:
    for name in names:
        code = next(one for one in code.co_consts if isinstance(one, types.CodeType) and one.co_name == name)
    return code


def _with_mistakes(subject: Subject, children: _Children) -> list[tuple[int, str]]:
    _run_session(subject, [children])
    return list(children.verdicts.items())


class _Children:
    """A plugin of pytest that runs, instead of all tests, those of each mutant in a child."""

    def __init__(self, baseline: Baseline, chosen: Sequence[tuple[int, Callable[[], None], Sequence[str]]]) -> None:
        self._baseline = baseline
        self._chosen = chosen
        self.verdicts: dict[int, str] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        nothing_wrong = (-1, lambda: None, list(items)[:50])
        trials, patience = [], {}
        for number, swap, tests in [nothing_wrong, *self._chosen]:
            mine = [items[test] for test in tests]
            seconds = [self._baseline.tests.get(test, 0) for test in tests]
            trials.append((number, partial(_tried, swap, mine, seconds)))
            patience[number] = _PATIENCE + 10 * sum(seconds)
        self.verdicts = dict(_all_of(trials, patience.__getitem__))
        if self.verdicts.pop(-1) != "survived":
            raise AssertionError("the tests fail in a child with nothing wrong")
        return True


def _tried(swap: Callable[[], None], items: Sequence[pytest.Item], seconds: Sequence[float]) -> str:
    try:
        swap()
    except ValueError:  # it no longer closes over what it did
        return "killed"
    for number, item in enumerate(items):
        # Nothing is asked of Python, which may never come to it: the kernel ends the child.
        signal.setitimer(signal.ITIMER_PROF, _PATIENCE_WITH_A_TEST + 10 * seconds[number])
        following = items[number + 1] if number + 1 < len(items) else None
        if _fails(item, following):
            return "killed"
    return "survived"


def _fails(item: pytest.Item, following: pytest.Item | None) -> bool:
    try:
        failed = any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))
        if failed:
            item.session._setupstate.teardown_exact(None)
    except BaseException:  # noqa: BLE001 - whatever a mistake breaks, it did not go unnoticed
        return True
    return failed


# --- children ---------------------------------------------------------------------------------------------


def _forked(act: Callable[[], Any]) -> Any:
    """What *act* returns in a child, as JSON has it."""
    reading, pid = _fork(act)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    shutil.rmtree(_scratch(pid), ignore_errors=True)
    assert told, "the child said nothing"
    return json.loads(told)


def _all_of(
    trials: Iterable[tuple[int, Callable[[], str]]], patience: Callable[[int], float]
) -> Iterator[tuple[int, str]]:
    """The verdict of each trial, each in a child of its own, some of them at the same time."""
    waiting = iter(trials)
    with selectors.DefaultSelector() as under_way:
        more = True
        while more or under_way.get_map():
            while more and len(under_way.get_map()) < AT_ONCE:
                number, act = next(waiting, (None, None))
                more = number is not None and act is not None
                if number is not None and act is not None:
                    reading, pid = _fork(act)
                    child = _Child(number, pid, patience(number))
                    under_way.register(reading, selectors.EVENT_READ, child)
            yield from _ended(under_way)


@dataclass(slots=True)
class _Child:
    """A trial under way: who looks at it now and then learns whether it still does anything of use."""

    number: int
    pid: int
    patience: float
    began: float = field(default_factory=time.monotonic)
    wakings: int | None = None
    since: float = 0.0
    """When it was first seen with so many wakings."""

    def is_late(self) -> bool:
        """Whether it goes round in circles, or waits for ever. A machine that is busy otherwise makes nobody late."""
        now, wakings = time.monotonic(), _wakings(self.pid)
        if wakings is None or wakings != self.wakings:
            self.wakings, self.since = wakings, now
        spent = _spent(self.pid) or (now - self.began) / _WITHOUT_PROC
        return spent > self.patience or (wakings is not None and now > self.since + _STILL)


def _spent(pid: int) -> float:
    """The seconds of a processor that *pid* has used; 0 where nobody can say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wakings(pid: int) -> int | None:
    """How often the threads of *pid* were woken so far; None while one of them could run, or nobody can say."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # a thread that has just ended
            return None
        if told["State"].split()[0] != "S":
            return None
        count += int(told["voluntary_ctxt_switches"]) + int(told["nonvoluntary_ctxt_switches"])
    return count or None


def _ended(under_way: selectors.BaseSelector) -> Iterator[tuple[int, str]]:
    """Those that have said how they ended, and those whose time is up."""
    ready = {key.fd for key, _ in under_way.select(1.0)} if under_way.get_map() else set()
    for key in list(under_way.get_map().values()):
        number, pid = key.data.number, key.data.pid
        late = key.data.is_late()
        if key.fd not in ready and not late:
            continue
        told = os.read(key.fd, 1 << 16) if key.fd in ready else b""
        if not told:
            os.killpg(pid, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert ended != _BUG, "a child went wrong, and not by its mutant"
        late = late or ended == -signal.SIGPROF
        under_way.unregister(key.fd)
        os.close(key.fd)
        shutil.rmtree(_scratch(pid), ignore_errors=True)
        # Whoever died without a word was killed by its mutant.
        verdict = json.loads(told) if told else "out of time" if late else "killed"
        if verdict != "killed":
            print(number, verdict, file=sys.__stderr__, flush=True)
        yield number, verdict


def _fork(act: Callable[[], Any]) -> tuple[int, int]:
    """A child that says through a pipe what *act* returned: the pipe's end, and the child's id."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        _do(act, writing)
    os.close(writing)
    return reading, pid


def _do(act: Callable[[], Any], writing: int) -> NoReturn:
    try:
        os.setpgid(0, 0)
        scratch = _scratch(os.getpid())
        scratch.mkdir(exist_ok=True)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(scratch)
        os.chdir(scratch)  # whatever a mistake leaves where it stands
        os.environ["BANANA_PIPE_TESTS_QUICK"] = "1"
        os.environ["HYPOTHESIS_PROFILE"] = "ci"  # the same examples for every mutant
        told = json.dumps(act())
        with open(writing, "w") as pipe:
            pipe.write(told)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a child never goes back into the parent's loop
        traceback.print_exc(limit=-3)
        os._exit(_BUG)


def _scratch(pid: int) -> Path:
    return _ABOVE / f"banana-pipe-mutant-{pid}"


def main(argv: Sequence[str] | None = None) -> int:
    """Try a module and say how it stood, in a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.mutation.trial")
    parser.add_argument("module", choices=["all", *(subject.module for subject in SUBJECTS)])
    parser.add_argument("--function", action="append", help="only mutants of this one; none: those of no function")
    parser.add_argument("--tests", help="only tests whose names hold this word")
    told = parser.parse_args(argv)
    os.chdir(ROOT)
    if told.module == "all":  # without mutants
        sys.stdout.write(json.dumps(left_out_of(SUBJECTS)) + "\n")
        return 0
    (subject,) = (subject for subject in SUBJECTS if subject.module == told.module)
    subject = replace(subject, only=told.tests or "")
    trial = try_module(subject, lambda mutant: told.function is None or mutant.function in told.function)
    sys.stdout.write(json.dumps(asdict(trial), ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
