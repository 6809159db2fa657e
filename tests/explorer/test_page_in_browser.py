"""The page as a reader has it: drawn on, walked in, asked, by mouse and by keyboard."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tinyvae.explorer.description import rounded

RELATIVE = 1e-5


def draw(page, strokes, element="draw"):
    """Draw with the mouse; strokes are lists of points in shares of the surface."""
    page.locator(f"#{element}").scroll_into_view_if_needed()
    box = page.locator(f"#{element}").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()


SEVEN = [[(0.2, 0.2), (0.6, 0.2), (0.35, 0.7)]]


@pytest.fixture
def page_vae(digit_vae):
    """The model as the page has it, in float64."""
    twin = rounded(digit_vae, "float16")
    return twin.copy(dtype="float64", backend="reference")


def check_numbers(browsed, vae):
    """Compare what the page shows with what Python computes from the page's x and noise."""
    x, noise = browsed.array("app.x"), browsed.array("app.noise")
    loss = vae.loss(np.tile(x, (len(noise), 1)), noise)
    np.testing.assert_allclose(browsed.value("reconstruction"), loss.reconstruction, rtol=RELATIVE)
    np.testing.assert_allclose(browsed.value("kl"), loss.kl, rtol=RELATIVE)
    expected = -(loss.reconstruction + loss.kl)
    np.testing.assert_allclose(browsed.value("elbo"), expected, rtol=RELATIVE)
    for k, row in enumerate(noise):
        one = vae.loss(x[None], row[None]).reconstruction
        np.testing.assert_allclose(browsed.value(f"reconstruction-{k}"), one, rtol=RELATIVE)
    return loss


def test_a_digit_drawn_by_mouse_has_pythons_numbers(browsed, page_vae):
    before = browsed.value("elbo")
    draw(browsed.page, SEVEN)
    check_numbers(browsed, page_vae)
    assert browsed.value("elbo") != before
    raw = browsed.array("app.raw").reshape(28, 28)
    rows, columns = np.nonzero(raw > 0.02)
    assert np.ptp(rows) + 1 <= 22  # 20, and a pixel of soft edge on each side
    assert np.ptp(columns) + 1 <= 22
    middle = [(raw * (np.arange(28) + 0.5)).sum() / raw.sum(), None]
    middle[1] = (raw.T * (np.arange(28) + 0.5)).sum() / raw.sum()
    np.testing.assert_allclose(middle, 14.0, atol=0.35)
    assert set(browsed.array("app.x")) == {0.0, 1.0}
    browsed.page.uncheck("#centre")
    check_numbers(browsed, page_vae)
    assert not np.array_equal(browsed.array("app.raw").reshape(28, 28), raw)
    browsed.page.click("#undo")
    assert browsed.array("app.raw").max() == 0.0


def test_an_empty_square_is_not_praised(browsed):
    page = browsed.page
    with_a_line = browsed.canvas("histogram")
    assert page.locator("#likeness").inner_text().endswith("test pictures.")
    page.click("#clear")
    assert page.locator("#likeness").inner_text() == "Nothing drawn yet."
    assert browsed.canvas("histogram") != with_a_line
    lit = """(() => {
      const canvas = document.getElementById("histogram").cloneNode();  // read back once
      const context = canvas.getContext("2d");
      context.drawImage(document.getElementById("histogram"), 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((_, i) => i % 4 === 0 && data[i] === 0xc2 && data[i + 1] === 0x41).length;
    })()"""
    assert page.evaluate(lit) == 0
    draw(page, SEVEN)
    assert "test pictures" in page.locator("#likeness").inner_text()
    assert page.evaluate(lit) > 0
    assert "not a better picture" in page.locator("#higher").inner_text()


@pytest.mark.parametrize(
    ("elbo", "said"),
    [
        (-1.0, "Lower than all 1000 test pictures: unlike all of them."),
        (0.5, "Lower than 99 % of the 1000 test pictures: rare among them."),
        (499.5, "Higher than 50 % of the 1000 test pictures."),
        (998.5, "Higher than 99 % of the 1000 test pictures."),
        (1000.0, "Higher than all 1000 test pictures."),
    ],
)
def test_a_place_among_the_test_set_is_not_rounded_up(browsed, elbo, said):
    sorted_elbos = "Array.from({ length: 1000 }, (_, i) => i)"
    asked = f"(elbo) => tinyvae.likeness({sorted_elbos}, elbo, {{ kind: 'image' }})"
    assert browsed.page.evaluate(asked, elbo) == said


