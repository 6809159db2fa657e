"""Curves and bars show the numbers they were given, and can be told apart without colour."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from tinyvae.errors import EmptyDataError, ShapeError
from tinyvae.plots import plot_history, plot_kl
from tinyvae.training.history import History

TERMS = ("elbo", "reconstruction", "kl")
SPLITS = ("train", "validation")


def row(epoch, splits=SPLITS):
    values = {"epoch": float(epoch), "train_loss": 9.0, "beta": 1.0}
    for place, split in enumerate(splits):
        values |= {
            f"{split}_reconstruction": 90.0 - epoch + place,
            f"{split}_kl": 20.0 + epoch + place,
            f"{split}_elbo": -110.0 - 2 * place,
        }
    return values


def test_every_term_of_every_split_has_its_panel():
    rows = [row(epoch) for epoch in (1, 2, 3)]
    figure = plot_history(History(rows))
    assert len(figure.axes) == 3
    for axes, term in zip(figure.axes, TERMS, strict=True):
        assert [line.get_label().split()[0] for line in axes.lines] == list(SPLITS)
        for line, split in zip(axes.lines, SPLITS, strict=True):
            assert list(line.get_xdata()) == [1, 2, 3]
            assert list(line.get_ydata()) == [r[f"{split}_{term}"] for r in rows]
            last = rows[-1][f"{split}_{term}"]
            assert line.get_label().replace("\N{MINUS SIGN}", "-") == f"{split} {last:.2f}"
    assert "nats per example" in figure.axes[0].get_ylabel()


def test_lines_differ_in_more_than_colour():
    train, validation = plot_history([row(1), row(2)]).axes[0].lines
    assert train.get_linestyle() != validation.get_linestyle()
    assert train.get_marker() != validation.get_marker()


def test_columns_rows_and_an_absent_validation_are_all_fine():
    columns = {"train_elbo": [-3.0, -2.0], "train_kl": [1, 1], "train_reconstruction": [2, 1]}
    figure = plot_history(columns | {"validation_elbo": [np.nan, np.nan]})
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1]
    assert list(figure.axes[0].lines[0].get_xdata()) == [1, 2]
    assert len(plot_history([row(1, ("train",))]).axes[2].lines) == 1


def test_a_column_that_begins_late_starts_late():
    figure = plot_history([row(1, ("train",)), row(2)])
    assert np.isnan(figure.axes[0].lines[1].get_ydata()[0])


def test_history_goes_into_three_axes_of_the_readers():
    figure = Figure()
    assert plot_history([row(1)], axes=figure.subplots(3, 1)) is figure
    assert all(axes.lines for axes in figure.axes)
    with pytest.raises(ShapeError, match="axes"):
        plot_history([row(1)], axes=Figure().subplots(1, 2))


@pytest.mark.parametrize("empty", [[], {}, {"train_elbo": []}, History()])
def test_an_empty_history_is_refused(empty):
    with pytest.raises(EmptyDataError, match="history"):
        plot_history(empty)


KL = np.array([0.5, 3.0, 0.0, 1.5])


@pytest.mark.parametrize(("sort", "order"), [(True, [1, 3, 0, 2]), (False, [0, 1, 2, 3])])
def test_bars_are_the_kl_of_the_dimension_named_below(sort, order):
    (axes,) = plot_kl(KL, sort=sort).axes
    assert [bar.get_height() for bar in axes.patches] == list(KL[order])
    assert [text.get_text() for text in axes.get_xticklabels()] == [str(i) for i in order]
    assert [bar.get_x() + bar.get_width() / 2 for bar in axes.patches] == pytest.approx(
        list(axes.get_xticks())
    )
    assert "5.0 nats" in axes.get_title()


@pytest.mark.parametrize(("sort", "crosses"), [(True, [2, 3]), (False, [0, 2])])
def test_inactive_dimensions_are_crossed(sort, crosses):
    (axes,) = plot_kl(KL, [False, True, False, True], sort=sort).axes
    (marks,) = axes.lines
    assert list(marks.get_xdata()) == crosses
    assert "2 of 4 active" in axes.get_title()


def test_no_cross_where_all_are_active_and_no_crowd_of_numbers():
    (axes,) = plot_kl(KL, np.ones(4, bool)).axes
    assert not axes.lines
    assert "4 of 4 active" in axes.get_title()
    assert len(plot_kl(np.ones(500)).axes[0].get_xticks()) == 0
    assert len(plot_kl(np.ones(500), sort=False).axes[0].get_xticks()) < 20


def test_wrong_shapes_are_named():
    with pytest.raises(ShapeError, match="kl_per_dimension"):
        plot_kl(np.ones((2, 2)))
    with pytest.raises(ShapeError, match="kl_per_dimension"):
        plot_kl([])
    with pytest.raises(ShapeError, match="active"):
        plot_kl(KL, [True])
