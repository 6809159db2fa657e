"""The pictures of a conditional model show the class that they say."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import ShapeError, UsageError
from tinyvae.plots import (
    plot_analogies,
    plot_classes,
    plot_grid,
    plot_interpolations,
    plot_latent,
    plot_reconstructions,
    plot_samples,
    plot_scales,
    plot_traversals,
)


@pytest.fixture
def told(make_model, images):
    vae = make_model(3, n_classes=3)
    return vae, images, np.arange(len(images)) % 3


def ticks(figure):
    return [text.get_text() for text in figure.axes[0].get_xticklabels()]


def test_a_row_is_one_z_and_a_column_one_class(told, shape, tile):
    vae, _, _ = told
    figure = plot_classes(vae, 4, 0.7, 5, shape, names=["a", "b", "c"])
    z = 0.7 * np.random.default_rng(5).standard_normal((4, 3))
    for row in range(4):
        for y in range(3):
            expected = vae.decode_mean(z[row : row + 1], y)[0]
            assert np.allclose(tile(figure, row, y), expected, atol=1e-6)
    assert ticks(figure) == ["a", "b", "c"]


def test_an_analogy_keeps_mu_and_changes_the_class(told, shape, tile):
    vae, images, labels = told
    figure = plot_analogies(vae, images, labels, 5, shape)
    mu = vae.encode(images[:5], labels[:5])[0]
    for row in range(5):
        assert np.allclose(tile(figure, row, 0), images[row])
        for y in range(3):
            expected = vae.decode_mean(mu[row : row + 1], y)[0]
            assert np.allclose(tile(figure, row, 1 + y), expected, atol=1e-6)
    assert ticks(figure) == ["image", "0", "1", "2"]


def test_every_other_picture_is_told_the_label(told, shape, tile):
    vae, images, labels = told
    figure = plot_reconstructions(vae, images, 4, shape, labels=labels)
    assert np.allclose(tile(figure, 1, 2), vae.reconstruct(images[2:3], 2)[0], atol=1e-6)
    figure = plot_samples(vae, 7, seed=1, image_shape=shape)  # every class in turn, a column each
    expected = vae.sample(7, seed=1, label=np.arange(7) % 3)
    assert np.allclose(tile(figure, 1, 1), expected[4], atol=1e-6)
    figure = plot_scales(vae, (0.5, 1.0), 4, 2, shape, label=1)
    assert np.allclose(tile(figure, 0, 3), vae.sample(4, scale=0.5, seed=2, label=1)[3], atol=1e-6)
    figure = plot_traversals(vae, images[0], [1], 3, shape, label=2)
    z = vae.encode(images[:1], 2)[0]
    z[0, 1] = -3.0
    assert np.allclose(tile(figure, 0, 0), vae.decode_mean(z, 2)[0], atol=1e-6)
    figure = plot_interpolations(vae, images[:2], 3, shape, labels=[2, 1])
    mu = np.stack([vae.encode(images[i : i + 1], y)[0][0] for i, y in ((0, 2), (1, 1))])
    middle = vae.decode_mean(mu.mean(axis=0, keepdims=True), 2)[0]
    assert np.allclose(tile(figure, 0, 2), middle, atol=1e-6)
    plot_grid(vae, images, 3, image_shape=shape, labels=labels, label=1)
    figure = plot_latent(vae, images, labels, names=["x", "y", "z"])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["x", "y", "z"]


def test_what_has_no_classes_is_refused(told, make_model, images, shape):
    with pytest.raises(UsageError, match="n_classes"):
        plot_classes(make_model(), image_shape=shape)
    with pytest.raises(UsageError, match="n_classes"):
        plot_analogies(make_model(), images, np.zeros(len(images), int), image_shape=shape)
    with pytest.raises(ShapeError, match="names has 2"):
        plot_classes(told[0], image_shape=shape, names=["a", "b"])
