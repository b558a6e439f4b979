"""The gallery in a real browser: by mouse and by keyboard, and nothing leaves the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


def count(page: Page) -> int:
    return page.locator(".card:visible").count()


def heading(page: Page) -> str:
    return page.locator("#view h2").inner_text()


def focused(page: Page) -> str:
    """The title of the card that has the focus."""
    return str(page.evaluate("document.activeElement.closest('.card')?.querySelector('[title]').title || ''"))


HEAR = """() => {
  const open = [...document.querySelectorAll("dialog[open]")];
  window.closed = Promise.race(open.map(one => new Promise(done => one.addEventListener("close", () => setTimeout(done)))));
}"""


def escape(page: Page) -> None:
    """Leave a dialog, and wait until the page has heard of it: that comes as an event of its own."""
    page.evaluate(HEAR)
    page.keyboard.press("Escape")
    page.evaluate("window.closed")


def test_small_pictures_are_shown_and_all_of_them_load(page: Page) -> None:
    """Each picture of the sheet has pixels once it is in view."""
    page.evaluate("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
    assert page.evaluate("Promise.all([...document.images].map(one => one.decode())).then(all => all.length)") > 10
    assert "_/thumbs/" in (page.locator(".frame img").first.get_attribute("src") or "")


def test_search_and_filters_leave_what_fits(page: Page) -> None:
    """By words, by state, by both; escape in the search shows all again."""
    everything = count(page)
    page.keyboard.press("/")
    page.keyboard.type("glaze teal")
    assert 0 < count(page) < everything
    assert f"of {everything}" in page.locator(".count").inner_text()
    page.keyboard.press("Escape")
    assert count(page) == everything
    page.locator(".chip.failed").click()
    assert count(page) == 1
    assert page.locator(".chip.failed").get_attribute("aria-pressed") == "true"
    page.locator(".search input").fill("nothing like it")
    assert page.locator("#none").is_visible()


def test_arrows_go_through_the_sheet_and_enter_looks(page: Page) -> None:
    """And escape comes back to where one was."""
    page.locator(".frame").first.focus()
    page.keyboard.press("ArrowRight")
    second = focused(page)
    page.keyboard.press("Enter")
    assert heading(page) == second
    page.keyboard.press("ArrowRight")
    third = heading(page)
    assert third != second
    escape(page)
    assert page.locator("#view[open]").count() == 0
    assert focused(page) == third
    page.keyboard.press("ArrowLeft")
    assert focused(page) == second


def test_the_large_view_tells_all_that_is_known(page: Page) -> None:
    """Prompt with what changed, takes, lineage, ids, hash, price, and who reads it."""
    page.locator(".frame").first.click()
    told = page.locator("#view aside").inner_text()
    for words in ("A mug on white", "$0.039", "task-1", "trace-1", "sha256", "Read by", "12 s"):
        assert words in told
    assert page.locator("#view del").inner_text().strip() == "plain"
    page.get_by_role("button", name="Next picture").click()
    assert page.locator("#view .level").count() == 2
    page.locator("#view .level .small").first.click()
    assert heading(page) == "mug"
    page.locator("#view summary").click()
    assert '"prompt": "A mug on white"' in page.locator("#view pre").inner_text()
    page.get_by_role("button", name="Close").click()
    assert page.locator("#view[open]").count() == 0


def test_takes_stand_side_by_side_with_the_picked_one_marked(page: Page) -> None:
    """By the key t."""
    page.locator(".frame").first.focus()
    page.keyboard.press("t")
    assert page.locator(".stage figcaption").all_inner_texts() == ["take 1 ✓ picked", "take 2"]
    assert page.locator(".stage figure.picked").count() == 1


@pytest.mark.parametrize(("key", "mode"), [("1", "side"), ("2", "swipe"), ("3", "onion"), ("4", "difference")])
def test_any_two_are_compared(page: Page, key: str, mode: str) -> None:
    """Marked by key, looked at in four ways; the slider is a slider."""
    frames = page.locator(".frame")
    for place in (1, 3):
        frames.nth(place).focus()
        page.keyboard.press("c")
    page.keyboard.press(key)
    assert page.locator(f"#compare[open] .pair.{mode}").is_visible()
    assert page.locator("#compare [aria-pressed=true]").count() == 1
    if mode in ("swipe", "onion"):
        page.locator("#compare input").focus()
        page.keyboard.press("End")
        assert page.evaluate("document.querySelector('.pair').style.getPropertyValue('--at')") == "100%"
    escape(page)
    page.locator(".tray").wait_for(state="hidden")


def test_a_node_of_the_graph_shows_its_line(page: Page) -> None:
    """By mouse and by keyboard; once more shows all again."""
    everything = count(page)
    page.keyboard.press("g")
    cell = page.locator(".graph .cell", has_text="teal").first
    cell.click()
    assert 1 < count(page) < everything
    page.locator(".chip.only").click()
    assert count(page) == everything
    cell.focus()
    page.keyboard.press("Enter")
    assert count(page) < everything
    page.keyboard.press("Enter")
    assert count(page) == everything


def test_bars_and_failures_lead_to_their_pictures(page: Page) -> None:
    """Each opens from near."""
    page.locator(".trouble a").first.click()
    assert heading(page) == "refused"
    assert "trace_id 7c0e" in page.locator("#view").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.locator(".timeline a").first.click()
    assert heading(page) == "mug"


def test_keys_and_sizes(page: Page) -> None:
    """? tells the keys; the slider sets how large pictures are."""
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("?")
    assert page.locator("#keys").is_hidden()
    before = page.locator(".card").nth(4).bounding_box()
    page.locator(".size input").focus()
    page.keyboard.press("Home")
    after = page.locator(".card").nth(4).bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] < before["width"]


Act = Callable[["Page", "Locator"], None]


def by_mouse(page: Page, control: Locator) -> None:
    """Where its name is, if it is a box with others in it."""
    name = control.locator(".step-name")
    (name if name.count() else control).click()


def by_key(page: Page, control: Locator) -> None:
    """Reached by the tab key alone, as who has no mouse does, and pressed by Enter."""
    wanted = control.element_handle()
    for _ in range(400):
        if page.evaluate("wanted => document.activeElement === wanted", wanted):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError("no number of tabs leads there")
    page.keyboard.press("Enter")


SHEET_CONTROLS = {
    ".again .copy": ".again .copy:text('copied')",
    ".trouble a": "#view[open]",
    ".chip.failed": ".chip.failed[aria-pressed=true]",
    "nav a": ":root:has(.step:target)",
    ".graph summary": ".graph[open]",
    ".timeline summary": ".timeline[open]",
    ".graph .cell": ".chip.only:visible",
    ".graph .box": ".chip.only:visible",
    ".timeline a": "#view[open]",
    ".frame": "#view[open]",
    ".takes a": "#view[open]",
    ".help": "#keys[open]",
}
NEAR_CONTROLS = {
    ".after": "#view .of:text('2 of')",
    ".close": ":root:not(:has(#view[open]))",
    ".mark": ".tray:not([hidden])",
    "section .small >> nth=1": "#view .small[aria-pressed=true]:has-text('2')",
    "section .button": "#view .stage.many",
    ".whole + .copy": "#view .copy:text('copied')",
    "section:has-text('Read by') .small": "#view h2:has-text('s0')",
    "dd .copy": "#view .copy:text('copied')",
    "details summary": "#view details[open]",
}
COMPARE_CONTROLS = {
    ".chip >> nth=1": ".pair.swipe",
    ".chip >> nth=2": ".pair.onion",
    ".chip >> nth=3": ".pair.difference",
    ".chip >> nth=0": ".pair.side",
    ".swap": ".pair figure:first-child figcaption:has-text('n=2')",
    ".close": ":root:not(:has(#compare[open]))",
}


@pytest.mark.parametrize("press", [by_mouse, by_key])
def test_every_control_of_the_sheet_works_by_mouse_and_by_keyboard(page: Page, press: Act) -> None:
    """Links, chips, folds, nodes of the graph, bars: each does what it says; so do the search and the slider."""
    for control, seen in SHEET_CONTROLS.items():
        page.reload()
        for fold in ("graph", "timeline"):
            if control.startswith(f".{fold} ") and "summary" not in control:
                press(page, page.locator(f".{fold} summary"))
        press(page, page.locator(f"{control} >> nth=0"))
        page.locator(seen).first.wait_for(state="attached")


@pytest.mark.parametrize("press", [by_mouse, by_key])
def test_every_control_of_the_large_view_works_by_mouse_and_by_keyboard(page: Page, press: Act) -> None:
    """Next, close, compare, takes, copies, lineage and the request."""
    for control, seen in NEAR_CONTROLS.items():
        page.reload()
        press(page, page.locator(".frame >> nth=0"))
        press(page, page.locator(f"#view {control} >> nth=0"))
        page.locator(seen).first.wait_for(state="attached")


@pytest.mark.parametrize("press", [by_mouse, by_key])
def test_every_control_of_a_comparison_works_by_mouse_and_by_keyboard(page: Page, press: Act) -> None:
    """Its four ways, swap and close; and the tray gives a mark back."""
    for place in (1, 3):
        press(page, page.locator(f".frame >> nth={place}"))
        press(page, page.locator("#view .mark"))
        if place == 1:
            press(page, page.locator("#view .close"))
            page.locator(".tray .small").wait_for()
    for control, seen in COMPARE_CONTROLS.items():
        press(page, page.locator(f"#compare {control} >> nth=0"))
        page.locator(seen).first.wait_for(state="attached")


def test_no_control_is_left_out(page: Page) -> None:
    """What can be pressed on the page is one of those that are pressed above, or has a test of its own."""
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.locator(".frame").first.click()
    known = [
        *SHEET_CONTROLS,
        *(f"#view {one.partition(' >>')[0]}" for one in NEAR_CONTROLS),
        *(".search input", ".size input", ".chip", ".chip.only", "footer a", "#keys button", "[role=region]"),
        *("#view .small", "#view .copy", "#view .before", "#view .acts a", "#view pre", "#view .button"),
    ]
    every = "a[href], button, input, summary, [tabindex]"
    left = page.locator(every).evaluate_all(
        "(all, known) => all.filter(one => !one.matches(known)).map(one => one.outerHTML)",
        ", ".join(known).replace("section:has-text('Read by') ", ""),
    )
    assert left == []


def test_the_command_is_copied(page: Page) -> None:
    """As it stands there."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="copy the command").click()
    page.get_by_text("copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "banana-pipe run recipes/shop.yaml"


def test_without_a_script_pictures_and_prompts_are_there(browser: Browser, shop: Path) -> None:
    """Links lead to the files; what needs the script is not shown."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shop.as_uri())
    assert page.locator(".frame img").first.is_visible()
    assert page.get_by_text("A mug on white").first.is_visible()
    assert page.locator(".bar").is_hidden()
    assert page.locator(".frame").first.get_attribute("href") == "mug.png"
    context.close()
