"""Pages of strange models and data: they work, or were refused before a page was made."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.explorer.description import rounded

RELATIVE = 1e-5
EVIL = "</script><script>window.evil = 1</script><!-- \"'&{{script}}"


@pytest.fixture
def check(browse):
    """Open a page; its numbers are Python's, and every control can be moved."""

    def run(path, vae):
        browsed = browse(path)
        page = rounded(vae, "float16").copy(dtype="float64", backend="reference")
        agree(browsed, page)
        browsed.page.click("#redraw")
        browsed.page.focus("#map")
        browsed.page.keyboard.press("ArrowRight")
        browsed.page.click("#to-x")
        agree(browsed, page)
        browsed.page.click("#ask")
        browsed.page.wait_for_selector("#log-p")
        return browsed

    return run


def agree(browsed, vae):
    x, noise = browsed.array("app.x"), browsed.array("app.noise")
    loss = vae.loss(np.tile(x, (len(noise), 1)), noise)
    for name, expected in (("reconstruction", loss.reconstruction), ("kl", loss.kl)):
        came = float(browsed.page.locator(f"#{name}").get_attribute("data-value"))
        np.testing.assert_allclose(came, expected, rtol=RELATIVE, atol=1e-9)


def table(width, rows=30, seed=1):
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def test_names_that_want_to_be_scripts(check, small_vae, tmp_path):
    vae = small_vae(likelihood="gaussian_learned")
    names = [f"{EVIL}{i}" for i in range(6)]
    page = tv.explore(vae, table(6), tmp_path / "p", title=EVIL, columns=names, labels=names * 5)
    browsed = check(page, vae)
    assert browsed.page.evaluate("window.evil") is None
    assert browsed.page.title() == EVIL
    assert browsed.page.locator("#legend li").all_inner_texts() == sorted(names)


def test_ten_thousand_columns(check, small_vae, tmp_path):
    vae = small_vae(10_000, (3,), 2, likelihood="gaussian", nudge=0.01)
    browsed = check(tv.explore(vae, table(10_000), tmp_path / "p"), vae)
    assert browsed.page.locator("#column-names span").count() == 0
    browsed.page.focus("#columns")
    browsed.page.keyboard.press("ArrowLeft")
    browsed.page.keyboard.press("ArrowUp")
    agree(browsed, rounded(vae, "float16"))


@pytest.mark.parametrize("latent", [1, 200])
def test_one_latent_dimension_and_two_hundred(check, small_vae, tmp_path, latent):
    vae = small_vae(64, (5,), latent, likelihood="continuous_bernoulli")
    rows = np.random.default_rng(1).integers(0, 256, (30, 64), dtype=np.uint8)
    browsed = check(tv.explore(vae, rows, tmp_path / "p"), vae)
    if latent == 200:
        browsed.page.click("#all-sliders")
    assert browsed.page.locator("#sliders input").count() == latent


def test_constant_data_of_one_row(check, small_vae, tmp_path):
    vae = small_vae(likelihood="gaussian")
    check(tv.explore(vae, np.zeros((1, 6)), tmp_path / "p"), vae)


def test_a_plane_is_a_scatter_with_a_density(check, small_vae, tmp_path):
    vae = small_vae(2, likelihood="gaussian_learned", nudge=0.2)
    browsed = check(tv.explore(vae, table(2), tmp_path / "p"), vae)
    before = browsed.array("app.x")
    browsed.page.click("#plane", position={"x": 40, "y": 60})
    moved = browsed.array("app.x")
    assert moved[0] < before.max()
    browsed.page.keyboard.press("ArrowUp")
    assert browsed.array("app.x")[1] > moved[1]
    agree(browsed, rounded(vae, "float16"))


def test_a_value_typed_into_a_table(check, small_vae, tmp_path):
    vae = small_vae(likelihood="gaussian")
    browsed = check(tv.explore(vae, table(6), tmp_path / "p", columns=list("abcdef")), vae)
    assert browsed.page.locator("#column-names span").all_inner_texts() == list("abcdef")
    browsed.page.select_option("#column", label="d")
    browsed.page.fill("#value", "1.25")
    assert browsed.array("app.x")[3] == 1.25
    agree(browsed, rounded(vae, "float16"))