def test_an_example_is_the_test_sets_row(browsed, page_vae, digits):
    browsed.page.click('#examples button[aria-label="Example 4, 3"]')
    first = digits.test[digits.test_labels == 3][0]
    np.testing.assert_allclose(browsed.array("app.raw"), first / 255.0, atol=1e-7)
    np.testing.assert_array_equal(browsed.array("app.x"), first >= 128)
    check_numbers(browsed, page_vae)
    assert browsed.page.locator('#examples button[aria-pressed="true"]').count() == 1


def test_a_drawing_by_keyboard(browsed, page_vae):
    browsed.page.focus("#draw")
    browsed.page.keyboard.press("c")
    assert browsed.array("app.raw").max() == 0.0
    browsed.page.keyboard.press("Space")
    for key in ["ArrowDown"] * 5 + ["ArrowRight"] * 5:
        browsed.page.keyboard.press(key)
    assert browsed.array("app.raw").sum() > 10.0
    check_numbers(browsed, page_vae)


def picture():
    """A PNG of dark ink on white paper: a bar, far from the middle."""
    image = Image.new("RGB", (140, 100), "white")
    image.paste((20, 20, 60), (10, 10, 30, 80))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


DROP = """([bytes, name, type]) => {
  const dropped = new DataTransfer();
  dropped.items.add(new File([Uint8Array.from(bytes)], name, { type }));
  const surface = document.getElementById("draw");
  const event = { dataTransfer: dropped, bubbles: true, cancelable: true };
  return surface.dispatchEvent(new DragEvent("drop", event));
}"""


def test_a_picture_that_is_dropped_or_chosen_becomes_centred_ink(browsed, page_vae):
    page = browsed.page
    taken = page.evaluate(DROP, [list(picture()), "bar.png", "image/png"])
    assert not taken  # the browser must not open the file in the page's place
    page.wait_for_function("() => tinyvae.app.raw[0] === 0 && tinyvae.app.raw[14 * 28 + 14] > 0.8")
    raw = browsed.array("app.raw").reshape(28, 28)
    rows, columns = np.nonzero(raw > 0.5)
    assert np.ptp(rows) + 1 in (20, 21)  # the longer side fills MNIST's box of 20
    assert 5 <= np.ptp(columns) + 1 <= 7  # 20 * 20 / 70
    middle = [(a * (np.arange(28) + 0.5)).sum() / raw.sum() for a in (raw.sum(1), raw.sum(0))]
    np.testing.assert_allclose(middle, 14.0, atol=0.35)
    check_numbers(browsed, page_vae)
    browsed.begin_anew()
    page.set_input_files("#file", {"name": "b.png", "mimeType": "image/png", "buffer": picture()})
    page.wait_for_function("() => tinyvae.app.raw[0] === 0 && tinyvae.app.raw[14 * 28 + 14] > 0.8")
    np.testing.assert_array_equal(browsed.array("app.raw").reshape(28, 28), raw)


def test_a_file_that_is_no_picture_is_named_and_changes_nothing(browsed):
    before = browsed.array("app.raw")
    browsed.page.evaluate(DROP, [list(b"no picture"), "x.png", "image/png"])
    browsed.page.wait_for_function(
        "() => document.getElementById('give-lead').textContent.includes('not a picture')"
    )
    np.testing.assert_array_equal(browsed.array("app.raw"), before)


