"""The page as people use it, in a real browser: Chromium, driven by playwright.

Without them these tests skip. The checks of axe-core need the path of its axe.min.js in AXE_CORE.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from stored import PAGE, array, recording

pytest.importorskip("playwright", reason="no playwright: pip install playwright")
from playwright.sync_api import sync_playwright  # noqa: E402

CHROMIUM = shutil.which("chromium")
WIDTHS = 400, 1000, 1600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        # As root, Chromium runs without its sandbox only.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A function that opens the page. At the end nothing was requested and no error was seen."""
    contexts, seen = [], []

    def opened(width=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda request: seen.append(request.url))
        page.goto(PAGE.as_uri())
        page.wait_for_timeout(300)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in seen if text != PAGE.as_uri() and text != "data:,"] == []


def value(page, identifier):
    return float(page.locator(f"#{identifier}").text_content().replace("−", "-"))


def slide(page, identifier, to):
    """Set a slider as a hand does, with all its events."""
    page.locator(f"#{identifier}").fill(str(to))
    page.wait_for_timeout(60)


def table(page, identifier):
    rows = page.locator(f"#{identifier} tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


def last_number(text):
    return float(text.replace("−", "-"))


def test_a_line_is_dragged_and_sgd_goes_on(open_page):
    page = open_page()
    before = value(page, "hand-loss")
    least = value(page, "hand-best")
    box = page.locator("#hand-plot").bounding_box()
    for handle, up in ((0, 0.7), (1, 0.3)):  # near the points
        grip = page.locator(f'[data-what="handle {handle}"]').bounding_box()
        page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
        page.mouse.down()
        page.mouse.move(grip["x"] + grip["width"] / 2, box["y"] + up * box["height"], steps=5)
        page.mouse.up()
    dragged = value(page, "hand-loss")
    assert least < dragged < before / 3
    page.click("#hand-sgd")
    page.wait_for_function(
        "document.getElementById('hand-sgd').textContent.startsWith('Let')", timeout=60_000
    )
    assert least <= value(page, "hand-loss") < 1.5 * least


def test_points_are_added_moved_and_removed(open_page):
    page = open_page()
    points = page.locator("#hand-plot .point")
    assert points.count() == 9
    box = page.locator("#hand-plot").bounding_box()
    empty = {"x": 0.55 * box["width"], "y": 0.9 * box["height"]}
    page.locator("#hand-plot").click(position=empty)
    assert points.count() == 10
    page.click("#hand-add")
    assert points.count() == 11
    page.keyboard.press("ArrowUp")  # the new point has the focus
    assert page.evaluate("document.activeElement.getAttribute('aria-valuenow')") == "3.1"
    page.keyboard.press("Delete")
    assert points.count() == 10
    points.nth(9).dblclick()
    assert points.count() == 9
    for name in ("clean", "outlier", "curve", "spread"):
        page.locator(f'input[value="{name}"]').check(force=True)
        assert page.locator("#hand-says").text_content()


def middle(page, selector):
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("fingers", [1, 2])
def test_fingers_drag_the_handles_and_nothing_scrolls(open_page, fingers):
    page = open_page(400, has_touch=True, is_mobile=True)
    before = value(page, "hand-loss")
    names = [f'[data-what="handle {k}"]' for k in range(fingers)]
    starts = [middle(page, name) for name in names]
    client = page.context.new_cdp_session(page)

    def touch(kind, points):
        touches = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    for count in range(fingers):
        touch("touchStart", starts[: count + 1])
    # One end down, the other up, in small movements: a browser may take a long one for scrolling.
    for by in range(0, 100, 10):
        touch("touchMove", [(x, y - by if k else y + by) for k, (x, y) in enumerate(starts)])
        page.wait_for_timeout(20)
    touch("touchEnd", [])
    moved = [middle(page, name)[1] - y for name, (_, y) in zip(names, starts)]
    assert moved == pytest.approx([90, -90][:fingers], abs=2)
    assert page.evaluate("scrollY") == 0 and value(page, "hand-loss") < 0.7 * before


def test_a_point_tapped_twice_is_removed(open_page):
    page = open_page(400, has_touch=True, is_mobile=True)
    for _ in range(2):
        page.touchscreen.tap(*middle(page, '[data-what="point 4"]'))
    assert page.locator("#hand-plot .point").count() == 8


def test_the_best_line_is_found_by_keyboard(open_page):
    page = open_page()
    texts = page.locator("#hand-plot .point").evaluate_all(
        "points => points.map((point) => point.getAttribute('aria-valuetext'))"
    )
    x, y = np.array([[last_number(part[2:]) for part in text.split(", ")[:2]] for text in texts]).T
    line = np.polyfit(x, y, 1)
    assert value(page, "hand-best") == pytest.approx(
        np.mean((np.polyval(line, x) - y) ** 2), abs=6e-4
    )
    for handle, end in enumerate((-3.2, 3.2)):
        grip = page.locator(f'[data-what="handle {handle}"]')
        grip.focus()
        steps = round((np.polyval(line, end) - float(grip.get_attribute("aria-valuenow"))) / 0.1)
        for _ in range(abs(steps)):
            page.keyboard.press("ArrowUp" if steps > 0 else "ArrowDown")
        assert grip.evaluate("grip => grip === document.activeElement")
    assert "found the best line" in page.locator("#hand-says").text_content()


def test_points_above_one_another_and_the_last_ones(open_page):
    page = open_page()
    points = page.locator("#hand-plot .point")
    points.last.focus()
    page.keyboard.press("Delete")
    assert page.evaluate("document.activeElement.dataset.what") == "point 7"
    while points.count() > 2:
        page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    assert points.count() == 2
    for point in points.all():
        point.focus()
        for _ in range(12):
            page.keyboard.press("Shift+ArrowLeft")
    # Of the points left, (-2.6, -2.9) and (-1.9, -0.6), at one x: 1.15 to either side of the mean.
    assert value(page, "hand-best") == pytest.approx(1.15**2, abs=6e-4)
    page.click("#hand-reset")
    assert points.count() == 9


def test_the_recorded_numbers_are_shown(open_page):
    page, stored = open_page(), recording()
    params = array(stored["params"], "<f4").reshape(-1, 3)
    losses, order = array(stored["losses"], "<f4"), array(stored["order"], "<u2")
    x0, x1, y = (array(stored[name], "<f4").astype(float) for name in ("x0", "x1", "y"))
    for step in (0, 1, 4321, 24999):
        slide(page, "scrub", step)
        rows = order[4 * step : 4 * step + 4]
        assert [row[0] for row in table(page, "numbers-data")] == [str(row) for row in rows]
        meters = page.locator("#meters b").all_text_contents()
        assert [last_number(text) for text in meters] == pytest.approx(params[step], abs=6e-5)
        w0, w1, b = params[step].astype(float)
        yhat = x0[rows] * w0 + x1[rows] * w1 + b
        shown = [last_number(row[-1]) for row in table(page, "numbers-net")]
        assert shown == pytest.approx(yhat, abs=6e-5)
        recorded = page.locator("#numbers-loss .result-line").text_content().split("Recorded: ")[1]
        assert float(recorded.rstrip(".")) == pytest.approx(losses[step], abs=6e-7)
        errors = yhat - y[rows]
        gradient = [2 * np.mean(errors * x) for x in (x0[rows], x1[rows], 1)]
        for row, expected in zip(table(page, "numbers-gradient"), gradient):
            assert last_number(row[-2]) == pytest.approx(expected, abs=1e-6)
            assert last_number(row[-1]) == pytest.approx(expected, abs=1e-6)
        for row, after in zip(table(page, "numbers-SGD"), params[step + 1]):
            assert last_number(row[-1]) == pytest.approx(after, abs=6e-7)
            assert last_number(row[-2]) == pytest.approx(after, abs=2e-6)


def test_every_step_can_be_checked(open_page):
    """Each step of the recording follows from the one before, by the page's arithmetic."""
    worst = open_page().evaluate(
        """() => {
          let worst = 0;
          for (let step = 0; step < recorded.steps; step++) {
            const params = recorded.at(step), batch = recorded.batch(step);
            const next = SGD(params, gradient(recorded.rows, batch, params), 1e-4);
            const loss = squareLoss(recorded.rows, batch, params);
            recorded.at(step + 1).forEach((value, k) => {
              worst = Math.max(worst, Math.abs(value - next[k]));
            });
            worst = Math.max(worst, Math.abs(loss / recorded.losses[step] - 1) / 1000);
          }
          return worst;
        }"""
    )
    assert worst < 1e-6


def test_it_plays_pauses_and_steps(open_page):
    page = open_page()
    says = page.locator("#training-says")
    page.click("#begin")
    page.wait_for_timeout(1500)
    # A screen reader is not to read out each change.
    assert says.get_attribute("aria-live") == "off" and "Before step 0:" not in says.text_content()
    page.click("#play")
    assert says.get_attribute("aria-live") == "polite"
    assert 2 * int(page.locator("#speed").input_value()) == 2500  # an epoch in 2 s
    reached = int(page.locator("#scrub").input_value())
    assert 200 < reached < 25000
    page.wait_for_timeout(300)
    assert int(page.locator("#scrub").input_value()) == reached
    page.click("#forward")
    page.click("#forward")
    page.click("#back")
    assert int(page.locator("#scrub").input_value()) == reached + 1
    page.locator("#scrub").focus()
    page.keyboard.press("End")
    assert "the end" in page.locator("#where").text_content()
    page.keyboard.press("Home")
    assert page.locator("#where").text_content() == "step 0, epoch 0"


def run_of(page):
    """The words of the laboratory once its run is computed."""
    page.wait_for_timeout(600)
    return page.locator("#lab-says").text_content()


def test_a_run_with_the_recorded_settings_is_the_recording(open_page):
    page = open_page()
    worst = page.evaluate(
        """() => {
          const run = train(recorded.rows, recorded.order, {batchSize: recorded.batchSize,
            learningRate: recorded.learningRate, start: recorded.at(0)});
          const differences = run.path.map((value, k) => Math.abs(value - recorded.params[k]));
          return differences.reduce((most, value) => Math.max(most, value));
        }"""
    )
    assert worst < 1e-4
    text = run_of(page)
    final = array(recording()["params"], "<f4")[-3:]
    for name, expected in zip(("w₀", "w₁", "b"), final):
        shown = text.split(f"{name} = ")[1].split(" ")[0].replace("−", "-")
        assert float(shown) == pytest.approx(expected, abs=1e-4)


def test_the_knobs(open_page):
    page = open_page()
    page.click("#wild")
    assert "It diverges" in run_of(page) and "must stay below" in run_of(page)
    page.click("#quick")
    assert "It has arrived" in run_of(page)
    page.locator("#outlier").check(force=True)
    share = int(run_of(page).split("The outlier has ")[1].split(" %")[0])
    page.locator("#outlier-handle").focus()
    for _ in range(15):
        page.keyboard.press("ArrowDown")
    assert int(run_of(page).split("The outlier has ")[1].split(" %")[0]) < share
    page.click("#chapter")
    page.select_option("#columns", "raw")
    slide(page, "rate", -10)
    assert "It diverges" in run_of(page)
    page.select_option("#columns", "standard")
    slide(page, "rate", -10)
    assert "It has arrived" in run_of(page) or "It is near" in run_of(page)
    for rate in range(-50, 6, 11):
        for batch in range(0, 15, 7):
            slide(page, "rate", rate)
            slide(page, "batch", batch)
            assert "NaN" not in run_of(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_is_resized(open_page, width):
    page = open_page(width)
    for wide in (width, 700, width):
        page.set_viewport_size({"width": wide, "height": 900})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
        sizes = page.evaluate("[...document.querySelectorAll('canvas')].map((c) => c.width)")
        assert min(sizes) > 200


def test_it_is_printed_on_white(open_page):
    page = open_page(color_scheme="dark")
    assert page.evaluate("theme.ink") == "#eceae4"
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(300)
    assert page.evaluate("theme.ink") == "#1b1f24"
    assert not page.locator(".player").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_use_it(open_page, width, scheme):
    script = os.environ.get("AXE_CORE")
    if not script:
        pytest.skip("no axe-core: npm install axe-core, and its axe.min.js in AXE_CORE")
    page = open_page(width, color_scheme=scheme)
    page.locator("#outlier").check(force=True)
    page.evaluate(Path(script).read_text(encoding="utf-8"))
    violations = page.evaluate("axe.run()")["violations"]
    assert [(found["id"], len(found["nodes"])) for found in violations] == []
