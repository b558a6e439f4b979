"""`run` and its summary, against the sandbox and the vendor. Unaware of how pictures are made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from banana_pipe import fetching
from tests.canary import CANARY
from tests.cli.conftest import Pipe, in_process
from tests.purchase.fake import noise
from tests.vendor.behaviour import FOREVER, Fault
from tests.vendor.server import Vendor
from tests.world import Web

RUN = ("run", "recipes/small.yaml")
SANDBOX = (*RUN, "--provider", "sandbox")


def plainly(text: str) -> list[str]:
    """Lines without durations, run ids and spaces that align."""
    text = re.sub(r"\b[0-9:.]+ (s|min)\b", "T", text)
    text = re.sub(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{7}", "RUN", text)
    return [" ".join(line.split()) for line in text.splitlines() if line]


def flat(text: str) -> str:
    """The words, wherever lines end."""
    return " ".join(text.split())


def test_a_run_on_the_sandbox_says_what_is_there(pipe: Pipe) -> None:
    """The answer on stdout, what happens meanwhile on stderr."""
    said = pipe(*SANDBOX)
    assert said.code == 0
    assert plainly(said.out) == [
        "✓ small: all 3 nodes are there, 3 of them new",
        "3 pictures made in 3 calls, free, T",
        "pictures out/small@sandbox/",
        "page out/small@sandbox/index.html",
        "log out/small@sandbox/_/runs/RUN.jsonl",
    ]
    first, *rest = plainly(said.err)
    assert first == "small: 1 call, at most 3, free → out/small@sandbox/"
    assert rest[0] == "[1/3] done base T free"
    assert sorted(line.split()[2] for line in rest) == ["base", "tint[color=ivory]", "tint[color=teal]"]


def test_a_second_run_has_nothing_to_do(pipe: Pipe) -> None:
    """And says so in one line."""
    pipe(*SANDBOX)
    said = pipe(*SANDBOX)
    assert said.code == 0
    assert said.err == ""
    assert plainly(said.out)[:2] == [
        "✓ small: nothing to do, all 3 nodes are there",
        "nothing bought, 3 had before, T",
    ]


def test_the_object_has_the_contracts_shape(pipe: Pipe) -> None:
    """What scripts build on; the words go beside it."""
    said = pipe(*SANDBOX, "--json")
    value = json.loads(said.out)
    assert set(value) >= {"run_id", "recipe", "out", "status", "nodes", "totals"}
    assert value["status"] == "ok"
    assert set(value["nodes"][0]) >= {"id", "status", "reason", "key", "outputs", "error", "modified"}
    assert set(value["nodes"][0]["outputs"][0]) == {
        *("path", "sha256", "mime", "width", "height", "bytes", "take", "picked", "side_files")
    }
    statuses = {"cached", "done", "failed", "blocked", "skipped", "parked", "lost", "waiting"}
    assert set(value["totals"]) >= {"nodes", "called", "paid_images", "cost_usd", "saved_usd", "seconds", *statuses}
    assert "all 3 nodes are there" in said.err


def test_a_run_for_money_says_the_price_first(pipe: Pipe, at: Vendor) -> None:
    """Waits counted; and what was bought and saved at the end."""
    said = pipe(*RUN)
    assert said.code == 0
    assert plainly(said.err)[0] == "small: 1 call, about $0.039 (at most 3 calls, $0.117) → out/small/"
    assert plainly(said.out)[1] == "3 pictures bought in 3 calls, for $0.117, T"
    assert plainly(pipe(*RUN).out)[1] == "nothing bought, 3 had before (saved $0.117), T"
    assert len(at.charges) == 3


def test_without_a_token_nothing_is_sent_and_both_ways_on_are_said(pipe: Pipe) -> None:
    """Never a placeholder in somebody's shop, never a question that a newcomer cannot answer."""
    said = pipe(*RUN)
    assert said.code == 4
    assert "ACEDATACLOUD_API_TOKEN" in said.err
    assert "--provider sandbox" in said.err
    assert not Path("cache/ledger.db").exists()


