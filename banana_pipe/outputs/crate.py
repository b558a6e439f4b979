"""A Workflow Run RO-Crate: what made a folder of pictures, as JSON-LD that research repositories read.

Unaware of where files are and who copies them.

The profiles: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), Process Run Crate and Workflow Run Crate 0.5
(https://w3id.org/ro/wfrun/workflow/0.5), Workflow RO-Crate 1.0 (https://w3id.org/workflowhub/workflow-ro-crate/1.0).
The recipe is the workflow, the run that left the folder is its execution, what was read from outside are its inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from banana_pipe.metadata.xmp import SOURCE_TYPES
from banana_pipe.model import Json

FILE_NAME = "ro-crate-metadata.json"
_CRATE = "https://w3id.org/ro/crate/1.1"
_PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
_WORKFLOW_RUN = "https://w3id.org/ro/wfrun/workflow/0.5"
_WORKFLOW = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_CONTEXT = (
    f"{_CRATE}/context",
    "https://w3id.org/ro/terms/workflow-run/context",
    {"digitalSourceType": {"@id": "https://schema.org/digitalSourceType"}},  # younger than RO-Crate 1.1
)
_LANGUAGE, _PROGRAM, _AGENT, _LICENSE = "#banana-pipe-recipe", "#banana-pipe", "#agent", "#license"
_UNLICENSED = "No licence is stated: ask whoever this came from"
_PROFILES = {
    _PROCESS: ("Process Run Crate", "0.5"),
    _WORKFLOW_RUN: ("Workflow Run Crate", "0.5"),
    _WORKFLOW: ("Workflow RO-Crate", "1.0"),
}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the crate: its path in it, or its address in the web."""

    path: str
    digest: str
    size: int
    mime: str
    name: str = ""
    """What it was called where it came from; none: its path."""

    @property
    def id(self) -> str:
        """How the crate calls it."""
        return self.path if self.path.startswith("https://") else quote(self.path)


@dataclass(frozen=True, slots=True)
class Made:
    """A picture that the run left, or a file beside one: what it was made from (files of the crate), its key, perhaps what
    was asked."""

    file: File
    node: str
    key: str
    based_on: tuple[File, ...] = ()
    source_type: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """The run that is told of; times in ISO 8601."""

    run_id: str
    started: str
    ended: str
    ended_well: bool
    version: str


def document(
    name: str,
    run: Execution,
    recipe: File,
    texts: Sequence[File],
    inputs: Sequence[File],
    pictures: Sequence[Made],
    *,
    agent: str | None = None,
    license_: str | None = None,
) -> dict[str, Json]:
    """The crate's metadata. *texts* are what the recipe is made of besides its own file, *inputs* pictures and tables."""
    made = [one.file for one in pictures]
    parts = [recipe, *texts, *inputs, *made]
    graph = [
        _descriptor(),
        _root(name, run, recipe, parts, license_, agent),
        _license(license_),
        *({"@id": one, "@type": "CreativeWork", "name": what, "version": v} for one, (what, v) in _PROFILES.items()),
        _workflow(name, recipe, texts, inputs, made),
        *(_parameter(file, way) for way, files in (("in", inputs), ("out", made)) for file in files),
        *_software(run.version),
        _action(name, run, recipe, inputs, made, agent),
        *([{"@id": _AGENT, "@type": "Person", "name": agent}] if agent else []),
        *(_entity(file) for file in texts),
        *({**_entity(file), "exampleOfWork": _ref(_parameter_id(file, "in"))} for file in inputs),
        *map(_picture, pictures),
    ]
    return {"@context": list(_CONTEXT), "@graph": graph}


