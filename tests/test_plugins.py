"""Ops of other packages, really installed: used, told apart, and blamed for what is theirs.

Unaware of how entry points are kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from banana_pipe import transforms
from banana_pipe.errors import RecipeErrors
from banana_pipe.model import Op, Request
from banana_pipe.recipe import jsonschema as schema
from banana_pipe.recipe import load
from banana_pipe.request import describe
from banana_pipe.transforms import plugins
from banana_pipe.transforms.base import TransformFailed
from banana_pipe.transforms.resize import RESIZE
from tests.transforms.builders import made, op, picture, saved

GLOW = Path(__file__).parent / "glow"
GUIDE = Path(__file__).parent.parent / "docs" / "language.md"
RECIPE = "version: 1\nsteps:\n  lit: {images: cut.png, transform: [{pad: 9}, {glow: 4}]}\n"


@dataclass(frozen=True, slots=True)
class Site:
    """A folder for packages, and a project beside it."""

    packages: Path
    project: Path

    def package(self, name: str, code: str, *ops: str, version: str = "0.1", module: str | None = None) -> None:
        """A package as an installer leaves it: its module, and what is told of it."""
        module = module or name.replace("-", "_")
        (self.packages / f"{module}.py").write_text(code)
        info = self.packages / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            "\n".join([f"[{plugins.GROUP}]", *(f"{one} = {module}:OP" for one in ops)])
        )

    def banana(self, *words: str, packages: bool = True) -> subprocess.CompletedProcess[str]:
        """The command, in a process of its own."""
        path = {"PYTHONPATH": str(self.packages)} if packages else {}
        root = Path(__file__).parent.parent
        return subprocess.run(
            [
                sys.executable,
                "-c",
                f"import sys; sys.path.insert(1, {str(root)!r}); import banana_pipe.cli; sys.exit(banana_pipe.cli.main())",
                *words,
            ],
            cwd=self.project,
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "site", tmp_path / "project")
    made.packages.mkdir()
    made.project.mkdir()
    (made.project / "banana-pipe.toml").touch()
    cut = Image.new("RGBA", (20, 20))
    cut.paste((200, 30, 30, 255), (5, 5, 15, 15))
    cut.save(made.project / "cut.png")
    (made.project / "r.yaml").write_text(RECIPE)
    return made


@pytest.fixture(scope="module")
def glow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of the guide, installed as anybody would."""
    target = tmp_path_factory.mktemp("glow")
    command = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    subprocess.run([sys.executable, *command, str(GLOW)], check=True, capture_output=True)
    return target