def test_log_p_comes_from_a_worker_and_agrees_with_python(browsed, page_vae):
    browsed.page.click("#ask")
    browsed.page.wait_for_selector("#log-p")
    came = browsed.page.locator("#log-p")
    x = browsed.array("app.x")[None]
    bound, error = (float(came.get_attribute(f"data-{name}")) for name in ("value", "error"))
    expected = page_vae.log_likelihood(x, 4000, seed=1)[0]
    assert abs(bound - expected) <= 4.0 * np.hypot(error, error / 2.0)
    assert bound > browsed.value("elbo")
    shown, error = came.inner_text(), came.get_attribute("data-error")
    browsed.page.click("#redraw")  # x is the same, and so is its log p
    assert (came.inner_text(), came.get_attribute("data-error")) == (shown, error)
    gap = f"{bound - browsed.value('elbo'):.1f} above the ELBO"
    assert gap in browsed.page.locator("#answer").inner_text()
    assert f"{bound:.1f}".lstrip("-") in browsed.page.locator("pre.formula").last.inner_text()
    browsed.page.click("#clear")
    assert browsed.page.locator("#answer").inner_text() == ""


def test_few_samples_that_count_give_a_bound_and_no_error(browsed):
    messages = {"few": 2.04, "many": 350.0}
    said = {}
    for name, effective in messages.items():
        # The worker's answer with another effective number of samples.
        browsed.page.evaluate(
            """(effective) => {
              window.untouched ??= Worker.prototype.postMessage;
              Worker.prototype.postMessage = function (message) {
                if (!message.asked) return window.untouched.call(this, message);
                this.onmessage({ data: { asked: message.asked, done: 1000, bound: -73.2,
                  error: 0.7, effective, milliseconds: 1 } });
              };
            }""",
            effective,
        )
        browsed.page.click("#ask")
        said[name] = browsed.page.locator("#answer").inner_text()
    browsed.page.evaluate("() => { Worker.prototype.postMessage = window.untouched; }")
    assert "probably above −73.2 nats: only about 2 of 1,000 samples count" in said["few"]
    assert "±" not in said["few"]
    assert "≈ −73.2 ± 0.7 nats" in said["many"]


def test_redrawn_noise_moves_z_and_holds_mu_and_kl(browsed, page_vae):
    before = {name: browsed.array(f"app.weighed.{name}") for name in ("mu", "logvar", "z")}
    kl, elbo = browsed.value("kl"), browsed.value("elbo")
    browsed.page.click("#redraw")
    for name in ("mu", "logvar"):
        np.testing.assert_array_equal(browsed.array(f"app.weighed.{name}"), before[name])
    assert browsed.value("kl") == kl
    assert browsed.value("elbo") != elbo
    assert not np.array_equal(browsed.array("app.weighed.z"), before["z"])
    assert browsed.page.locator(".held").count() == 2
    assert browsed.page.locator(".moved").count() == 4
    check_numbers(browsed, page_vae)


def test_numpy_on_the_page_computes_its_numbers(browsed, page_vae):
    p = page_vae.parameters
    names = {"np": np, "p": p, "x": browsed.array("app.x"), "noise": browsed.array("app.noise")}
    for code in browsed.page.locator("#steps pre[data-code]").all():
        exec(code.text_content(), names)
    for name in ("reconstruction", "kl", "elbo"):
        np.testing.assert_allclose(names[name], browsed.value(name), rtol=RELATIVE)
    x = np.tile(names["x"], (3, 1))
    np.testing.assert_allclose(
        names["log_w"], page_vae.log_importance_weights(x, names["noise"]), rtol=RELATIVE
    )


def test_sliders_paint_what_python_decodes(browsed, page_vae):
    dimension = browsed.app("app.order")[0]
    before = browsed.canvas("painted")
    slider = browsed.page.locator(f"#z-{dimension}")
    slider.focus()
    start = browsed.array("app.z")
    for _ in range(10):
        browsed.page.keyboard.press("ArrowRight")
    moved = browsed.array("app.z")
    np.testing.assert_allclose(moved[dimension] - start[dimension], 1.0, atol=1e-9)
    assert browsed.canvas("painted-beside") == browsed.canvas("painted")
    np.testing.assert_array_equal(np.delete(moved, dimension), np.delete(start, dimension))
    assert browsed.canvas("painted") != before
    painted = browsed.array(
        "Array.from(document.getElementById('painted').getContext('2d')"
        ".getImageData(0, 0, 28, 28).data).filter((_, i) => i % 4 === 0)"
    )
    np.testing.assert_allclose(painted / 255, page_vae.decode_mean(moved[None])[0], atol=0.003)


