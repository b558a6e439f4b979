"""What is known of the provider without asking it: models, prices, whose name a base URL counts under.

Unaware of HTTP, of tokens and of the recipe. Its facts are data, with date and source, in `data/`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from banana_pipe.errors import UsageError
from banana_pipe.model import Json
from banana_pipe.prices import PriceTable, read_usd
from banana_pipe.providers.addresses import is_public_host, plain_host
from banana_pipe.regular import read_regular

BASE_URL = "https://api.acedata.cloud"

MAX_PICTURE_BYTES = 10 * 10**6
"""The most bytes of one input picture: "should not exceed 10MB for each" (the vendor's API page).

Read as 10 million bytes, the smaller of the two meanings of MB, and of the picture itself, not of
its Base64 text. Should they mean the text, their answer is 413, which is not billed.
"""

KeyName = Literal["acedata", "acedata-local"]
_PRICE_NOTES = ("as_of", "source")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model is known to take. `engine_ends`: when Google said its engine ends, as a date."""

    name: str
    engine: str
    engine_ends: str | None
    aspect_ratios: tuple[str, ...]
    resolutions: tuple[str, ...]
    max_pictures: int | None


@dataclass(frozen=True, slots=True)
class PriceNote:
    """How old a model's price is, and who said so."""

    as_of: str
    source: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models and prices. What is not in here is advice not given, never a refusal."""

    models: Mapping[str, ModelFacts]
    prices: PriceTable
    price_notes: Mapping[str, PriceNote]
    as_of: str
    source: str

    def advice(self, model: str, params: Mapping[str, Json], pictures: int = 0) -> list[str]:
        """What one should know before sending this, in words; it is sent all the same."""
        facts = self.models.get(model)
        if facts is None:
            near = get_close_matches(model, self.models, n=1)
            meant = f"; the nearest known one is {near[0]}" if near else ""
            return [f"model {model} was not known on {self.as_of}{meant}: sent as it is, at an unknown price"]
        return [
            *_ratio(params, facts),
            *_resolution(params, facts),
            *_too_many(pictures, facts),
        ]


def load(overrides: Path | None = None) -> Catalog:
    """The catalog that comes with the package, with the user's *overrides* (TOML of the same shape).

    Raises UsageError for a file that cannot be read or has another shape.
    """
    shipped = _shipped()
    if overrides is None:
        return _catalog(shipped)
    try:
        changed = tomllib.loads(read_regular(overrides).decode())
        return _catalog(_merged(shipped, changed))
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise UsageError(
            f"{overrides} is not a table of models and prices: {error}",
            hint='write prices as [models.NAME.price] with any = "0.05" and, where it differs, 4K = "0.10"',
        ) from None


def key_name(base_url: str) -> KeyName:
    """Whose name requests to *base_url* count under in the key, by its text alone.

    `acedata` for https to a public name or address. A mock's pictures must never pass for bought ones.
    Raises UsageError for what is no base URL.
    """
    parts = _split(base_url)
    return "acedata" if parts.scheme == "https" and is_public_host(parts.hostname or "") else "acedata-local"


def origin(base_url: str) -> str:
    """Scheme, host and port of *base_url*, the scheme's own port left out. Raises UsageError."""
    parts = _split(base_url)
    host = plain_host(parts.hostname or "")
    shown = f"[{host}]" if ":" in host else host
    default = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def _split(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        if _is_base(parts) and parts.port != 0 and base_url.isprintable() and not set(base_url) & set(" \\"):
            return parts
    except ValueError:
        pass
    # Not quoted: what stands before an @ is a secret.
    raise UsageError(
        "the base URL is not one: it needs http:// or https:// and a host, and has no user, query or fragment",
        hint=f"the provider's own is {BASE_URL}",
    )


def _is_base(parts: SplitResult) -> bool:
    surplus = "@" in parts.netloc or parts.query or parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not surplus


def _unknown(field: str, params: Mapping[str, Json], known: tuple[str, ...], model: str) -> list[str]:
    value = params.get(field)
    if value is None or value in known:
        return []
    return [f"{field} {value} is not known for {model} (known: {', '.join(known)}): sent as it is"]


def _ratio(params: Mapping[str, Json], facts: ModelFacts) -> list[str]:
    """An unknown ratio, and how to have it all the same: cut from the known one that has the most of it."""
    wanted = _width_to_height(params.get("aspect_ratio"))
    known = {one: share for one in facts.aspect_ratios if (share := _width_to_height(one)) is not None}
    said = _unknown("aspect_ratio", params, facts.aspect_ratios, facts.name)
    if not said or wanted is None or not known:
        return said
    near = min(known, key=lambda one: max(known[one] / wanted, wanted / known[one]))
    return [f"{said[0]}; to be sure of it, make {near}, then `transform: [{{crop: {params['aspect_ratio']}}}]`"]


def _width_to_height(ratio: Json) -> float | None:
    """`16:9` as a number; None for what is no ratio."""
    width, _, height = ratio.partition(":") if isinstance(ratio, str) else ("", "", "")
    return int(width) / int(height) if width.isdecimal() and height.isdecimal() and int(height) and int(width) else None


def _resolution(params: Mapping[str, Json], facts: ModelFacts) -> list[str]:
    value = params.get("resolution")
    if value is not None and facts.resolutions == ("1K",) and value != "1K":
        return [f"{facts.name} makes 1K pictures only; resolution {value} is sent, and probably ignored"]
    return _unknown("resolution", params, facts.resolutions, facts.name)


def _too_many(pictures: int, facts: ModelFacts) -> list[str]:
    if facts.max_pictures is None or pictures <= facts.max_pictures:
        return []
    return [f"{facts.name} is known to take up to {facts.max_pictures} pictures, this sends {pictures}"]


@cache
def _shipped() -> Mapping[str, Json]:
    return tomllib.loads((resources.files("banana_pipe.providers") / "data" / "acedata.toml").read_text("utf-8"))


def _merged(below: Mapping[str, Json], above: Mapping[str, Json]) -> dict[str, Json]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        # A price is replaced whole: an old 4K price beside a new table would be a wrong one.
        if isinstance(old, Mapping) and isinstance(value, Mapping) and name != "price":
            merged[name] = _merged(old, value)
        else:
            merged[name] = value
    return merged


def _catalog(table: Mapping[str, Json]) -> Catalog:
    models = {name: _model(name, facts) for name, facts in table["models"].items()}
    priced = {name: facts["price"] for name, facts in table["models"].items() if "price" in facts}
    notes = {name: _note(price, table) for name, price in priced.items()}
    return Catalog(
        models=models,
        prices=PriceTable(
            prices={name: _prices(price) for name, price in priced.items()},
            as_of=min((note.as_of for note in notes.values()), default=str(table["as_of"])),
            source="; ".join(dict.fromkeys(note.source for note in notes.values())),
        ),
        price_notes=notes,
        as_of=str(table["as_of"]),
        source=str(table["source"]),
    )


def _model(name: str, facts: Mapping[str, Json]) -> ModelFacts:
    ends = facts.get("engine_ends")
    most = facts.get("max_pictures")
    return ModelFacts(
        name=name,
        engine=str(facts.get("engine", "unknown")),
        engine_ends=None if ends is None else str(ends),
        aspect_ratios=tuple(map(str, facts.get("aspect_ratios", ()))),
        resolutions=tuple(map(str, facts.get("resolutions", ()))),
        max_pictures=None if most is None else int(most),
    )


def _note(price: Mapping[str, Json], table: Mapping[str, Json]) -> PriceNote:
    return PriceNote(str(price.get("as_of", table["as_of"])), str(price.get("source", "the user's table")))


def _prices(price: Mapping[str, Json]) -> dict[str, int]:
    return {
        "" if resolution == "any" else resolution: read_usd(str(usd))
        for resolution, usd in price.items()
        if resolution not in _PRICE_NOTES
    }