@pytest.fixture
def here(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site's packages, in this process."""
    plugins.installed.cache_clear()
    plugins.find.cache_clear()
    monkeypatch.syspath_prepend(str(site.packages))
    yield site
    plugins.installed.cache_clear()
    plugins.find.cache_clear()
    for name in [path.stem for path in site.packages.glob("*.py")]:
        sys.modules.pop(name, None)


OP = "from banana_pipe.ops import *\nfrom banana_pipe.transforms.pixels import Encoding\nOP = Transform({name!r}, {version}, 'about', (Param('by', Whole(1, 9), 'By.', 2, default=1),), {run})\n"


KIND = "class Odd:\n    words = 'odd'\n    read = lambda _, value: value\n"


def code(name: str = "sepia", run: str = "each(lambda frame, params: frame)", version: str = "1") -> str:
    return OP.format(name=name, version=version, run=run)


def said(site: Site, text: str) -> str:
    """All that is said of a recipe."""
    (site.project / "r.yaml").write_text(f"version: 1\nsteps:\n  a: {{images: cut.png, transform: [{text}]}}\n")
    with pytest.raises(RecipeErrors) as raised:
        load(site.project / "r.yaml", shown_as="r.yaml")
    return str(raised.value)


class TestInstalled:
    """The guide's example, with pip, in processes of their own."""

    def test_it_is_used_like_one_of_ours(self, site: Site, glow: Path) -> None:
        """Planned, made, published, cached; in the schema, in `doctor`; and its mistakes stand at their place."""
        shop = Site(glow, site.project)
        ran = shop.banana("run", "r.yaml", "--json")
        assert ran.returncode == 0, ran.stderr
        with Image.open(site.project / "out/r/lit.png") as lit:
            assert lit.convert("RGBA").getpixel((13, 13)) not in ((0, 0, 0, 0), (200, 30, 30, 255))
        entry = json.loads((site.project / "out/r/manifest.json").read_text())["files"][0]
        assert entry["request"]["ops"][1] == {
            "op": "glow",
            "version": 1,
            "package": "banana-glow",
            "params": {"radius": 4, "color": "#ffffff"},
        }
        document = json.loads(shop.banana("schema").stdout)
        check = jsonschema.Draft202012Validator(document)
        step = {"images": "cut.png", "transform": [{"glow": {"radius": 4}}]}
        assert not list(check.iter_errors({"version": 1, "steps": {"lit": step}}))
        assert list(check.iter_errors({"version": 1, "steps": {"lit": {**step, "transform": [{"glow": {"size": 4}}]}}}))
        assert "glow (banana-glow 1.2)" in shop.banana("doctor", "--offline").stdout
        (site.project / "r.yaml").write_text(RECIPE.replace("glow: 4", "glow: {radius: 0, colour: red}"))
        wrong = shop.banana("validate", "r.yaml")
        assert wrong.returncode == 2
        assert "`glow` has no `colour`" in wrong.stderr
        assert "→ did you mean `color`?" in wrong.stderr
        (site.project / "r.yaml").write_text(RECIPE.replace("{pad: 9}", "{crop: {box: [6, 6, 3, 3]}}"))
        failed = shop.banana("run", "r.yaml", "--json")
        assert failed.returncode == 1
        error = json.loads(failed.stdout)["nodes"][0]["error"]
        assert error == "glow: nothing is transparent; cut the picture out with `chroma_key`, or `pad` it"

    def test_without_it_the_recipe_says_what_is_missing(self, site: Site) -> None:
        """And what there is."""
        ran = site.banana("plan", "r.yaml", packages=False)
        assert ran.returncode == 2
        assert "r.yaml:3:49: there is no op `glow`" in ran.stderr
        assert "one of another package is there once that is installed" in ran.stderr

    def test_nobody_imports_what_nobody_asks_for(self, site: Site) -> None:
        """Neither `--help` nor a plan nor a run without it."""
        site.package("loud", "open('imported', 'a').close()\n" + code("loud"), "loud")
        (site.project / "r.yaml").write_text(RECIPE.replace(", {glow: 4}", ""))
        for words in (("--help",), ("plan", "r.yaml"), ("run", "r.yaml")):
            assert site.banana(*words).returncode == 0
        assert not (site.project / "imported").exists()
        (site.project / "r.yaml").write_text(RECIPE.replace("glow: 4", "loud: 4"))
        assert site.banana("plan", "r.yaml").returncode == 0
        assert (site.project / "imported").exists()

    def test_what_an_op_prints_is_no_part_of_what_programs_read(self, site: Site) -> None:
        """Whatever of it prints, and also what it starts: under `--json` stdout has one object."""
        run = "each(lambda f, p: (print('hello'), os.write(1, b'hello\\n'), os.system('echo hello'), f)[-1])"
        more = ", check=lambda p: print('hello'), side_files=lambda p: print('hello') or ())\n"
        site.package("loud", "import os\n" + code("loud", run)[:-2] + more, "loud")
        (site.project / "r.yaml").write_text(RECIPE.replace("glow: 4", "loud: 4"))
        ran = site.banana("run", "r.yaml", "--json")
        assert json.loads(ran.stdout)["status"] == "ok"
        assert ran.stderr.count("hello\n") > 4

    def test_what_is_installed_badly_is_passed_over(self, site: Site, glow: Path) -> None:
        """Of a package that says nothing readable of itself nobody knows whether it has ops; the others work."""
        site.package("bad", code("bad"), "bad")
        (site.packages / "bad-0.1.dist-info" / "entry_points.txt").write_text(f"[{plugins.GROUP}]\nbad\n")
        site.package("nameless", code("sepia"), "sepia")
        (site.packages / "nameless-0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n")
        shutil.copytree(glow, site.packages, dirs_exist_ok=True)
        assert site.banana("run", "r.yaml").returncode == 0
        (site.project / "r.yaml").write_text(RECIPE.replace("glow", "sepia"))
        assert "there is no op `sepia`" in site.banana("plan", "r.yaml").stderr

    def test_what_lies_in_the_working_directory_is_not_installed(self, site: Site) -> None:
        """A stranger's project brings no code along, though `python -m` looks there for modules."""
        site.packages.rmdir()
        planted = Site(site.project, site.project)
        planted.package("evil", "open('imported', 'a').close()\n" + code("glow"), "glow")
        ran = planted.banana("run", "r.yaml")
        assert (ran.returncode, (site.project / "imported").exists()) == (2, False)
        assert "there is no op `glow`" in ran.stderr


def test_the_guide_shows_the_package_that_the_tests_install() -> None:
    """Line by line, and it is short."""
    guide = GUIDE.read_text("utf-8")
    for name in ("glow.py", "pyproject.toml"):
        text = (GLOW / name).read_text("utf-8")
        assert text.strip() in guide
        assert len(text.splitlines()) <= 30


class TestClashes:
    """Whose op is meant is never a guess."""

    def test_a_package_with_an_op_of_ours_is_refused(self, here: Site) -> None:
        """All of it: who replaces `resize` may do so in the next version with anything. Ours stay ours."""
        here.package("greedy", code("sepia"), "resize", "sepia")
        assert "greedy 0.1 has an op `resize`, and so has banana-pipe itself" in said(here, "sepia")
        assert transforms.find("resize") is RESIZE

    def test_who_uses_one_of_ours_is_told_that_it_is_ours(self, site: Site) -> None:
        """Where a package has one of that name, and only there; whoever wrote the recipe may have meant the other."""
        site.package("greedy", code("resize"), "resize")
        (site.project / "r.yaml").write_text(RECIPE.replace("{glow: 4}", "{resize: 9}"))
        ran = site.banana("plan", "r.yaml")
        assert ran.returncode == 0
        assert "step lit: `resize` is banana-pipe's own, not that of greedy 0.1" in " ".join(
            f"{ran.stdout}{ran.stderr}".split()
        )
        assert "greedy" not in site.banana("plan", "r.yaml", packages=False).stdout

    def test_two_packages_with_one_op_are_refused(self, here: Site) -> None:
        """Both are named."""
        here.package("one", code(), "sepia")
        here.package("other", code(), "sepia", version="2.0")
        words = said(here, "sepia")
        assert "two packages have an op `sepia`: one 0.1 and other 2.0" in words
        assert "uninstall one of them" in words

    def test_the_same_op_of_two_packages_has_two_keys(self, here: Site) -> None:
        """And one of ours has none of this in its key."""
        described = []
        for package in ("", "one", "other"):
            one = Op("sepia", 1, {}, package=package)
            request = Request("local", "transform", "", "", (), {}, 1, (one,))
            described.append(json.dumps(describe(request)))
        assert len(set(described)) == 3
        assert "package" not in described[0]


class TestBroken:
    """It is said whose it is, and what to do."""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("import nothing_of_that_name", "cannot be imported: ModuleNotFoundError: No module named"),
            ("raise SystemError('boo')", "cannot be imported: SystemError: boo"),
            ("import sys\nsys.exit(3)", "cannot be imported: SystemExit: 3"),
            ("", "cannot be imported: AttributeError"),
            ("OP = 5", "is none: it is no Transform but int"),
            (code("other"), "is none: it calls itself `other`"),
            (code(version="'1'"), "is none: its version is no whole number from 1 on"),
            (code().replace("default=1", "default='1'"), "is none: the default of `by` is not in its canonical form"),
            (code().replace("'By.', 2", "'By.', 20"), "is none: the example of `by` is not of its kind"),
            (code().replace("'by'", "5"), "is none: a parameter is called `5`"),
            (code().replace("'by'", "['by']"), "is none: TypeError"),
            (code().replace("'By.'", "5"), "is none: what `by` is and does is no text"),
            (code().replace("'about'", "{1, 2}"), "is none: what it does is no text"),
            (code().replace("(Param", "5 or (Param"), "is none: it has no parameters"),
            (code().replace("default=1),", "default=1),) * 2 + ("), "is none: two parameters have one name"),
            (KIND + "    schema = {1, 2}\n" + code().replace("Whole(1, 9)", "Odd()"), "is none: "),
            (
                KIND + "    schema = property(lambda _: 1 / 0)\n" + code().replace("Whole(1, 9)", "Odd()"),
                "is none: Zero",
            ),
        ],
    )
    def test_what_cannot_be_used_is_a_mistake_at_its_place(self, here: Site, text: str, words: str) -> None:
        """With the package, its version and the way out; the schema and `doctor` live with it."""
        here.package("bad", text, "sepia")
        error = said(here, "sepia")
        assert "r.yaml:3:36: the op `sepia` of bad 0.1" in error
        assert words in error
        assert "`pip uninstall bad`" in error
        (form,) = [one for one in schema.document()["$defs"]["op"]["anyOf"] if "sepia" in one.get("properties", ())]
        assert "bad 0.1" in form["properties"]["sepia"]["description"]

    @pytest.mark.parametrize(
        ("run", "words"),
        [
            ("each(lambda frame, params: 1 / 0)", "`sepia` of bad 0.1 broke: ZeroDivisionError: division by zero"),
            ("each(lambda frame, params: None)", "`sepia` of bad 0.1 broke: TypeError: what it made is no Frame"),
            ("each(lambda frame, params: exit(3))", "`sepia` of bad 0.1 broke: SystemExit: 3"),
            (
                "each(lambda f, _: f.showing(f.image.crop((0, 0, 0, 5))))",
                "`sepia` of bad 0.1 broke: TypeError: what it made",
            ),
            (
                "each(lambda f, _: Frame(f.image, 'png'))",
                "`sepia` of bad 0.1 broke: TypeError: it wants to be written as png",
            ),
            (
                "each(lambda f, _: Frame(f.image, Encoding('image/jpeg', 10**30)))",
                "`sepia` of bad 0.1 broke: TypeError: it",
            ),
            (
                "each(lambda f, _: Frame(f.image, Encoding(background='red')))",
                "`sepia` of bad 0.1 broke: TypeError: it",
            ),
            ("each(lambda f, _: f.showing(f.image.resize((99_999, 999))))", "sepia: the result would have 99999 × 999"),
            (
                "each(lambda f, _: Frame(f.image, f.encoding, (Beside('.txt', 'text/plain', 'text'),)))",
                "`sepia` of bad 0.1 broke: TypeError: what it made beside the picture",
            ),
            ("lambda *_: None", "`sepia` of bad 0.1 broke: TypeError"),
            ("each(lambda f, _: f.showing(f.image.convert('CMYK')))", "mode RGB or RGBA"),
            ("lambda *_: iter(())", "0 pictures are left"),
            (
                "each(lambda f, _: Frame(f.image, f.encoding, (Beside('.txt', 'text/plain', b'x'),)))",
                "beside the picture there was to be",
            ),
        ],
    )
    def test_what_breaks_while_it_works_is_that_nodes_failure(self, here: Site, run: str, words: str) -> None:
        """Never a bug of ours that ends the run."""
        here.package("bad", code(run=run), "sepia")
        transform = transforms.find("sepia")
        assert transform is not None
        with pytest.raises(TransformFailed, match=words.partition("(")[0]):
            made([Op("sepia", 1, {"by": 1}, package="bad")], picture(9, 9))

    @pytest.mark.parametrize(
        "more",
        [
            "check=lambda params: 1 / 0",
            "check=lambda params: exit()",
            "side_files=lambda params: 1 / 0",
            "side_files=lambda params: ('/../x',)",
            "told=lambda params, standing: None",
            "told=lambda params, standing: {'by': {1, 2}}",
            "told=lambda params, standing: {'by': 2}, side_files=lambda params: ('.txt',) * (1 // (2 - params['by']))",
        ],
    )
    def test_what_breaks_while_it_is_read_is_a_mistake_at_its_place(self, here: Site, more: str) -> None:
        """What it asks of parameters, and of files that it makes beside pictures: no path leads out."""
        here.package("bad", code().replace("params: frame))", f"params: frame), {more})"), "sepia")
        assert "`sepia` of bad 0.1" in said(here, "sepia")

    def test_a_kind_of_its_own_may_raise_what_it_likes(self, here: Site) -> None:
        """Then the value is not of it."""
        kind = "class Odd:\n    words = 'an odd number'\n    schema = {}\n    def read(self, value):\n        return [3][value // 2 - 1]\n"
        here.package("odd", kind + code().replace("Whole(1, 9), 'By.', 2, default=1", "Odd(), 'By.', 2"), "sepia")
        assert "`by` of `sepia` is an odd number; not 8" in said(here, "{sepia: 8}")

    def test_what_a_kind_of_its_own_reads_is_fit_for_a_key(self, here: Site) -> None:
        """Else the value is not of it."""
        kind = "class Odd:\n    words = 'an odd number'\n    schema = {}\n    def read(self, value):\n        return value if value < 5 else {value}\n"
        here.package("odd", kind + code().replace("Whole(1, 9), 'By.', 2, default=1", "Odd(), 'By.', 2"), "sepia")
        assert "`by` of `sepia` is an odd number; not 8" in said(here, "{sepia: 8}")

    def test_what_it_prints_as_it_is_imported_is_no_part_of_what_we_print(
        self, here: Site, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """`run --json` is read by programs."""
        here.package("loud", "print('hello')\n" + code(), "sepia")
        assert transforms.find("sepia") is not None
        assert capsys.readouterr() == ("", "hello\n")

    def test_what_was_uninstalled_meanwhile_is_said(self) -> None:
        """Between plan and run."""
        with pytest.raises(TransformFailed, match="no op `gone` any more"):
            made([Op("gone", 1, {})], saved(picture(9, 9)))


def test_no_side_file_takes_the_place_of_its_picture(here: Site) -> None:
    """Whichever type that has."""
    for suffix in (".png", ".webp"):
        here.package(
            f"twin{suffix[1:]}", code(suffix[1:])[:-2] + f", side_files=lambda params: ({suffix!r},))\n", suffix[1:]
        )
    plugins.installed.cache_clear()
    for suffix in ("png", "webp"):
        words = f"`a.{suffix}`, a file beside the picture of `a`, would have the name of the picture itself"
        assert words in said(here, suffix)


def test_side_files_of_others_are_as_good_as_ours(here: Site) -> None:
    """What is announced is made."""
    run = "each(lambda f, _: Frame(f.image, f.encoding, (*f.beside, Beside('.txt', 'text/plain', b'x'))))"
    here.package("notes", code(run=run)[:-2] + ", side_files=lambda params: ('.txt',))\n", "sepia")
    done = made([op("icons", sizes=[8]), Op("sepia", 1, {"by": 1}, package="notes")], picture(9, 9))
    assert [one.suffix for one in done.beside] == [".ico", "-8.png", ".txt"]
