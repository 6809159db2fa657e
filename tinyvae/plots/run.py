"""All the pictures of one training run, written into a folder.

This file chooses what to show; how it looks is the business of the other files here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tinyvae.data import DataSet
from tinyvae.data.labels import Classes, as_classes
from tinyvae.errors import UsageError
from tinyvae.model.evaluation import ACTIVE_THRESHOLD, Evaluation, evaluate
from tinyvae.model.vae import VAE
from tinyvae.plots.arguments import check_model, wrong_kind
from tinyvae.plots.classes import plot_analogies, plot_classes
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
    classes: Classes | None = None,
) -> list[Path]:
    """Write the pictures of a run as PNG files.

    ``history``, ``kl`` and ``latent``; and if the data are images ``reconstructions``,
    ``samples``, ``scales``, ``grid``, ``grid-quantiles``, ``interpolations`` and ``traversals``;
    of a conditional model ``classes`` and ``analogies`` in place of samples, grids and
    interpolations.  Where data are shown, they are the first of the test set.

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
    classes : Classes, optional
        Of a conditional model: those of ``data``, as its numbers, and their names.  If not
        given, they are the data's labels.

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
    if vae.n_classes is None:
        classes = None
    elif classes is None:
        classes = _classes(data)
    told = None if classes is None else classes.test
    found = evaluate(vae, data.test, labels=told) if evaluation is None else evaluation
    drawings = dict(_numbers(vae, data, history, found, classes))
    if data.image_shape is not None:
        if classes is None:
            drawings |= dict(_images(vae, data, data.image_shape, found, seed))
        else:
            drawings |= dict(_told(vae, data, data.image_shape, found, seed, classes))
    return [save(draw(), Path(folder) / f"{name}.png") for name, draw in drawings.items()]


def _numbers(
    vae: VAE, data: DataSet, history: History | None, found: Evaluation, classes: Classes | None
) -> Iterator[tuple[str, Drawing]]:
    """Yield the pictures that any data allow, by name."""
    if history:
        yield "history", lambda: plot_history(history)
    active = found.mu_variance > ACTIVE_THRESHOLD
    yield "kl", lambda: plot_kl(found.kl_per_dimension, active)
    images = data.test[:MAX_POINTS]
    if len(images) >= rows_needed(vae):
        labels, names = data.test_labels, data.label_names
        if classes is not None:
            labels, names = classes.test, classes.names
        shown = None if labels is None else labels[:MAX_POINTS]
        yield "latent", lambda: plot_latent(vae, images, shown, names=names)


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


def _told(
    vae: VAE, data: DataSet, shape: tuple[int, int], found: Evaluation, seed: int, classes: Classes
) -> Iterator[tuple[str, Drawing]]:
    """Yield the pictures of images that a conditional model makes, by name."""
    images, labels, names = data.test[:MAX_POINTS], classes.test[:MAX_POINTS], classes.names
    yield "classes", lambda: plot_classes(vae, seed=seed, image_shape=shape, names=names)
    yield (
        "analogies",
        lambda: plot_analogies(vae, images, labels, image_shape=shape, names=names),
    )
    yield (
        "reconstructions",
        lambda: plot_reconstructions(vae, images, image_shape=shape, labels=labels),
    )
    yield "scales", lambda: plot_scales(vae, seed=seed, image_shape=shape)
    order = np.argsort(-found.kl_per_dimension, kind="stable")[:MAX_TRAVERSALS].tolist()
    yield (
        "traversals",
        lambda: plot_traversals(vae, images[0], order, image_shape=shape, label=int(labels[0])),
    )


def _classes(data: DataSet) -> Classes:
    if data.train_labels is None or data.test_labels is None:
        raise UsageError("vae is conditional, and data has no labels: load some with labels.")
    return as_classes(data.train_labels, data.test_labels, data.label_names)
