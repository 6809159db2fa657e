"""A picture of where the data lie in the latent space, and the plane it is drawn on.

The only mathematics here is layout: the first two principal components.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from tinyvae.errors import DTypeError, ShapeError
from tinyvae.linear_gaussian import with_signs
from tinyvae.plots.arguments import check_model
from tinyvae.plots.style import PALETTE, Array, canvas, check_images, titled

if TYPE_CHECKING:
    from tinyvae.model.vae import VAE

# Seven markers against ten colours: seventy classes before a pair comes back.
MARKERS = "os^DvPX"
MAX_IN_LEGEND = 20
# No two names of classes are closer than this share of the picture.
NAMES_APART = 0.06
POINTS: dict[str, Any] = {"s": 14, "alpha": 0.75, "linewidths": 0, "rasterized": True}


class Plane(NamedTuple):
    """Two orthonormal directions through a point of the latent space.

    ``center`` is (latent_dim,), ``directions`` (2, latent_dim); ``deviations`` (2,) and ``shares``
    (2,) are the standard deviation of mu along each and its share of the whole variance.
    """

    center: Array
    directions: Array
    deviations: Array
    shares: Array


def principal_plane(mu: Array) -> Plane:
    """Return the plane of the first two principal components of ``mu``, (n, latent_dim).

    The largest entry of a direction is positive, so one model always gives the same picture.
    """
    center = mu.mean(0, dtype=np.float64)
    _, lengths, directions = np.linalg.svd(mu - center, full_matrices=False)
    directions = with_signs(directions)
    total = max(float(np.sum(lengths**2)), np.finfo(np.float64).tiny)
    deviations = lengths / np.sqrt(len(mu))
    return Plane(center, directions[:2], deviations[:2], lengths[:2] ** 2 / total)


def rows_needed(vae: VAE) -> int:
    """Return how many images the pictures of the latent space need: three points span a plane."""
    return 3 if vae.latent_dim > 2 else 1


def _points(mu: Array, logvar: Array) -> tuple[Array, list[str]]:
    """Return where (n, latent_dim) posteriors go on paper, (n, 2), and what the axes are called."""
    if mu.shape[1] == 1:
        points = np.concatenate([mu, np.exp(logvar / 2)], 1)
        return points, ["mu[0]", "standard deviation, exp(logvar[0] / 2)"]
    if mu.shape[1] == 2:
        return mu, ["mu[0]", "mu[1]"]
    plane = principal_plane(mu)
    names = [
        f"principal component {i + 1}\nof mu ({plane.shares[i]:.0%} of variance)" for i in (0, 1)
    ]
    return (mu - plane.center) @ plane.directions.T, names


def plot_latent(
    vae: VAE,
    images: ArrayLike,
    labels: ArrayLike | None = None,
    axes: Axes | None = None,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw mu of every image as a point, coloured by its label.

    With more than two latent dimensions, the first two principal components of mu; with one, mu
    against the standard deviation of the posterior.

    Parameters
    ----------
    vae : VAE
    images : array, (n, input_dim)
        Data in [0, 1], or uint8.
    labels : array of whole numbers or words, (n,), optional
        Each class gets a colour, a marker, and its name at the median of its points,
        or beside it where names would cover each other.  A conditional model is told them.
    axes : Axes, optional
        Where to draw; a new figure if left out.
    names : sequence of str, optional
        What label i is called, where labels are whole numbers from 0 on.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If images or labels do not have n rows of the right width.
    DTypeError
        If labels are neither whole numbers nor words.
    EmptyDataError
        If there are fewer than three images for principal components.
    """
    check_model(vae)
    images = check_images("images", images, vae, min_rows=rows_needed(vae))
    classes = None if labels is None else _check_labels(labels, len(images))
    told = vae.inputs.labels(labels, len(images)) if vae.n_classes is not None else None
    points, titles = _points(*vae.encode(images, told))
    if classes is not None and names is not None:
        classes = _named(classes, names)
    axes = canvas(axes, 5.0, 5.0 if vae.latent_dim > 1 else 3.0)
    if classes is None:
        axes.scatter(points[:, 0], points[:, 1], color=PALETTE[0], **POINTS)
    else:
        _draw_classes(axes, points, classes)
    if vae.latent_dim > 1:
        axes.set_aspect("equal", adjustable="datalim")
    axes.set(xlabel=titles[0], ylabel=titles[1])
    axes.spines[["top", "right"]].set_visible(False)
    return titled(axes, f"Where {len(images):,} images lie in the latent space")


def _check_labels(labels: ArrayLike, n: int) -> Array:
    """Return labels as an array (n,) of whole numbers or words."""
    classes = np.asarray(labels)
    if classes.shape != (n,):
        raise ShapeError(f"labels has shape {classes.shape}, but must be ({n},): one an image.")
    if classes.dtype.kind not in "biuUS":
        raise DTypeError(f"labels has dtype {classes.dtype}; give whole numbers or words.")
    return classes


def _named(classes: Array, names: Sequence[str]) -> Array:
    """Return what each label is called."""
    if classes.dtype.kind in "US":
        raise DTypeError("names go with labels that are whole numbers, and these are words.")
    if classes.min() < 0 or classes.max() >= len(names):
        raise ShapeError(
            f"names has {len(names)}, but labels go from {classes.min()} to {classes.max()}: give "
            "a name for each from 0 on."
        )
    found: Array = np.array(names)[classes.astype(int)]
    return found


def spread(places: Array, distance: float) -> Array:
    """Return (n, 2) places moved as little as makes no two of them closer than ``distance``.

    Pairs that are too close are pushed apart along the line between them, time and again.
    """
    places = np.array(places, np.float64)
    for _ in range(200):
        settled = True
        for i, j in combinations(range(len(places)), 2):
            gap = places[j] - places[i]
            length = float(np.hypot(*gap))
            if length < 0.999 * distance:
                way = gap / length if length else np.array([0.0, 1.0])
                push = 0.5 * (distance - length) * way
                places[i] -= push
                places[j] += push
                settled = False
        if settled:
            break
    return places


def _draw_classes(axes: Axes, points: Array, classes: Array) -> None:
    """Draw the points of each class in a colour and a marker, and its name near their median."""
    kinds = np.unique(classes)
    medians = np.array([np.median(points[classes == kind], 0) for kind in kinds])
    names = spread(medians, NAMES_APART * float(np.ptp(points, 0).max()))
    for index, kind in enumerate(kinds):
        own = points[classes == kind]
        color, marker = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
        axes.scatter(own[:, 0], own[:, 1], color=color, marker=marker, label=str(kind), **POINTS)
        axes.annotate(
            str(kind),
            medians[index],
            names[index],
            ha="center",
            va="center",
            weight="bold",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    if len(kinds) <= MAX_IN_LEGEND:
        axes.legend(
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize="small",
            markerscale=1.6,
            handletextpad=0.1,
        )
