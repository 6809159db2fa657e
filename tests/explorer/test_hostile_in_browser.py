"""Pages of strange models and data: they work, or were refused before a page was made."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.explorer.arrays import pack
from tinyvae.explorer.description import NAMES, describe_model, rounded
from tinyvae.explorer.page import build_page
from tinyvae.explorer.subject import make_subject
from tinyvae.explorer.view import look

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
    browsed.page.select_option("#column", label="d")
    browsed.page.fill("#value", "1.25")
    assert browsed.array("app.x")[3] == 1.25
    agree(browsed, rounded(vae, "float16"))


def test_a_conditional_models_label_is_chosen(browse, small_vae, tmp_path):
    """The page is ready for models with labels: one is put together by hand."""
    vae, rng = small_vae(likelihood="continuous_bernoulli"), np.random.default_rng(5)
    rows = rng.random((12, 6)).astype(np.float32)
    subject = make_subject(vae, rows, labels=np.arange(12) % 3)
    described = describe_model(vae, "float32")
    twins = [rounded(vae, "float32") for _ in range(3)]
    weights = [vae.parameters.values]
    for network in ("encoder", "decoder"):
        added = rng.standard_normal((3, 5)).astype(np.float32)
        described["arrays"].append({"name": NAMES[network], "shape": [3, 5]})
        weights.append(added.ravel())
        for twin, row in zip(twins, added, strict=True):
            twin.parameters[f"{network}.0.bias"][:] += row
    described |= {"n_classes": 3, "weights": pack(np.concatenate(weights), "float32")}
    seen = look(vae, subject, "float32", 0)
    content = {"title": "labels", "version": "0", "tutorials": "", "model": described, "data": seen}
    (tmp_path / "p.html").write_text(build_page("labels", content), encoding="utf-8")
    browsed = browse(tmp_path / "p.html")
    for label in (2, 1):
        browsed.page.select_option("#label", str(label))
        agree(browsed, twins[label])
    z = browsed.array("app.z")
    logits = browsed.array("Array.from(tinyvae.decode(app.model, app.z, app.label))")
    np.testing.assert_allclose(logits, twins[1].decode(z[None])[0], rtol=RELATIVE)
