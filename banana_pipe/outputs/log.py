"""The reproducibility log of a run: `_/runs/<run-id>.jsonl`, an event a line.

Unaware of the other listeners; what is bought is remembered by the ledger, not by this file.

Every line is one JSON object with `type` and `time`. The types, and what they have besides:

    start     run_id, argv, recipe, sources [{path, kind, sha256}], commit, versions
    plan      nodes [{id, action, state, reason, key, calls, cost_usd, inputs, modified}], left_out,
              calls, cost_usd
    call      node, take, attempt, key, price_usd            a request is about to be sent
    attempt   node, attempt, key, state, task_id, trace_id, sha256, error_code, error
    waiting   node, why, seconds
    node      node, status, reason, key, base, picked, error, modified, seconds,
              takes [{take, sha256, bought}], outputs [{path, sha256, take, picked}]
    warning   message
    end       status, exit_code, called, paid_images, cost_usd, saved_usd, seconds, warnings

Members without a value are left out. Lines are redacted at one place, `_write`, and made durable in
groups: at the end, and after a while.
"""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from banana_pipe import disk
from banana_pipe.canonical import readable_json
from banana_pipe.clock import Clock
from banana_pipe.errors import StoreError
from banana_pipe.events import AttemptMoved, CallStarted, Event, NodeEnded, RunEnded, RunStarted, Waiting, Warned
from banana_pipe.model import Attempt, Json, Outcome, Plan, Run, Source
from banana_pipe.prices import usd
from banana_pipe.store.lockmembers import show_time
from banana_pipe.store.published import RUNS

FLUSH_SECONDS = 5.0
FLUSH_BYTES = 1 << 20
_GIT_SECONDS = 5.0
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s\"\\]+")

Redact = Callable[[str], str]


def log_path(out: Path, run_id: str) -> Path:
    """Where the log of that run is, below the output folder *out*."""
    return out / RUNS / f"{run_id}.jsonl"


class RunLog:
    """A listener that writes what it hears. *redact* hides the token; *start* is the first line's content.

    A log that cannot be written does not end a run that spends money: `trouble` says so afterwards.
    """

    def __init__(self, path: Path, start: Mapping[str, Json], *, redact: Redact, clock: Clock) -> None:
        self.path = path
        self.trouble: StoreError | None = None
        self._redact = redact
        self._clock = clock
        self._waiting: list[bytes] = []
        self._size = 0
        self._flushed_at = clock.boot()
        self._start = start

    def __call__(self, event: Event) -> None:
        """Note *event*."""
        match event:
            case RunStarted():
                self._write("start", {"run_id": event.run_id, **self._start}, event.at)
                self._write("plan", _plan(event.plan), event.at)
                self.flush()
            case CallStarted():
                self._write("call", {"node": event.node, "take": event.sample, **_call(event.attempt)})
            case AttemptMoved():
                self._write("attempt", {"node": event.node, **_attempt(event.attempt)})
            case Waiting():
                self._write("waiting", {"node": event.node, "why": event.why, "seconds": event.seconds})
            case NodeEnded():
                self._write("node", _node(event.outcome))
            case Warned():
                self._write("warning", {"message": event.message})
            case RunEnded():
                self._write("end", _end(event.run), event.at)
                self.flush()

    def flush(self) -> None:
        """Make durable what was noted so far."""
        data, self._waiting, self._size = b"".join(self._waiting), [], 0
        self._flushed_at = self._clock.boot()
        if not data or self.trouble is not None:
            return
        try:
            disk.append(self.path, data)
        except StoreError as error:
            self.trouble = error

    def _write(self, kind: str, members: Mapping[str, Json], at: float | None = None) -> None:
        moment = show_time(self._clock.now() if at is None else at)
        known = {name: value for name, value in members.items() if value is not None}
        line = _line({"type": kind, "time": moment, **known}, self._redact)
        self._waiting.append(line)
        self._size += len(line)
        if self._size > FLUSH_BYTES or self._clock.boot() - self._flushed_at > FLUSH_SECONDS:
            self.flush()


def start_of(argv: Sequence[str], recipe: str, sources: Sequence[Source], root: Path, version: str) -> dict[str, Json]:
    """What is known when a run begins: the command, the texts that it reads, the commit, the versions."""
    return {
        "argv": list(argv),
        "recipe": recipe,
        "sources": [
            {"path": _below(source.path, root), "kind": source.kind, "sha256": source.digest} for source in sources
        ],
        "commit": commit_of(root),
        "versions": {"banana-pipe": version, "python": platform.python_version(), "platform": platform.platform()},
    }


def commit_of(root: Path) -> str | None:
    """The commit that is checked out around *root*; None without git or outside of a repository."""
    command = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, check=False)  # noqa: S603 - ours
    except (OSError, subprocess.TimeoutExpired):
        return None
    commit = answer.stdout.decode(errors="replace").strip()
    return commit if re.fullmatch(r"[0-9a-f]{40,64}", commit) else None


def _line(record: Mapping[str, Json], redact: Redact) -> bytes:
    text = readable_json(record)
    # Where nothing is escaped, what is to be hidden would stand in the line as it is: most lines hold nothing of it.
    if "\\" in text or redact(text) != text or _BEARER.search(text):
        text = readable_json(_redacted(record, redact))
    return text.encode(errors="backslashreplace") + b"\n"


def _redacted(value: Json, redact: Redact) -> Json:
    if isinstance(value, str):
        return _BEARER.sub(r"\1***", redact(value))
    if isinstance(value, Mapping):
        return {name: _redacted(inner, redact) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(inner, redact) for inner in value]
    return value


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _plan(plan: Plan) -> dict[str, Json]:
    nodes = [
        {
            "id": node.id,
            "action": node.action,
            "state": node.state,
            "reason": node.reason,
            "key": node.key,
            "calls": node.calls,
            "cost_usd": usd(node.cost),
            "inputs": node.inputs,
            "modified": node.modified,
        }
        for node in plan.nodes
    ]
    return {"nodes": nodes, "left_out": plan.left_out or None, "calls": plan.calls, "cost_usd": usd(plan.cost)}


def _call(attempt: Attempt) -> dict[str, Json]:
    return {"attempt": attempt.id, "key": attempt.key, "price_usd": usd(attempt.price)}


def _attempt(attempt: Attempt) -> dict[str, Json]:
    return {
        "attempt": attempt.id,
        "key": attempt.key,
        "state": attempt.state,
        "task_id": attempt.task_id,
        "trace_id": attempt.trace_id,
        "sha256": attempt.artifact.digest if attempt.artifact else None,
        "error_code": attempt.error_code,
        "error": attempt.error_message,
    }


def _node(outcome: Outcome) -> dict[str, Json]:
    return {
        "node": outcome.node,
        "status": outcome.status,
        "reason": outcome.reason,
        "key": outcome.key,
        "base": outcome.base,
        "picked": outcome.picked,
        "error": outcome.error,
        "modified": outcome.modified,
        "seconds": outcome.seconds,
        "takes": [
            {"take": take.sample, "sha256": take.result.artifact.digest, "bought": take.bought}
            for take in outcome.takes
        ],
        "outputs": [
            {"path": one.path, "sha256": one.artifact.digest, "take": one.take, "picked": one.picked}
            for one in outcome.outputs
        ],
    }


def _end(run: Run) -> dict[str, Json]:
    return {
        "status": run.status,
        "exit_code": run.exit_code,
        "called": run.called,
        "paid_images": run.paid_images,
        "cost_usd": usd(run.cost),
        "saved_usd": usd(run.saved),
        "seconds": run.seconds,
        "warnings": run.warnings,
    }
