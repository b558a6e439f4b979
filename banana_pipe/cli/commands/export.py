"""`export`: a copy of a recipe's pictures for others, outside of the project's own folders.

Unaware of how pictures are chosen, changed and described.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from banana_pipe import api
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.kept import show_bytes
from banana_pipe.cli.names import complete_node
from banana_pipe.cli.options import Call, read_call, recipe_argument, recipe_options
from banana_pipe.cli.selecting import NarrowCommand
from banana_pipe.cli.words import MOST_NAMED, count
from banana_pipe.errors import UsageError
from banana_pipe.model import Json, Plan

EXIT_MISSING = 1
FILES, CRATE = "files", "ro-crate"
_DONE_TO = {"copy": "as they are", "embed": "with metadata", "strip": "without metadata"}


@click.command(cls=NarrowCommand)
@recipe_argument
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--metadata",
    "mode",
    type=click.Choice(["embed", "strip"]),
    metavar="MODE",
    help="embed: say in each file what made it. strip: take out what others said. Else files are copied as they are.",
)
@click.option("--prompts", is_flag=True, help="With embed, and in a crate: say what was asked, and of which model.")
@click.option(
    "--select",
    "nodes",
    multiple=True,
    metavar="NODE",
    shell_complete=complete_node,
    help="Only these nodes. Takes several.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([FILES, CRATE]),
    default=FILES,
    metavar="FORMAT",
    help="files (the default), or ro-crate: with the recipe, what it reads, and metadata of the run.",
)
@click.option("--agent", metavar="NAME", help="With ro-crate: who ran it.")
@click.option(
    "--license", "license_", metavar="TEXT", help="With ro-crate: what others may do with it; a URL or words."
)
@click.option("--overwrite", is_flag=True, help="Replace files that no export wrote.")
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be written.")
@recipe_options
def export(recipe: Path, folder: Path, *, mode: str | None, prompts: bool, form: str, **values: Any) -> int:
    """Copy the pictures of RECIPE into DIR, for whoever is to have them: those that flow on, under their names.

    Free and offline. Not a pixel is touched: metadata is put in and taken out around the image data. Files that no
    export wrote are not replaced. Exit code 1 if a picture is not there; the others are written.

    \b
    banana-pipe export fox.yaml ../delivery
    banana-pipe export fox.yaml ../delivery --metadata embed --select hero
    banana-pipe export fox.yaml ../crate --format ro-crate --agent 'Ada Lovelace'
    """
    _refuse_what_says_nothing(mode, prompts=prompts, form=form, values=values)
    call = read_call(recipe, {**values, "select": ()})
    treatment = api.Treatment(mode=mode or "copy", prompts=prompts)  # type: ignore[arg-type]  # click's Choice
    with call.opened() as workspace:
        decided = api.call(api.plan(workspace))
        selection = api.chosen(workspace, decided, values["nodes"])
        _tell_retouched(call, decided.plan, selection)
        words = api.Words(values["agent"], values["license_"])
        along = api.companions(workspace, treatment, words) if form == CRATE else None
        write, overwrite = not values["dry_run"], values["overwrite"]
        done = api.deliver(
            workspace, selection, Path(os.path.abspath(folder)), treatment, along, overwrite=overwrite, write=write
        )
    if call.json:
        print_json(call.out, _as_json(done, workspace, treatment, dry_run=not write))
    else:
        _show(call, done, treatment, dry_run=not write)
    return EXIT_MISSING if done.missing else 0


def _refuse_what_says_nothing(mode: str | None, *, prompts: bool, form: str, values: dict[str, Any]) -> None:
    if prompts and mode != "embed" and form != CRATE:
        raise UsageError("--prompts is for --metadata embed and --format ro-crate", hint="files are copied as they are")
    if form != CRATE and (values["agent"] or values["license_"]):
        raise UsageError("--agent and --license are for --format ro-crate", hint="add it, or leave them out")


def _tell_retouched(call: Call, plan: Plan, selection: api.Selection) -> None:
    """Say of which pictures the delivery has not what somebody made of them."""
    modified = {line.id for line in plan.nodes if line.modified}
    for node in [one.node.id for one in selection.pictures if one.node.id in modified]:
        call.err.say(
            call.err.styled("warning: ", "yellow")
            + call.err.styled(f"{node}: its file was changed by hand; delivered is the picture that was bought", "")
        )
        call.err.say(call.err.styled(f"  → to deliver yours: {call.command('lock accept', node)}", "cyan"))


def _show(call: Call, done: api.Delivery, treatment: api.Treatment, *, dry_run: bool) -> None:
    paper = call.out
    for one in done.missing[:MOST_NAMED]:
        paper.say(f"{paper.styled('✗', 'red')} {paper.styled(one.node, 'bold')}  {one.why}")
    if len(done.missing) > MOST_NAMED:
        paper.say(f"  and {len(done.missing) - MOST_NAMED} more")
    there = [one for one in done.files if one.standing != "missing"]
    pictures = [one for one in there if one.picture]
    besides = f" and {count(len(there) - len(pictures), 'file')} about them" if len(there) > len(pictures) else ""
    what = f"{count(len(pictures), 'picture')} {_DONE_TO[treatment.mode]}{besides}"
    same = sum(one.standing == "there" for one in there)
    size = f", {show_bytes(sum(one.size for one in there))}{f'; {same} there already' if same else ''}"
    mark = paper.styled("✗", "bold red") if done.missing else paper.styled("○" if dry_run else "✓", "bold green")
    verb = "would be written" if dry_run else "written"
    paper.say(
        f"{mark} {paper.styled(f'{what} {verb}{size}', 'bold')}{paper.styled(f' → {call.shown(done.folder)}/', 'dim')}"
    )
    for line in _notes(done, treatment):
        paper.say(f"  {line}")
    if done.missing:
        paper.say(paper.styled(f"  → {call.command('run')}", "cyan"))


def _notes(done: api.Delivery, treatment: api.Treatment) -> list[str]:
    notes = []
    sealed = [one.path for one in done.files if one.credentials]
    if sealed:
        became = {
            "copy": "kept, whole",
            "embed": "kept; their seal is of the file without what was embedded, and checkers will say so",
            "strip": "taken out",
        }[treatment.mode]
        notes.append(f"content credentials of the provider in {_named(sealed)}: {became}")
    replaced = [one.path for one in done.files if one.replaced]
    if replaced:
        notes.append(f"XMP that could not be read was replaced in {_named(replaced)}")
    return notes


def _named(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {count(len(paths) - 1, 'other file')}"


def _as_json(
    done: api.Delivery, workspace: api.Workspace, treatment: api.Treatment, *, dry_run: bool
) -> dict[str, Json]:
    there = [one for one in done.files if one.standing != "missing"]
    return {
        "recipe": workspace.graph.recipe.name,
        "folder": str(done.folder),
        "metadata": treatment.mode,
        "dry_run": dry_run,
        "files": [_file_json(one, treatment) for one in there],
        "missing": [{"node": one.node, "why": one.why} for one in done.missing],
        "totals": {
            "files": len(there),
            "pictures": sum(one.picture is not None for one in there),
            "placed": sum(one.standing == "placed" for one in there),
            "there": sum(one.standing == "there" for one in there),
            "missing": len(done.missing),
            "bytes": sum(one.size for one in there),
        },
    }


def _file_json(one: api.Delivered, treatment: api.Treatment) -> dict[str, Json]:
    picture = one.picture
    return {
        "path": one.path,
        "standing": one.standing,
        "sha256": one.digest,
        "bytes": one.size,
        "node": picture.node.id if picture else None,
        "key": picture.key if picture else None,
        "original_sha256": picture.artifact.digest if picture else None,
        "source_type": picture.source_type if picture else None,
        "credentials": ("removed" if treatment.mode == "strip" else "kept") if one.credentials else None,
        "xmp_replaced": one.replaced,
    }