def test_a_missing_token_is_told_before_the_price_is_asked_about(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever agrees to a price should not then be told that it was no use."""
    monkeypatch.setenv("BANANA_PIPE_CONFIRM_CALLS", "0")
    assert pipe(*RUN).code == 4


def test_a_call_in_doubt_is_not_taken_for_unsent_by_who_has_another_token(
    pipe: Pipe, at: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another account's list, however well proven, has no call of ours in it: parked, and collected by its own token."""
    at.behave(accounts=True, token="", listing="never")
    at.fault("submit", Fault("reset_after_accept", match="teal"))
    assert pipe(*RUN).code == 6
    at.behave(listing="at_once")
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", "of-another-account")
    at.fault("submit", Fault("reset_after_accept", match="teal"))
    assert pipe(*RUN, "--set", "product=a cup").code == 0
    charged = len(at.charges)
    said = pipe(*RUN)
    assert (said.code, len(at.charges)) == (6, charged)
    assert "it was sent with another API token" in flat(said.out)
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", CANARY)
    assert (pipe(*RUN).code, len(at.charges)) == (0, charged)


def test_a_wrong_token_is_exit_4(pipe: Pipe, at: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was not begun waits."""
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", "another-token")
    said = pipe(*RUN)
    assert said.code == 4
    assert "; check the token in ACEDATACLOUD_API_TOKEN, and that it is for this service" in flat(said.out)
    assert "→ then, to go on: banana-pipe run recipes/small.yaml" in said.out


def test_a_closed_account_is_exit_4_and_the_token_is_not_blamed(pipe: Pipe, at: Vendor) -> None:
    """Support can help, and asks for the trace id, so that it must be shown."""
    at.fault("submit", Fault("status", number=403, code="disabled"))
    said = pipe(*RUN)
    assert said.code == 4
    assert re.search(r"\(trace_id [0-9a-f-]+\); ask the provider's support; they want the trace id", flat(said.out))
    assert "ACEDATACLOUD_API_TOKEN" not in said.out + said.err


def test_an_empty_balance_is_exit_3(pipe: Pipe, at: Vendor) -> None:
    """A clean stop, with what to do."""
    at.behave(balance=1)
    said = pipe(*RUN)
    assert said.code == 3
    assert "; buy credits in the provider's console; what is paid is kept" in flat(said.out)
    assert "→ then, to go on: banana-pipe run recipes/small.yaml" in said.out


def test_a_cap_is_exit_3_and_the_larger_one_is_said(pipe: Pipe, at: Vendor) -> None:
    """The command to copy buys exactly what is left."""
    said = pipe(*RUN, "--max-calls", "1")
    assert said.code == 3
    assert "2 nodes waiting" in said.out
    assert "→ to go on: banana-pipe run recipes/small.yaml --max-calls 2" in said.out
    assert pipe(*RUN, "--max-cost", "0.05").code == 3
    said = pipe(*RUN, "--max-calls", "2")
    assert (said.code, len(at.charges)) == (0, 3)


def test_failures_are_grouped_with_what_to_do_about_each(pipe: Pipe, at: Vendor) -> None:
    """In the provider's words, with a command to copy, quoted for the shell."""
    at.fault("submit", Fault("forbidden", match="ivory"), Fault("blank", match="teal"))
    said = pipe(*RUN)
    assert said.code == 1
    lines = plainly(said.out)
    assert lines[0] == "✗ small: not complete, 1 of 3 nodes is there"
    assert "✗ 2 nodes failed" in lines
    assert "→ change the words; or to send the same again: banana-pipe run recipes/small.yaml --retry-refused" in lines
    assert "→ to buy another take: banana-pipe reroll recipes/small.yaml 'tint[color=teal]'" in lines
    assert "trace_id" in said.out


def test_a_call_in_doubt_is_exit_6(pipe: Pipe, at: Vendor) -> None:
    """Named with its price; consent buys anew, and its price is said before."""
    at.behave(listing="never")
    at.fault("submit", Fault("reset_after_accept", match="teal"))
    said = pipe(*RUN)
    assert said.code == 6
    assert "may have been paid ($0.039)" in said.out
    assert "banana-pipe run recipes/small.yaml --retry-unknown" in said.out
    said = pipe(*RUN, "--retry-unknown")
    assert said.code == 0
    assert "bought again: at most 1 call, about $0.039" in said.err
    assert len(at.charges) == 4


def test_a_dead_link_is_lost_until_it_is_bought_again(pipe: Pipe, at: Vendor) -> None:
    """Never by a plain run."""
    at.fault("download", Fault("dead_link", match="teal", times=FOREVER))
    said = pipe(*RUN)
    assert said.code == 1
    assert "→ to buy again what is lost: banana-pipe run recipes/small.yaml --rebuy" in said.out
    assert pipe(*RUN).code == 1
    assert len(at.charges) == 3


def test_commands_to_copy_repeat_the_options(pipe: Pipe, at: Vendor) -> None:
    """Else they would be about another request."""
    said = pipe(*RUN, "--set", "product=a tea pot", "--out", "pots", "--max-calls", "1")
    assert "banana-pipe run recipes/small.yaml --max-calls 2 --set 'product=a tea pot' --out pots" in said.out


def test_options_reach_the_run(pipe: Pipe, project: Path) -> None:
    """Folders by flag are from the working directory."""
    assert pipe(*SANDBOX, "--out", "there", "--cache", "store", "--set", "product=a pot").code == 0
    assert (project / "there" / "base.png").is_file()
    assert (project / "store" / "blobs").is_dir()
    assert not (project / "cache").exists()


def test_the_token_is_in_nothing_that_is_said(project: Path, at: Vendor) -> None:
    """Not when the vendor echoes it, not when a bug is met."""
    said = in_process(*RUN, cwd=project, env={"BANANA_PIPE_DEBUG": "1", "ACEDATACLOUD_API_TOKEN": f"{CANARY}x"})
    assert said.code == 4
    assert CANARY not in said.out + said.err


BROKEN = {
    "unknown key": "version: 1\nsteps:\n  a: {generat: A mug}\n",
    "undefined name": "version: 1\nsteps:\n  a: {generate: 'A {{ mug }}'}\n",
    "tag": "version: 1\nsteps:\n  a: {generate: !!python/object/apply:os.system [echo]}\n",
    "comment": "version: 1\nsteps:\n  a:\n    generate: Use #ff0000\n",
    "outside": "version: 1\nsteps:\n  a: {edit: Bigger, images: ../../etc/passwd.png}\n",
    "output": "version: 1\nsteps:\n  a: {generate: A mug, output: ../../x}\n",
    "cycle": "version: 1\nsteps:\n  a: {edit: x, images: b}\n  b: {edit: y, images: a}\n",
    "duplicate": "version: 1\nversion: 1\nsteps:\n  a: {generate: A mug}\n",
    "not yaml": "version: [1\n",
    "empty": "",
}


@pytest.mark.parametrize("command", ["validate", "plan", "run", "render"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_recipe_is_exit_2_at_its_place(pipe: Pipe, project: Path, at: Vendor, kind: str, command: str) -> None:
    """No traceback, nothing sent, nothing written."""
    path = project / "recipes" / "broken.yaml"
    path.write_text(BROKEN[kind])
    said = pipe(command, "recipes/broken.yaml")
    assert said.code == 2
    assert re.search(r"recipes/broken\.yaml:[0-9]+:[0-9]+: ", said.err)
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not at.received
    assert not (project / "cache").exists()
    value = json.loads(pipe(command, "recipes/broken.yaml", "--json").out)
    error = value["recipes"][0]["error"] if command == "validate" else value["error"]
    assert error["kind"] == "recipe"
    assert {"path", "line", "column"} == set(error["errors"][0]["at"])


def test_pictures_from_the_web_are_fetched_before_the_price_is_told(
    pipe: Pipe, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Free and without a token; said once, and no more when they are pinned."""
    url = "https://example.com/mug.png"
    monkeypatch.setattr(fetching, "fetcher_for", lambda _: Web({url: noise(501)}))
    (project / "web.yaml").write_text(f"steps: {{tint: {{images: '{url}', edit: Teal, provider: sandbox}}}}")
    first = pipe("run", "web.yaml")
    assert (first.code, first.err.splitlines()[0]) == (0, "web: fetching 1 picture from the web")
    assert "web: 1 call, free" in first.err
    assert "fetching" not in pipe("run", "web.yaml").err


def test_a_picture_that_cannot_be_fetched_is_why_its_readers_failed(
    pipe: Pipe, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary says so of each, and not that they read what failed."""
    monkeypatch.setattr(fetching, "fetcher_for", lambda _: Web({}))
    url = "https://example.com/mug.png"
    steps = f"{{tint: {{images: '{url}', edit: Teal}}, no: {{generate: sandbox-refuse}}}}"
    (project / "web.yaml").write_text(f"defaults: {{provider: sandbox}}\nsteps: {steps}")
    said = pipe("run", "web.yaml")
    assert said.code == 1
    assert f"    tint\n      {url}: the picture is not at its link any more (HTTP 404)\n" in said.out
    assert "what reads them" not in said.out
