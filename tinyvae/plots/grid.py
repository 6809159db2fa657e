"""A picture of what the latent plane decodes to, at equal distances or at Gaussian quantiles.

The only mathematics here is layout: where the points of the grid lie.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from tinyvae.errors import UsageError, check_count, check_number, check_option
from tinyvae.plots.latent import Plane, principal_plane, rows_needed
from tinyvae.plots.style import (
    Array,
    ImageShape,
    check_image_shape,
    check_images,
    draw_tiles,
    number,
    titled,
)

if TYPE_CHECKING:
    from tinyvae.model.vae import VAE


SPACINGS = {"linear": "at equal distances", "quantile": "at equal shares of probability"}


def plot_grid(
    vae: VAE,
    images: ArrayLike | None = None,
    n: int = 20,
    scale: float = 3.0,
    spacing: str = "linear",
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    labels: ArrayLike | None = None,
    label: int | None = None,
) -> Figure:
    """Draw what a grid of points in the latent plane decodes to.

    Up to two latent dimensions: the latent space itself.  More: the plane through the mean of
    mu(images) along its first two principal components, in standard deviations of mu along each;
    the other coordinates stay at the mean.  The second axis points up.

    Tutorial 09, equations (9.3) and (9.4).

    Parameters
    ----------
    vae : VAE
    images : array, (at least three, input_dim), optional
        The data that say where the plane is; needed for more than two dimensions only.
    n : int
        Tiles a side, at least two.
    scale : float
        Linear spacing covers [-scale, scale].
    spacing : str
        ``"linear"``, or ``"quantile"``: the standard Gaussian's quantiles (i + 1/2) / n, so that
        every tile stands for an equal share of its probability (``scale`` is then not used).
    image_shape, axes
        As in ``plot_samples``.
    labels : (n,) array of int, optional
        Of a conditional model: the classes of ``images``.
    label : int, optional
        Of a conditional model: what every tile shows.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If ``images`` is missing where it is needed, or an option makes no sense.
    ShapeError
        If a row is no image of ``image_shape``.
    """
    shape = check_image_shape(vae, image_shape)
    plane, names = _grid_plane(vae, images, labels)
    steps = _spread(check_count("n", n, at_least=2), scale, spacing)
    heights = steps[::-1] if vae.latent_dim > 1 else np.zeros(1)
    across, up = steps[:, None] * plane.deviations[0], heights[:, None] * plane.deviations[1]
    z = plane.center + (across * plane.directions[0]) + (up * plane.directions[1])[:, None]
    tiles = vae.decode_mean(z.reshape(-1, vae.latent_dim), label)
    axes = draw_tiles(vae, tiles.reshape(len(heights), len(steps), -1), shape, axes, gap=0)
    marks = MaxNLocator(nbins=8, steps=[1, 2, 5, 10]).tick_values(steps[0], steps[-1])
    marks = marks[np.abs(marks) <= steps[-1] * (1 + 1e-9)]
    places = np.interp(marks, steps, np.arange(len(steps)))
    texts = [number(mark) for mark in marks]
    axes.tick_params(length=3)
    axes.set_xticks(places, texts)
    axes.set_xlabel(names[0])
    if vae.latent_dim > 1:
        axes.set_yticks(len(steps) - 1 - places, texts)
        axes.set_ylabel(names[1])
    extent = "plane" if vae.latent_dim > 1 else "line"
    return titled(axes, f"What the latent {extent} decodes to, {SPACINGS[spacing]}")


def _grid_plane(
    vae: VAE, images: ArrayLike | None, labels: ArrayLike | None
) -> tuple[Plane, list[str]]:
    """Return the plane a grid is drawn over, and what its axes are called."""
    dims = vae.latent_dim
    if dims <= 2:
        plane = Plane(np.zeros(dims), np.eye(2, dims), np.ones(2), np.full(2, 0.5))
        return plane, ["z[0]", "z[1]"]
    if images is None:
        raise UsageError(
            f"images is missing: with latent_dim={dims} the plane is that of the principal "
            "components of mu(images); pass data, for example the test set."
        )
    rows = check_images("images", images, vae, min_rows=rows_needed(vae))
    plane = principal_plane(vae.encode(rows, labels)[0])
    units = [f"in standard deviations ({deviation:.2g} each)" for deviation in plane.deviations]
    return plane, [f"principal component {i + 1} of mu\n{units[i]}" for i in (0, 1)]


def _spread(n: int, scale: float, spacing: str) -> Array:
    """Return the ``n`` rising coordinates of a grid's columns."""
    check_option("spacing", spacing, SPACINGS)
    scale = check_number("scale", scale, above=0.0)
    if spacing == "linear":
        return np.linspace(-scale, scale, n)
    return np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
