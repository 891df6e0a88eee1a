#!/usr/bin/env python
"""Use the chapter's page in Chromium, measure its frames and photograph it."""

import shutil
from pathlib import Path

from mxlinreg.commands.parsing import Parser, run

WIDTHS = 400, 1000, 1600


def make_parser():
    parser = Parser(description=__doc__)
    parser.add_argument("page", type=Path, metavar="FILE.html", help="from mxlinreg explore")
    parser.add_argument(
        "--screenshots", type=Path, metavar="FOLDER", help="folder for pictures (default: none)"
    )
    return parser


def lesson(args):
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise ImportError("this drives a browser: pip install playwright") from None
    chromium = shutil.which("chromium")
    if chromium is None:
        raise OSError("no browser found: apt-get install chromium")
    with sync_playwright() as playwright:
        # As root, Chromium runs without its sandbox only.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        measure(browser, args.page)
        if args.screenshots is not None:
            photograph(browser, args.page, args.screenshots)
        browser.close()


def measure(browser, path):
    """Print how long the page's scripts take in a frame, by what is done with the page."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(path.resolve().as_uri())
    page.wait_for_timeout(1000)
    print(f"{'milliseconds a frame':24}{'frames':>8}{'median':>8}{'99 %':>8}{'most':>8}")
    for name, action in ACTIONS.items():
        # The first time a browser also compiles the scripts.
        for wanted in ("first", "again"):
            page.evaluate("frames.clear()")
            action(page)
            times = sorted(page.evaluate("[...frames.values()]"))
            shown = [times[len(times) // 2], times[int(0.99 * (len(times) - 1))], times[-1]]
            print(f"{name + ', ' + wanted:24}{len(times):8}", *(f"{t:7.1f}" for t in shown))


def play(page):
    page.locator("#scrub").fill("0")
    page.click("#play")
    page.wait_for_timeout(4000)
    page.click("#play")


def drag(page):
    handle = page.locator('[data-what="handle 0"]')
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(box["x"] + 10, box["y"] + 10 + 2 * (step % 30))
        page.wait_for_timeout(16)
    page.mouse.up()


def descend(page):
    page.click("#hand-sgd")
    page.wait_for_timeout(6000)  # its first steps are slow
    page.click("#hand-sgd")


def slide(page):
    for name, values in (("rate", range(-50, 6)), ("batch", range(15)), ("noise", range(31))):
        for value in values:
            page.locator(f"#{name}").fill(str(value))
            page.wait_for_timeout(40)
    page.click("#chapter")
    page.wait_for_timeout(500)


ACTIONS = {"play": play, "drag the line": drag, "SGD by hand": descend, "slide": slide}


def photograph(browser, path, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.goto(path.resolve().as_uri())
            page.wait_for_timeout(500)
            page.locator("#scrub").fill("4000")
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{scheme}-{width}.png", full_page=True)
            page.close()


if __name__ == "__main__":
    run(make_parser(), lesson)
