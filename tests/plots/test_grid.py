"""Every tile of the grid is what the point its axes name decodes to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.errors import EmptyDataError, OptionError, ShapeError, SizeError, UsageError
from tinyvae.plots import plot_grid


def ticks(positions, labels):
    return dict(
        zip(
            [float(text.get_text().replace("\N{MINUS SIGN}", "-")) for text in labels],
            positions,
            strict=True,
        )
    )


def test_tiles_of_a_plane_are_decoded_where_the_axes_say(make_model, shape, tile):
    vae = make_model(2)
    figure = plot_grid(vae, n=7, scale=3.0, image_shape=shape)
    for row, column in np.ndindex(7, 7):
        expected = vae.decode_mean(np.array([[column - 3.0, 3.0 - row]]))[0]
        assert np.allclose(tile(figure, row, column, gap=0), expected, atol=1e-6)
    (axes,) = figure.axes
    across = ticks(axes.get_xticks(), axes.get_xticklabels())
    up = ticks(axes.get_yticks(), axes.get_yticklabels())
    assert across == pytest.approx({value: value + 3.0 for value in range(-3, 4)})
    assert up == pytest.approx({value: 3.0 - value for value in range(-3, 4)})
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z[0]", "z[1]")


def test_quantiles_cut_the_gaussian_into_equal_shares(make_model, shape, tile):
    vae = make_model(2)
    n = 5
    figure = plot_grid(vae, n=n, spacing="quantile", image_shape=shape)

    steps = [-1.2815516, -0.5244005, 0.0, 0.5244005, 1.2815516]
    shares = [0.5 * (1 + math.erf(z / math.sqrt(2))) for z in steps]
    assert shares == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    for row, column in np.ndindex(n, n):
        expected = vae.decode_mean(np.array([[steps[column], steps[n - 1 - row]]]))[0]
        assert np.allclose(tile(figure, row, column, gap=0), expected, atol=1e-6)
    (axes,) = figure.axes
    across = ticks(axes.get_xticks(), axes.get_xticklabels())
    assert across[0.0] == pytest.approx(2.0)
    assert across[1.0] == pytest.approx(3 + (1.0 - steps[3]) / (steps[4] - steps[3]), abs=1e-3)


def test_more_dimensions_are_cut_along_the_principal_components(make_model, images, shape, tile):
    vae = make_model(5)
    mu = vae.encode(images)[0]
    values, vectors = np.linalg.eigh(np.cov(mu.T, bias=True))
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(5)])
    figure = plot_grid(vae, images, n=3, scale=2.0, image_shape=shape)
    for row, column in np.ndindex(3, 3):
        z = mu.mean(0)
        z = z + 2.0 * (column - 1) * np.sqrt(values[-1]) * vectors[:, -1]
        z = z + 2.0 * (1 - row) * np.sqrt(values[-2]) * vectors[:, -2]
        expected = vae.decode_mean(z[None])[0]
        assert np.allclose(tile(figure, row, column, gap=0), expected, atol=1e-5)
    (axes,) = figure.axes
    assert axes.get_xlabel().startswith("principal component 1 of mu")
    assert f"standard deviations ({np.sqrt(values[-2]):.2g} each)" in axes.get_ylabel()


def test_one_dimension_is_one_row(make_model, shape, tile):
    vae = make_model(1)
    figure = plot_grid(vae, n=5, scale=2.0, image_shape=shape)
    assert figure.axes[0].images[0].get_array().shape == (3, 5 * 4)
    for column in range(5):
        expected = vae.decode_mean(np.array([[column - 2.0]]))[0]
        assert np.allclose(tile(figure, 0, column, gap=0), expected, atol=1e-6)
    assert len(figure.axes[0].get_yticks()) == 0


def test_two_dimensions_do_not_ask_the_data(make_model, images, shape, tile):
    vae = make_model(2)
    with_data, without = (plot_grid(vae, data, n=3, image_shape=shape) for data in (images, None))
    assert np.array_equal(tile(with_data, 0, 0, gap=0), tile(without, 0, 0, gap=0))


def test_grids_are_checked(make_model, images, shape):
    with pytest.raises(UsageError, match="images is missing"):
        plot_grid(make_model(3), image_shape=shape)
    with pytest.raises(EmptyDataError, match="images"):
        plot_grid(make_model(3), images[:2], image_shape=shape)
    vae = make_model(2)
    with pytest.raises(OptionError, match="did you mean 'quantile'"):
        plot_grid(vae, spacing="quantiles", image_shape=shape)
    with pytest.raises(SizeError, match="n="):
        plot_grid(vae, n=1, image_shape=shape)
    with pytest.raises(SizeError, match="scale"):
        plot_grid(vae, scale=0.0, image_shape=shape)
    with pytest.raises(ShapeError, match="image_shape"):
        plot_grid(vae)
