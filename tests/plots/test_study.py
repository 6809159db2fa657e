"""Pictures of a study show its numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tinyvae.plots.study import MOST_LINES, plot_rate_distortion, plot_setting

TITLES = {"elbo": "ELBO", "active_units": "active units"}


@pytest.fixture
def rows():
    found = []
    for latent_dim, beta, seed in itertools.product((2, 5, 10), (0.5, 1.0), range(3)):
        rate = 10.0 / beta + seed
        row = {"latent_dim": latent_dim, "beta": beta, "seed": seed, "kl": rate}
        row |= {"reconstruction": 80.0 + latent_dim, "active_units": latent_dim}
        found.append(row | {"elbo": -80.0 - latent_dim - rate})
    return found


def lines(axes):
    return [bars.lines[0].get_xydata() for bars in axes.containers]


def test_a_line_for_each_combination_of_the_others(rows):
    figure = plot_setting(rows, "latent_dim", ["beta"], TITLES)
    elbo, units = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["ELBO", "active units"]
    first, second = lines(elbo)
    assert np.allclose(first, [[2, -103], [5, -106], [10, -111]])  # the mean over seeds
    assert np.allclose(second, [[2, -93], [5, -96], [10, -101]])
    low, high = elbo.containers[0].lines[2][0].get_segments()[0]
    assert (low[1], high[1]) == (-104.0, -102.0)  # the smallest and the largest
    assert np.allclose(lines(units)[0][:, 1], [2, 5, 10])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["beta 0.5", "beta 1.0"]
    assert elbo.get_xlabel() == "latent_dim"


def test_words_and_widths_stand_one_after_the_other(rows):
    for row in rows:
        row["hidden_dims"] = {2: (8,), 5: (8, 4), 10: ()}[row["latent_dim"]]
    axes = plot_setting(rows, "hidden_dims", [], TITLES).axes[0]
    assert np.allclose(lines(axes)[0][:, 0], [0, 1, 2])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["8", "8x4", ""]


def test_many_combinations_are_grey(rows):
    many = [row | {"epochs": i} for i, row in enumerate(rows)]
    assert len(many) > MOST_LINES
    figure = plot_setting(many, "latent_dim", ["epochs"], TITLES)
    assert {to_hex(bars.lines[0].get_color()) for bars in figure.axes[0].containers} == {"#999999"}
    assert "18 combinations of epochs" in figure.get_suptitle()


def test_rate_and_distortion(rows):
    figure = plot_rate_distortion(rows, ["latent_dim"])
    (axes,) = figure.axes
    curves = [line for line in axes.lines if line.get_marker() != "None"]
    assert len(curves) == 3
    assert np.allclose(curves[0].get_xydata(), [[21, 82], [11, 82]])  # beta 0.5, then 1
    assert {text.get_text() for text in axes.texts} == {"0.5", "1"}
    grey = [line.get_xydata() for line in axes.lines if line.get_marker() == "None"]
    assert grey
    assert all(np.ptp(line.sum(axis=1)) < 1e-9 for line in grey)  # the same ELBO along each
