"""What the page is about: a model's data, brought into one form and checked.

Knows data sets and arrays; computes nothing with the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.data import DataSet, gather_batch, read_data
from tinyvae.errors import DTypeError, ShapeError, check_option
from tinyvae.explorer.description import n_classes
from tinyvae.model.vae import VAE, check_vae

Array = NDArray[Any]

#: How grey pixels become 0 or 1 on the page, where nothing may be drawn at random.
BINARIZE = ("threshold", "none")
_SMALLEST_SIDE = 8
_DENSITIES = ("gaussian", "gaussian_learned", "continuous_bernoulli")


@dataclass(frozen=True, eq=False)
class Subject:
    """Data to look at with a model.

    Attributes
    ----------
    name : str
    rows : (n, input_dim) array
        Not used for training, where there are such rows; uint8 or float.
    kinds : (n,) array of int, or None
        Each row's class, an index into ``kind_names``.
    kind_names : list of str
    columns : list of str
    image_shape : (height, width) or None
    binarize : str
        One of ``BINARIZE``.
    kind : str
        ``"image"``, ``"plane"`` (two columns with a density) or ``"table"``.
    """

    name: str
    rows: Array
    kinds: Array | None
    kind_names: list[str]
    columns: list[str]
    image_shape: tuple[int, int] | None
    binarize: str
    kind: str

    def x(self, vae: VAE, count: int) -> Array:
        """Return the first rows as the model sees them, (at most count, input_dim)."""
        index = np.arange(min(count, len(self.rows)))
        return gather_batch(self.rows, index, None, binarize=self.binarize, dtype=vae.dtype)

    def raw(self, index: Array) -> Array:
        """Return rows as floats that are not binarized, (len(index), input_dim) float32."""
        return gather_batch(self.rows, index, None, binarize="none", dtype=np.float32)


def make_subject(
    vae: VAE,
    data: DataSet | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    binarize: str | None = None,
) -> Subject:
    """Check the data of a page and bring them into one form; see ``explore`` for the arguments.

    Raises
    ------
    DataError, OptionError
        If something does not fit the model or the rest.
    """
    check_vae(vae)
    name, rows, given = "data", data, labels
    if isinstance(data, DataSet):
        name, rows, image_shape = data.name, data.test, image_shape or data.image_shape
        given = data.test_labels if labels is None else labels
    elif image_shape is None:
        image_shape = _square(vae.input_dim)
    rows = read_data(
        rows, support=vae.support, dtype=vae.dtype, input_dim=vae.input_dim, argument="data",
        min_rows=1,
    )  # fmt: skip
    kinds, kind_names = _kinds(given, len(rows), class_names, n_classes(vae))
    if image_shape is not None and math.prod(image_shape) != vae.input_dim:
        raise ShapeError(f"image_shape={image_shape} does not make {vae.input_dim} columns.")
    if columns is not None and len(columns) != vae.input_dim:
        raise ShapeError(f"columns names {len(columns)}, but data has {vae.input_dim} columns.")
    if binarize is None:
        binarize = "threshold" if vae.likelihood == "bernoulli" else "none"
    return Subject(
        name=name,
        rows=rows,
        kinds=kinds,
        kind_names=kind_names,
        columns=[str(c) for c in columns] if columns is not None else [],
        image_shape=image_shape,
        binarize=check_option("binarize", binarize, BINARIZE),
        kind=_kind(vae, image_shape),
    )


def _kind(vae: VAE, image_shape: tuple[int, int] | None) -> str:
    if image_shape is not None:
        return "image"
    return "plane" if vae.input_dim == 2 and vae.likelihood in _DENSITIES else "table"


def _square(input_dim: int) -> tuple[int, int] | None:
    side = math.isqrt(input_dim)
    return (side, side) if side >= _SMALLEST_SIDE and side * side == input_dim else None


def _kinds(
    labels: ArrayLike | None, n: int, class_names: Sequence[str] | None, classes: int
) -> tuple[Array | None, list[str]]:
    """Return each row's class as an index, and the names of the classes."""
    if labels is None:
        if classes:
            raise ShapeError("The model is conditional: give labels, one whole number a row.")
        return None, []
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ShapeError(f"labels has shape {array.shape}, expected ({n},): one a row of data.")
    if array.dtype.kind not in "biuUS":
        raise DTypeError(f"labels holds {array.dtype}: give whole numbers or words.")
    if classes:
        names, index = np.arange(classes), array.astype(int)
        if index.min() < 0 or index.max() >= classes:
            raise ShapeError(f"labels holds {index.max()}, but the model has {classes} classes.")
    else:
        names, index = np.unique(array, return_inverse=True)
    words = [str(word) for word in names.tolist()]
    if class_names is not None:
        if len(class_names) < len(words):
            raise ShapeError(
                f"class_names has {len(class_names)} names for {len(words)} classes of labels."
            )
        words = [str(word) for word in class_names]
    return index, words
