"""Pictures of what a model makes: reconstructions, samples, one noise at several scales.

Every picture is one axes of tiles.  All images come from the model's own methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tinyvae.errors import check_count, check_each, check_number
from tinyvae.plots.style import (
    Array,
    ImageShape,
    check_image_shape,
    check_images,
    draw_tiles,
    titled,
)
from tinyvae.schema import number

if TYPE_CHECKING:
    from tinyvae.model.vae import VAE

MAX_COLUMNS = 16
#: The most images, and pixels, that a picture shows.
MAX_TILES, MAX_PIXELS = 1024, 1 << 24


def most_shown(input_dim: int, scales: int = 1) -> int:
    """Return how many images of each scale a picture shows at most."""
    return max(1, min(MAX_TILES, MAX_PIXELS // input_dim) // scales)


def classes_in_turn(vae: VAE, n: int, label: int | ArrayLike | None) -> int | ArrayLike | None:
    """Return ``label``, or of a conditional model every class in turn, (n,), if it is None."""
    if label is None and vae.n_classes is not None:
        return np.arange(n) % vae.n_classes
    return label


def _shown_of(shown: int, n: int) -> str:
    return f"; the first {shown:,} of {n:,}" if shown < n else ""


def plot_reconstructions(
    vae: VAE,
    images: ArrayLike,
    n: int = 12,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    labels: ArrayLike | None = None,
) -> Figure:
    """Draw the first ``n`` images over what the model makes of them through mu.

    Parameters
    ----------
    vae : VAE
    images : array, (at least one, input_dim)
        Data in [0, 1], or uint8.
    n : int
        How many at most.
    image_shape, axes
        As in ``plot_samples``.
    labels : (n,) array of int, optional
        Of a conditional model: the class of each image.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If a row is no image of ``image_shape``.
    """
    shape = check_image_shape(vae, image_shape)
    originals = check_images("images", images, vae)
    given = vae.inputs.labels(labels, len(originals))
    n = min(check_count("n", n), len(originals))
    originals, given = originals[:n], None if given is None else given[:n]
    axes = draw_tiles(vae, np.stack([originals, vae.reconstruct(originals, given)]), shape, axes)
    axes.set_yticks([0, 1], ["original", "reconstruction"])
    return titled(axes, "Originals and their reconstructions")


def _wrap(images: Array, columns: int) -> Array:
    """Fold (n, input_dim) into lines of ``columns`` tiles, NaN where the last line is short."""
    lines = -(-len(images) // columns)
    tiles = np.full((lines * columns, images.shape[1]), np.nan, np.float32)
    tiles[: len(images)] = images
    return tiles.reshape(lines, columns, -1)


def plot_samples(
    vae: VAE,
    n: int = 64,
    scale: float = 1.0,
    seed: int = 0,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    draw: bool = False,
    label: int | ArrayLike | None = None,
) -> Figure:
    """Show ``vae.sample(n, scale=scale, seed=seed)``: means of p(x given z), z = scale * noise.

    Parameters
    ----------
    vae : VAE
    n : int
        How many; of more than ``MAX_TILES`` the first are shown.
    scale : float
        Standard deviation of z; 1 is the prior.
    seed : int
        Seed of the noise.
    image_shape : (height, width), optional
        How to draw a row; a square if left out.
    axes : Axes, optional
        Where to draw; a new figure if left out.
    draw : bool
        Whether to show draws from p(x given z) instead of its means.
    label : int or (n,) array of int, optional
        Of a conditional model: what to draw; every class in turn if left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If a row is no image of ``image_shape``.
    SizeError
        If ``n`` is less than one or ``scale`` is negative.
    """
    shape = check_image_shape(vae, image_shape)
    n, scale = check_count("n", n), check_number("scale", scale, at_least=0.0)
    most = min(n, most_shown(vae.input_dim))
    told = classes_in_turn(vae, most, label)
    images = vae.sample(most, scale=scale, seed=seed, draw=draw, label=told)
    columns = vae.n_classes if label is None else None
    return tiles_figure(vae, images, n, scale, shape, axes, columns)


def tiles_figure(
    vae: VAE,
    images: Array,
    n: int,
    scale: float,
    image_shape: tuple[int, int],
    axes: Axes | None = None,
    columns: int | None = None,
) -> Figure:
    """Draw ``images``, the first of ``n`` samples at one scale."""
    columns = min(MAX_COLUMNS, columns or int(np.ceil(np.sqrt(len(images)))))
    axes = draw_tiles(vae, _wrap(images, columns), image_shape, axes)
    title = f"Samples at scale {scale:g}, z = scale × noise{_shown_of(len(images), n)}"
    return titled(axes, title)


def plot_scales(
    vae: VAE,
    scales: Sequence[float] = (0.25, 0.5, 1.0, 1.5, 2.0),
    n: int = 12,
    seed: int = 0,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    draw: bool = False,
    label: int | ArrayLike | None = None,
) -> Figure:
    """Show the same noise at several scales, a labelled row for each.

    Going down a column only the scale changes: from the most typical image (scale 0 would be the
    centre of the latent space) to places the model has hardly been trained on.

    Parameters
    ----------
    vae : VAE
    scales : sequence of float
        Standard deviations of z, one a row.
    n : int
        Images per scale; more than 16 take several lines each, and of too many the first are
        shown.
    seed : int
        Seed of the noise, the same for every scale.
    image_shape, axes
        As in ``plot_samples``.
    draw : bool
        Whether to show draws from p(x given z) instead of its means.
    label : int or (n,) array of int, optional
        Of a conditional model: what to draw; every class in turn if left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If a row is no image of ``image_shape``.
    SizeError
        If there are no scales, one is negative, or ``n`` is less than one.
    """
    shape = check_image_shape(vae, image_shape)
    n = check_count("n", n)
    scales = check_each("scales", scales, number(at_least=0.0))
    most = min(n, most_shown(vae.input_dim, len(scales)))
    told = classes_in_turn(vae, most, label)
    blocks = [vae.sample(most, scale=scale, seed=seed, draw=draw, label=told) for scale in scales]
    return scales_figure(vae, blocks, n, scales, shape, axes)


def scales_figure(
    vae: VAE,
    blocks: Sequence[Array],
    n: int,
    scales: Sequence[float],
    image_shape: tuple[int, int],
    axes: Axes | None = None,
) -> Figure:
    """Draw ``blocks``, the first of ``n`` samples of each scale, one under the other."""
    shown = len(blocks[0])
    tiles = [_wrap(block, min(shown, MAX_COLUMNS)) for block in blocks]
    axes = draw_tiles(vae, np.concatenate(tiles), image_shape, axes)
    lines = len(tiles[0])
    places = np.arange(len(scales)) * lines + (lines - 1) / 2
    axes.set_yticks(places, [f"scale {scale:g}" for scale in scales])
    if lines > 1:
        for block in range(1, len(scales)):
            axes.axhline(block * lines - 0.5, color="0.5", linewidth=0.8)
    title = f"The same noise at several scales, z = scale × noise{_shown_of(shown, n)}"
    return titled(axes, title)
