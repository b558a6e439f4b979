"""`diff`: runs, folders and revisions, with a real git and pictures that are never the same twice."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from banana_pipe.canonical import digest_of
from tests.cli.conftest import SMALL, Pipe
from tests.vendor.server import Vendor

RECIPE = "recipes/small.yaml"
OUT = Path("out/small")
Git = Callable[..., str]


@pytest.fixture
def git(project: Path) -> Git:
    """A repository in the project; `git("commit", "-m", "…")`."""

    def call(*arguments: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=project, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    call("init", "-q", "-b", "main")
    return call


def keep(git: Git, message: str) -> None:
    """Commit the recipe and the pictures."""
    git("add", "-A", "recipes", "out")
    git("commit", "-q", "-m", message)


def edited(words: str, by: str) -> None:
    Path(RECIPE).write_text(SMALL.replace(words, by))


def compared(pipe: Pipe, *arguments: str) -> dict[str, Any]:
    """What `diff --json` prints: pictures by name."""
    said = pipe("diff", *arguments, "--json")
    assert said.code in (0, 1), said.err
    value: dict[str, Any] = json.loads(said.out)
    value["pictures"] = {one["name"]: one for one in value["pictures"]}
    return value


def kinds(value: dict[str, Any]) -> dict[str, str]:
    return {name: one["kind"] for name, one in value["pictures"].items()}


def only_run() -> str:
    (log,) = (OUT / "_" / "runs").glob("*.jsonl")
    return log.stem


def saved(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def test_a_changed_word_since_the_last_commit(pipe: Pipe, made: Vendor, git: Git) -> None:
    """What was redrawn, for which word, at what price; what stayed is the same."""
    keep(git, "one")
    edited("deep teal", "pale teal")
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, "HEAD")
    assert kinds(value) == {"base": "same", "tint[color=ivory]": "same", "tint[color=teal]": "changed"}
    teal = value["pictures"]["tint[color=teal]"]
    assert [(piece["kind"], piece["text"].strip()) for piece in teal["prompt"]] == [
        ("same", "Make it"),
        ("removed", "deep"),
        ("added", "pale"),
        ("same", "teal"),
    ]
    assert 0 < teal["distance"]["pixels"] <= 1
    assert teal["after"]["price_usd"] == 0.039
    assert value["totals"] == {
        "pictures": 3,
        "changed": 1,
        "added": 0,
        "removed": 0,
        "renamed": 0,
        "same": 2,
        "cost_usd": 0.039,
    }
    said = pipe("diff", "HEAD")
    assert re.search(r"^≠ changed +tint\[color=teal\] .*\$0\.039 +prompt$", said.out, re.MULTILINE)
    assert "    Make it [-deep-] {+pale+} teal\n" in said.out
    assert said.out.endswith("3 pictures: 1 changed, 2 the same; what is new cost $0.039\n")


def test_the_table_fits_eighty_columns(pipe: Pipe, made: Vendor, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the names of nodes are like."""
    edited("{ivory: ivory white, teal: deep teal}", f"{{{'very-long-name-' * 8}: x, teal: deep teal}}")
    pipe("run", RECIPE)
    keep(git, "one")
    for path in OUT.rglob("*.*"):
        if path.suffix in (".png", ".jpg") and "takes" not in str(path):
            path.write_bytes(saved(Image.new("RGB", (300, 200), (10, 200, 30))))
    monkeypatch.setattr("banana_pipe.cli.terminal._is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    lines = pipe("diff", "HEAD").out.splitlines()
    assert any("by hand" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_folder_of_a_run_is_known_by_its_log_even_when_its_pictures_are_gone(pipe: Pipe, made: Vendor) -> None:
    """The bytes come from the cache; a beginning of its name is enough."""
    first = only_run()
    before = digest_of(next(OUT.glob("base.*")).read_bytes())
    edited("a mug", "a cup")
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, first)
    assert set(kinds(value).values()) == {"changed"}
    base = value["pictures"]["base"]
    assert (base["before"]["sha256"], base["trouble"]) == (before, None)
    assert [piece["text"] for piece in base["prompt"] if piece["kind"] != "same"] == ["mug", "cup"]
    assert base["before"]["price_usd"] == 0.039
    (second,) = {log.stem for log in (OUT / "_" / "runs").glob("*.jsonl")} - {first}
    assert kinds(compared(pipe, first, second)) == kinds(value)
    assert set(kinds(compared(pipe, second)).values()) == {"same"}


def test_a_run_of_a_part_says_nothing_of_the_rest(pipe: Pipe, at: Vendor) -> None:
    """What was not asked for was neither added nor removed."""
    assert pipe("run", RECIPE, "--select", "base").code == 0
    part = only_run()
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, part)
    assert kinds(value) == {"base": "same"}
    assert value["notes"] == ["2 nodes were no part of that run: nothing is said of them"]


