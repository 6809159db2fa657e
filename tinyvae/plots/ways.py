"""Pictures of ways through the latent space: from image to image, and along one dimension.

Every picture is one axes of tiles.  All images come from the model's own methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tinyvae.errors import ShapeError, SizeError, check_count, check_each
from tinyvae.ops.reference import kl_forward
from tinyvae.plots.arguments import refuse_objects
from tinyvae.plots.style import (
    ImageShape,
    check_image_shape,
    check_images,
    draw_tiles,
    number,
    titled,
)
from tinyvae.schema import count

if TYPE_CHECKING:
    from tinyvae.model.vae import VAE

MAX_TRAVERSALS = 10
REACH = 3.0


def plot_interpolations(
    vae: VAE,
    pairs: ArrayLike,
    steps: int = 11,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    labels: ArrayLike | None = None,
) -> Figure:
    """Draw the straight way through the latent space from one image to another, one pair a row.

    z = (1 - t) * mu(first) + t * mu(second), decoded; the two images themselves stand at the ends.

    Parameters
    ----------
    vae : VAE
    pairs : array, (pairs, 2, input_dim) or (2, input_dim)
        First and last image of each way.
    steps : int
        How many values of t from 0 to 1, at least two.
    image_shape, axes
        As in ``plot_samples``.
    labels : (pairs, 2) array of int, optional
        Of a conditional model: the classes of the images.  A way is decoded as the class of its
        first image, so that the hand changes and what is written stays.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If ``pairs`` has another shape, or a row is no image of ``image_shape``.
    """
    shape = check_image_shape(vae, image_shape)
    refuse_objects("pairs", pairs, "an array of pairs of images")
    ends = np.asarray(pairs)
    if ends.ndim not in (2, 3) or ends.shape[-2:] != (2, vae.input_dim):
        raise ShapeError(
            f"pairs has shape {ends.shape}, but must be (pairs, 2, {vae.input_dim}): "
            "two flattened images for each way."
        )
    images = check_images("pairs", ends.reshape(-1, vae.input_dim), vae)
    told = None if labels is None else np.asarray(labels).reshape(-1)
    mu = vae.encode(images, told)[0].reshape(-1, 2, vae.latent_dim)
    t = np.linspace(0.0, 1.0, check_count("steps", steps, at_least=2))
    z = (1 - t)[:, None] * mu[:, None, 0] + t[:, None] * mu[:, None, 1]
    written = None if told is None else np.repeat(told[::2], len(t))
    ways = vae.decode_mean(z.reshape(-1, vae.latent_dim), written)
    images = images.reshape(-1, 2, vae.input_dim)
    ways = ways.reshape(len(images), len(t), -1)
    axes = draw_tiles(vae, np.concatenate([images[:, :1], ways, images[:, 1:]], 1), shape, axes)
    marks = [f"{value:.2g}" for value in t]
    axes.set_xticks(range(len(t) + 2), ["image", *marks, "image"])
    for edge in (0.5, len(t) + 0.5):
        axes.axvline(edge, color="0.5", linewidth=0.8)
    axes.set_xlabel("t, with z = (1 − t) mu(first) + t mu(second)")
    return titled(axes, "From one image to another through the latent space")


def plot_traversals(
    vae: VAE,
    x: ArrayLike,
    dimensions: Sequence[int] | None = None,
    steps: int = 13,
    image_shape: ImageShape = None,
    axes: Axes | None = None,
    *,
    label: int | None = None,
) -> Figure:
    """Draw what one latent dimension does: z[i] from -3 to 3, the others at mu(x), one i a row.

    Parameters
    ----------
    vae : VAE
    x : array, (input_dim,) or (1, input_dim)
        The image to start from.
    dimensions : sequence of int, optional
        Which, in which order; the ten of largest KL at ``x`` if left out.
    steps : int
        How many values of z[i], at least two.
    image_shape, axes
        As in ``plot_samples``.
    label : int, optional
        Of a conditional model: the class of the image.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If ``x`` is not one image of ``image_shape``.
    SizeError
        If there is no such dimension, or ``steps`` is less than two.
    """
    shape = check_image_shape(vae, image_shape)
    refuse_objects("x", x, "an array with one image")
    image = check_images("x", np.atleast_2d(np.asarray(x)), vae)
    if len(image) != 1:
        raise ShapeError(f"x has {len(image)} rows; give the one image to start from.")
    mu, logvar = vae.encode(image, label)
    if dimensions is None:
        dimensions = np.argsort(-kl_forward(mu, logvar)[0], kind="stable")[:MAX_TRAVERSALS].tolist()
    chosen = check_each("dimensions", dimensions, count(at_least=0))
    if max(chosen) >= vae.latent_dim:
        raise SizeError(f"dimensions={dimensions!r} must name some of 0 to {vae.latent_dim - 1}.")
    values = np.linspace(-REACH, REACH, check_count("steps", steps, at_least=2))
    z = np.repeat(mu, len(chosen) * len(values), 0).reshape(len(chosen), len(values), -1)
    for row, i in enumerate(chosen):
        z[row, :, i] = values
    tiles = vae.decode_mean(z.reshape(-1, vae.latent_dim), label).reshape(*z.shape[:2], -1)
    axes = draw_tiles(vae, tiles, shape, axes)
    axes.set_yticks(range(len(chosen)), [f"z[{i}]" for i in chosen])
    axes.set_xticks(range(len(values)), [number(value, ".2g") for value in values])
    axes.set_xlabel("value of z[i], the others at mu(x)")
    return titled(axes, "What single latent dimensions do")
