"""All the pictures of one training run, written into a folder.

This file chooses what to show; how it looks is the business of the other files here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tinyvae.data import DataSet
from tinyvae.model.evaluation import ACTIVE_THRESHOLD, Evaluation, evaluate
from tinyvae.model.vae import VAE
from tinyvae.plots.arguments import check_model, wrong_kind
from tinyvae.plots.curves import plot_history, plot_kl
from tinyvae.plots.grid import plot_grid
from tinyvae.plots.images import plot_reconstructions, plot_samples, plot_scales
from tinyvae.plots.latent import plot_latent, rows_needed
from tinyvae.plots.style import save
from tinyvae.plots.ways import MAX_TRAVERSALS, plot_interpolations, plot_traversals
from tinyvae.training.history import History

MAX_POINTS = 2000
MAX_PAIRS = 5

Drawing = Callable[[], Figure]


def save_all(
    vae: VAE,
    data: DataSet,
    history: History | None,
    folder: str | Path,
    *,
    evaluation: Evaluation | None = None,
    seed: int = 0,
) -> list[Path]:
    """Write the pictures of a run as PNG files.

    ``history``, ``kl`` and ``latent``; and if the data are images ``reconstructions``,
    ``samples``, ``scales``, ``grid``, ``grid-quantiles``, ``interpolations`` and ``traversals``.
    Where data are shown, they are the first of the test set.

    Parameters
    ----------
    vae : VAE
        The trained model.
    data : DataSet
        What it was trained on; without ``image_shape`` no images are drawn.
    history : History, optional
        Of its training; without epochs no curves are drawn.
    folder : str or Path
        Made if it is not there.
    evaluation : Evaluation, optional
        What ``evaluate(vae, data.test)`` returned; computed if left out.
    seed : int
        Of the samples.

    Returns
    -------
    list of Path
        The files written, in the order a reader would look at them.

    Raises
    ------
    UsageError
        If ``vae`` is no VAE or ``data`` no DataSet.
    DataError
        If the data do not fit the model.
    WriteError
        If a file cannot be written.
    """
    check_model(vae)
    if not isinstance(data, DataSet):
        raise wrong_kind("data", data, "a DataSet, as load_data returns")
    found = evaluate(vae, data.test) if evaluation is None else evaluation
    drawings = dict(_numbers(vae, data, history, found))
    if data.image_shape is not None:
        drawings |= dict(_images(vae, data, data.image_shape, found, seed))
    return [save(draw(), Path(folder) / f"{name}.png") for name, draw in drawings.items()]


def _numbers(
    vae: VAE, data: DataSet, history: History | None, found: Evaluation
) -> Iterator[tuple[str, Drawing]]:
    """Yield the pictures that any data allow, by name."""
    if history:
        yield "history", lambda: plot_history(history)
    active = found.mu_variance > ACTIVE_THRESHOLD
    yield "kl", lambda: plot_kl(found.kl_per_dimension, active)
    images = data.test[:MAX_POINTS]
    if len(images) >= rows_needed(vae):
        labels = None if data.test_labels is None else data.test_labels[:MAX_POINTS]
        if labels is not None and data.label_names is not None:
            labels = np.array(data.label_names)[labels]
        yield "latent", lambda: plot_latent(vae, images, labels)


def _images(
    vae: VAE, data: DataSet, shape: tuple[int, int], found: Evaluation, seed: int
) -> Iterator[tuple[str, Drawing]]:
    """Yield the pictures of images, by name."""
    images = data.test[:MAX_POINTS]
    yield "reconstructions", lambda: plot_reconstructions(vae, images, image_shape=shape)
    yield "samples", lambda: plot_samples(vae, seed=seed, image_shape=shape)
    yield "scales", lambda: plot_scales(vae, seed=seed, image_shape=shape)
    if len(images) >= rows_needed(vae):
        yield "grid", lambda: plot_grid(vae, images, image_shape=shape)
        yield (
            "grid-quantiles",
            lambda: plot_grid(vae, images, spacing="quantile", image_shape=shape),
        )
    n_pairs = min(MAX_PAIRS, len(images) // 2)
    if n_pairs:
        pairs = images[: 2 * n_pairs].reshape(n_pairs, 2, -1)
        yield "interpolations", lambda: plot_interpolations(vae, pairs, image_shape=shape)
    order = np.argsort(-found.kl_per_dimension, kind="stable")[:MAX_TRAVERSALS].tolist()
    yield "traversals", lambda: plot_traversals(vae, images[0], order, image_shape=shape)