def test_a_reroll_changes_a_picture_and_takes_are_told_when_asked_for(pipe: Pipe, made: Vendor, git: Git) -> None:
    """The picked take is the node's picture."""
    keep(git, "one")
    assert pipe("reroll", RECIPE, "base").code == 0
    assert pipe("lock", "accept", RECIPE, "tint").code == 0
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, "HEAD")
    assert kinds(value) == {"base": "changed", "tint[color=ivory]": "same", "tint[color=teal]": "same"}
    assert value["pictures"]["base"]["settings"] == [{"name": "take", "before": 1, "now": 2}]
    assert kinds(compared(pipe, "HEAD", "--takes"))["base@1"] == "added"


def test_a_renamed_step_changes_no_picture(pipe: Pipe, made: Vendor, git: Git) -> None:
    """Found by its bytes."""
    keep(git, "one")
    edited("  base:", "  mug:")
    Path(RECIPE).write_text(Path(RECIPE).read_text().replace("images: base", "images: mug"))
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, "HEAD", "--fail-above", "0")
    assert kinds(value)["mug"] == "renamed"
    assert set(kinds(value).values()) == {"same", "renamed"}
    assert pipe("diff", "HEAD", "--fail-above", "0").code == 0
    assert "→ renamed  mug" in pipe("diff", "HEAD").out


def test_the_same_pixels_in_other_bytes_are_told_as_such(pipe: Pipe, made: Vendor, git: Git) -> None:
    """A tool that optimises files changes no pixel: the gate stays shut at 0."""
    Path("out/plain").mkdir()
    image = Image.linear_gradient("L").convert("RGB")
    Path("out/plain/a.png").write_bytes(saved(image))
    keep(git, "one")
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=1)
    Path("out/plain/a.png").write_bytes(stream.getvalue())
    value = compared(pipe, "HEAD:out/plain", "--fail-above", "0")
    one = value["pictures"]["a.png"]
    assert (one["kind"], one["distance"]["pixels"], value["fail_above"]["above"]) == ("changed", 0.0, [])
    said = pipe("diff", "HEAD:out/plain", "out/plain")
    assert "same pixels" in said.out


@pytest.mark.parametrize(
    ("limit", "by", "code"),
    [
        ("0", "pixels", 1),
        ("2.4%", "pixels", 1),
        ("2.5%", "pixels", 0),
        ("0.025", "pixels", 0),
        ("0.01", "mean", 1),
        ("3%", "mean", 0),
    ],
)
def test_a_gate_for_ci(pipe: Pipe, project: Path, limit: str, by: str, code: int) -> None:
    """One pixel of forty: exit 1 above the limit, not at it."""
    for name, pixel in (("a", (0, 0, 0)), ("b", (255, 0, 0))):
        Path(name).mkdir()
        image = Image.new("RGB", (10, 4))
        image.putpixel((3, 3), pixel)
        Path(name, "x.png").write_bytes(saved(image))
    said = pipe("diff", "a", "b", "--fail-above", limit, "--by", by)
    assert said.code == code
    assert ("1 picture differs by more than" in said.err) == bool(code)


def test_what_is_on_one_side_only_is_as_different_as_can_be(pipe: Pipe, project: Path) -> None:
    """A picture that is gone must not pass a gate."""
    Path("a").mkdir()
    Path("b").mkdir()
    Path("a", "x.png").write_bytes(saved(Image.new("RGB", (10, 4))))
    for sides in (("a", "b"), ("b", "a")):
        assert pipe("diff", *sides, "--fail-above", "99%").code == 1
    Path("b", "x.png").write_bytes(b"not a picture")
    said = pipe("diff", "a", "b", "--fail-above", "99%")
    assert (said.code, "not measured: B: not a picture" in said.out or "not measured: B: this is no" in said.out) == (
        1,
        True,
    )


