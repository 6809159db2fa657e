"""What a data set is once it is loaded: two matrices, perhaps labels and the shape of a picture.

Holds data and does nothing with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class DataSet:
    """A data set in memory, split in two.

    Attributes
    ----------
    name : str
        What it is called.
    train, test : ndarray, (n_train, width) and (n_test, width)
        uint8 grey levels, read as x / 255, or float32 or float64; both of one dtype.
    train_labels, test_labels : ndarray of int, (n_train,) and (n_test,), or None
        Used for colouring pictures only.
    image_shape : (height, width) or None
        How to draw a row as a picture, if it is one.
    """

    name: str
    train: Array
    test: Array
    train_labels: Array | None
    test_labels: Array | None
    image_shape: tuple[int, int] | None

    def __repr__(self) -> str:
        labels = "with labels" if self.train_labels is not None else "no labels"
        return (
            f"DataSet({self.name!r}: train {self.train.shape}, test {self.test.shape}, "
            f"{self.train.dtype}, {labels}, image_shape={self.image_shape})"
        )
