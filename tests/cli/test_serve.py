"""`serve` as a real process: our own client and a plain one use it, and it ends when told to.

Unaware of how it is served; `tests/serving` tries the odd clients.
"""

from __future__ import annotations

import json
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.cli.conftest import ROOT, Pipe, in_process, start
from tests.serving.process import IMAGES, TASKS, serve
from tests.test_docs import blocks


def test_what_it_says_is_what_readme_shows(tmp_path: Path) -> None:
    """One object, at once; the two variables lead every client there."""
    with serve(tmp_path) as running:
        (shown,) = blocks("json: serve")
        assert json.loads(shown).keys() == running.said.keys()
        assert running.said["base_url"] == f"http://127.0.0.1:{running.said['port']}"
        environment = running.said["environment"]
        assert environment["ACEDATACLOUD_API_BASE_URL"] == running.said["base_url"]
        assert environment["ACEDATACLOUD_API_TOKEN"]


def test_our_own_client_uses_it_as_it_uses_the_vendor(project: Path) -> None:
    """A whole run with edits and takes, by the environment that was printed; the second one asks for nothing."""
    recipe = "steps: {base: {generate: a mug, samples: 3}, tint: {images: base, edit: make it teal}}"
    (project / "recipes" / "takes.yaml").write_text(recipe)
    with serve(project, "--seconds", "0.1") as running:
        command = ("run", "recipes/takes.yaml", "--yes", "--json")
        run = json.loads(in_process(*command, cwd=project, env=running.said["environment"]).out)
        again = json.loads(in_process(*command, cwd=project, env=running.said["environment"]).out)
    assert (run["status"], run["totals"]["called"]) == ("ok", 4)
    assert (again["status"], again["totals"]["called"]) == ("ok", 0)
    # Takes of one request differ, though nobody says to the vendor which one is wanted.
    assert len({one["sha256"] for node in run["nodes"] for one in node["outputs"]}) == 4


def test_any_client_gets_pictures_at_once_or_by_task(tmp_path: Path) -> None:
    """Both ways of the vendor's page, with any token, which is neither shown nor told to anybody."""
    with serve(tmp_path) as running, running.client() as client:
        at_once = client.post(IMAGES, json={"action": "generate", "prompt": "a cat"}).json()
        task = client.post(IMAGES, json={"action": "generate", "prompt": "a cat", "async": True}).json()
        later = client.post(TASKS, json={"id": task["task_id"]})
        pictures = [client.get(one["data"][0]["image_url"]) for one in (at_once, later.json()["response"])]
        listing = client.post(TASKS, json={"action": "retrieve_batch"})
        running.process.send_signal(signal.SIGINT)
        out, err = running.process.communicate()
    assert [picture.headers["content-type"] for picture in pictures] == ["image/png"] * 2
    assert pictures[0].content != pictures[1].content
    assert CANARY not in "".join([out, err, later.text, listing.text, *map(str, pictures[0].headers.items())])
    assert not list(tmp_path.iterdir())


def test_what_the_document_sends_is_answered(tmp_path: Path) -> None:
    """Its two bodies at their two addresses: a picture, and a task that is known."""
    text = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    (images, asked), (tasks, by_task) = re.findall(r"curl -s http://127.0.0.1:8720(\S+) [^\n]*\n *-d '([^']+)'", text)
    assert (images, tasks) == (IMAGES, TASKS)
    with serve(tmp_path) as running, running.client() as client:
        made = client.post(images, json=json.loads(asked)).json()
        known = client.post(tasks, json=json.loads(by_task.replace("TASK-ID", made["task_id"]))).json()
    assert made["data"][0]["image_url"] == known["response"]["data"][0]["image_url"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 130, no word on stdout, no traceback, whatever clients are doing; the port is free at once."""
    with serve(tmp_path) as running, running.client() as client:
        client.post(TASKS, json={})
        with socket.create_connection(("127.0.0.1", running.said["port"])) as slow:
            slow.sendall(b"POST / HTTP/1.1\r\n")
            running.process.send_signal(number)
            out, err = running.process.communicate()
        assert (running.process.returncode, out, err) == (130, "", "")
        with socket.socket() as next_one:
            next_one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            next_one.bind(("127.0.0.1", running.said["port"]))


def test_in_words_it_says_what_to_set(tmp_path: Path) -> None:
    """Two lines for a shell, and one when it ends."""
    with start("serve", "--port", "0", cwd=tmp_path) as process:
        assert process.stdout is not None
        first, _, *exports = [process.stdout.readline().strip() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert first.startswith("sandbox  http://127.0.0.1:")
    assert exports == [f"export ACEDATACLOUD_API_BASE_URL={first.split()[1]}", "export ACEDATACLOUD_API_TOKEN=sandbox"]
    assert (process.returncode, err) == (130, "\nstopped\n")


def test_a_port_in_use_is_told_with_a_way_on(pipe: Pipe) -> None:
    """Exit code 2, and no second server that nobody reaches."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = pipe("serve", "--port", str(port))
    assert (said.code, said.out) == (2, "")
    assert f"port {port} is in use" in said.err
    assert "--port 0" in said.err


@pytest.mark.parametrize(
    "arguments",
    [("--port", "65536"), ("--port", "-1"), ("--seconds", "-1"), ("--seconds", "nan"), ("--seconds", "inf")],
)
def test_numbers_that_make_no_sense_are_refused(pipe: Pipe, arguments: tuple[str, str]) -> None:
    """Before anything listens."""
    assert pipe("serve", *arguments).code == 2


def test_there_is_no_way_to_open_it_to_others(pipe: Pipe, tmp_path: Path) -> None:
    """No option says where to listen, and other addresses of this machine lead nowhere."""
    assert "--host" not in pipe("serve", "--help").out
    with serve(tmp_path) as running, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", running.said["port"])).close()


def test_help_imports_no_server(project: Path) -> None:
    """Neither does any other command."""
    from tests.cli.test_start import imported

    _, modules = imported(project, "serve", "--help")
    assert not modules & {"uvicorn", "starlette", "PIL", "httpx"}
