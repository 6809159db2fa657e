"""From options to a run that is ready to begin: data loaded, model built, everything checked.

Touches no file but the data's.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data import DataSet, load_data
from tinyvae.data.labels import Classes
from tinyvae.data.moments import mean_of, spread_of, variances_of
from tinyvae.data.registry import PUBLISHED
from tinyvae.data.streams import user_path
from tinyvae.errors import ReadingWarning, UsageError
from tinyvae.model.likelihoods import Gaussian, GaussianLearned, likelihood_class
from tinyvae.model.vae import VAE
from tinyvae.runs.classes import classes_of
from tinyvae.runs.config import Config
from tinyvae.runs.options import RunOptions
from tinyvae.training.fit import Training
from tinyvae.training.starts import start_sigma

Array = NDArray[Any]

#: Columns whose spreads differ by this factor or more are most likely in units of their own.
_UNEVEN = 10.0


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs; ``options`` name files by their whole path."""

    options: RunOptions
    data: DataSet
    training: Training
    classes: Classes | None = None

    def labels(self, split: str) -> Array | None:
        """Return the labels of ``"train"`` or ``"test"``, or None of a model without."""
        if self.classes is None:
            return None
        found: Array = getattr(self.classes, split)
        return found

    @property
    def config(self) -> Config:
        """What is written down of the run."""
        facts: dict[str, Any] = {
            "name": self.data.name,
            "train": list(self.data.train.shape),
            "test": list(self.data.test.shape),
            "dtype": str(self.data.train.dtype),
            "image_shape": list(self.data.image_shape) if self.data.image_shape else None,
        }
        if self.classes is not None:
            facts["classes"] = list(self.classes.names)
        return Config(self.options, facts, version("tinyvae"))


def prepare(options: RunOptions, progress: bool, raw: DataSet | None = None) -> Prepared:
    """Load the data, build the model, and check that they fit the options.

    ``raw`` is what ``read`` returned, where it is at hand.
    """
    data = settle(read(options, progress) if raw is None else raw, options)
    if options.batch_size == RunOptions.batch_size > len(data.train):
        rows = len(data.train)
        options = replace(options, batch_size=rows)
        note = f"Batches: of all {rows} rows, fewer than the default (--batch-size)"
        data = replace(data, notes=(*data.notes, note))
    classes = classes_of(data) if options.conditional else None
    n_classes = None if classes is None else len(classes.names)
    vae = VAE(input_dim=data.train.shape[1], n_classes=n_classes, **options.model)
    vae.set_output_mean(mean_of(data.train))
    if isinstance(vae.observation, GaussianLearned) and options.sigma is None:
        start_sigma(vae.observation, spread_of(data.train))
        start = f"{vae.observation.sigma:.3g}, half the spread of the data"
        data = replace(data, notes=(*data.notes, f"sigma: starts at {start} (--sigma)"))
    if isinstance(vae.observation, Gaussian) and data.image_shape is None:
        data = replace(data, notes=(*data.notes, *_uneven(data.train)))
    training = Training(
        vae,
        data.train,
        data.test,
        options.training,
        labels=None if classes is None else classes.train,
        validation_labels=None if classes is None else classes.test,
    )
    return Prepared(located(options), data, training, classes)


def located(options: RunOptions) -> RunOptions:
    """Return the options with the whole paths of what they name."""
    places: dict[str, Any] = {}
    if options.data != "digits" and options.data not in PUBLISHED:
        places["data"] = str(user_path("data", options.data).resolve())
    if options.data_dir is not None:
        places["data_dir"] = str(user_path("data_dir", options.data_dir).resolve())
    return replace(options, **places)


def _uneven(train: Array) -> list[str]:
    """Return a note where columns are on such different scales that one sigma cannot suit all."""
    spreads = np.sqrt(variances_of(train))
    spreads = spreads[spreads > 0.0]
    if not len(spreads) or spreads.max() < _UNEVEN * spreads.min():
        return []
    return [
        f"Columns: standard deviations from {spreads.min():.3g} to {spreads.max():.3g}, and one "
        "sigma for all, so that the small ones count for little: divide each by its own, unless "
        "they share a unit"
    ]


def load(options: RunOptions, progress: bool) -> DataSet:
    """Load the data that the options name, read for their likelihood; its notes say how.

    Raises
    ------
    UsageError, DataError, FileFormatError, DownloadError
        As ``load_data``; or if the likelihood cannot describe the data.
    """
    return settle(read(options, progress), options)


def read(options: RunOptions, progress: bool) -> DataSet:
    """Load the data that the options name, as they were stored.

    Raises
    ------
    UsageError, DataError, FileFormatError, DownloadError
        As ``load_data``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadingWarning)  # the notes tell as much
        return load_data(options.data, progress=progress, **options.reading)


def settle(data: DataSet, options: RunOptions) -> DataSet:
    """Read data for the likelihood that the options name; the notes say how.

    Raises
    ------
    UsageError, DataError
        If the likelihood cannot describe the data.
    """
    support = likelihood_class(options.likelihood).support
    if support == "counts" and options.scale_max is not None:
        raise UsageError("scale_max (--scale-max) is not for counts, which are never scaled.")
    if support != "binary" and options.binarize not in (None, "none"):
        support = "binary"  # what is binarized must lie in [0, 1]
    return data.settled(support=support, dtype=options.dtype)