def test_a_commit_with_a_manifest_and_no_pictures_is_compared_by_the_cache(pipe: Pipe, made: Vendor, git: Git) -> None:
    """Who commits no bytes still has their digests; without the cache they are known to differ, and no more."""
    git("add", "recipes", "out/small/manifest.json")
    git("commit", "-q", "-m", "one")
    edited("a mug", "a cup")
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, "HEAD")
    assert set(kinds(value).values()) == {"changed"}
    assert all(one["distance"] for one in value["pictures"].values())
    assert "its manifest names them" in value["notes"][0]
    value = compared(pipe, "HEAD", "--cache", "nowhere")
    assert "the bytes of A" in value["pictures"]["base"]["trouble"]
    assert pipe("diff", "HEAD", "--cache", "nowhere", "--fail-above", "99%").code == 1


def test_pointers_of_lfs_are_read_as_what_they_point_at(pipe: Pipe, made: Vendor, git: Git) -> None:
    """The pointer has the sha256 of the picture."""
    (file,) = OUT.glob("base.*")
    whole = file.read_bytes()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest_of(whole)}\nsize {len(whole)}\n"
    file.write_text(pointer)
    keep(git, "one")
    file.write_bytes(whole)
    assert set(kinds(compared(pipe, "HEAD")).values()) == {"same"}
    file.write_text(pointer)
    assert set(kinds(compared(pipe, "HEAD")).values()) == {"same"}


def test_what_is_too_large_for_a_picture_is_not_read_from_a_revision(pipe: Pipe, made: Vendor, git: Git) -> None:
    """It is hashed in pieces, so that it is known to be the same or another; its pixels stay unseen, and that is told."""
    (file,) = OUT.glob("base.*")
    whole = file.read_bytes()
    with file.open("r+b") as large:
        large.truncate((64 << 20) + 1)
    keep(git, "large")
    assert compared(pipe, "HEAD")["pictures"]["base"]["kind"] == "same"
    file.write_bytes(whole)
    trouble = compared(pipe, "HEAD")["pictures"]["base"]["trouble"]
    assert "64 MiB, and is not read: the most is 64 MiB" in trouble


