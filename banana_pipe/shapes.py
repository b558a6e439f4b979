"""Plans, runs and attempts as the JSON objects that scripts and pages read.

Unaware of how any of them came about. The shapes are the contract: documented, tested, only added to.
"""

from __future__ import annotations

from collections import Counter
from typing import get_args

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
from banana_pipe.prices import usd


def plan_json(plan: Plan) -> dict[str, Json]:
    """What `plan --json` prints."""
    lines = (*plan.nodes, *plan.skipped)
    return {
        "recipe": plan.recipe,
        "nodes": [
            {
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
            for node in lines
        ],
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


def run_json(run: Run) -> dict[str, Json]:
    """What `run --json` prints."""
    return {
        "run_id": run.id,
        "recipe": run.recipe,
        "out": str(run.out),
        "status": run.status,
        "nodes": [_outcome_json(outcome) for outcome in run.outcomes],
        "totals": {
            "nodes": len(run.outcomes),
            **_counts(get_args(Status), Counter(outcome.status for outcome in run.outcomes)),
            "called": run.called,
            "paid_images": run.paid_images,
            "cost_usd": usd(run.cost),
            "saved_usd": usd(run.saved),
            "seconds": round(run.seconds, 3),
        },
        "left_out": list(run.left_out),
        "warnings": list(run.warnings),
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


def _outcome_json(outcome: Outcome) -> dict[str, Json]:
    return {
        "id": outcome.node,
        "status": outcome.status,
        "reason": outcome.reason,
        "key": outcome.key,
        "outputs": [_output_json(output) for output in outcome.outputs],
        "error": outcome.error,
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
    }


def _counts(words: tuple[str, ...], counted: Counter[str]) -> dict[str, Json]:
    return {word: counted[word] for word in words}
