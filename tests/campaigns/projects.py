"""Projects to run, and what has to be true of one when all is done.

Unaware of how a run got there: the vendor's books and the files are compared.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from banana_pipe import disk
from banana_pipe.store import lockfile, pins
from tests.campaigns.errands import Errand
from tests.canary import CANARY
from tests.conftest import files_with
from tests.vendor import Vendor, VendorProcess


@dataclass(frozen=True, slots=True)
class Shape:
    """A recipe, and the prompt behind every picture that it publishes: path without suffix → prompt."""

    name: str
    text: str
    pictures: Mapping[str, str]


ONE = Shape(
    "one",
    """
    version: 1
    steps:
      cup: {generate: A red cup}
    """,
    {"cup": "A red cup"},
)

CHAIN = Shape(
    "chain",
    """
    version: 1
    steps:
      cup: {generate: A red cup}
      full: {images: cup, edit: Fill it with tea}
      table: {images: full, edit: Put it on a table}
    """,
    {"cup": "A red cup", "full": "Fill it with tea", "table": "Put it on a table"},
)

MATRIX = Shape(
    "matrix",
    """
    version: 1
    steps:
      cup: {generate: A red cup}
      scene:
        matrix: {place: [sea, wood], light: [day, night]}
        images: cup
        edit: Take it to the {{ place }} by {{ light }}
    """,
    {"cup": "A red cup"}
    | {f"scene/{p}/{t}": f"Take it to the {p} by {t}" for p in ("sea", "wood") for t in ("day", "night")},
)


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a recipe of that shape."""

    root: Path
    shape: Shape

    @classmethod
    def make(cls, root: Path, shape: Shape) -> Project:
        """Write it."""
        root.mkdir(parents=True, exist_ok=True)
        (root / "banana-pipe.toml").touch()
        project = cls(root, shape)
        write_recipe(project.recipe, shape.text)
        return project

    @property
    def recipe(self) -> Path:
        return self.root / f"{self.shape.name}.yaml"

    @property
    def lock(self) -> Path:
        return self.recipe.with_suffix(".lock")

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def out(self) -> Path:
        return self.root / "out" / self.shape.name

    def errand(self, vendor: Vendor | VendorProcess, **more: Any) -> Errand:
        """To run it at *vendor*, from its root; *more* are other fields of the errand."""
        return Errand(str(self.recipe), vendor.base_url, **{"cwd": str(self.root), **more})


def write_recipe(path: Path, text: str) -> Path:
    """Write *text* at *path*, moved to the left margin."""
    lines = text.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line[margin:]}\n" for line in lines), encoding="utf-8")
    return path


@dataclass(slots=True)
class Verdict:
    """What is wrong, in the three ways that matter."""

    charged_twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """All of it."""
        return self.charged_twice + self.lost + self.corrupt

    @property
    def counts(self) -> tuple[int, int, int]:
        """How often each."""
        return len(self.charged_twice), len(self.lost), len(self.corrupt)

    def of(self, case: str) -> Verdict:
        """The same, each with the name of its case."""
        found = (self.charged_twice, self.lost, self.corrupt)
        return Verdict(*([f"{case}: {word}" for word in words] for words in found))

    def add(self, other: Verdict) -> None:
        """Take over what *other* found."""
        self.charged_twice += other.charged_twice
        self.lost += other.lost
        self.corrupt += other.corrupt


def judge(project: Project, vendor: Vendor | VendorProcess, *, doubted: Iterable[str] = ()) -> Verdict:
    """Compare a project that is done with the bill.

    *doubted* are the prompts that somebody agreed to pay for once more.
    """
    verdict = Verdict()
    bought = Counter(charge.prompt for charge in vendor.charges)
    allowed = Counter(project.shape.pictures.values()) + Counter(doubted)
    for prompt, times in bought.items():
        if times > allowed[prompt]:
            verdict.charged_twice.append(f"{prompt!r} was charged {times} times")
    made = vendor.pictures
    digests = {prompt: {made[c.task_id] for c in vendor.charges if c.prompt == prompt} for prompt in bought}
    for path, prompt in project.shape.pictures.items():
        file = project.out / f"{path}.png"
        if not file.is_file():
            verdict.lost.append(f"{path} is missing")
        elif digest_of(file) not in digests.get(prompt, set()):
            verdict.lost.append(f"{path} is not what the vendor made")
    _judge_lock(project, {digest for known in digests.values() for digest in known}, verdict)
    verdict.corrupt += damage(project.cache, project.out)
    return verdict


def _judge_lock(project: Project, billed: set[str], verdict: Verdict) -> None:
    takes = [take for block in read_lock(project.lock).values() for take in block.takes.values()]
    if len(takes) != len(project.shape.pictures):
        verdict.lost.append(f"the lock has {len(takes)} of {len(project.shape.pictures)} takes")
    if not all(take.artifact.digest in billed for take in takes):
        verdict.corrupt.append("the lock names a picture that nobody billed")


def read_lock(path: Path) -> Mapping[str, pins.LockBlock]:
    """The blocks of a lock file by their keys."""
    return {str(base): block for base, block in lockfile.read(path).blocks.items()}


def damage(cache: Path, out: Path) -> list[str]:
    """Everything that is not as it should be, whether or not a run has got to its end."""
    found = [f"blob {blob.name} is damaged" for blob in blobs(cache) if digest_of(blob) != blob.name]
    found += [f"{path} is held by nobody alive, and locked" for path in _held(cache / "locks")]
    found += [f"{path} has the token" for folder in (cache, out) for path in files_with(CANARY, folder)]
    return found + _manifest_damage(out)


def blobs(cache: Path) -> list[Path]:
    """Every blob, without what was left half-written beside them."""
    return [path for path in cache.glob("blobs/*/*") if not path.name.startswith(".")]


def _held(locks: Path) -> list[Path]:
    held = []
    for path in locks.glob("*"):
        lock = disk.try_lock(path)
        if lock is None:
            held.append(path)
        else:
            lock.release()
    return held


def _manifest_damage(out: Path) -> list[str]:
    if not (out / "manifest.json").is_file():
        return []
    files = {entry["path"]: entry["sha256"] for entry in manifest_of(out)["files"]}
    missing = [f"the manifest names {path}" for path in files if not (out / path).is_file()]
    other = [
        f"{path} is not what the manifest says"
        for path, digest in files.items()
        if (out / path).is_file() and digest_of(out / path) != digest
    ]
    return missing + other


def manifest_of(out: Path) -> dict[str, Any]:
    """The manifest of an output folder."""
    return dict(json.loads((out / "manifest.json").read_text("utf-8")))


def digest_of(path: Path) -> str:
    """The sha256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def published(out: Path) -> dict[str, str]:
    """Every picture that a user sees, with its digest."""
    pictures = (path for path in out.rglob("*") if path.suffix in (".png", ".jpg", ".webp"))
    seen = {path.relative_to(out).as_posix(): digest_of(path) for path in pictures}
    return {path: digest for path, digest in seen.items() if not path.startswith("_/")}


def seed() -> int:
    """The seed of whatever is drawn by lot; CAMPAIGN_SEED gives another."""
    return int(os.environ.get("CAMPAIGN_SEED", "1"))
