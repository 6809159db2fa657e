"""What a first visit needs: pictures in sight, words that are true of this model, fingers, keys."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv

WIDTHS = (400, 900, 1400)
PHONE = {"viewport": {"width": 400, "height": 800}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def wide(digits, tmp_path_factory):
    """The page of an untrained model: 20 dimensions, which carry almost nothing."""
    vae = tv.VAE(784, (8,), 20, backend="reference", seed=1)
    vae.parameters["encoder.1.weight"][:] *= 0.01
    return tv.explore(vae, digits, tmp_path_factory.mktemp("wide") / "page")


def in_sight(page, selector):
    box, height = page.locator(selector).bounding_box(), page.viewport_size["height"]
    ticker = page.locator(".ticker").bounding_box()  # None where it is not shown
    return box["y"] >= (ticker["height"] if ticker else 0) and box["y"] + box["height"] <= height


@pytest.mark.parametrize("width", WIDTHS)
def test_what_z_decodes_to_is_in_sight_where_z_is_moved(browse, wide, width):
    page = browse(wide, viewport={"width": width, "height": 800}).page
    assert page.locator("#sliders input").count() == 20
    assert page.locator("#all-sliders").is_hidden()
    sliders = page.locator("#sliders")
    assert sliders.evaluate("(list) => list.scrollHeight <= list.clientHeight")
    for slider in (sliders.locator("input").first, sliders.locator("input").last):
        slider.evaluate("(input) => input.scrollIntoView({ block: 'center' })")
        assert in_sight(page, "#painted-beside")
    page.locator("#map-section").evaluate("(map) => map.scrollIntoView()")
    assert in_sight(page, "#painted")
    assert in_sight(page, "#map")


def test_words_are_true_of_the_model(browse, wide, digit_page, digit_vae):
    idle, used = browse(wide), browse(digit_page)
    assert (
        min(used.app("app.data.kl_per_dimension"))
        > 0.01
        > min(idle.app("app.data.kl_per_dimension"))
    )
    for browsed, expected in ((idle, True), (used, False)):
        page = browsed.page
        assert ("change nothing" in page.locator("#sliders-lead").inner_text()) == expected
        page.click("#tour-start")
        for _ in range(3):
            page.click("#tour-next")
        assert ("nothing changes" in page.locator("#tour-text").inner_text()) == expected
        page.click("#tour-skip")
    lead = used.page.locator("#map-lead").inner_text()
    assert lead.startswith("Each mark is one test example, coloured by what it is;")
    assert used.page.locator("h1").inner_text() == "A VAE of digits"
    assert "malformed" in used.page.locator("#wall-section .lead").inner_text()


def swipe(page, start, end):
    """Move one finger in a straight line, as a browser hears it."""
    session = page.context.new_cdp_session(page)
    steps = np.linspace(start, end, 12).tolist()
    for kind, points in [("touchStart", steps[:1]), *(("touchMove", [p]) for p in steps[1:])]:
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(100)


def test_a_finger_scrolls_past_a_slider_and_moves_it_sideways(browse, wide):
    browsed = browse(wide, **PHONE)
    page = browsed.page
    slider = page.locator("#sliders input").nth(5)
    slider.evaluate("(input) => input.scrollIntoView({ block: 'center' })")
    box, z, top = slider.bounding_box(), browsed.array("app.z"), page.evaluate("scrollY")
    at = (box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    swipe(page, at, (at[0], at[1] - 200))
    assert page.evaluate("scrollY") > top + 50
    np.testing.assert_allclose(browsed.array("app.z"), z, atol=0.005)  # what a slider can show
    slider.evaluate("(input) => input.scrollIntoView({ block: 'center' })")
    box = slider.bounding_box()
    at = (box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    swipe(page, at, (at[0] + 0.3 * box["width"], at[1]))
    assert np.abs(browsed.array("app.z") - z).max() > 1.0


def test_on_touch_the_words_are_of_fingers(browse, digit_page):
    page = browse(digit_page, **PHONE).page
    said = page.locator("main").inner_text()
    for word in ("Arrow keys", "By keyboard", "Hover"):
        assert word not in said
    page.click("#tour-start")
    page.click("#tour-next")
    page.click("#tour-next")
    assert "Drag on the map" in page.locator("#tour-text").inner_text()
    ticker = page.locator(".ticker").inner_text()
    values = [page.locator(f"#{name}").inner_text() for name in ("elbo", "reconstruction", "kl")]
    assert ticker == "ELBO {} = −(rec. {} + KL {}) nats".format(*values)


def test_the_examples_are_one_tab_stop_with_arrows(browse, digit_page):
    page = browse(digit_page).page
    assert page.locator('#examples button[tabindex="0"]').count() == 1
    focused = "document.activeElement.getAttribute('aria-label')"
    page.focus("#examples button:first-child")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused).startswith("Example 2,")
    assert page.locator('#examples button[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    assert page.locator('#examples button[aria-pressed="true"]').count() == 1
    page.keyboard.press("End")
    count = page.locator("#examples button").count()
    assert page.evaluate(focused).startswith(f"Example {count},")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.getElementById('examples').contains(document.activeElement)")
