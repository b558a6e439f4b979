"""An editor, as far as a language server can tell: it opens a file, points at a place, and asks what may stand there.

Unaware of recipes. The Language Server Protocol over a process's streams; places count from 1, as people count.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")
_SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}


@dataclass(frozen=True, slots=True)
class Mark:
    """What an editor underlines, and what it says there."""

    line: int
    column: int
    says: str


class Editor:
    """An editor in the folder *root*, with the server that *command* starts."""

    def __init__(self, command: list[str], root: Path) -> None:
        self._root = root
        self._asked = 0
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        folder = {"uri": self._root.as_uri(), "name": "pictures"}
        hover, item = {"contentFormat": ["markdown"]}, {"documentationFormat": ["markdown"]}
        document = {"hover": hover, "completion": {"completionItem": item}}
        self._ask(
            "initialize",
            processId=os.getpid(),
            rootUri=folder["uri"],
            workspaceFolders=[folder],
            capabilities={"textDocument": document, "workspace": {"configuration": True}},
        )
        self._tell("initialized")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def opened(self, path: Path) -> list[Mark]:
        """Open *path*: what is marked in it."""
        text = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": path.read_text("utf-8")}
        self._tell("textDocument/didOpen", textDocument=text)

        def marked(message: dict[str, Any]) -> list[Mark] | None:
            told = message.get("params") or {}
            if message.get("method") != "textDocument/publishDiagnostics" or told["uri"] != path.as_uri():
                return None
            starts = ((one["range"]["start"], one["message"]) for one in told["diagnostics"])
            return sorted(
                (Mark(at["line"] + 1, at["character"] + 1, words) for at, words in starts),
                key=lambda mark: (mark.line, mark.column),
            )

        return self._wait(marked)

    def hover(self, path: Path, line: int, column: int) -> str:
        """What is shown of that place, without Markdown's backslashes; nothing: an empty text."""
        shown = self._ask("textDocument/hover", **_place(path, line, column))
        return str(shown["contents"]["value"]).replace("\\", "") if shown else ""

    def offers(self, path: Path, line: int, column: int) -> list[str]:
        """The words that may stand at that place."""
        found = self._ask("textDocument/completion", **_place(path, line, column))
        return [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]

    def _ask(self, method: str, **params: Any) -> Any:
        self._asked += 1
        number = self._asked
        self._send({"id": number, "method": method, "params": params})
        return self._wait(lambda message: (message.get("result"),) if message.get("id") == number else None)[0]

    def _tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _wait(self, until: Callable[[dict[str, Any]], T | None]) -> T:
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                self._answer(message)
            elif (found := until(message)) is not None:
                return found

    def _answer(self, question: dict[str, Any]) -> None:
        """The server asks for the editor's settings."""
        items = (question.get("params") or {}).get("items", [])
        settings = [_SETTINGS if item.get("section") == "yaml" else None for item in items]
        self._send({"id": question["id"], "result": settings})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline()) != b"\r\n":
            assert line, "the language server has ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


def _place(path: Path, line: int, column: int) -> dict[str, Any]:
    at = {"line": line - 1, "character": column - 1}
    return {"textDocument": {"uri": path.as_uri()}, "position": at}
