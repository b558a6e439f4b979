"""The reproducibility log of a run: `_/runs/<run-id>.jsonl`, an event a line.

Unaware of the other listeners; what is bought is remembered by the ledger, not by this file.

Every line is one JSON object with `type` and `time`; `log.schema.json` beside this file says what the types
are and what each has, and the tests hold every line that they see written to it. What a run leaves in its folder
can be made again from its log and the cache: see `replaying`.

Members without a value are left out. Lines are redacted at one place, `_write`, and made durable in
groups: at the end, and after a while.
"""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from banana_pipe import disk, gitcall
from banana_pipe.canonical import readable_json
from banana_pipe.clock import Clock
from banana_pipe.errors import StoreError
from banana_pipe.events import (
    AttemptMoved,
    CallStarted,
    Event,
    FolderLeft,
    NodeEnded,
    RunEnded,
    RunStarted,
    Waiting,
    Warned,
)
from banana_pipe.model import Attempt, Json, Outcome, Plan, PlannedNode, Run, Source, Take
from banana_pipe.prices import usd
from banana_pipe.store.lockmembers import show_time
from banana_pipe.store.published import RUNS

FLUSH_SECONDS = 5.0
FLUSH_BYTES = 1 << 20
_GIT_SECONDS = 5.0
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s\"\\]+")

Redact = Callable[[str], str]
Entries = Callable[[Outcome], Iterable[Mapping[str, Json]]]
"""What the manifest says of a node's pictures."""
SCHEMA = Path(__file__).parent / "log.schema.json"
"""The JSON Schema of a line."""


def log_path(out: Path, run_id: str) -> Path:
    """Where the log of that run is, below the output folder *out*."""
    return out / RUNS / f"{run_id}.jsonl"


class RunLog:
    """A listener that writes what it hears. *redact* hides the token; *start* is the first line's content.

    *entries* are a node's in the manifest: with them the log alone says what the folder had.

    A log that cannot be written does not end a run that spends money: `trouble` says so afterwards.
    """

    def __init__(
        self, path: Path, start: Mapping[str, Json], *, entries: Entries, redact: Redact, clock: Clock
    ) -> None:
        self.path = path
        self.trouble: StoreError | None = None
        self._entries = entries
        self._told: set[tuple[Json, Json]] = set()
        """Path and digest of what was told of the folder."""
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
                self._write("node", {**_node(event.outcome), "outputs": self._outputs(event.outcome)})
            case Warned():
                self._write("warning", {"message": event.message})
            case FolderLeft():
                self._write("folder", {"kept": self._kept(event.manifest)})
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

    def _outputs(self, outcome: Outcome) -> list[Mapping[str, Json]]:
        entries = list(self._entries(outcome))
        self._told.update((entry["path"], entry["sha256"]) for entry in entries)
        return entries

    def _kept(self, manifest: Mapping[str, Json]) -> list[Mapping[str, Json]]:
        """What is in the folder besides what the nodes of this run have there."""
        return [entry for entry in manifest["files"] if (entry["path"], entry["sha256"]) not in self._told]

    def _write(self, kind: str, members: Mapping[str, Json], at: float | None = None) -> None:
        moment = show_time(self._clock.now() if at is None else at)
        line = _line({"type": kind, "time": moment, **_known(members)}, self._redact)
        self._waiting.append(line)
        self._size += len(line)
        if self._size > FLUSH_BYTES or self._clock.boot() - self._flushed_at > FLUSH_SECONDS:
            self.flush()


def start_of(
    argv: Sequence[str], recipe: str, name: str, out: Path, sources: Sequence[Source], root: Path, version: str
) -> dict[str, Json]:
    """What is known when a run of *recipe* into *out* begins: the command, the texts that it reads, the versions."""
    import PIL

    return {
        "argv": list(argv),
        "recipe": recipe,
        "name": name,
        "out": _below(out, root),
        "sources": [
            {"path": _below(source.path, root), "kind": source.kind, "sha256": source.digest} for source in sources
        ],
        "commit": commit_of(root),
        "versions": {
            "banana-pipe": version,
            "python": platform.python_version(),
            "pillow": PIL.__version__,
            "platform": platform.platform(),
        },
    }


def commit_of(root: Path) -> str | None:
    """The commit that is checked out around *root*; None without git or outside of a repository."""
    try:
        answer = gitcall.ask(root, "rev-parse", "--verify", "--quiet", "HEAD", timeout=_GIT_SECONDS)
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


def _known(members: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}


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
    return {
        "nodes": [_known(planned(node)) for node in plan.nodes],
        "skipped": [_known(planned(node)) for node in plan.skipped] or None,
        "left_out": plan.left_out or None,
        "calls": plan.calls,
        "calls_max": plan.calls_max,
        "cost_usd": usd(plan.cost),
        "cost_usd_max": usd(plan.cost_max),
    }


def planned(node: PlannedNode) -> dict[str, Json]:
    """A node of a plan, as the log and `plan --json` have it."""
    return {
        "id": node.id,
        "action": node.action,
        "state": node.state,
        "reason": node.reason,
        "detail": node.detail or None,
        "key": node.key,
        "calls": node.calls,
        "cost_usd": usd(node.cost),
        "inputs": list(node.inputs),
        "modified": node.modified,
    }


def _call(attempt: Attempt) -> dict[str, Json]:
    return {
        "attempt": attempt.id,
        "key": attempt.key,
        "provider": attempt.provider,
        "model": attempt.model,
        "price_usd": usd(attempt.price),
    }


def _attempt(attempt: Attempt) -> dict[str, Json]:
    return {
        "attempt": attempt.id,
        "run_id": attempt.run_id,
        "key": attempt.key,
        "state": attempt.state,
        "price_usd": usd(attempt.price),
        "served": attempt.served,
        "task_id": attempt.task_id,
        "adopted": attempt.adopted or None,
        "trace_id": attempt.trace_id,
        "sha256": attempt.artifact.digest if attempt.artifact else None,
        "error_kind": attempt.error_kind,
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
        "images": list(outcome.images),
        "picked": outcome.picked,
        "accepted": outcome.accepted.digest if outcome.accepted else None,
        "error": outcome.error,
        "modified": outcome.modified,
        "seconds": outcome.seconds,
        "takes": [_take(take) for take in outcome.takes],
    }


def _take(take: Take) -> dict[str, Json]:
    artifact = take.result.artifact
    return {
        "take": take.sample,
        "key": take.result.key,
        "sha256": artifact.digest,
        "mime": artifact.mime,
        "width": artifact.width,
        "height": artifact.height,
        "bytes": artifact.size,
        "bought": take.bought,
    }


def money(run: Run) -> dict[str, Json]:
    """What *run* was to cost, and what it did, in dollars; None: unknown.

    `asked` is the most that its plan said; `reserved` counts every call that was sent or was about to be;
    `billed` those of them that brought a picture, as far as anybody knows; `saved` what was there already.
    """
    return {
        "asked_usd": usd(run.asked),
        "reserved_usd": usd(run.reserved),
        "billed_usd": usd(run.billed),
        "saved_usd": usd(run.saved),
    }


def _end(run: Run) -> dict[str, Json]:
    return {
        "status": run.status,
        "exit_code": run.exit_code,
        "called": run.called,
        "paid_images": run.paid_images,
        "cost_usd": usd(run.cost),
        "saved_usd": usd(run.saved),
        "money": money(run),
        "placed": run.placed,
        "removed": run.removed,
        "cap": run.cap,
        "seconds": run.seconds,
        "warnings": run.warnings,
    }
