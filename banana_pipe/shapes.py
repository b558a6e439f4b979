"""Plans, runs and attempts as the JSON objects that scripts and pages read.

Unaware of how any of them came about. The shapes are the contract: documented, tested, only added to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import get_args

from banana_pipe.errors import Location
from banana_pipe.explain import Difference, Drifted, Explanation, Last
from banana_pipe.model import (
    Attempt,
    FileInput,
    Graph,
    Input,
    Json,
    NodeInput,
    Outcome,
    Output,
    Plan,
    Run,
    State,
    Status,
)
from banana_pipe.outputs.log import money, planned
from banana_pipe.outputs.manifest import side_files
from banana_pipe.prices import usd
from banana_pipe.recipe.drift import Chain, Deep, input_label
from banana_pipe.recipe.origins import Origin
from banana_pipe.recipe.prompttests import Failure, Verdict


def plan_json(plan: Plan) -> dict[str, Json]:
    """What `plan --json` prints."""
    lines = (*plan.nodes, *plan.skipped)
    return {
        "recipe": plan.recipe,
        "nodes": [planned(node) for node in lines],
        "totals": {
            "nodes": len(lines),
            **_counts(get_args(State), Counter(node.state for node in lines)),
            "calls": plan.calls,
            "calls_max": plan.calls_max,
            "cost_usd": usd(plan.cost),
            "cost_usd_max": usd(plan.cost_max),
        },
        "left_out": list(plan.left_out),
        "warnings": list(plan.warnings),
    }


def run_json(run: Run, hints: Mapping[str, str] | None = None) -> dict[str, Json]:
    """What `run --json` prints; *hints* say by node what to do about it."""
    hints = hints or {}
    outcomes = (*run.outcomes, *run.skipped)
    return {
        "run_id": run.id,
        "recipe": run.recipe,
        "out": str(run.out),
        "status": run.status,
        "nodes": [_outcome_json(outcome, hints.get(outcome.node)) for outcome in outcomes],
        "totals": {
            "nodes": len(outcomes),
            **_counts(get_args(Status), Counter(outcome.status for outcome in outcomes)),
            "called": run.called,
            "paid_images": run.paid_images,
            "cost_usd": usd(run.cost),
            "saved_usd": usd(run.saved),
            "seconds": round(run.seconds, 3),
        },
        "money": money(run),
        "would_buy": [
            {
                "id": node.id,
                "state": node.state,
                "reason": node.reason,
                "calls": node.calls,
                "cost_usd": usd(node.cost),
            }
            for node in run.would_buy
        ],
        "left_out": list(run.left_out),
        "warnings": list(run.warnings),
    }


def explanation_json(one: Explanation) -> dict[str, Json]:
    """A node of `explain --json`."""
    asked, last = one.asked, one.last
    return {
        "id": asked.node.id,
        "state": one.line.state,
        "reason": one.line.reason,
        "key": one.line.key,
        "calls": one.line.calls,
        "cost_usd": usd(one.line.cost),
        "request": {
            "provider": asked.provider,
            "action": asked.node.action,
            "model": asked.node.model,
            "prompt": asked.node.prompt,
            "images": None if asked.images is None else list(asked.images),
            "params": dict(asked.node.params),
        },
        "last": None if last is None else _last_json(last),
        "difference": None if one.difference is None else _difference_json(one.difference),
        "waits_for": list(one.waits_for),
        "downstream": {
            "nodes": one.downstream.nodes,
            "calls": one.downstream.calls,
            "calls_max": one.downstream.calls_max,
            "cost_usd_max": usd(one.downstream.cost),
        },
        "drift": None if one.drifted is None else _drifted_json(one.drifted),
    }


def deep_json(deep: Deep) -> dict[str, Json]:
    """A step of `drift` in `validate --json`."""
    return {"step": deep.step, "node": deep.node, "line": deep.at.line, "nodes": deep.nodes, **_chain_json(deep.chain)}


def tested_json(tested: Verdict) -> dict[str, Json]:
    """`prompts` in `validate --prompts --json`."""
    return {
        "file": None if tested.path is None else str(tested.path),
        "tests": tested.tests,
        "prompts": tested.prompts,
        "failures": [_failure_json(one) for one in tested.failures],
    }


def _failure_json(one: Failure) -> dict[str, Json]:
    return {
        "node": one.node,
        "rule": one.rule,
        "message": one.message,
        "at": _place_json(one.at),
        "prompt_at": _place_json(one.prompt),
        "found": None if one.found is None else _origin_json(one.found),
    }


def _place_json(at: Location | None) -> Json:
    return None if at is None else {"path": at.path, "line": at.line, "column": at.column}


def _chain_json(chain: Chain) -> dict[str, Json]:
    return {
        "edits": chain.edits,
        "from": input_label(chain.start),
        "base_on": chain.base,
        "merge": [[one.first, one.second] for one in chain.merges],
    }


def _drifted_json(one: Drifted) -> dict[str, Json]:
    return {
        **_chain_json(one.chain),
        "hops": [
            {
                "node": hop.node,
                "reads": input_label(hop.reads),
                "edits": hop.edits,
                "distance": None if apart is None else asdict(apart),
            }
            for hop, apart in zip(one.chain.hops, one.hops, strict=True)
        ],
        "distance": None if one.whole is None else asdict(one.whole),
    }


def _last_json(last: Last) -> dict[str, Json]:
    return {
        "prompt": last.request.prompt if last.request else None,
        "provider": last.provider,
        "model": last.model,
        "images": list(last.images),
        "params": dict(last.request.params) if last.request else None,
        "takes": last.takes,
        "cost_usd": usd(last.price),
        "bought_at": last.bought_at,
        "profile": last.profile,
    }


def _difference_json(difference: Difference) -> dict[str, Json]:
    return {
        "prompt": [
            {"kind": piece.kind, "text": piece.text, "origins": [_origin_json(one) for one in piece.origins]}
            for piece in difference.prompt
        ],
        "settings": [
            {
                "name": one.name,
                "before": one.before,
                "now": one.now,
                "path": one.at.path if one.at else None,
                "line": one.at.line if one.at else None,
            }
            for one in difference.changes
        ],
        "pictures": [
            {"place": one.place, "name": one.name or None, "before": one.before, "now": one.now}
            for one in difference.pictures
        ],
    }


def _origin_json(origin: Origin) -> dict[str, Json]:
    return {
        "words": origin.words,
        "what": origin.what,
        "path": str(origin.path) if origin.path else None,
        "line": origin.line,
        "others": origin.others,
    }


def graph_json(graph: Graph) -> dict[str, Json]:
    """What `graph --json` prints: every node, with the names of what it reads."""
    return {
        "recipe": graph.recipe.name,
        "nodes": [
            {
                "id": node.id,
                "step": node.step,
                "axes": dict(node.axes),
                "action": node.action,
                "samples": node.samples,
                "output": node.output,
                "inputs": [_input_json(one) for one in node.inputs],
            }
            for node in graph
        ],
    }


def _input_json(one: Input) -> dict[str, Json]:
    if isinstance(one, NodeInput):
        return {"node": one.node, "take": one.sample}
    return {"file" if isinstance(one, FileInput) else "url": one.label}


def attempt_json(attempt: Attempt) -> dict[str, Json]:
    """A row of `ledger show --json`."""
    return {
        "id": attempt.id,
        "state": attempt.state,
        "node": attempt.node or None,
        "key": attempt.key,
        "run_id": attempt.run_id,
        "origin": attempt.origin,
        "model": attempt.model,
        "price_usd": usd(attempt.price),
        "created_at": attempt.created_at,
        "updated_at": attempt.updated_at,
        "task_id": attempt.task_id,
        "trace_id": attempt.trace_id,
        "sha256": attempt.artifact.digest if attempt.artifact else None,
        "error": attempt.error_message,
    }


def _outcome_json(outcome: Outcome, hint: str | None) -> dict[str, Json]:
    return {
        "id": outcome.node,
        "status": outcome.status,
        "reason": outcome.reason,
        "key": outcome.key,
        "outputs": [_output_json(output) for output in outcome.outputs],
        "error": outcome.error,
        "hint": hint,
        "modified": outcome.modified,
    }


def _output_json(output: Output) -> dict[str, Json]:
    return {
        "path": output.path,
        "sha256": output.artifact.digest,
        "mime": output.artifact.mime,
        "width": output.artifact.width,
        "height": output.artifact.height,
        "bytes": output.artifact.size,
        "take": output.take,
        "picked": output.picked,
        "side_files": side_files(output),
    }


def _counts(words: tuple[str, ...], counted: Counter[str]) -> dict[str, Json]:
    return {word: counted[word] for word in words}
