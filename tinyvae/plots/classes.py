"""Pictures of a conditional model: every class from one z, and one hand writing them all.

Every picture is one axes of tiles.  All images come from the model's own methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tinyvae.errors import ShapeError, UsageError, check_count, check_number
from tinyvae.plots.arguments import check_model
from tinyvae.plots.style import (
    Array,
    ImageShape,
    check_image_shape,
    check_images,
    draw_tiles,
    titled,
)

if TYPE_CHECKING:
    from tinyvae.model.vae import VAE

#: More classes than these do not fit beside each other; the first are shown.
MAX_CLASSES = 16


def plot_classes(
    vae: VAE,
    n: int = 6,
    scale: float = 1.0,
    seed: int = 0,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw every class from the same z, a class a column and a z a row.

    Parameters
    ----------
    vae : VAE
        A conditional model.
    n : int
        How many z, one a row.
    scale : float
        Standard deviation of z; 1 is the prior.
    seed : int
        Of the noise.
    image_shape, axes
        As in ``plot_samples``.
    names : sequence of str, optional
        What the classes are called.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If the model has no classes.
    ShapeError
        If a row is no image of ``image_shape``.
    """
    shape, names = check_image_shape(vae, image_shape), _names(vae, names)
    noise = np.random.default_rng(check_count("seed", seed, at_least=0)).standard_normal(
        (check_count("n", n), vae.latent_dim)
    )
    z = check_number("scale", scale, at_least=0.0) * noise
    axes = draw_tiles(vae, _written(vae, z, len(names)), shape, axes)
    _name_columns(axes, names)
    return titled(axes, "One z a row, told what to draw")


def plot_analogies(
    vae: VAE,
    images: ArrayLike,
    labels: ArrayLike,
    n: int = 6,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw the first ``n`` images, and beside each its z = mu(x, y) decoded as every class.

    Parameters
    ----------
    vae : VAE
        A conditional model.
    images : array, (at least one, input_dim)
        Data in [0, 1], or uint8.
    labels : (n,) array of int
        Their classes.
    n : int
        How many at most.
    image_shape, axes
        As in ``plot_samples``.
    names : sequence of str, optional
        What the classes are called.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If the model has no classes.
    ShapeError
        If a row is no image of ``image_shape``.
    """
    shape, names = check_image_shape(vae, image_shape), _names(vae, names)
    rows = check_images("images", images, vae)
    told = vae.inputs.labels(labels, len(rows))
    assert told is not None
    rows, told = rows[: check_count("n", n)], told[:n]
    mu = vae.encode(rows, told)[0]
    tiles = np.concatenate([rows[:, None], _written(vae, mu, len(names))], 1)
    axes = draw_tiles(vae, tiles, shape, axes)
    _name_columns(axes, ["image", *names])
    axes.axvline(0.5, color="0.5", linewidth=0.8)
    return titled(axes, "The hand of an image, writing every class")


def _names(vae: VAE, names: Sequence[str] | None) -> list[str]:
    """Return what the columns are called."""
    check_model(vae)
    if vae.n_classes is None:
        raise UsageError(
            "vae has no classes: build it with n_classes=, or draw it with plot_samples."
        )
    words = [str(name) for name in (range(vae.n_classes) if names is None else names)]
    if len(words) != vae.n_classes:
        raise ShapeError(f"names has {len(words)} for the {vae.n_classes} classes of vae.")
    return words[:MAX_CLASSES]


def _written(vae: VAE, z: Array, classes: int) -> Array:
    """Decode every z as every class, (len(z), classes, input_dim)."""
    labels = np.tile(np.arange(classes), len(z))
    return vae.decode_mean(np.repeat(z, classes, 0), labels).reshape(len(z), classes, -1)


def _name_columns(axes: Axes, names: Sequence[str]) -> None:
    long = max(map(len, names)) > 6
    axes.set_xticks(
        range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center"
    )
