"""Coverage-guided fuzzing of one target by atheris: `python -m tests.campaigns.intruders.fuzz TARGET FOLDER SECONDS SEED`.

Unaware of what the target does. FOLDER gets the corpus, the input that was slowest (`slowest`), what broke it
(`crash-…`), and `told.json`: inputs tried, branches covered, the processor's seconds of the slowest, MiB in all.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

atheris = importlib.import_module("atheris")  # not there everywhere, and without types

with atheris.instrument_imports(include=["banana_pipe", "yaml", "PIL"]):
    from tests.campaigns.intruders import targets

PATIENCE = 20
"""Seconds for one input in here, where every branch is counted; who starts this gives the slowest to the plain target."""


class Watch:
    """Feeds a target, and keeps what the dearest input was."""

    def __init__(self, target: targets.Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.inputs = 0
        self.seconds = 0.0
        self.start = targets.peak()

    def __call__(self, data: bytes) -> None:
        began = time.thread_time()
        self.target.feed(data)
        seconds = time.thread_time() - began
        self.inputs += 1
        if seconds > self.seconds:
            self.seconds = seconds
            (self.folder / "slowest").write_bytes(data)
        if self.grown > targets.MAX_MEMORY:
            raise targets.TooMuch(f"{self.grown >> 20} MiB")
        if self.inputs % 256 == 0:
            self.tell()

    @property
    def grown(self) -> int:
        return targets.peak() - self.start

    def tell(self) -> None:
        told = {"inputs": self.inputs, "seconds": self.seconds, "mib": self.grown >> 20}
        (self.folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


def main(name: str, folder: Path, seconds: int, seed: int) -> None:
    """Fuzz the target of that *name*. Does not return: libFuzzer ends the process."""
    target = targets.TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
        target.feed(data)  # what is imported late, and once, counts for no input
    words = "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in target.words)
    (folder / "words").write_text(words, encoding="ascii")
    options = {
        "max_total_time": seconds,
        "max_len": targets.MAX_INPUT,
        "timeout": PATIENCE,
        "rss_limit_mb": 0,
        "seed": seed,
        "dict": folder / "words",
        "artifact_prefix": f"{folder}/",
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus)], Watch(target, folder)
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
