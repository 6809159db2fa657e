"""Pictures of numbers: training curves and the KL of each latent dimension.

They draw what they are given and compute nothing but its layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from tinyvae.data.arrays import as_array
from tinyvae.errors import DTypeError, EmptyDataError, ShapeError
from tinyvae.plots.arguments import refuse_objects, wrong_kind
from tinyvae.plots.style import PAGE_WIDTH, Picture, canvas, figure_of, number, titled

BLUE, ORANGE = "#0072b2", "#d55e00"
MAX_NUMBERS = 100
FEW = 8
PANELS = (
    ("elbo", "ELBO (higher is better)"),
    ("reconstruction", "reconstruction"),
    ("kl", "KL"),
)
# Lines, markers and fillings differ too, so that a print without colour reads the same.
STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": BLUE, "linestyle": "-", "marker": "o", "markersize": 3},
    "validation": {
        "color": ORANGE,
        "linestyle": "--",
        "marker": "s",
        "markersize": 4,
        "markerfacecolor": "none",
    },
}


def _columns(history: Any) -> dict[str, NDArray[np.float64]]:
    """Return the history as named columns of floats, from columns or from rows."""
    wanted = "a History, a mapping of columns, or rows that are mappings"
    if type(history).__name__ != "History":
        refuse_objects("history", history, wanted)
    if not isinstance(history, Mapping):
        rows = list(history) if isinstance(history, Iterable) else [history]
        if not all(isinstance(row, Mapping) for row in rows):
            raise wrong_kind("history", history, wanted)
        names = dict.fromkeys(name for row in rows for name in row)
        history = {name: [row.get(name, np.nan) for row in rows] for name in names}
    columns = {}
    for name, column in history.items():
        try:
            columns[name] = np.asarray(column, np.float64)
        except (TypeError, ValueError):
            raise DTypeError(f"history's column {name!r} holds more than numbers.") from None
    if not any(column.size for column in columns.values()):
        raise EmptyDataError("history is empty; train for at least one epoch before plotting it.")
    return columns


def plot_history(
    history: Mapping[str, ArrayLike] | Iterable[Mapping[str, Any]],
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draw the training curves: the ELBO and the two terms it is made of.

    elbo = -(reconstruction + kl), in nats per example.  The number in each legend is the last
    epoch's.  Training values are means over an epoch, while the weights moved; validation comes
    after it, so that it may well look better at first.

    Parameters
    ----------
    history : History, mapping of columns, or rows that are mappings
        Columns ``train_elbo``, ``train_reconstruction``, ``train_kl`` and, where there are any,
        the same with ``validation_``; ``epoch``, or the rows are counted from 1.
    axes : three Axes, optional
        For the ELBO, the reconstruction and the KL; a new figure if left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If ``history`` is something else.
    DTypeError, EmptyDataError
        If a column holds more than numbers, or the history has no epoch.
    ShapeError
        If ``axes`` are not three.
    """
    columns = _columns(history)
    if axes is None:
        axes = Picture(figsize=(PAGE_WIDTH, 2.6), layout="constrained").subplots(1, 3, sharex=True)
    panels = list(np.ravel(np.asarray(axes, object)))
    if len(panels) != len(PANELS):
        raise ShapeError(f"axes holds {len(panels)} axes; give three, or none for a new figure.")
    for panel, (term, title) in zip(panels, PANELS, strict=True):
        _draw_term(panel, columns, term)
        panel.set_title(title, fontsize="medium")
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("nats per example")
    return figure_of(panels[0])


def _draw_term(panel: Axes, columns: Mapping[str, NDArray[np.float64]], term: str) -> None:
    """Draw one term of the ELBO for every split that has it."""
    for split, style in STYLES.items():
        values = columns.get(f"{split}_{term}")
        if values is None or not np.isfinite(values).any():
            continue
        epochs = columns.get("epoch", np.arange(1, len(values) + 1))
        last = values[np.isfinite(values)][-1]
        panel.plot(
            epochs,
            values,
            **style,
            markevery=max(1, len(values) // 12),
            label=f"{split} {number(last, '.2f')}",
        )
    panel.legend(frameon=False, fontsize="x-small", handlelength=2.2, borderpad=0.1)


def plot_kl(
    kl_per_dimension: ArrayLike,
    active: ArrayLike | None = None,
    sort: bool = True,
    axes: Axes | None = None,
) -> Figure:
    """Draw the KL of each latent dimension as a bar, with the inactive ones crossed.

    Parameters
    ----------
    kl_per_dimension : array, (latent_dim,)
        Mean over the data of each dimension's KL, nats per example.
    active : bool array, (latent_dim,), optional
        Which dimensions the model uses.
    sort : bool
        Largest first (default), or in the order of their index.
    axes : Axes, optional
        Where to draw; a new figure if left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If ``kl_per_dimension`` is no array.
    DTypeError, ShapeError
        If ``kl_per_dimension`` is not one-dimensional numbers, or ``active`` not as many bool.
    """
    refuse_objects("kl_per_dimension", kl_per_dimension, "an array, (latent_dim,)")
    kl = as_array(kl_per_dimension, "kl_per_dimension").astype(np.float64)
    if kl.ndim != 1 or not kl.size:
        raise ShapeError(f"kl_per_dimension has shape {kl.shape}, but must be (latent_dim,).")
    order = np.argsort(-kl, kind="stable") if sort else np.arange(len(kl))
    places = np.arange(len(kl))
    axes = canvas(axes, PAGE_WIDTH, 2.8)
    axes.bar(places, kl[order], width=0.8, color=BLUE)
    title = f"KL per latent dimension, {kl.sum():.1f} nats in total"
    if active is not None:
        title += _cross_inactive(axes, np.asarray(active), order)
    axes.set_ylabel("nats per example")
    axes.set_xlabel("latent dimension" + (", largest KL first" if sort else ""))
    if len(kl) <= MAX_NUMBERS:
        crowded = {"fontsize": 5, "rotation": 90} if len(kl) > 35 else {"fontsize": "small"}
        axes.set_xticks(places, [str(index) for index in order], **crowded)
    elif sort:
        axes.set_xticks([])
    room = max(0.6, (FEW - len(kl)) / 2)
    axes.set_xlim(-room, len(kl) - 1 + room)
    axes.spines[["top", "right"]].set_visible(False)
    return titled(axes, title)


def _cross_inactive(axes: Axes, active: NDArray[np.bool_], order: NDArray[np.intp]) -> str:
    """Put a cross where a dimension is not active; return what the title says of them."""
    if active.shape != order.shape:
        raise ShapeError(f"active has shape {active.shape}, but must be {order.shape}.")
    if active.dtype != np.bool_:
        raise DTypeError(f"active holds {active.dtype}: give True or False for each dimension.")
    inactive = np.flatnonzero(~active[order])
    if len(inactive):
        axes.plot(
            inactive, np.zeros(len(inactive)), "x", color=ORANGE, clip_on=False, label="not active"
        )
        axes.legend(frameon=False, fontsize="small")
    return f"; {len(order) - len(inactive)} of {len(order)} active"
