"""The studio in a real browser: a run comes in, takes are picked, bought and accepted, values tried, runs compared.

Unaware of how it is served. In the long form axe looks at it, and `BANANA_PIPE_SCREENSHOTS` keeps its main views.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import PIL.Image
import pytest

from tests.browser.test_at_large import axe, violations
from tests.cli.conftest import at, environment, project
from tests.studio.studios import studio
from tests.vendor.fixture import vendor
from tests.vendor.server import Vendor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["at", "axe", "project", "vendor"]

RECIPE = """
vars: {product: a mug}
defaults: {model: nano-banana}
steps:
  base: {generate: "Photo of {{ product }}", samples: 2}
  tint: {matrix: {color: [ivory, teal]}, images: base, edit: "Make it {{ color }}"}
"""
ONE_COLOR = RECIPE.replace("[ivory, teal]", "[ivory]")
SHOP = Path("recipes/shop.yaml")
RUN_MS = 60_000
SCREENSHOTS = os.environ.get("BANANA_PIPE_SCREENSHOTS")  # read now: tests have an environment of their own


@contextmanager
def opened(browser: Browser, url: str, **given: Any) -> Iterator[Page]:
    """The studio's page. At the end nothing was complained of, and nothing was asked elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", **given)
    page = context.new_page()
    page.set_default_timeout(RUN_MS)
    said: list[str] = []
    page.on("console", lambda one: None if "409 (Conflict)" in one.text else said.append(f"console: {one.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: None if request.url.startswith((url, "data:")) else said.append(request.url))
    page.goto(url)
    yield page
    context.close()
    assert said == []


def tell(page: Page, words: str) -> None:
    """Wait until the page has said *words* of what was done, and take them away."""
    notice = page.locator(".notice", has_text=words)
    notice.wait_for()
    notice.get_by_role("button", name="Dismiss").click()


def retouch(out: Path) -> None:
    """The first picture, as somebody changed it."""
    PIL.Image.linear_gradient("L").save(out / "base.png")


REPLAY = """
import json, shutil, sys
from banana_pipe.cli.group import run_command
for line in json.loads(sys.argv[1]):
    if "accept" in line:
        shutil.copyfile(sys.argv[2], "out/shop@sandbox/base.png")
    assert run_command(line) == 0, line
"""


def replayed(lines: list[str], project: Path, retouched: Path) -> None:
    """The commands, one after the other, in a process: the browser's loop has this thread."""
    words = json.dumps([shlex.split(line)[1:] for line in lines])
    done = subprocess.run(
        [sys.executable, "-c", REPLAY, words, str(retouched)],
        cwd=project,
        env=environment(None),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def left_in(project: Path) -> dict[str, object]:
    """What a project has come to: its pictures by bytes; lock file and manifest without times and the vendor's ids."""
    found: dict[str, object] = {}
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        if name.startswith("out/") and path.suffix == ".png":
            found[name] = path.read_bytes()
        elif path.suffix == ".lock" or path.name == "manifest.json":
            told = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", path.read_text())
            told = re.sub(r'"(run_id|task_id|trace_id)": "[^"]*"', r'"\1": ID', told)
            found[name] = told
    return found


def test_what_is_clicked_is_what_the_commands_do(
    browser: Browser, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each act by mouse or key in the sandbox; then the commands that the page says, in another project: the same files."""
    SHOP.write_text(ONE_COLOR)
    said: list[str] = []

    def same(page: Page) -> None:
        said.append(page.locator(".notice code").inner_text())

    with studio(SHOP, provider="sandbox") as served, opened(browser, served.url) as page:
        assert page.locator(".card .badge.draw").count() == 1
        page.locator(".go").click()
        said.append("banana-pipe run recipes/shop.yaml --provider sandbox")
        tell(page, "3 pictures made")
        assert page.evaluate("Promise.all([...document.images].map(one => one.decode())).then(all => all.length)") > 3

        page.locator(".frame").first.click()
        page.keyboard.press("t")
        page.get_by_role("button", name="pick take 2").first.click()
        page.locator(".notice", has_text="take 2 is picked").wait_for()
        same(page)
        assert page.locator(".stage figure.picked figcaption").inner_text() == "take 2 ✓ picked"
        page.keyboard.press("0")
        page.locator(".notice", has_text="the recipe decides").wait_for()
        same(page)
        page.keyboard.press("r")
        assert "Free" in page.locator("#agree").inner_text()
        said.append(page.locator("#agree code").inner_text())
        page.keyboard.press("Enter")
        tell(page, "take 3 is here and picked")
        page.keyboard.press("Escape")
        assert page.locator(".card").first.locator(".takes a").count() == 3

        page.locator(".go").click()
        said.append("banana-pipe run recipes/shop.yaml --provider sandbox")
        tell(page, "1 picture made")

        before = left_in(project)
        page.locator(".to-vars").click()
        page.locator("#variables input").fill("a tea pot")
        page.locator("#variables ins", has_text="tea pot").first.wait_for()
        assert "A run would draw 3 pictures, free" in page.locator("#variables").inner_text()
        assert "--set 'product=a tea pot'" in page.locator("#variables code").inner_text()
        page.keyboard.press("Escape")
        assert left_in(project) == before

        retouch(project / "out/shop@sandbox")
        page.locator(".card .badge.modified").wait_for()
        page.locator(".frame").first.focus()
        page.keyboard.press("a")
        page.locator(".notice", has_text="accepted as it is").wait_for()
        same(page)

        page.locator(".to-runs").click()
        page.locator("#runs .price-of", has_text="changed").wait_for()
        assert page.locator("#runs code").inner_text().startswith("banana-pipe diff 20")
        page.keyboard.press("Escape")

    other = tmp_path_factory.mktemp("other")
    (other / "recipes").mkdir(parents=True)
    (other / "banana-pipe.toml").write_text("")
    (other / SHOP).write_text(ONE_COLOR)
    replayed(said, other, project / "out/shop@sandbox/base.png")
    assert [line.split()[1] for line in said] == ["run", "pick", "lock", "reroll", "run", "lock"]
    assert left_in(other) == left_in(project)


def test_money_is_asked_for_and_agreed_to_by_keys_alone(browser: Browser, project: Path, at: Vendor) -> None:
    """At a vendor that draws at random: the price, the agreement, the bill; what became dearer is asked again."""
    SHOP.write_text(RECIPE)
    at.behave(delay=0.1)
    with studio(SHOP) as served, opened(browser, served.url) as page:
        assert "4 pictures for about $0.156" in page.locator(".todo").inner_text()
        page.locator(".go").focus()
        for _ in range(3):
            page.keyboard.down("Enter")  # a key that is held agrees to nothing
        page.keyboard.up("Enter")
        assert "4 pictures for about $0.156" in page.locator("#agree .price-of").inner_text()
        assert page.locator("#agree code").inner_text().endswith("run recipes/shop.yaml --max-calls 4 --max-cost 0.16")
        page.keyboard.press("Escape")
        assert not at.received

        page.keyboard.press("Enter")
        SHOP.write_text(RECIPE.replace("[ivory, teal]", "[ivory, teal, plum]"))
        page.keyboard.press("Enter")
        page.locator("#agree .error", has_text="nothing was bought").wait_for()
        assert "5 pictures for about $0.195" in page.locator("#agree .price-of").inner_text()
        assert page.evaluate("document.activeElement.textContent") == "Cancel"
        assert not at.charges
        SHOP.write_text(RECIPE)
        page.locator("#agree .commit").focus()
        page.keyboard.press("Enter")
        tell(page, "4 pictures made for $0.156")
        assert len(at.charges) == 4

        page.reload()
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append(route)

        page.route("**/_do/pick", hold)
        page.locator(".frame").first.focus()
        page.keyboard.press("2")
        page.locator(".card").first.locator(".takes .picked", has_text="2").wait_for()  # at once, whatever it takes
        held[0].continue_()
        page.unroute("**/_do/pick")
        page.locator(".notice", has_text="take 2 is picked").wait_for()
        page.locator(".todo", has_text="2 pictures for about $0.078").wait_for()
        page.locator(".notice").get_by_role("button", name="undo").click()
        tell(page, "the recipe decides")
        page.locator(".frame").first.focus()
        page.keyboard.press("r")
        assert "1 picture for about $0.039" in page.locator("#agree .price-of").inner_text()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="back to take 1").click()
        tell(page, "take 1 is picked")
        assert len(at.charges) == 5
        page.locator(".todo", has_text="All is here").wait_for()


def test_a_mistake_in_the_recipe_is_shown_where_it_is(browser: Browser, project: Path) -> None:
    """With its line and what to do, as on the terminal; and goes away with it. A provider's words stand in the page."""
    SHOP.write_text(RECIPE.replace("Make it", "sandbox-refuse it").replace("samples: 2", "samples: 1"))
    with studio(SHOP, provider="sandbox") as served, opened(browser, served.url) as page:
        page.locator(".go").click()
        tell(page, "Not all done")
        assert page.locator(".troubles .trouble.failed").count() == 2
        SHOP.write_text(RECIPE.replace("edit:", "edits:"))
        page.locator("#studio pre", has_text="recipes/shop.yaml:").wait_for()
        assert "^" in page.locator("#studio pre").first.inner_text()
        SHOP.write_text(RECIPE)
        page.locator("#studio pre").first.wait_for(state="detached")
        page.locator("[type=search]").fill("base")
        SHOP.write_text(RECIPE + "  plate: {generate: A plate}\n")
        page.get_by_role("button", name="look at them").click()  # what was typed is not taken away by itself
        page.locator(".card", has_text="plate").wait_for()


def test_hostile_words_stay_words(browser: Browser, project: Path) -> None:
    """In names, prompts, variables and what is typed: nothing runs, nothing loads."""
    hostile = "</script><img src=x onerror='hit=1'><b>&amp;\"`"
    steps = {"base": {"matrix": {"a": [hostile]}, "generate": "{{ product }} {{ a }}", "samples": 2}}
    recipe = {"defaults": {"provider": "sandbox"}, "vars": {"product": hostile}, "steps": steps}
    SHOP.write_text(json.dumps(recipe))
    with studio(SHOP) as served, opened(browser, served.url) as page:
        page.locator(".to-vars").click()
        page.locator("#variables input").fill(hostile * 2)
        page.locator("#variables ins").first.wait_for()
        page.keyboard.press("Escape")
        page.locator(".go").click()
        tell(page, "2 pictures made")
        page.locator(".frame").first.click()
        page.keyboard.press("2")
        page.locator(".notice", has_text="take 2 is picked").wait_for()
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x], b b, #studio b").count() == 0


@pytest.mark.campaign
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_left_out(browser: Browser, project: Path, axe: str, scheme: Any) -> None:
    """Axe finds nothing before a run, after it, from near, while a price is asked, with values and runs."""
    SHOP.write_text(RECIPE)
    with (
        studio(SHOP, provider="sandbox") as served,
        opened(browser, served.url, color_scheme=scheme, bypass_csp=True) as page,
    ):

        def look(name: str) -> None:
            for width, height in ((1280, 900), (390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                if SCREENSHOTS:
                    page.screenshot(path=Path(SCREENSHOTS) / f"studio-{name}-{scheme}-{width}.png")
                assert violations(page, axe) == [], f"{name}, {width}"
            page.set_viewport_size({"width": 1280, "height": 900})

        look("fresh")
        page.locator(".go").click()
        page.locator(".notice", has_text="All done").wait_for()
        look("done")
        page.locator(".frame").first.click()
        page.keyboard.press("t")
        page.keyboard.press("2")
        page.locator(".notice", has_text="is picked").wait_for()
        look("near")
        page.keyboard.press("r")
        look("price")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        page.locator(".to-vars").click()
        page.locator("#variables input").fill("a tea pot")
        page.locator("#variables ins").first.wait_for()
        look("values")
        page.keyboard.press("Escape")
        page.locator(".to-runs").click()
        page.locator("#runs .price-of").wait_for()
        look("runs")