def test_a_partial_clone_is_told_what_it_lacks_and_fetches_nothing(
    pipe: Pipe, made: Vendor, git: Git, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git would fetch by itself it is not let: no socket, no command that the repository names."""
    keep(git, "as it was")
    Image.new("RGB", (8, 8), "teal").save(project / OUT / "base.png")
    keep(git, "by hand")
    git("config", "uploadpack.allowFilter", "true")
    clone = project.parent / "clone"
    subprocess.run(["git", "clone", "-q", "--filter=blob:none", f"file://{project}", str(clone)], check=True)
    monkeypatch.chdir(clone)
    trace = project.parent / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    before = pipe("diff", "HEAD~1", "HEAD")
    assert (before.code, "this clone lacks" in before.err) == (2, True), before.err
    assert "upload-pack" not in trace.read_text()

    subprocess.run(["git", "archive", "-o", str(project.parent / "all.tar"), "HEAD~1", str(OUT)], check=True)
    assert pipe("diff", "HEAD~1", "HEAD").code == 0


def test_a_page_and_a_comment_are_written_beside_the_table(pipe: Pipe, made: Vendor, git: Git) -> None:
    """Both say what the table says."""
    keep(git, "one")
    edited("deep teal", "pale teal")
    assert pipe("run", RECIPE).code == 0
    said = pipe("diff", "HEAD", "--html", "diff.html", "--markdown", "diff.md")
    assert (said.code, said.err) == (0, "page: diff.html\ncomment: diff.md\n")
    page = Path("diff.html").read_text()
    assert page.count("data:image/webp;base64,") == 3
    assert "<del>deep </del><ins>pale </ins>" in page
    assert "| ≠ changed | `tint[color=teal]` |" in Path("diff.md").read_text()
    assert pipe("diff", "HEAD", "--markdown", "-").out == Path("diff.md").read_text()
    assert pipe("diff", "HEAD", "--markdown", "-", "--json").code == 2
    # Once more is fine; what is something else stays.
    assert pipe("diff", "HEAD", "--html", "diff.html", "--markdown", "diff.md").code == 0
    for flag in ("--html", "--markdown"):
        said = pipe("diff", "HEAD", flag, RECIPE)
        assert (said.code, "holds something else" in said.err, b"version:" in Path(RECIPE).read_bytes()) == (
            2,
            True,
            True,
        )


WRONG = (
    (("nothing",), "nothing is no folder, no run and no git revision here"),
    (("20200101T000000Z-abcdef",), "no run 20200101T000000Z-abcdef has left its log in out/small/_/runs"),
    (("HEAD:out/none", "out/small"), "HEAD has no folder out/none"),
    (("HEAD:out/none",), "there is no folder out/none now"),
    (("out/small",), "both sides are the folder out/small as it is now"),
    (("recipes/small.yaml",), "recipes/small.yaml is a file"),
    (("--", "--output=/tmp/x"), "--output=/tmp/x is no folder"),
    (("HEAD", "--fail-above", "2"), "'2' is no share"),
    (("HEAD", "--fail-above", "nan"), "'nan' is no share"),
)


def test_what_means_nothing_is_told_with_a_way_on(pipe: Pipe, made: Vendor, git: Git) -> None:
    """Exit code 2, and no traceback."""
    keep(git, "one")
    for arguments, words in WRONG:
        said = pipe("diff", *arguments)
        assert (said.code, said.out) == (2, "")
        assert words in said.err
        assert "→" in said.err


def test_where_several_folders_are_the_one_that_is_meant_is_asked_for(pipe: Pipe, made: Vendor, git: Git) -> None:
    """A revision alone says none; the other side may."""
    assert pipe("run", RECIPE, "--provider", "sandbox").code == 0
    keep(git, "one")
    said = pipe("diff", "HEAD")
    assert (said.code, "out/small, out/small@sandbox" in said.err) == (2, True)
    assert kinds(compared(pipe, "HEAD", "--out", "out/small")) == kinds(compared(pipe, "HEAD", "out/small"))
    assert set(kinds(compared(pipe, "HEAD", "out/small@sandbox")).values()) == {"same"}


def test_a_folder_wins_over_a_revision_and_says_so(pipe: Pipe, made: Vendor, git: Git) -> None:
    """A branch that is named like a folder is meant by its whole name."""
    keep(git, "one")
    git("branch", "out/small")
    edited("a mug", "a cup")
    assert pipe("run", RECIPE).code == 0
    value = compared(pipe, "out/small", "HEAD")
    assert value["before"] == "out/small, as it is now"
    assert "refs/heads/out/small" in value["notes"][0]
    assert set(kinds(compared(pipe, "refs/heads/out/small")).values()) == {"changed"}


def test_paths_in_a_revision_are_the_repositorys_or_those_of_here(
    pipe: Pipe, made: Vendor, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git itself has it."""
    keep(git, "one")
    monkeypatch.chdir("out")
    for text in ("HEAD:out/small", "HEAD:./small"):
        assert set(kinds(compared(pipe, text)).values()) == {"same"}
    assert set(kinds(compared(pipe, "HEAD:out", "../out")).values()) == {"same"}


def test_nothing_different_is_said(pipe: Pipe, made: Vendor, git: Git) -> None:
    """And the gate is open."""
    keep(git, "one")
    said = pipe("diff", "HEAD", "--fail-above", "0")
    assert (said.code, said.out.splitlines()[-1]) == (0, "3 pictures: 3 the same")


def test_a_picture_that_is_a_link_is_no_picture_of_the_folder(pipe: Pipe, tmp_path: Path) -> None:
    """A stranger's folder may point at a picture of yours, which is not to stand in a page that you send."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(saved(Image.new("RGB", (4, 4), "teal")))
    (tmp_path / "private.png").write_bytes(saved(Image.new("RGB", (4, 4), "red")))
    (tmp_path / "b" / "y.png").symlink_to(tmp_path / "private.png")
    assert set(compared(pipe, str(tmp_path / "a"), str(tmp_path / "b"))["pictures"]) == {"x.png"}
