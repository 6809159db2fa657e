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
from tinyvae.data.labels import as_classes
from tinyvae.data.pictures import parse_shape, usual_square
from tinyvae.errors import DTypeError, ShapeError, check_option
from tinyvae.model.vae import VAE, check_vae

Array = NDArray[Any]

#: How grey pixels become 0 or 1 on the page, where nothing may be drawn at random.
BINARIZE = ("threshold", "none")
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
        name, rows = data.name, data.test
        image_shape = data.image_shape if image_shape is None else image_shape
        if labels is None:
            given, class_names = _labels_of(data, vae, class_names)
    elif image_shape is None:
        image_shape = usual_square(vae.input_dim)
    shape = parse_shape("image_shape", image_shape)
    rows = read_data(
        rows, support=vae.support, dtype=vae.dtype, input_dim=vae.input_dim, argument="data",
        min_rows=1,
    )  # fmt: skip
    kinds, kind_names = _kinds(vae, given, len(rows), class_names)
    if shape is not None and math.prod(shape) != vae.input_dim:
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
        image_shape=shape,
        binarize=check_option("binarize", binarize, BINARIZE),
        kind=_kind(vae, shape),
    )


def _labels_of(
    data: DataSet, vae: VAE, names: Sequence[str] | None
) -> tuple[Array | None, Sequence[str] | None]:
    """Return the labels of a data set's test part, and what they are called."""
    labels, called = data.test_labels, data.label_names
    if vae.n_classes is None:
        named = labels is not None and called is not None and names is None
        return (np.array(called)[labels] if named else labels), names
    if labels is not None and data.train_labels is not None:
        classes = as_classes(data.train_labels, labels, called)
        if len(classes.names) == vae.n_classes:
            return classes.test, names or classes.names
    return labels, names


def _kind(vae: VAE, image_shape: tuple[int, int] | None) -> str:
    if image_shape is not None:
        return "image"
    return "plane" if vae.input_dim == 2 and vae.likelihood in _DENSITIES else "table"


def _kinds(
    vae: VAE, labels: ArrayLike | None, n: int, class_names: Sequence[str] | None
) -> tuple[Array | None, list[str]]:
    """Return each row's class as an index, and the names of the classes."""
    if vae.n_classes is not None:
        index = vae.inputs.labels(labels, n)
        return index, _names(range(vae.n_classes), class_names)
    if labels is None:
        return None, []
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ShapeError(f"labels has shape {array.shape}, expected ({n},): one a row of data.")
    if array.dtype.kind not in "biuUS":
        raise DTypeError(f"labels holds {array.dtype}: give whole numbers or words.")
    kinds, index = np.unique(array, return_inverse=True)
    return index, _names(kinds.tolist(), class_names)


def _names(kinds: Sequence[object], given: Sequence[str] | None) -> list[str]:
    """Return what the classes are called: as they are written, if nobody says."""
    if given is not None and len(given) < len(kinds):
        raise ShapeError(f"class_names has {len(given)} names for {len(kinds)} classes of labels.")
    return [str(word) for word in (kinds if given is None else given)]
