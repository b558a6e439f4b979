"""Who is let in to a studio: a page of its own, at the address with the token. Unaware of what it does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest

from tests.canary import CANARY
from tests.studio.studios import Served, studio

RECIPE = "defaults: {provider: sandbox}\nsteps: {base: {generate: A mug, samples: 2}}\n"
PATH = "_do/pick"
PICK = {"node": "base", "take": 2}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project for the module, as the working directory."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "recipes").mkdir()
    (folder / "banana-pipe.toml").write_text("")
    (folder / "recipes" / "shop.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def opened(project: Path) -> Iterator[Served]:
    """A studio with two takes of one node."""
    with studio(Path("recipes/shop.yaml")) as served:
        served.buy()
        yield served


@pytest.fixture
def made(opened: Served) -> Served:
    """The same, and nobody has picked."""
    if is_picked(opened):
        assert opened.act("unpick", node="base").status_code == 200
    return opened


def post(served: Served, body: object = None, path: str = PATH, **headers: Any) -> httpx.Response:
    """A POST with exactly these headers besides the client's own."""
    sent = {"origin": served.origin, "content_type": "application/json", **headers}
    with httpx.Client(base_url=served.url, trust_env=False, timeout=60) as client:
        return client.post(
            path,
            content=json.dumps(PICK if body is None else body),
            headers={name.replace("_", "-"): value for name, value in sent.items() if value is not None},
        )


def secret(form: str) -> bytes:
    """A picture that is no part of any recipe."""
    target = BytesIO()
    PIL.Image.new("RGB", (9, 9), (1, 2, 3)).save(target, form)
    return target.getvalue()


def is_picked(served: Served) -> bool:
    """By what was written: a page would be longer in the making."""
    return '"pick"' in Path("cache/sandbox/shop.lock").read_text()


