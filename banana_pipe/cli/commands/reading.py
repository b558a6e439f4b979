"""`validate` and `render`: what a recipe says, without network, token and stores.

Unaware of plans and prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.errors import error_json, print_json, show_error
from banana_pipe.cli.names import complete_node
from banana_pipe.cli.options import Call, read_call, recipe_argument, recipe_options
from banana_pipe.cli.tested import failed_words, tested_words
from banana_pipe.cli.words import count, input_name, op_lines
from banana_pipe.errors import BananaError, UsageError
from banana_pipe.model import Json, Node, Recipe
from banana_pipe.recipe.drift import Deep
from banana_pipe.recipe.drift import warning as deep_words
from banana_pipe.recipe.prompttests import Verdict, file_beside, recipe_of

EXIT_FAILED = 1
"""A prompt is not as its test says."""


@click.command()
@click.argument("recipes", metavar="RECIPE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@recipe_options
@click.option("--prompts", is_flag=True, help="Hold the prompts against the recipe's test file, shop.test.yaml say.")
def validate(recipes: tuple[Path, ...], **values: Any) -> int:
    """Check each RECIPE: all that can be known without network and token, all mistakes at once.

    \b
    banana-pipe validate recipes/*.yaml
    banana-pipe validate recipes/shop.yaml --prompts
    """
    checked = [_checked(recipe, values) for recipe in recipes]
    exit_code = max(one["exit_code"] for one in checked)
    if values["as_json"]:
        print_json(read_call(recipes[0], values).out, {"recipes": checked, "exit_code": exit_code})
    return int(exit_code)


def _checked(named: Path, values: dict[str, Any]) -> dict[str, Json]:
    """One recipe, checked; one that is named by its test file has its prompts tested by it."""
    recipe = recipe_of(named) or named
    prompts = values["prompts"] or recipe != named
    call = read_call(recipe, values)
    try:
        part = api.read_part(recipe, call.options)
        if part is not None:
            _refuse_tests(recipe if prompts else None)
            return _part(call, recipe, part)
        workspace = api.open_recipe(recipe, call.options, call.access(token=False))
    except BananaError as error:
        show_error(call.err, error)
        return {"recipe": str(recipe), "valid": False, **error_json(error, error.exit_code)}
    try:
        drift = api.deep(workspace)
        warnings = (*workspace.warnings, *map(deep_words, drift))
        for warning in warnings:
            call.err.say(call.err.styled("warning: ", "yellow") + call.err.styled(warning, ""))
        nodes = len(workspace.graph)
        takes = sum(node.samples for node in workspace.graph)
        content = f"{count(nodes, 'node')}, {count(takes, 'take')}"
        tested = api.test_prompts(workspace) if prompts else None
        return _valid(call, recipe, workspace.graph.recipe, content, nodes, warnings, drift, tested)
    except BananaError as error:
        show_error(call.err, error)
        return {"recipe": str(recipe), "valid": True, **error_json(error, error.exit_code)}
    finally:
        workspace.close()


def _refuse_tests(part: Path | None) -> None:
    """Tests that nobody holds are not passed. Raises UsageError."""
    tests = None if part is None else file_beside(part)
    if tests is not None:
        hint = "test them in a recipe that uses it: `node: banner/hero` is one of its nodes there"
        raise UsageError(f"{tests}: the prompts of {part} are known only where its inputs are filled", hint=hint)


def _part(call: Call, path: Path, part: Recipe) -> dict[str, Json]:
    """A recipe that others use: what its nodes are is known where its inputs are filled."""
    return _valid(call, path, part, f"to be used, with {', '.join(part.inputs)}", 0, (), ())


def _valid(
    call: Call,
    path: Path,
    recipe: Recipe,
    content: str,
    nodes: int,
    warnings: Sequence[str],
    drift: Sequence[Deep],
    tested: Verdict | None = None,
) -> dict[str, Json]:
    failed = bool(tested and tested.failures)
    for error in failed_words(tested) if tested else ():
        show_error(call.err, error)
    if not call.json:
        name = call.out.styled(f"{'✗' if failed else '✓'} {path}", "bold red" if failed else "bold green")
        prompts = f"; {tested_words(tested)}" if tested else ""
        call.out.say(f"{name}: {count(len(recipe.steps), 'step')}, {content}{prompts}")
    return {
        "recipe": str(path),
        "valid": True,
        "name": recipe.name,
        "steps": len(recipe.steps),
        "nodes": nodes,
        "warnings": list(warnings),
        "drift": [api.deep_json(one) for one in drift],
        "prompts": None if tested is None else api.tested_json(tested),
        "exit_code": EXIT_FAILED if failed else 0,
    }


@click.command()
@recipe_argument
@click.argument("node", required=False, shell_complete=complete_node)
@recipe_options
def render(recipe: Path, node: str | None, **values: Any) -> int:
    """Show the prompts of RECIPE, or of the nodes that NODE means, as they would be sent. Free."""
    call = read_call(recipe, values)
    with call.opened() as workspace:
        nodes = api.rendered(workspace, node)
        if call.json:
            print_json(call.out, {"recipe": workspace.graph.recipe.name, "nodes": [_node_json(one) for one in nodes]})
            return 0
        for place, one in enumerate(nodes):
            _show_node(call, one, first=place == 0)
    return 0


def _show_node(call: Call, node: Node, *, first: bool) -> None:
    paper = call.out
    if not first:
        paper.say()
    settings = ", ".join([*filter(None, [node.model]), *(f"{name} {value}" for name, value in node.params.items())])
    takes = f", {count(node.samples, 'take')}" if node.samples > 1 else ""
    what = f"  {node.action}, {settings}{takes}" if settings else f"  {node.action}"
    paper.say(paper.styled(node.id, "bold cyan") + paper.styled(what, "dim"))
    if node.inputs:
        paper.say(paper.styled(f"  reads {', '.join(map(input_name, node.inputs))}", "dim"))
    lines = op_lines(node) if node.is_local else node.prompt.split("\n")
    for line in lines:
        paper.say(f"  {paper.styled(line, '')}".rstrip())


def _node_json(node: Node) -> dict[str, Json]:
    return {
        "id": node.id,
        "action": node.action,
        "provider": node.provider,
        "model": node.model,
        "prompt": node.prompt,
        "inputs": [input_name(one) for one in node.inputs],
        "params": dict(node.params),
        "ops": [{"op": op.name, "version": op.version, "params": dict(op.params)} for op in node.ops],
        "samples": node.samples,
        "output": node.output,
    }
