"""What the log of a run says, and what it never says."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import get_args

from jsonschema import Draft202012Validator

from banana_pipe import disk
from banana_pipe.canonical import digest_of
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
from banana_pipe.model import (
    Attempt,
    AttemptState,
    Json,
    Key,
    Outcome,
    Output,
    Plan,
    PlannedNode,
    Reason,
    RunStatus,
    Source,
    State,
    Status,
)
from banana_pipe.outputs import manifest
from banana_pipe.outputs.log import SCHEMA, RunLog, commit_of, log_path, start_of
from banana_pipe.providers.secret import Token
from tests.canary import CANARY
from tests.logs import faults_of
from tests.outputs.builders import Pictures, graph, node, outcome, run_of, take

AT = 1_795_356_000.0


class Hands:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return AT + self.passed

    def boot(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def attempt(state: str = "INTENT", **more: object) -> Attempt:
    key = Key(digest_of(b"request"))
    return Attempt(
        id="a1",
        key=key,
        wire=digest_of(b"wire"),
        origin="https://api.acedata.cloud",
        account="0123456789abcdef",
        run_id="r1",
        state=state,  # type: ignore[arg-type]
        provider="acedata",
        model="nano-banana-pro",
        price=39_000,
        created_at=AT,
        updated_at=AT,
        **more,  # type: ignore[arg-type]
    )


PLAN = Plan("shop", (PlannedNode("hero", "generate", "call", "new", None, 1, 39_000, ()),), 1, 1, 39_000, 39_000)


START: dict[str, Json] = {
    "argv": ["run", "shop.yaml"],
    "recipe": "recipes/shop.yaml",
    "name": "shop",
    "out": "out/shop",
    "sources": [],
    "versions": {"banana-pipe": "1", "python": "3", "pillow": "13", "platform": "any"},
}


def entries(outcome: Outcome) -> list[dict[str, Json]]:
    return list(manifest.entries(graph(node(outcome.node)), [outcome]))


def heard(tmp_path: Path, *events: Event, start: dict[str, Json] | None = None) -> list[dict[str, Json]]:
    log = RunLog(log_path(tmp_path, "r1"), start or START, entries=entries, redact=Token(CANARY).redact, clock=Hands())
    for event in events:
        log(event)
    log.flush()
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_a_run_is_told_from_its_command_to_its_end(tmp_path: Path) -> None:
    """Every event is a line with type and time, in the order in which it happened."""
    bought = take(Pictures().add("1"), bought=True)
    placed = Output("hero.png", bought.result.artifact, 1, picked=True, key=bought.result.key)
    hero = replace(outcome("hero", bought), outputs=(placed,))
    kept = entries(hero)[0] | {"path": "old.png", "node": "old"}
    moved = attempt("STORED", task_id="t1", trace_id="x1", artifact=hero.takes[0].result.artifact)
    lines = heard(
        tmp_path,
        RunStarted("r1", PLAN, AT),
        CallStarted("hero", 1, attempt()),
        AttemptMoved("hero", moved),
        Waiting("b", "a rate limit", 3.0),
        Warned("look out"),
        NodeEnded(hero),
        FolderLeft({"files": [*entries(hero), kept]}),
        RunEnded(run_of(hero), AT + 9),
        start=START,
    )
    assert not list(faults_of(log_path(tmp_path, "r1")))
    assert [line["type"] for line in lines] == [
        "start", "plan", "call", "attempt", "waiting", "warning", "node", "folder", "end",
    ]  # fmt: skip
    start, plan, call, stored, _, warning, ended, folder, end = lines
    assert (start["argv"], start["time"]) == (["run", "shop.yaml"], "2026-11-22T14:00:00.000Z")
    assert (plan["nodes"][0]["reason"], plan["cost_usd"]) == ("new", 0.039)
    assert (call["take"], call["price_usd"]) == (1, 0.039)
    assert (stored["state"], stored["trace_id"], stored["sha256"]) == (
        "STORED",
        "x1",
        moved.artifact and moved.artifact.digest,
    )
    assert warning["message"] == "look out"
    assert ended["takes"] == [
        {"take": 1, "key": bought.result.key, "sha256": placed.artifact.digest, "bought": True}
        | {"mime": "image/png", "width": 640, "height": 480, "bytes": placed.artifact.size}
    ]
    assert (ended["outputs"], folder["kept"]) == (entries(hero), [kept])
    assert (end["status"], end["cost_usd"], end["time"]) == ("ok", 0.117, "2026-11-22T14:00:09.000Z")


def test_the_token_is_nowhere_in_the_log(tmp_path: Path) -> None:
    """Wherever somebody echoes it, at whatever depth; nor is any other bearer token."""
    echo = f"you sent Authorization: Bearer {CANARY}"
    heard(
        tmp_path,
        RunStarted("r1", PLAN, AT),
        AttemptMoved("hero", attempt("FAILED", error_message=echo, response=CANARY)),
        Warned("sent bearer somebody-elses"),
        NodeEnded(outcome("hero", status="failed", error=echo)),
        start=START
        | {"argv": ["run", f"--set=x={CANARY}"], "sources": [{"path": CANARY, "kind": "vars", "sha256": "0" * 64}]},
    )
    text = log_path(tmp_path, "r1").read_text()
    assert CANARY not in text
    assert "somebody-elses" not in text
    assert text.count("***") >= 5


def test_lines_wait_for_each_other_but_not_for_long(tmp_path: Path) -> None:
    """A thousand nodes don't cost a thousand syncs; after a while, and at the end, all is on the disk."""
    clock = Hands()
    log = RunLog(log_path(tmp_path, "r1"), START, entries=entries, redact=str, clock=clock)
    log(RunStarted("r1", PLAN, AT))
    appended: list[str] = []
    disk.observe(lambda act, _: appended.append(act) if act == "append" else None)
    try:
        for index in range(1000):
            log(Warned(str(index)))
        assert appended == []
        clock.passed = 60.0
        log(Warned("late"))
        assert appended == ["append"]
    finally:
        disk.observe(None)
    assert log.path.read_text().count("\n") == 1003