def as_bytes(crate: dict[str, Json]) -> bytes:
    """The crate's metadata as it is written."""
    return (json.dumps(crate, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def _ref(name: str) -> dict[str, Json]:
    return {"@id": name}


def _refs(files: Sequence[File]) -> Json:
    """References to *files*; a single one stands alone, as RO-Crate has it."""
    found = [_ref(file.id) for file in files]
    return found[0] if len(found) == 1 else found


def _descriptor() -> dict[str, Json]:
    conforms = [_ref(_CRATE), _ref(_WORKFLOW)]
    return {"@id": FILE_NAME, "@type": "CreativeWork", "conformsTo": conforms, "about": _ref("./")}


def _root(
    name: str, run: Execution, recipe: File, parts: Sequence[File], license_: str | None, agent: str | None
) -> dict[str, Json]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": name,
        "description": f"Pictures of {name}, made by banana-pipe in run {run.run_id}, with the recipe that made them",
        "datePublished": run.ended,
        "license": _ref(_license_id(license_)),
        "conformsTo": [_ref(profile) for profile in _PROFILES],
        "hasPart": _refs(parts),
        "mainEntity": _ref(recipe.id),
        "mentions": _ref(_run(run)),
        **({"author": _ref(_AGENT)} if agent else {}),
    }


def _license_id(license_: str | None) -> str:
    return license_ if license_ is not None and license_.startswith(("https://", "http://")) else _LICENSE


def _license(license_: str | None) -> dict[str, Json]:
    words, address = license_ or _UNLICENSED, _license_id(license_)
    return {"@id": address, "@type": "CreativeWork", "name": words, "description": words}


def _workflow(
    name: str, recipe: File, texts: Sequence[File], inputs: Sequence[File], made: Sequence[File]
) -> dict[str, Json]:
    return {
        **_entity(recipe),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": f"The recipe {name}",
        "version": recipe.digest[:12],
        "conformsTo": _ref("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
        "programmingLanguage": _ref(_LANGUAGE),
        "softwareRequirements": _ref(_PROGRAM),
        "input": [_ref(_parameter_id(file, "in")) for file in inputs],
        "output": [_ref(_parameter_id(file, "out")) for file in made],
        **({"hasPart": _refs(texts)} if texts else {}),
    }


def _parameter_id(file: File, way: str) -> str:
    return f"#{way}-{quote(file.path, safe='')}"


def _parameter(file: File, way: str) -> dict[str, Json]:
    return {
        "@id": _parameter_id(file, way),
        "@type": "FormalParameter",
        "additionalType": "File",
        "name": file.name or file.path,
        "conformsTo": _ref("https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"),
        "encodingFormat": file.mime,
        "valueRequired": True,
    }


def _software(version: str) -> Iterator[dict[str, Json]]:
    yield {
        "@id": _LANGUAGE,
        "@type": "ComputerLanguage",
        "name": "banana-pipe recipe",
        "alternateName": "banana-pipe",
        "version": "1",
        "identifier": "urn:banana-pipe:recipe:1",
        "url": "urn:banana-pipe:recipe:1",
    }
    words = {"name": "banana-pipe", "softwareVersion": version, "description": "Make for generated images"}
    yield {"@id": _PROGRAM, "@type": "SoftwareApplication", **words}


def _run(run: Execution) -> str:
    return f"#run-{quote(run.run_id, safe='')}"


def _action(
    name: str, run: Execution, recipe: File, inputs: Sequence[File], made: Sequence[File], agent: str | None
) -> dict[str, Json]:
    status = "CompletedActionStatus" if run.ended_well else "FailedActionStatus"
    return {
        "@id": _run(run),
        "@type": "CreateAction",
        "name": f"Run {run.run_id} of {name}",
        "description": f"banana-pipe {run.version} made the pictures of the recipe {name}",
        "instrument": _ref(recipe.id),
        "startTime": run.started,
        "endTime": run.ended,
        "actionStatus": f"http://schema.org/{status}",
        **({"agent": _ref(_AGENT)} if agent else {}),
        "object": _refs(inputs),
        "result": _refs(made),
    }


def _entity(file: File) -> dict[str, Json]:
    return {
        "@id": file.id,
        "@type": "File",
        "name": file.name or file.path,
        "encodingFormat": file.mime,
        "contentSize": str(file.size),
        "sha256": file.digest,
    }


def _picture(one: Made) -> dict[str, Json]:
    says = {
        "identifier": f"urn:banana-pipe:key:{one.key}",
        "description": one.prompt,
        "isBasedOn": _refs(one.based_on) or None,
        "digitalSourceType": _ref(SOURCE_TYPES + one.source_type) if one.source_type else None,
        "exampleOfWork": _ref(_parameter_id(one.file, "out")),
    }
    return {**_entity(one.file), "alternateName": one.node, **{name: it for name, it in says.items() if it is not None}}
