"""What comes into a model, checked once: x, z, noise and labels as arrays the kernels can take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.data import Rows, read_batch, read_numbers, read_rows
from tinyvae.data.batches import BINARIZE, binarized
from tinyvae.errors import (
    DTypeError,
    RangeError,
    ShapeError,
    UsageError,
    check_count,
    check_option,
)
from tinyvae.model.config import Architecture
from tinyvae.model.likelihoods import likelihood_class

Array = NDArray[Any]


class Inputs:
    """Checks against an architecture, and casts to its dtype.

    Raises
    ------
    ShapeError, DTypeError, NonFiniteDataError, RangeError
        From every method, if an array is not what was expected.
    UsageError
        If labels are missing, or given to a model without.
    """

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.dtype = np.dtype(architecture.dtype)
        self.likelihood = likelihood_class(architecture.likelihood)
        self.support = self.likelihood.support

    def data(self, x: ArrayLike) -> Array:
        """Return x as a float batch, (batch, input_dim)."""
        input_dim = self.architecture.input_dim
        return read_batch(x, support=self.support, dtype=self.dtype, input_dim=input_dim)

    def binarized(self, x: ArrayLike, how: str | None, seed: int) -> Array:
        """Return x as a float batch whose grey is made 0 and 1; see ``VAE.bounds``."""
        how = check_option("binarize", how or self.likelihood.binarize, BINARIZE)
        draws = np.random.default_rng([check_count("seed", seed, at_least=0), 1])
        return binarized(self.data(x), how, draws)

    def rows(self, x: ArrayLike) -> Rows:
        """Return x looked at, to be made floats part by part."""
        input_dim = self.architecture.input_dim
        return read_rows(x, support=self.support, dtype=self.dtype, input_dim=input_dim)

    def numbers(self, argument: str, came: ArrayLike, width: int) -> Array:
        """Return an (n, width) float array that may hold any finite numbers."""
        return read_numbers(came, dtype=self.dtype, width=width, argument=argument)

    def noise(self, noise: ArrayLike, rows: int) -> Array:
        """Return noise of shape (batch, latent_dim) or (batch, K, latent_dim) as rows, in order."""
        came, latent_dim = np.asarray(noise), self.architecture.latent_dim
        if not came.ndim:
            raise ShapeError(f"noise={came} is one number, expected {latent_dim} for each row.")
        if len(came) != rows:
            raise ShapeError(f"x has {rows} rows and noise {len(came)}; they must be as many.")
        if came.ndim == 3 and came.shape[1] > 0:
            came = came.reshape(-1, came.shape[2])
        return self.numbers("noise", came, latent_dim)

    def labels(self, labels: ArrayLike | None, rows: int, argument: str = "labels") -> Array | None:
        """Return labels as (batch,) int64, or None for a model without labels."""
        n_classes = self.architecture.n_classes
        if n_classes is None:
            if labels is not None:
                raise UsageError(
                    f"{argument} were given, but the model has none: build it with n_classes=, or "
                    "leave them out."
                )
            return None
        if labels is None:
            raise UsageError(
                f"The model was built with n_classes={n_classes} and needs {argument}=: one whole "
                f"number from 0 to {n_classes - 1} for each row."
            )
        came = np.asarray(labels)
        if came.ndim == 0:
            came = np.full(rows, came)
        if came.shape != (rows,):
            raise ShapeError(f"{argument} has shape {came.shape}, expected ({rows},): one a row.")
        if came.dtype.kind not in "iu" and not (
            came.dtype.kind == "f" and np.array_equal(came, np.floor(came))
        ):
            raise DTypeError(f"{argument} holds {came.dtype}, expected whole numbers.")
        if came.min() < 0 or came.max() >= n_classes:
            wrong = int(((came < 0) | (came >= n_classes)).argmax())
            raise RangeError(
                f"{argument} holds {came[wrong]} at row {wrong}, expected 0 to {n_classes - 1}, as "
                f"the model has n_classes={n_classes}."
            )
        return np.ascontiguousarray(came, dtype=np.int64)

    def batch(
        self, x: ArrayLike, noise: ArrayLike, labels: ArrayLike | None
    ) -> tuple[Array, Array, Array | None]:
        """Return x, noise (one row a sample) and labels of one batch."""
        rows = self.data(x)
        return rows, self.noise(noise, len(rows)), self.labels(labels, len(rows))
