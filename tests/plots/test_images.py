"""Each tile is the image its place promises."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import ShapeError, SizeError
from tinyvae.plots import plot_reconstructions, plot_samples, plot_scales


def test_originals_stand_over_their_reconstructions(make_model, images, shape, tile):
    vae = make_model()
    figure = plot_reconstructions(vae, images, 5, shape)
    assert figure.axes[0].images[0].get_array().shape == (2 * 5, 5 * 6)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["original", "reconstruction"]
    for column in range(5):
        assert np.allclose(tile(figure, 0, column), images[column])
        one = vae.decode_mean(vae.encode(images[column : column + 1])[0])[0]
        assert np.allclose(tile(figure, 1, column), one, atol=1e-6)


def test_grey_levels_are_shown_as_the_model_sees_them(make_model, shape, tile):
    grey = np.arange(36, dtype=np.uint8).reshape(3, 12) * 7
    figure = plot_reconstructions(make_model(), grey, 12, shape)
    assert np.allclose(tile(figure, 0, 2), grey[2] / 255.0, atol=1e-6)


def test_samples_are_those_of_sample_in_reading_order(make_model, shape, tile):
    vae = make_model()
    figure = plot_samples(vae, 7, scale=1.5, seed=4, image_shape=shape)
    expected = vae.sample(7, scale=1.5, seed=4)
    for index in range(7):
        assert np.allclose(tile(figure, *divmod(index, 3)), expected[index], atol=1e-6)
    assert np.isnan(tile(figure, 2, 1)).all()
    assert "1.5" in figure.axes[0].get_title()


def test_the_noise_is_the_same_in_every_row_of_scales(make_model, shape, tile):
    vae = make_model()
    scales = (0.0, 0.5, 2.0)
    figure = plot_scales(vae, scales, n=4, seed=9, image_shape=shape)
    noise = np.random.default_rng(9).standard_normal((4, 2))
    for row, scale in enumerate(scales):
        expected = vae.decode_mean(scale * noise)
        for column in range(4):
            assert np.allclose(tile(figure, row, column), expected[column], atol=1e-6)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "scale 0",
        "scale 0.5",
        "scale 2",
    ]
    assert list(axes.get_yticks()) == [0, 1, 2]


def test_draws_are_shown_on_request(make_model, shape, tile):
    vae = make_model()
    drawn = vae.sample(3, scale=2.0, seed=5, draw=True)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    one = plot_samples(vae, 3, 2.0, 5, shape, draw=True)
    several = plot_scales(vae, (1.0, 2.0), 3, 5, shape, draw=True)
    assert np.array_equal(tile(one, 0, 1), drawn[1])
    assert np.array_equal(tile(several, 1, 1), drawn[1])


def test_many_samples_per_scale_take_several_lines(make_model, shape, tile):
    vae = make_model()
    figure = plot_scales(vae, (1.0, 2.0), n=20, seed=1, image_shape=shape)
    assert np.allclose(tile(figure, 1, 3), vae.sample(20, scale=1.0, seed=1)[19], atol=1e-6)
    assert np.allclose(tile(figure, 3, 3), vae.sample(20, scale=2.0, seed=1)[19], atol=1e-6)
    assert np.isnan(tile(figure, 3, 4)).all()
    assert list(figure.axes[0].get_yticks()) == [0.5, 2.5]
    assert len(figure.axes[0].lines) == 1


@pytest.mark.parametrize("draw", [plot_samples, plot_scales])
def test_sizes_are_checked(make_model, shape, draw):
    vae = make_model()
    with pytest.raises(SizeError, match="n="):
        draw(vae, n=0, image_shape=shape)
    with pytest.raises(SizeError, match="n="):
        draw(vae, n=2.5, image_shape=shape)
    with pytest.raises(ShapeError, match="image_shape"):
        draw(vae, n=2)


def test_scales_are_checked(make_model, images, shape):
    vae = make_model()
    with pytest.raises(SizeError, match="scale"):
        plot_samples(vae, 2, scale=-1.0, image_shape=shape)
    with pytest.raises(SizeError, match="scales"):
        plot_scales(vae, (1.0, -1.0), 2, image_shape=shape)
    with pytest.raises(SizeError, match="scales is empty"):
        plot_scales(vae, (), 2, image_shape=shape)
    with pytest.raises(SizeError, match="n="):
        plot_reconstructions(vae, images, 0, shape)
    with pytest.raises(ShapeError, match="images"):
        plot_reconstructions(vae, images[0], 3, shape)
