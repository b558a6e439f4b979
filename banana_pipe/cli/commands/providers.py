"""`providers`: who makes pictures, which models they have, and what those cost.

Unaware of recipes. Nobody is asked: it is the table that plans use, with its dates and sources.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from banana_pipe.cli.config import read_base_url, read_settings
from banana_pipe.cli.errors import print_json
from banana_pipe.cli.options import json_option
from banana_pipe.cli.table import Cell, Column, table
from banana_pipe.cli.terminal import out
from banana_pipe.model import Json
from banana_pipe.prices import show_usd, usd
from banana_pipe.project import find_root
from banana_pipe.providers import catalog
from banana_pipe.providers.catalog import Catalog, ModelFacts

_COLUMNS = (
    Column("model"),
    Column("price a picture"),
    Column("resolutions"),
    Column("reads", right=True),
    Column("aspect ratios", drops=1),
    Column("engine", gives=1, prose=True),
)


@click.command()
@json_option
def providers(**values: Any) -> int:
    """Show the providers, their models with what those can do, and prices with date and source."""
    root = find_root(Path.cwd())
    known = catalog.load(read_settings(root).prices)
    base_url = read_base_url(root)
    if values["as_json"]:
        print_json(out(), _json(known, base_url))
        return 0
    _show(known, base_url)
    return 0


def _show(known: Catalog, base_url: str) -> None:
    paper = out()
    name = catalog.key_name(base_url)
    paper.say(f"{paper.styled(name, 'bold cyan')}  {paper.styled(base_url, '')}, for money; the default")
    paper.say(f"{paper.styled('sandbox', 'bold cyan')}  the same API inside the process: placeholders, free, offline")
    paper.say()
    for line in table(paper, _COLUMNS, [_row(known, facts) for facts in known.models.values()]):
        paper.say(line)
    paper.say()
    paper.say(paper.styled(f"models as of {known.as_of}: {known.source}", "dim"))
    for note in dict.fromkeys(known.price_notes.values()):
        paper.say(paper.styled(f"prices as of {note.as_of}: {note.source}", "dim"))
    paper.say(paper.styled("Other models are sent as they are, at an unknown price. A file named by the", "dim"))
    paper.say(paper.styled("setting `prices` takes precedence over this table.", "dim"))


def _row(known: Catalog, facts: ModelFacts) -> list[Cell]:
    ends = f", until {facts.engine_ends}" if facts.engine_ends else ""
    reads = "" if facts.max_pictures is None else str(facts.max_pictures)
    return [
        Cell(facts.name, "bold"),
        Cell(_prices(known, facts.name)),
        Cell(" ".join(facts.resolutions)),
        Cell(reads),
        Cell(" ".join(facts.aspect_ratios), "dim"),
        Cell(f"{facts.engine}{ends}", "dim"),
    ]


def _prices(known: Catalog, model: str) -> str:
    prices = known.prices.prices.get(model, {})
    shown = [f"{resolution} {show_usd(price)}".strip() for resolution, price in prices.items()]
    return ", ".join(shown) or "unknown"


def _json(known: Catalog, base_url: str) -> dict[str, Json]:
    return {
        "providers": [
            {
                "name": catalog.key_name(base_url),
                "base_url": base_url,
                "default": True,
                "as_of": known.as_of,
                "source": known.source,
                "models": [_model_json(known, facts) for facts in known.models.values()],
            },
            {"name": "sandbox", "base_url": None, "default": False, "as_of": None, "source": None, "models": []},
        ]
    }


def _model_json(known: Catalog, facts: ModelFacts) -> dict[str, Json]:
    note = known.price_notes.get(facts.name)
    prices = known.prices.prices.get(facts.name, {})
    return {
        "name": facts.name,
        "engine": facts.engine,
        "engine_ends": facts.engine_ends,
        "aspect_ratios": list(facts.aspect_ratios),
        "resolutions": list(facts.resolutions),
        "max_pictures": facts.max_pictures,
        "price_usd": {resolution or "any": usd(price) for resolution, price in prices.items()},
        "price_as_of": note.as_of if note else None,
        "price_source": note.source if note else None,
    }
