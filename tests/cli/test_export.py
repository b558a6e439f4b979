"""`export`: a copy for others, and what is said in it and taken out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rocrate.rocrate import ROCrate

from banana_pipe.canonical import digest_of
from banana_pipe.delivery.selection import source_type
from banana_pipe.metadata import embedded_digest, has_credentials
from tests.canary import CANARY
from tests.cli.conftest import ROOT, SMALL, Pipe
from tests.metadata.pictures import THEIRS, picture, pixels, with_credentials
from tests.vendor.server import Vendor

RECIPE = "recipes/small.yaml"
PICTURES = ["base.png", "tint/ivory.png", "tint/teal.png"]
OUTSIDE = """
version: 1
data: {rows: rows.csv}
steps:
  base: {generate: A mug}
  mixed: {images: [base, "photos/our logo.png"], edit: Put the logo on it}
  small: {images: mixed, transform: [{resize: {width: 20}}]}
  logo: {images: "photos/our logo.png", transform: [{resize: {width: 4}}]}
  word: {matrix: {row: "{{ rows }}"}, generate: "{{ row.text }}", output: false}
"""
TRAINED, COMPOSITE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"


def files(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def exported(pipe: Pipe, *arguments: str, code: int = 0) -> Any:
    """The object that an export into `to` prints."""
    said = pipe("export", RECIPE, "to", *arguments, "--json")
    assert said.code == code, said.err
    return json.loads(said.out)


@pytest.fixture
def outside(pipe: Pipe, at: Vendor, project: Path) -> Path:
    """The project, after a run of a recipe that reads a table and a picture of somebody's."""
    (project / "recipes/photos").mkdir()
    (project / "recipes/photos/our logo.png").write_bytes(picture(size=(8, 8)))
    (project / "recipes/rows.csv").write_text("id,text\none,A word\n")
    (project / RECIPE).write_text(OUTSIDE)
    assert pipe("run", RECIPE).code == 0
    return project


