"""The page of a model that was trained with labels: each label's numbers, pictures and log p."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.explorer.description import rounded

RELATIVE = 1e-5


@pytest.fixture(scope="module")
def conditional(digits):
    vae = tv.VAE(784, (24,), 3, n_classes=10, seed=2)
    rows, labels = digits.train[:2000], digits.train_labels[:2000]
    tv.fit(vae, rows, labels=labels, epochs=15, learning_rate=5e-3, progress=False)
    return vae


@pytest.fixture(scope="module")
def page_vae(conditional):
    return rounded(conditional, "float16").copy(dtype="float64", backend="reference")


@pytest.fixture
def browsed(browse, conditional, digits, tmp_path):
    return browse(tv.explore(conditional, digits, tmp_path / "conditional"))


def check_numbers(browsed, vae, label):
    x, noise = browsed.array("app.x"), browsed.array("app.noise")
    loss = vae.loss(np.tile(x, (len(noise), 1)), noise, labels=np.full(len(noise), label))
    np.testing.assert_allclose(browsed.value("reconstruction"), loss.reconstruction, rtol=RELATIVE)
    np.testing.assert_allclose(browsed.value("kl"), loss.kl, rtol=RELATIVE)
    np.testing.assert_allclose(
        browsed.value("elbo"), -(loss.reconstruction + loss.kl), rtol=RELATIVE
    )


def test_every_label_has_pythons_numbers(browsed, page_vae):
    elbos = []
    for label in range(10):
        browsed.page.select_option("#label", str(label))
        check_numbers(browsed, page_vae, label)
        elbos.append(browsed.value("elbo"))
    assert len(set(elbos)) == 10


def test_an_example_brings_its_label_and_the_true_one_fits_best(browsed, page_vae, digits):
    page = browsed.page
    page.click('#examples button[aria-label="Example 4, 3"]')
    assert page.locator("#label").input_value() == "3"
    check_numbers(browsed, page_vae, 3)
    true = browsed.value("elbo")
    page.select_option("#label", "7")
    assert browsed.value("elbo") < true
    first = digits.test[digits.test_labels == 3][0]
    np.testing.assert_array_equal(browsed.array("app.x"), first >= 128)


def test_what_is_painted_and_sampled_follows_the_label(browsed, page_vae):
    page, painted = browsed.page, []
    for label in (1, 0):
        page.select_option("#label", str(label))
        page.click("#to-zero")
        z = browsed.array("app.z")
        assert not z.any()
        expected = page_vae.decode_mean(z[None], labels=np.array([label]))[0]
        came = browsed.array("tinyvae.mean(app.model, tinyvae.decode(app.model, app.z, app.label))")
        np.testing.assert_allclose(came, expected, rtol=RELATIVE)
        painted.append((browsed.canvas("painted"), page.locator("#wall canvas").first.screenshot()))
    assert painted[0][0] != painted[1][0]
    assert painted[0][1] != painted[1][1]


def test_log_p_is_that_of_x_given_the_label(browsed, page_vae):
    page = browsed.page
    page.select_option("#label", "2")
    page.click("#ask")
    page.wait_for_selector("#log-p")
    bound = float(page.locator("#log-p").get_attribute("data-value"))
    x = np.repeat(browsed.array("app.x")[None], 20, axis=0)
    # The page takes 1,000 samples; what twenty such estimates are like tells how far one may lie.
    told, others = (page_vae.log_likelihood(x, 1000, seed=1, labels=y) for y in (2, 1))
    assert abs(bound - told.mean()) <= 4.0 * told.std(ddof=1) * np.sqrt(1.0 + 1.0 / 20.0)
    assert abs(bound - told.mean()) < abs(bound - others.mean())