def test_a_log_that_cannot_be_written_does_not_end_the_run(tmp_path: Path) -> None:
    """What is paid is in the ledger; the trouble is told afterwards."""
    (tmp_path / "_").write_text("a file in the way")
    log = RunLog(log_path(tmp_path, "r1"), START, entries=entries, redact=str, clock=Hands())
    log(RunStarted("r1", PLAN, AT))
    log(RunEnded(run_of(), AT))
    assert log.trouble is not None


def test_the_start_names_texts_commit_and_versions(tmp_path: Path) -> None:
    """What one needs to get the same again; paths are from the project's root."""
    source = Source(tmp_path / "recipes/shop.yaml", "recipe", digest_of(b"x"))
    start = start_of(["run"], "recipes/shop.yaml", "shop", tmp_path / "out/shop", [source], tmp_path, "1.0")
    assert start["sources"] == [{"path": "recipes/shop.yaml", "kind": "recipe", "sha256": digest_of(b"x")}]
    assert (start["name"], start["out"]) == ("shop", "out/shop")
    assert set(start["versions"]) == {"banana-pipe", "python", "pillow", "platform"}
    assert commit_of(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert commit_of(tmp_path) is None
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    said = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert commit_of(tmp_path) == said


def test_the_schema_knows_every_kind_and_every_word(tmp_path: Path) -> None:
    """What the types of the program can say, the schema says too; and it is a schema."""
    document = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(document)
    parts = document["$defs"]
    assert set(get_args(Reason)) <= set(parts["reason"]["enum"])
    assert set(get_args(State)) == set(parts["planned"]["properties"]["state"]["enum"])
    assert set(get_args(Status)) == set(parts["node"]["properties"]["status"]["enum"])
    assert set(get_args(RunStatus)) == set(parts["end"]["properties"]["status"]["enum"])
    assert set(get_args(AttemptState)) == set(parts["attempt"]["properties"]["state"]["enum"])
    assert len(document["properties"]["type"]["enum"]) == len(document["allOf"]) == len(get_args(Event)) + 1


def test_the_schema_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    """Another type, another member, another digest, no time: a log that says more is documented first."""
    heard(tmp_path, RunStarted("r1", PLAN, AT), Warned("look out"), NodeEnded(outcome("hero")), start=START)
    path = log_path(tmp_path, "r1")
    assert not list(faults_of(path))
    good = [json.loads(line) for line in path.read_text().splitlines()]
    for line, change in ((2, {"type": "cry"}), (2, {"tone": "shrill"}), (3, {"images": ["1f0c9a"]}), (0, {"time": 7})):
        other = tmp_path / "other.jsonl"
        other.write_text(json.dumps(good[line] | change) + "\n")
        assert list(faults_of(other)), change


def test_every_kind_has_its_row_in_the_document() -> None:
    """And no other has one; what stands in each, its schema says in full."""
    text = (Path(__file__).parents[2] / "docs/log.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    document = json.loads(SCHEMA.read_text())
    assert rows == document["properties"]["type"]["enum"]
    assert all(document["$defs"][kind]["description"] for kind in rows)