def test_a_page_of_ours_may_act(made: Served) -> None:
    """By its origin; or without one, where its browser says that it is of the same."""
    assert post(made).status_code == 200
    assert is_picked(made)
    assert made.cards()["base"]["t"][0]["n"] == "2"
    assert post(made, {"node": "base"}, "_do/unpick", origin=None, sec_fetch_site="same-origin").status_code == 200
    assert not is_picked(made)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": None}, 403),
        ({"origin": None, "sec_fetch_site": "cross-site"}, 403),
        ({"origin": None, "sec_fetch_site": "same-site"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": None}, 415),
    ],
    ids=str,
)
def test_nobody_else_may(made: Served, headers: dict[str, Any], status: int) -> None:
    """Another origin, another host name, a form: refused, though they know the token."""
    answer = post(made, **headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert not is_picked(made)


def test_another_studios_page_may_not(made: Served, project: Path) -> None:
    """Two studios are two origins, and two tokens."""
    with studio(Path("recipes/shop.yaml")) as other:
        assert post(made, origin=other.origin).status_code == 403
        stolen = made.url.replace(str(made.port), str(other.port))
        assert httpx.get(stolen, trust_env=False).status_code == 404


def test_without_the_token_there_is_nothing(made: Served) -> None:
    """None, a wrong one, a part of it, one in another place: all the same answer."""
    token = made.url.rstrip("/").rpartition("/")[2]
    assert len(token) >= 43
    paths = ["/", "/_events", "/_do/pick", f"/{token}", f"/{token[:-1]}/", f"/{token}x/", f"/x/{token}/", f"//{token}/"]
    with httpx.Client(base_url=made.origin, trust_env=False) as client:
        answers = [client.get(path) for path in paths]
        answers += [client.post(path, json=PICK, headers={"origin": made.origin}) for path in paths]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert not is_picked(made)


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "_p/../../cache/ledger.db",
        "_p/%2e%2e/%2e%2e/recipes/shop.yaml",
        "_p//etc/passwd",
        "_p/" + "0" * 64,
        "_/thumbs/" + "0" * 64 + ".webp",
        "_/thumbs/../journal.jsonl",
        "_/runs/",
        "manifest.json",
        "base.png",
        "recipes/shop.yaml",
        "_p/%00",
        "_do/pick",
        "_do/nothing",
    ],
)
def test_no_path_leads_to_a_file(made: Served, path: str) -> None:
    """Pictures are asked for by digest, and only those that the page shows."""
    with socket.create_connection(("127.0.0.1", made.port), timeout=60) as raw:
        place = made.url.removeprefix(made.origin)
        raw.sendall(f"GET {place}{path} HTTP/1.1\r\nHost: 127.0.0.1:{made.port}\r\nConnection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert received.startswith(b"HTTP/1.1 404 ")


def test_a_digest_that_the_page_does_not_show_is_not_served(made: Served, project: Path) -> None:
    """Not every blob of the cache is a picture of this recipe."""
    from banana_pipe.store.blobs import Blobs

    digest = Blobs(project / "cache" / "blobs").put(secret("PNG"))
    assert made.get(f"_p/{digest}").status_code == 404


def test_links_lead_nowhere(made: Served, project: Path) -> None:
    """Neither a picture nor a small one that became a link is followed out of the folder."""
    elsewhere = project / "elsewhere"
    elsewhere.write_bytes(secret("WEBP"))
    shot = made.cards()["base"]["t"][0]
    small = project / "out/shop/_/thumbs" / f"{shot['h']}.webp"
    small.unlink()
    small.symlink_to(elsewhere)
    shown = made.get(f"_/thumbs/{shot['h']}.webp").content
    assert shown[:4] == b"RIFF"
    assert shown != secret("WEBP")
    picture = project / "out/shop/base.png"
    picture.unlink()
    picture.symlink_to(elsewhere)
    assert made.get().status_code == 200
    for one in made.cards()["base"]["t"]:
        assert made.get(one["u"]).content != secret("WEBP")
    assert elsewhere.read_bytes() == secret("WEBP")
    picture.unlink()


@pytest.mark.parametrize(
    "body",
    [
        [],
        "base",
        {},
        {"node": "base"},
        {"node": "base", "take": "2"},
        {"node": "base", "take": True},
        {"node": "base", "take": 0},
        {"node": ["base"], "take": 2},
        {"node": "base", "take": 2, "more": 1},
    ],
    ids=str,
)
def test_what_no_page_sends_is_refused(made: Served, body: object) -> None:
    """With a word, and without a trace."""
    answer = post(made, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert not is_picked(made)


@pytest.mark.parametrize("agreed", [None, 5, {}, {"calls": 1}, {"calls": -1, "micros": 5}, {"calls": 1, "micros": 1.5}])
def test_no_agreement_is_no_purchase(made: Served, agreed: object) -> None:
    """Whoever buys says what was agreed to."""
    assert post(made, {"agreed": agreed}, "_do/run").status_code == 400
    assert post(made, {"node": "base", "agreed": agreed}, "_do/reroll").status_code == 400
    assert post(made, {"node": "base"}, "_do/reroll").status_code == 400
    assert len(made.cards()["base"]["t"]) == 2


def test_half_a_character_is_answered(made: Served) -> None:
    """What no text has is in no recipe: told, and no bug."""
    assert post(made, {"node": "\ud800", "take": 2}).status_code == 422
    answer = post(made, {"\ud800": 2})
    assert (answer.status_code, answer.json()["error"]["message"][-1]) == (400, "\ud800")


def test_a_body_is_bounded(made: Served) -> None:
    """By what it announces, and by what comes."""
    assert post(made, {"node": "x" * 300_000, "take": 2}).status_code == 413
    with made.client() as client:
        pieces = iter([b"[", *[b" " * 50_000] * 8])
        answer = client.post("_do/pick", content=pieces, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


def test_the_providers_token_is_in_no_answer(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a recipe has it in a prompt."""
    monkeypatch.setenv("ACEDATACLOUD_API_TOKEN", CANARY)
    recipe = Path("recipes/leak.yaml")
    recipe.write_text(RECIPE.replace("A mug", f"A mug {CANARY}") + f"vars: {{x: {CANARY}}}\n")
    with studio(recipe) as served:
        answers = [
            served.get(),
            served.act("plan"),
            served.act("preview", set={"x": CANARY}),
            served.act("pick", **PICK),
        ]
        state = next(served.states())
    assert CANARY not in "".join([*(answer.text for answer in answers), json.dumps(state)])
    recipe.unlink()