def test_the_map_is_walked_by_hover_click_and_arrows(browsed):
    page, start = browsed.page, browsed.array("app.z")
    page.hover("#map", position={"x": 60, "y": 60})
    looked = browsed.array("app.z")
    assert not np.allclose(looked, start)
    page.mouse.move(5, 5)
    np.testing.assert_array_equal(browsed.array("app.z"), start)
    page.click("#map", position={"x": 60, "y": 60})
    page.mouse.move(5, 5)
    np.testing.assert_allclose(browsed.array("app.z"), looked)
    before = browsed.array("app.toMap(app.z)")
    page.focus("#map")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    np.testing.assert_allclose(browsed.array("app.toMap(app.z)") - before, [-0.5, 0.1], atol=1e-9)
    page.click("#to-zero")
    assert not browsed.array("app.z").any()
    page.click("#to-mu")
    np.testing.assert_array_equal(browsed.array("app.z"), browsed.array("app.weighed.mu"))


def test_scale_and_interpolation(browsed, page_vae):
    page = browsed.page
    first = "document.querySelector('#wall canvas').toDataURL()"
    before = page.evaluate(first)
    page.focus("#scale")
    page.keyboard.press("Home")
    nothing = page.evaluate(
        "[...document.querySelectorAll('#wall canvas')].map((c) => c.toDataURL())"
    )
    assert len(set(nothing)) == 1  # without noise all samples are one
    assert page.evaluate(first) != before
    page.click('#examples button[aria-label="Example 9, 8"]')
    page.click("#take-b")
    ends = browsed.array("app.ends")
    expected = page_vae.encode(browsed.array("app.x")[None])[0][0]
    np.testing.assert_allclose(ends[1], expected, rtol=RELATIVE, atol=1e-9)
    page.focus("#between")
    page.keyboard.press("End")
    np.testing.assert_allclose(browsed.array("app.z"), ends[1], atol=1e-12)


def test_the_tour_has_six_steps_and_can_be_left(browse, digit_page):
    browsed = browse(digit_page, tour=True)
    page = browsed.page
    assert page.locator("#tour").is_visible()  # offered at a first visit
    shown = []
    for _ in range(6):
        shown.append(page.locator("section.shown").get_attribute("id"))
        page.keyboard.press("Tab") if len(shown) == 1 else None
        page.click("#tour-next")
    assert len(set(shown)) == 6
    assert page.locator("#tour").is_hidden()
    page.click("#tour-start")
    page.click("#tour-next")
    page.keyboard.press("Escape")
    assert page.locator("#tour").is_hidden()
    assert page.locator("section.shown").count() == 0
    assert page.evaluate("document.activeElement.id") == "tour-start"


def test_the_policy_forbids_what_the_page_never_does(browse, digit_page):
    browsed = browse(digit_page, quiet=False)
    tries = """async () => {
      const fetched = await fetch("http://example.com/").then(() => "came", () => "refused");
      const script = document.createElement("script");
      script.textContent = "window.injected = true";
      document.body.append(script);
      const image = new Image();
      const loaded = new Promise((resolve) => {
        image.onerror = () => resolve("refused");
        image.onload = () => resolve("came");
      });
      image.src = "http://example.com/x.png";
      return [fetched, await loaded, window.injected === undefined];
    }"""
    assert browsed.page.evaluate(tries) == ["refused", "refused", True]
    assert sum("Content Security Policy" in line for line in browsed.console) >= 3


def test_axe_finds_nothing_serious(browse, digit_page, axe):
    page = browse(digit_page, tour=True).page
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run().then((found) => found.violations)")
        serious = [
            (violation["id"], [node["target"] for node in violation["nodes"]])
            for violation in found
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == [], scheme


def test_no_width_scrolls_sideways(browse, digit_page):
    page = browse(digit_page).page
    for width in (360, 736, 900, 1200, 2000):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_finger_draws(browse, digit_page, page_vae):
    browsed = browse(
        digit_page, viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True
    )
    browsed.page.tap("#draw", position={"x": 100, "y": 100})
    assert 0.0 < browsed.array("app.raw").sum() < 40.0  # a dot, and no more
    check_numbers(browsed, page_vae)
