"""Ways through the latent space pass where they say."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import ShapeError, SizeError
from tinyvae.plots import plot_interpolations, plot_traversals


def texts(labels):
    return [text.get_text().replace("\N{MINUS SIGN}", "-") for text in labels]


def test_interpolations_go_straight_from_mu_to_mu(make_model, images, shape, tile):
    vae = make_model(3)
    figure = plot_interpolations(vae, images[:4].reshape(2, 2, -1), 5, shape)
    mu = vae.encode(images[:4])[0]
    for row in (0, 1):
        first, second = mu[2 * row], mu[2 * row + 1]
        assert np.allclose(tile(figure, row, 0), images[2 * row])
        assert np.allclose(tile(figure, row, 6), images[2 * row + 1])
        for column, t in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
            expected = vae.decode_mean((first + t * (second - first))[None])[0]
            assert np.allclose(tile(figure, row, column + 1), expected, atol=1e-6)
    ticks = texts(figure.axes[0].get_xticklabels())
    assert ticks == ["image", "0", "0.25", "0.5", "0.75", "1", "image"]


def test_one_pair_of_grey_levels_will_do(make_model, shape, tile):
    pair = np.arange(24, dtype=np.uint8).reshape(2, 12) * 10
    figure = plot_interpolations(make_model(), pair, 2, shape)
    assert np.allclose(tile(figure, 0, 3), pair[1] / 255.0, atol=1e-6)


def test_pairs_are_checked(make_model, images, shape):
    vae = make_model()
    for wrong in (images[0], images[:3], images[:3, None], images[:2, :6]):
        with pytest.raises(ShapeError, match="pairs"):
            plot_interpolations(vae, wrong, image_shape=shape)
    with pytest.raises(SizeError, match="steps"):
        plot_interpolations(vae, images[:2], 1, shape)
    with pytest.raises(ShapeError, match="image_shape"):
        plot_interpolations(vae, images[:2])


def test_traversals_move_one_dimension_and_leave_the_others(make_model, images, shape, tile):
    vae = make_model(3)
    figure = plot_traversals(vae, images[6], [2, 0], 7, shape)
    mu = vae.encode(images[6:7])[0][0]
    for row, dimension in enumerate((2, 0)):
        for column, value in enumerate((-3, -2, -1, 0, 1, 2, 3)):
            z = mu.copy()
            z[dimension] = value
            expected = vae.decode_mean(z[None])[0]
            assert np.allclose(tile(figure, row, column), expected, atol=1e-6)
    (axes,) = figure.axes
    assert texts(axes.get_yticklabels()) == ["z[2]", "z[0]"]
    assert texts(axes.get_xticklabels()) == ["-3", "-2", "-1", "0", "1", "2", "3"]


def test_traversals_begin_with_the_largest_kl(make_model, images, shape):
    vae = make_model(12)
    figure = plot_traversals(vae, images[:1], image_shape=shape)
    mu, logvar = (array[0] for array in vae.encode(images[:1]))
    kl = (mu**2 + np.exp(logvar) - 1 - logvar) / 2
    expected = sorted(range(12), key=lambda i: -kl[i])[:10]
    assert texts(figure.axes[0].get_yticklabels()) == [f"z[{i}]" for i in expected]


def test_traversals_are_checked(make_model, images, shape):
    vae = make_model()
    for wrong in ([2], [-1], [], [0.5]):
        with pytest.raises(SizeError, match="dimensions"):
            plot_traversals(vae, images[0], wrong, image_shape=shape)
    with pytest.raises(ShapeError, match="one image"):
        plot_traversals(vae, images[:2], image_shape=shape)
    with pytest.raises(SizeError, match="steps"):
        plot_traversals(vae, images[0], steps=1, image_shape=shape)
