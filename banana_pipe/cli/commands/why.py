"""`why`: where a picture comes from, all the way up.

Unaware of how that is found out.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from banana_pipe import disk
from banana_pipe.cli.config import read_settings
from banana_pipe.cli.descent import descent_lines
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import json_option, shown_path
from banana_pipe.cli.terminal import err, out
from banana_pipe.cli.words import count
from banana_pipe.lineage.ancestry import Answer, answer_bytes, ask
from banana_pipe.lineage.tracing import Archive
from banana_pipe.model import Json
from banana_pipe.outputs.ancestry import family_json
from banana_pipe.outputs.foreign import refuse_to_replace
from banana_pipe.prices import show_usd, usd
from banana_pipe.project import cache_of, find_root

EXIT_UNKNOWN = 1
_MOST_READERS = 8


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PNG",
    help="Draw it, too: each picture with what it was made from.",
)
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Use this cache.")
@json_option
def why(file: Path, *, picture: Path | None, cache: Path | None, as_json: bool) -> int:
    """Show where FILE comes from: recipe, node, prompt, price, and all that it was made from. Free.

    FILE is known by its bytes, wherever it was copied and whatever its name, or by what `export --metadata embed` wrote into
    it. It is looked for in the project around the working directory, else in the one around FILE: exit code 1 if nobody
    there knows it.

    \b
    banana-pipe why out/fox/scene/winter.png
    banana-pipe why ~/Downloads/IMG_2034.png --picture lineage.png
    """
    answer = ask(file, _archives(file, cache))
    if picture is not None and answer.family is not None:
        _draw(answer, picture)
    if as_json:
        print_json(out(), _as_json(answer))
    elif answer.family is None:
        _say_unknown(answer)
    else:
        _say(answer)
    return EXIT_UNKNOWN if answer.family is None else 0


def _archives(file: Path, cache: Path | None) -> list[Archive]:
    """The project of the working directory, then that of the file."""
    folder = Path(os.path.realpath(file)).parent  # `resolve` raises for a link to itself
    roots = dict.fromkeys([find_root(Path.cwd()), *([find_root(folder)] if os.path.isdir(folder) else [])])
    return [Archive(root, cache_of(root, cache or read_settings(root).cache)) for root in roots]


def _say(answer: Answer) -> None:
    paper, family = out(), answer.family
    if family is None:
        return
    if answer.by == "metadata":
        words = f"{answer.file} has other bytes; its metadata say that it was made of {family.root[:12]}:"
        for line in (*paper.wrapped(words, 0, "yellow"), ""):
            paper.say(line)
    for line in descent_lines(paper, family):
        paper.say(line)
    if answer.readers:
        names = ", ".join(answer.readers[:_MOST_READERS])
        more = f" and {len(answer.readers) - _MOST_READERS} more" if len(answer.readers) > _MOST_READERS else ""
        for line in ("", *paper.wrapped(f"read by {names}{more}", 0)):
            paper.say(line)
    bought = sum(bool(made.record.price) for made in family.members.values())
    number = count(len(family.members), "picture")
    cost = "an unknown amount" if family.cost is None else show_usd(family.cost) if family.cost else "nothing"
    paper.say()
    paper.say(paper.styled(f"{number}, {bought} bought; all of it cost {cost}", "bold"))


def _say_unknown(answer: Answer) -> None:
    paper = err()
    paper.say(paper.styled(f"nobody here has made {answer.file}", "bold yellow"))
    for line in (f"sha256 {answer.digest}", "looked in", *(f"  {place}" for place in answer.looked_in)):
        for wrapped in paper.wrapped(line, 2 + len(line) - len(line.lstrip()), "dim"):
            paper.say(wrapped)
    paper.say(
        paper.styled(
            "  → stand in the project that may have made it; a picture that was saved anew has other bytes", "cyan"
        )
    )


def _draw(answer: Answer, picture: Path) -> None:
    from banana_pipe.outputs.portrait import MARK, portrait

    if answer.family is None:
        return
    refuse_to_replace(picture, MARK)
    disk.write_file(picture.absolute(), portrait(answer.family, lambda digest: answer_bytes(answer, digest)))
    err().say(f"picture: {shown_path(picture.absolute())}")


def _as_json(answer: Answer) -> dict[str, Json]:
    family = answer.family
    return {
        "file": str(answer.file),
        "sha256": answer.digest,
        "found": None if family is None else {"by": answer.by, "sha256": family.root},
        "pictures": [] if family is None else family_json(family),
        "read_by": list(answer.readers),
        "cost_usd": None if family is None else usd(family.cost),
        "looked_in": list(answer.looked_in),
    }
