"""What the page shows of the data, against the model's own numbers."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.explorer.description import rounded
from tinyvae.explorer.subject import make_subject
from tinyvae.explorer.view import CODES, SAMPLES, look


def unpack(packed):
    kinds = {"float32": "<f4", "float16": "<f2", "uint8": "u1"}
    return np.frombuffer(base64.b64decode(packed["base64"]), kinds[packed["dtype"]])


@pytest.fixture
def seen(digit_vae, digits):
    return look(digit_vae, make_subject(digit_vae, digits), "float16", 0)


def test_elbos_and_kl_are_evaluates(seen, digit_vae, digits):
    page = rounded(digit_vae, "float16")
    x = (digits.test >= 128).astype(np.float32)
    found = tv.evaluate(page, x, n_samples=SAMPLES, binarize="none")
    elbos = unpack(seen["elbos"])
    assert len(elbos) == CODES == len(x)
    assert np.all(np.diff(elbos) >= 0)
    assert abs(elbos.mean() - found.elbo) < 0.5  # other noise
    np.testing.assert_allclose(seen["kl_per_dimension"], found.kl_per_dimension, rtol=1e-5)


def test_rounding_is_judged_with_the_same_noise(seen, digit_vae, digits):
    x = (digits.test[:500] >= 128).astype(np.float32)
    rounding = seen["rounding"]
    assert (rounding["rows"], rounding["precision"]) == (500, "float16")
    for name, vae in (("before", digit_vae), ("after", rounded(digit_vae, "float16"))):
        mu, logvar = vae.encode(x)
        kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1)
        elbo = -vae.bounds(x, SAMPLES, seed=0).reconstruction - kl
        np.testing.assert_allclose(rounding[name], elbo.mean(), rtol=1e-6)
    assert rounding["before"] != rounding["after"]


def test_codes_lie_in_the_plane_of_most_variance(seen, digit_vae, digits):
    mu = rounded(digit_vae, "float16").encode((digits.test >= 128).astype(np.float32))[0]
    centred = mu - mu.mean(axis=0)
    variances = np.linalg.eigvalsh(np.cov(centred.T))[::-1]
    codes = unpack(seen["codes"]).reshape(-1, 2)
    np.testing.assert_allclose(codes.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(codes.var(axis=0, ddof=1), variances[:2], rtol=1e-3)
    np.testing.assert_allclose(seen["plane"]["shares"], variances[:2] / variances.sum(), rtol=1e-3)


def test_two_dimensions_are_their_own_map_and_one_lies_along_its_deviation(small_vae):
    x = np.random.default_rng(1).random((12, 6)).astype(np.float32)
    for latent in (1, 2):
        vae = small_vae(latent_dim=latent, likelihood="continuous_bernoulli")
        seen = look(vae, make_subject(vae, x), "float32", 0)
        mu, logvar = rounded(vae, "float32").encode(x)
        expected = mu if latent == 2 else np.concatenate([mu, np.exp(logvar / 2)], 1)
        codes = unpack(seen["codes"]).reshape(-1, 2)
        np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-6)
        assert np.shape(seen["plane"]["directions"]) == (2, latent)
        assert not seen["plane"]["principal"]


def test_examples_take_turns_among_the_classes(seen, digits):
    assert seen["examples"]["kinds"][:20] == [*range(10), *range(10)]
    pixels = unpack(seen["examples"]["values"]).reshape(-1, 784)
    np.testing.assert_array_equal(pixels[3], digits.test[digits.test_labels == 3][0])


def test_grey_that_the_page_leaves_grey_is_weighed_grey(small_vae):
    vae, rows = small_vae(), np.random.default_rng(5).uniform(0.2, 0.8, (30, 6))
    page = look(vae, make_subject(vae, rows, binarize="none"), "float32", 0)
    twin = rounded(vae, "float32")
    mu, logvar = twin.encode(rows)
    found = twin.bounds(rows, SAMPLES, binarize="none").reconstruction
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar).sum(axis=1)
    np.testing.assert_allclose(unpack(page["elbos"]), np.sort(-found - kl), rtol=1e-6)