def test_pictures_are_copied_as_they_are_under_their_names(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Nothing else: no takes, no page, no manifest; nobody is asked."""
    asked = len(made.received)
    said = pipe("export", RECIPE, "to")
    assert said.code == 0
    assert "✓ 3 pictures as they are written" in said.out
    published = files(project / "out/small")
    assert files(project / "to") == {path: published[path] for path in PICTURES}
    done = exported(pipe)
    assert done["totals"] == {"files": 3, "pictures": 3, "placed": 0, "there": 3, "missing": 0} | {
        "bytes": sum(len(published[path]) for path in PICTURES)
    }
    assert len(made.received) == asked


def test_what_lies_beside_pictures_goes_along(pipe: Pipe, outside: Path) -> None:
    """As it is; an AVIF too, into which nothing can be written."""
    steps = (
        OUTSIDE
        + """  sheet: {images: ["photos/our logo.png", small], transform: [sprites]}
  modern: {images: "photos/our logo.png", transform: [{convert: avif}]}
"""
    )
    (outside / RECIPE).write_text(steps)
    assert pipe("run", RECIPE).code == 0
    exported(pipe)
    for mode in (None, "strip"):
        exported(pipe, *(("--metadata", mode) if mode else ()), "--overwrite")
        assert files(outside / "to")["sheet.json"] == (outside / "out/small/sheet.json").read_bytes()
        assert files(outside / "to")["modern.avif"] == (outside / "out/small/modern.avif").read_bytes()
    told = exported(pipe, "--metadata", "embed", "--overwrite", code=1)
    assert {"path": "sheet.json", "standing": "there"}.items() <= {one["path"]: one for one in told["files"]}[
        "sheet.json"
    ].items()
    assert "nothing is written here" in json.dumps(told["missing"])


def test_some_are_selected(pipe: Pipe, made: Vendor, project: Path) -> None:
    """By partial names too; a take by number is not what flows on."""
    exported(pipe, "--select", "base", "tint[color=teal]")
    assert sorted(files(project / "to")) == ["base.png", "tint/teal.png"]
    said = pipe("export", RECIPE, "to", "--select", "base@1")
    assert (said.code, "the take that flows on" in said.err) == (2, True)
    assert pipe("export", RECIPE, "to", "--select", "nobody").code == 2


def test_what_is_embedded_says_what_made_it(pipe: Pipe, outside: Path) -> None:
    """A picture that has something of somebody else's is a composite; what no model made is not said to be any's."""
    done = exported(pipe, "--metadata", "embed")
    kinds = {one["path"]: one["source_type"] for one in done["files"]}
    assert kinds == {"base.png": TRAINED, "mixed.png": COMPOSITE, "small.png": COMPOSITE, "logo.png": None}
    originals = files(outside / "out/small")
    for path, data in files(outside / "to").items():
        assert pixels(data) == pixels(originals[path])
        assert embedded_digest(data) == digest_of(originals[path])
        kind = kinds[path]
        assert (f"digitalsourcetype/{kind}".encode() in data) is (kind is not None)
        assert b"A mug" not in data
    entries = json.loads((outside / "out/small/manifest.json").read_text())["files"]
    keys = {entry["path"]: entry["key"] for entry in entries}
    assert all(keys[path].encode() in data for path, data in files(outside / "to").items())


@pytest.mark.parametrize(
    ("origins", "row"),
    [({"trained"}, 0), ({"trained", "outside"}, 1), ({"drawn"}, 2), ({"drawn", "outside"}, 3), ({"outside"}, 4)],
)
def test_the_readme_says_which_source_type_is_said(origins: set[str], row: int) -> None:
    """The table there, row by row."""
    text = (ROOT / "docs/commands.md").read_text("utf-8").partition("<!-- source types -->\n")[2]
    word = source_type(origins)
    assert text.splitlines()[2 + row].endswith(f"| `{word}` |" if word else "| none is said |")


def test_prompts_are_told_only_to_whom_they_are_to_be_told(pipe: Pipe, outside: Path) -> None:
    """They may be a trade secret. A transform has none."""
    exported(pipe, "--metadata", "embed", "--prompts")
    said = files(outside / "to")
    assert b'AIPromptInformation="Put the logo on it"' in said["mixed.png"]
    assert b"AISystemUsed=" in said["mixed.png"]
    assert b"AIPromptInformation" not in said["small.png"]
    assert pipe("export", RECIPE, "other", "--prompts").code == 2


def test_what_the_sandbox_draws_is_said_to_be_drawn(pipe: Pipe, project: Path) -> None:
    """A placeholder is made by an algorithm, and not by a trained model."""
    assert pipe("run", RECIPE, "--provider", "sandbox").code == 0
    done = exported(pipe, "--provider", "sandbox", "--metadata", "embed")
    assert {one["source_type"] for one in done["files"]} == {"algorithmicMedia"}


def retouched(pipe: Pipe, project: Path, data: bytes) -> None:
    """The base, changed by hand and accepted."""
    (project / "out/small/base.png").write_bytes(data)
    assert pipe("lock", "accept", RECIPE, "base").code == 0
    assert pipe("run", RECIPE).code == 0


def test_a_retouched_picture_is_a_composite(pipe: Pipe, made: Vendor, project: Path) -> None:
    """What somebody put into it, nobody knows."""
    retouched(pipe, project, picture(size=(30, 20)))
    done = exported(pipe, "--metadata", "embed")
    assert {one["path"]: one["source_type"] for one in done["files"]} == dict.fromkeys(PICTURES, COMPOSITE)


def test_content_credentials_are_kept_or_taken_out_and_told(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Who hands pictures on is to know; and also what becomes of their seal."""
    data = with_credentials(picture(size=(30, 20), xmp=THEIRS))
    retouched(pipe, project, data)
    told = {}
    for mode in ("embed", "strip", None):
        done = exported(pipe, *(["--metadata", mode] if mode else []))
        told[mode] = [one["credentials"] for one in done["files"]]
        assert has_credentials((project / "to/base.png").read_bytes()) is (mode != "strip")
    assert told == {"embed": ["kept", None, None], "strip": ["removed", None, None], None: ["kept", None, None]}
    assert (project / "to/base.png").read_bytes() == data
    assert (
        "content credentials of the provider in base.png: taken out"
        in pipe("export", RECIPE, "to", "--metadata", "strip").out
    )
    assert "checkers will say so" in pipe("export", RECIPE, "to", "--metadata", "embed").out


def test_stripped_pictures_say_nothing(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Not even what was in them before; pixels are the same."""
    retouched(pipe, project, picture(size=(30, 20), xmp=THEIRS))
    exported(pipe, "--metadata", "strip")
    there = (project / "to/base.png").read_bytes()
    assert b"Made with a model" not in there
    assert pixels(there) == pixels((project / "out/small/base.png").read_bytes())


def test_files_that_no_export_wrote_are_not_replaced(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Nothing is written then; what an export wrote is replaced by the next, whatever was done to it then."""
    exported(pipe, "--metadata", "embed")
    exported(pipe, "--metadata", "strip")
    exported(pipe)
    (project / "to/tint/teal.png").write_text("somebody's")
    before = files(project / "to")
    said = pipe("export", RECIPE, "to", "--metadata", "embed")
    assert said.code == 2
    assert "has files that no export wrote: tint/teal.png" in said.err
    assert files(project / "to") == before
    exported(pipe, "--metadata", "embed", "--overwrite")
    assert embedded_digest((project / "to/tint/teal.png").read_bytes()) is not None
    (project / "to/base.png").unlink()
    (project / "to/base.png").symlink_to(project / RECIPE)
    assert pipe("export", RECIPE, "to").code == 2
    assert (project / RECIPE).read_text() == SMALL


def test_a_link_on_the_way_is_not_followed(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Not even with --overwrite."""
    (project / "elsewhere").mkdir()
    (project / "to").mkdir()
    (project / "to/tint").symlink_to(project / "elsewhere")
    said = pipe("export", RECIPE, "to", "--overwrite")
    assert (said.code, "is a link" in said.err) == (2, True)
    assert not files(project / "elsewhere")


@pytest.mark.parametrize("folder", ["out/small", "out/other", "out", "cache/x", ".", "recipes/small.yaml"])
def test_folders_of_ours_are_refused(pipe: Pipe, made: Vendor, project: Path, folder: str) -> None:
    """A delivery is for elsewhere."""
    assert pipe("export", RECIPE, folder).code == 2


def test_a_dry_run_writes_nothing(pipe: Pipe, made: Vendor, project: Path) -> None:
    """And says the same."""
    before = sorted(project.rglob("*"))
    done = exported(pipe, "-n", "--metadata", "embed", "--format", "ro-crate")
    assert (done["dry_run"], done["totals"]["placed"]) == (True, 6)
    assert sorted(project.rglob("*")) == before


def test_what_is_not_there_is_told_and_the_rest_is_written(pipe: Pipe, made: Vendor, project: Path) -> None:
    """Exit code 1, with the reason for each."""
    (project / RECIPE).write_text(SMALL.replace("deep teal", "a deeper teal"))
    said = pipe("export", RECIPE, "to")
    assert said.code == 1
    assert "✗ tint[color=teal]  it is not made yet (call)" in said.out
    assert sorted(files(project / "to")) == PICTURES[:2]
    (project / RECIPE).write_text(SMALL.replace("generate: Photo", "output: false\n    generate: Photo"))
    done = exported(pipe, "--select", "base", code=1)
    assert done["missing"] == [{"node": "base", "why": "it is not published (`output: false`)"}]


def test_a_prompt_that_has_no_room_in_a_jpeg_is_told(pipe: Pipe, made: Vendor, project: Path) -> None:
    """The picture is not written without what was asked for."""
    (project / RECIPE).write_text(SMALL.replace("Photo of {{ product }}", "<" * 20_000))
    assert pipe("run", RECIPE).code == 0
    retouched(pipe, project, picture("JPEG", size=(30, 20)))
    done = exported(pipe, "--metadata", "embed", "--prompts", code=1)
    assert "do not fit into a JPEG" in done["missing"][0]["why"]


# --- a crate -------------------------------------------------------------------------------------


def crate(pipe: Pipe, *arguments: str) -> dict[str, Any]:
    """The entities of the crate in `to`, by name."""
    exported(pipe, "--format", "ro-crate", *arguments)
    document = json.loads(Path("to/ro-crate-metadata.json").read_text())
    return {entity["@id"]: entity for entity in document["@graph"]}


def test_a_crate_is_one_to_the_rocrate_library(pipe: Pipe, outside: Path) -> None:
    """It reads every file and every entity, the workflow as the main one."""
    crate(pipe, "--agent", "Ada", "--license", "https://example.org/terms", "--metadata", "embed")
    read = ROCrate(outside / "to")
    assert read.mainEntity.id == f"_sources/{RECIPE}"
    assert read.mainEntity.type == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert {str(one.id) for one in read.data_entities} == {
        *("base.png", "mixed.png", "small.png", "logo.png"),
        *(f"_sources/recipes/{name}" for name in ("small.yaml", "small.lock", "rows.csv", "photos/our%20logo.png")),
    }
    (run,) = [one for one in read.contextual_entities if one.type == "CreateAction"]
    assert run["instrument"] == read.mainEntity
    assert run["agent"]["name"] == "Ada"
    assert {one.id for one in run["object"]} == {"_sources/recipes/rows.csv", "_sources/recipes/photos/our%20logo.png"}
    assert len(run["result"]) == 4
    assert read.root_dataset["license"].id == "https://example.org/terms"


def test_a_crate_has_what_the_profile_says_it_must(pipe: Pipe, outside: Path) -> None:
    """The MUSTs of RO-Crate 1.1, Workflow RO-Crate 1.0, Process and Workflow Run Crate 0.5, each as it stands there."""
    entities = crate(pipe)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in descriptor["conformsTo"]
    assert {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"} in descriptor["conformsTo"]
    assert descriptor["about"] == {"@id": "./"}
    assert {"name", "description", "datePublished", "license"} <= set(root)
    for profile in ("process", "workflow"):
        assert {"@id": f"https://w3id.org/ro/wfrun/{profile}/0.5"} in root["conformsTo"]
        assert entities[f"https://w3id.org/ro/wfrun/{profile}/0.5"]["@type"] == "CreativeWork"
    workflow = entities[root["mainEntity"]["@id"]]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} == set(workflow["@type"])
    assert entities[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    (action,) = [one for one in entities.values() if one["@type"] == "CreateAction"]
    assert action["instrument"] == root["mainEntity"]
    assert root["mentions"] == {"@id": action["@id"]}
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    for parameter in (*workflow["input"], *workflow["output"]):
        assert entities[parameter["@id"]]["@type"] == "FormalParameter"
        assert entities[parameter["@id"]]["additionalType"] == "File"
    parameters = {one["@id"] for one in (*workflow["input"], *workflow["output"])}
    assert {
        entities[one["@id"]]["exampleOfWork"]["@id"] for one in (*action["object"], *action["result"])
    } == parameters
    named = {part["@id"] for part in root["hasPart"]}
    assert named == {one["@id"] for one in entities.values() if "File" in one["@type"] or one["@type"] == "File"}


def test_a_crate_says_what_each_file_is(pipe: Pipe, outside: Path) -> None:
    """Digest and size are those of the file as it lies there; what it was made from is named."""
    entities = crate(pipe, "--metadata", "embed", "--prompts")
    there = files(outside / "to")
    for path, data in there.items():
        if path != "ro-crate-metadata.json":
            entity = entities[path.replace(" ", "%20")]
            assert (entity["sha256"], entity["contentSize"]) == (digest_of(data), str(len(data)))
    mixed = entities["mixed.png"]
    assert mixed["isBasedOn"] == [{"@id": "base.png"}, {"@id": "_sources/recipes/photos/our%20logo.png"}]
    assert mixed["description"] == "Put the logo on it"
    assert mixed["digitalSourceType"]["@id"].endswith(f"/{COMPOSITE}")
    assert there[f"_sources/{RECIPE}"] == OUTSIDE.encode()
    assert not any(CANARY.encode() in data for data in there.values())


def test_what_lies_beside_pictures_is_in_the_crate_too(pipe: Pipe, outside: Path) -> None:
    """Made of its picture; and none takes the place of the metadata."""
    steps = f'{OUTSIDE}  sheet: {{images: "photos/our logo.png", transform: [sprites]}}\n'
    (outside / RECIPE).write_text(steps)
    assert pipe("run", RECIPE).code == 0
    entities = crate(pipe)
    beside, data = entities["sheet.json"], (outside / "to/sheet.json").read_bytes()
    assert (beside["sha256"], beside["encodingFormat"]) == (digest_of(data), "application/json")
    assert (beside["isBasedOn"], beside["alternateName"]) == ({"@id": "sheet.png"}, "sheet")
    assert {"@id": "sheet.json"} in entities["./"]["hasPart"]
    (outside / RECIPE).write_text(steps.replace("[sprites]", "[sprites], output: ro-crate-metadata"))
    assert pipe("run", RECIPE).code == 0
    said = pipe("export", RECIPE, "other", "--format", "ro-crate")
    assert (said.code, (outside / "other").exists()) == (2, False)
    assert "two files of the delivery would be called ro-crate-metadata.json" in said.err


def test_a_picture_from_elsewhere_goes_along_without_the_way_to_it(
    pipe: Pipe, at: Vendor, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nobody is to know this machine's folders; the picture is there by its digest and its name."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "logo.png").write_bytes(picture(size=(8, 8)))
    (project / RECIPE).write_text(f"version: 1\nsteps:\n  mug: {{images: {elsewhere}/logo.png, edit: On a mug}}\n")
    allowed = ("--allow-read", str(elsewhere))
    assert pipe("run", RECIPE, *allowed).code == 0
    entities = crate(pipe, *allowed)
    name = f"_sources/{digest_of(picture(size=(8, 8)))[:12]}-logo.png"
    assert files(project / "to")[name] == picture(size=(8, 8))
    entities.pop(f"_sources/{RECIPE}")  # the recipe itself says what its author wrote
    assert str(elsewhere) not in json.dumps(entities)


def test_a_crate_tells_of_one_run_and_no_other_pictures(pipe: Pipe, made: Vendor, project: Path) -> None:
    """What was picked since is not that run's; without a log there is nothing to tell."""
    assert pipe("reroll", RECIPE, "base").code == 0
    said = pipe("export", RECIPE, "to", "--format", "ro-crate")
    assert (said.code, "is not of run" in said.err) == (2, True)
    assert not (project / "to").exists()
    for log in (project / "out/small/_/runs").iterdir():
        log.unlink()
    said = pipe("export", RECIPE, "to", "--format", "ro-crate")
    assert (said.code, "there is no log of the run" in said.err) == (2, True)


def test_who_ran_it_is_for_crates(pipe: Pipe, made: Vendor) -> None:
    """An option that would say nothing is refused."""
    assert pipe("export", RECIPE, "to", "--agent", "Ada").code == 2


def test_a_retouched_file_that_is_not_delivered_is_told_with_the_command_that_delivers_it(
    pipe: Pipe, made: Vendor, project: Path
) -> None:
    """What the lock pins is what goes out: whoever retouched a picture is not to find that out from a customer."""
    retouched = project / "out/small/base.png"
    retouched.write_bytes(picture(size=(8, 8)))
    said = pipe("export", RECIPE, "to")
    assert said.code == 0
    assert "warning: base: its file was changed by hand" in said.err
    assert f"banana-pipe lock accept {RECIPE} base" in said.err
    assert (project / "to/base.png").read_bytes() != retouched.read_bytes()
    assert pipe("lock", "accept", RECIPE, "base").code == 0
    accepted = pipe("export", RECIPE, "to")
    assert accepted.err == ""
    assert (project / "to/base.png").read_bytes() == retouched.read_bytes()
