"""The VAE on one page computes what the package computes, and learns what it learns."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE

PAGE = Path(__file__).parents[2] / "tutorials" / "vae_in_one_page.py"


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("vae_in_one_page", PAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def vae(page):
    """The package's model of the same shape, with weights that leave no gradient small."""
    vae = VAE(784, (page.HIDDEN,), page.LATENT, dtype="float64", backend="reference", seed=3)
    rng = np.random.default_rng(4)
    for name in vae.parameters:
        vae.parameters[name][:] += 0.05 * rng.standard_normal(vae.parameters[name].shape)
    return vae


def batch(page, rng):
    x = (rng.random((6, page.INPUT)) < 0.3).astype(np.float64)
    return x, rng.standard_normal((6, page.LATENT))


def test_one_page():
    assert len(PAGE.read_text().splitlines()) <= 150


def test_gradients_are_the_packages(page, vae, rng):
    x, noise = batch(page, rng)
    weights = {name: vae.parameters[name].copy() for name in vae.parameters}
    loss, gradients = page.loss_and_gradients(weights, x, noise)
    terms = vae.loss_and_gradients(x, noise)
    assert loss == pytest.approx(terms.loss, rel=1e-12)
    assert set(gradients) == set(vae.parameters)
    for name, gradient in gradients.items():
        expected = vae.parameters.gradient(name)
        error = np.linalg.norm(gradient - expected) / np.linalg.norm(expected)
        assert error < 1e-12, name


def test_adam_is_the_packages(page, vae, rng):
    weights = {name: vae.parameters[name].copy() for name in vae.parameters}
    mine, adam = page.Adam(weights), Adam(vae.parameters, 2e-3, backend="reference")
    for _ in range(3):
        x, noise = batch(page, rng)
        mine.step(weights, page.loss_and_gradients(weights, x, noise)[1], 2e-3)
        vae.loss_and_gradients(x, noise)
        adam.step()
    for name in vae.parameters:
        np.testing.assert_allclose(weights[name], vae.parameters[name], atol=1e-9)


def test_it_starts_as_the_package_does(page):
    rng = np.random.default_rng(7)
    weights = page.make_weights(rng, np.float64)
    fresh = VAE(784, (page.HIDDEN,), page.LATENT, dtype="float64", backend="reference", seed=7)
    for name, weight in weights.items():
        np.testing.assert_array_equal(weight, fresh.parameters[name])


def test_a_pixel_is_drawn_with_its_grey_level(page):
    images = np.repeat(np.array([[0, 51, 255]], np.uint8), 20_000, axis=0)
    mean = page.binarize(np.random.default_rng(1), images).mean(axis=0)
    assert mean[0] == 0.0
    assert mean[2] == 1.0
    assert abs(mean[1] - 0.2) < 4.0 * np.sqrt(0.2 * 0.8 / 20_000)


def test_it_learns_and_prints_digits(page, monkeypatch, capsys):
    monkeypatch.setattr(page, "EPOCHS", 10)
    monkeypatch.setattr(page, "HIDDEN", 60)
    folder, rng = page.files("tinyvae") / "data" / "digits", np.random.default_rng(0)
    images = page.read_images(folder, "train-images-idx3-ubyte.gz")
    test = page.read_images(folder, "t10k-images-idx3-ubyte.gz")
    assert (images.shape, test.shape) == ((5000, 784), (1000, 784))
    weights = page.make_weights(rng)
    page.train(weights, images, test[:200], rng)
    page.print_samples(weights, rng)
    first, *picture = capsys.readouterr().out.splitlines()
    assert float(first.split()[-2]) > -190.0  # independent pixels cost 206
    assert len(picture) == 28
    assert sum(character in "=+*#%@" for line in picture for character in line) > 100
