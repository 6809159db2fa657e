"""Tiles stand where they should on paper, files are whole, and pyplot is left alone."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tinyvae.errors import EmptyDataError, OptionError, ShapeError, WriteError
from tinyvae.plots import plot_kl, plot_samples, save
from tinyvae.plots.style import check_image_shape, check_images, draw_tiles, mosaic, number

BERNOULLI = SimpleNamespace(likelihood="bernoulli")
GAUSSIAN = SimpleNamespace(likelihood="gaussian")


@pytest.mark.parametrize("gap", [0, 1, 2])
def test_mosaic_puts_every_pixel_in_its_place(gap, rng):
    tiles = rng.random((2, 3, 12)).astype(np.float32)
    picture = mosaic(tiles, (3, 4), gap)
    assert picture.shape == (2 * (3 + 2 * gap), 3 * (4 + 2 * gap))
    seen = np.isnan(picture)
    for row, column, y, x in np.ndindex(2, 3, 3, 4):
        place = row * (3 + 2 * gap) + gap + y, column * (4 + 2 * gap) + gap + x
        assert picture[place] == tiles[row, column, y * 4 + x]
        seen[place] = True
    assert seen.all()


def test_row_zero_is_on_top_and_high_values_are_dark():
    tiles = np.zeros((2, 2, 12))
    tiles[0, 1] = 1.0
    figure = Figure(figsize=(2, 2), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    draw_tiles(BERNOULLI, tiles, (3, 4), axes, gap=0).set_aspect("auto")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    grey = np.asarray(canvas.buffer_rgba())[..., :3].mean(2)
    height, width = grey.shape
    quarter = [
        grey[height * (1 + 2 * row) // 4, width * (1 + 2 * column) // 4]
        for row in (0, 1)
        for column in (0, 1)
    ]
    assert quarter == [255, 0, 255, 255]


def test_tile_centres_are_at_integers():
    axes = draw_tiles(BERNOULLI, np.zeros((2, 5, 12)), (3, 4), None)
    assert axes.images[0].get_extent() == [-0.5, 4.5, 1.5, -0.5]
    assert axes.get_aspect() == 3 / 4


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.2, 1.2, (0.0, 1.0)), (-2.0, 3.0, (-2.0, 3.0)), (-0.1, 0.2, (-0.1, 0.2))],
)
def test_greys_under_a_gaussian_follow_the_data_unless_these_fill_the_unit_interval(
    low, high, expected
):
    tiles = np.linspace(low, high, 12 * 101).reshape(1, 101, 12)
    axes = draw_tiles(GAUSSIAN, tiles, (3, 4), None)
    assert axes.images[0].get_clim() == pytest.approx(expected, abs=0.02 * (high - low))


def test_greys_of_probabilities_run_from_0_to_1():
    axes = draw_tiles(BERNOULLI, np.full((1, 2, 12), 0.3), (3, 4), None)
    assert axes.images[0].get_clim() == (0.0, 1.0)


def test_a_square_is_guessed_and_anything_else_must_be_named():
    vae = SimpleNamespace(input_dim=16)
    assert check_image_shape(vae, None) == (4, 4)
    assert check_image_shape(vae, [2, 8]) == (2, 8)
    assert check_image_shape(vae, np.array([8, 2])) == (8, 2)
    for wrong in [(4, 5), (-4, -4), (16,), 16, (4.0, 4.0), (2, 2, 4)]:
        with pytest.raises(ShapeError, match="image_shape"):
            check_image_shape(vae, wrong)
    with pytest.raises(ShapeError, match=r"image_shape=\(height, width\)"):
        check_image_shape(SimpleNamespace(input_dim=12), None)


def test_images_are_checked_at_the_door_and_uint8_is_scaled(make_model):
    vae = make_model()
    grey = np.arange(0, 240, 10, dtype=np.uint8).reshape(2, 12)
    assert np.allclose(check_images("images", grey, vae), grey / 255.0)
    with pytest.raises(ShapeError, match="images"):
        check_images("images", grey[:, :5], vae)
    with pytest.raises(EmptyDataError, match="images"):
        check_images("images", grey[:0], vae)


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_the_ending_chooses_the_format(tmp_path, ending, start):
    path = save(plot_kl([1.0, 2.0]), tmp_path / f"kl.{ending}")
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_saving_fails_in_words(tmp_path):
    figure = plot_kl([1.0])
    with pytest.raises(OptionError, match="did you mean 'png'"):
        save(figure, tmp_path / "kl.pgn")
    with pytest.raises(OptionError, match="ending"):
        save(figure, tmp_path / "kl")
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"kl\.png"):
        save(figure, tmp_path / "file" / "kl.png")


def test_a_notebook_can_show_a_figure_and_axes_can_be_the_readers_own(make_model, shape):
    vae = make_model()
    assert plot_samples(vae, 3, image_shape=shape)._repr_png_().startswith(b"\x89PNG")
    own = Figure()
    inner = own.subfigures(1, 2)[0].subplots()
    assert plot_samples(vae, 3, image_shape=shape, axes=inner) is own
    assert inner.images


def test_numbers_have_a_real_minus_sign_and_no_negative_zero():
    assert [number(x) for x in (-1.5, -0.0, 2.0)] == ["\N{MINUS SIGN}1.5", "0", "2"]


def test_pyplot_is_never_imported(tmp_path):
    code = (
        "import sys; from tinyvae import plots; "
        f"plots.save(plots.plot_kl([1.0, 2.0]), {str(tmp_path / 'kl.png')!r}); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "kl.png").exists()
