"""`diff`: two runs, folders or git revisions compared, picture by picture.

Unaware of how sides are read and pictures measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from banana_pipe import disk
from banana_pipe.cli.compared import compared_lines
from banana_pipe.cli.config import read_settings
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.names import complete_side
from banana_pipe.cli.options import json_option, shown_path
from banana_pipe.cli.terminal import Paper, err, out
from banana_pipe.cli.words import count
from banana_pipe.comparing.album import Album
from banana_pipe.comparing.differences import Comparison
from banana_pipe.comparing.pixels import MEASURES, Measure
from banana_pipe.comparing.shapes import comparison_json
from banana_pipe.lineage.tracing import Archive
from banana_pipe.outputs.comment import MARK, comment
from banana_pipe.outputs.foreign import refuse_to_replace
from banana_pipe.outputs.publish import PAGE_MARK
from banana_pipe.project import cache_of, find_root
from banana_pipe.sides.contrast import compare_sides
from banana_pipe.sides.naming import Ground, output_folders, sides_of

EXIT_DIFFERENT = 1
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


class Share(click.ParamType[float]):
    """A share: `0.02`, `2%`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read *value*, or fail with what is wanted."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no share: 0 to 1, or 0% to 100%", param, ctx)
        return share


@click.command()
@click.argument("before", metavar="A", shell_complete=complete_side)
@click.argument("after", metavar="[B]", required=False, shell_complete=complete_side)
@click.option(
    "--html", type=_FILE, metavar="FILE", help="Write a page: swipe, onion skin, flicker, side by side, heat."
)
@click.option("--markdown", metavar="FILE", help="Write a comment for a pull request; - for stdout.")
@click.option("--fail-above", type=Share(), metavar="X", help="Exit 1 if a picture differs by more than X (0.02, 2%).")
@click.option(
    "--by",
    type=click.Choice(MEASURES),
    default="pixels",
    metavar="MEASURE",
    help="What --fail-above measures: pixels (the share that differs), mean, colour or shape.",
)
@click.option("--takes", is_flag=True, help="Compare the takes that nobody picked, too.")
@click.option("--out", "folder", type=_FOLDER, metavar="DIR", help="The output folder that runs and revisions are of.")
@click.option("--cache", type=_FOLDER, metavar="DIR", help="Use this cache.")
@json_option
def diff(
    before: str,
    after: str | None,
    *,
    html: Path | None,
    markdown: str | None,
    fail_above: float | None,
    by: Measure,
    takes: bool,
    folder: Path | None,
    cache: Path | None,
    as_json: bool,
) -> int:
    """Compare the pictures of A and B: bytes, pixels, prompts, prices. Without B: the folder as it is now. Free.

    A and B are each a folder of pictures, a run (its id, or how that begins), or a git revision (REV: the output folder
    in it, REV:DIR: another one). A folder that exists wins over a run, a run over a revision.

    \b
    banana-pipe diff HEAD                        what is not committed yet
    banana-pipe diff main HEAD --html diff.html  a branch, as a page
    banana-pipe diff 20261122T155149Z            since that run
    banana-pipe diff v1.2:out/fox out/fox --fail-above 0
    """
    if as_json and markdown == "-":
        raise click.UsageError("--json and --markdown - both want stdout: give --markdown a file")
    if html is not None:
        refuse_to_replace(html, PAGE_MARK)
    if markdown is not None and markdown != "-":
        refuse_to_replace(Path(markdown), MARK.encode())
    here = Path.cwd()
    root = find_root(here)
    settings = read_settings(root)
    chosen = folder.absolute() if folder is not None else settings.out
    archive = Archive(root, cache_of(root, cache or settings.cache))
    ground = Ground(root, here, output_folders(root, chosen))
    first, second = sides_of(before, after, ground, archive, takes=takes)
    album = Album() if html is not None else None
    comparison = compare_sides(first, second, album)
    _write(comparison, album, html, markdown)
    above = comparison.above(fail_above, by) if fail_above is not None else []
    if as_json:
        print_json(out(), comparison_json(comparison, fail_above, by))
    elif markdown != "-":
        for line in compared_lines(out(), comparison):
            out().say(line)
    if above:
        _say_above(err(), len(above), fail_above or 0.0, by)
    return EXIT_DIFFERENT if above else 0


def _write(comparison: Comparison, album: Album | None, html: Path | None, markdown: str | None) -> None:
    if html is not None and album is not None:
        from banana_pipe.outputs.differences import page

        disk.write_file(html.absolute(), page(comparison, album))
        err().say(f"page: {shown_path(html.absolute())}")
    if markdown == "-":
        out().say(comment(comparison).rstrip("\n"))
    elif markdown is not None:
        disk.write_file(Path(markdown).absolute(), comment(comparison).encode(errors="replace"))
        err().say(f"comment: {shown_path(Path(markdown).absolute())}")


def _say_above(paper: Paper, number: int, limit: float, by: Measure) -> None:
    verb = "differs" if number == 1 else "differ"
    paper.say(paper.styled(f"{count(number, 'picture')} {verb} by more than {limit:g} ({by})", "bold red"))
