"""Pictures of a study: what the settings do to the bounds, and the rate against the distortion.

They draw rows of numbers, one a run, and know no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyvae.plots.style import PAGE_WIDTH, PALETTE, Picture

Rows = Sequence[Mapping[str, Any]]
Words = Mapping[str, str]

#: More lines than that cannot be told apart.
MOST_LINES = 8
_MARKERS = "osD^vP*X"


def plot_setting(rows: Rows, setting: str, others: Sequence[str], titles: Words) -> Figure:
    """Draw measures against one setting: a line for each combination of the others.

    A mark is the mean over seeds, the bar goes from the smallest to the largest of them.

    Parameters
    ----------
    rows : sequence of mapping
        One a run that is done.
    setting : str
        What goes to the right.
    others : sequence of str
        What else varied, seeds excepted.
    titles : mapping of str to str
        The measures to draw, a panel each, and what to call them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Picture(figsize=(PAGE_WIDTH + 1.5, 3.2), layout="constrained")
    panels = figure.subplots(1, len(titles), sharex=True)
    values = list(dict.fromkeys(row[setting] for row in rows))
    places = _places(values)
    groups = _grouped(rows, others)
    for panel, (measure, title) in zip(panels, titles.items(), strict=True):
        for i, (key, group) in enumerate(groups.items()):
            x, middle, low, high = _summary(group, setting, values, places, measure)
            bars = np.stack([middle - low, high - middle])
            panel.errorbar(x, middle, yerr=bars, label=_label(others, key), **_style(i, groups))
        panel.set_title(title, fontsize="medium")
        panel.set_xlabel(setting)
        _ticks(panel, values, places)
        panel.spines[["top", "right"]].set_visible(False)
    _legend(figure, panels[0], len(groups), others)
    return figure


def plot_rate_distortion(rows: Rows, others: Sequence[str]) -> Figure:
    """Draw the distortion (reconstruction) against the rate (KL) as beta varies.

    Alemi et al. (2018), figure 1.  On each grey line the ELBO, -(rate + distortion), is the same.

    Parameters
    ----------
    rows : sequence of mapping
        One a run that is done, with beta, kl and reconstruction.
    others : sequence of str
        What else varied, seeds excepted: a curve for each combination.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Picture(figsize=(PAGE_WIDTH, 4.2), layout="constrained")
    axes = figure.add_subplot()
    groups = _grouped(rows, others)
    for i, (key, group) in enumerate(groups.items()):
        points = {beta: seeds for (beta,), seeds in _grouped(group, ["beta"]).items()}
        line = np.array(
            [[np.mean([row[m] for row in points[b]]) for m in ("kl", "reconstruction")]
             for b in sorted(points)]
        )  # fmt: skip
        axes.plot(*line.T, label=_label(others, key), **_style(i, groups))
        for beta, point in zip(sorted(points), line, strict=True):
            axes.annotate(
                f"{beta:g}", point, (4, 4), textcoords="offset points", fontsize="x-small"
            )
    _equal_elbo(axes)
    axes.set_xlabel("rate: KL, nats per example")
    axes.set_ylabel("distortion: reconstruction, nats per example")
    axes.set_title("numbers are beta; on a grey line the ELBO is the same", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    _legend(figure, axes, len(groups), others)
    return figure


def _equal_elbo(axes: Axes) -> None:
    """Draw lines of equal rate + distortion behind what is there."""
    x, y = np.array(axes.get_xlim()), np.array(axes.get_ylim())
    totals = np.linspace(x[0] + y[0], x[1] + y[1], 9)[1:-1]
    for total in totals:
        axes.plot(x, total - x, color="0.85", linewidth=0.8, zorder=0)
    axes.set(xlim=x, ylim=y)


def _grouped(rows: Rows, names: Sequence[str]) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def _summary(
    group: Rows, setting: str, values: Sequence[Any], places: NDArray[Any], measure: str
) -> tuple[NDArray[Any], ...]:
    """Return x, and the mean, the smallest and the largest of a measure over seeds."""
    found = []
    for value, place in zip(values, places, strict=True):
        seeds = [row[measure] for row in group if row[setting] == value]
        if seeds:
            found.append([place, np.mean(seeds), min(seeds), max(seeds)])
    return tuple(np.array(found, float).T)


def _places(values: Sequence[Any]) -> NDArray[Any]:
    """Return where values stand: numbers at their place, words and widths one after the other."""
    if all(isinstance(value, int | float) for value in values):
        return np.array(values, float)
    return np.arange(len(values), dtype=float)


def _ticks(axes: Axes, values: Sequence[Any], places: NDArray[Any]) -> None:
    positive = bool((places > 0).all()) and len(places) > 2
    if positive and all(isinstance(value, int | float) for value in values):
        axes.set_xscale("log")
        axes.minorticks_off()
    names = ["x".join(map(str, v)) if isinstance(v, tuple) else f"{v}" for v in values]
    axes.set_xticks(places, names)


def _label(names: Sequence[str], key: tuple[Any, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))


def _style(i: int, groups: Mapping[Any, Any]) -> dict[str, Any]:
    if len(groups) > MOST_LINES:
        return {"color": "0.6", "marker": ".", "linewidth": 0.8}
    color = PALETTE[i % len(PALETTE)]
    return {"color": color, "marker": _MARKERS[i], "markersize": 4, "linewidth": 1.2}


def _legend(figure: Figure, axes: Axes, lines: int, others: Sequence[str]) -> None:
    if lines > MOST_LINES:
        figure.suptitle(f"a line for each of {lines} combinations of {', '.join(others)}")
    elif others:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize="small")
