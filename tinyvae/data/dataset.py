"""What a data set is once it is loaded: two matrices, perhaps labels and the shape of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import DTypeLike, NDArray

from tinyvae.data.reading import read_sets

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class DataSet:
    """A data set in memory, split in two.

    Attributes
    ----------
    name : str
        What it is called.
    train, test : ndarray, (n_train, width) and (n_test, width)
        bool, integers, float32 or float64, both of one dtype; ``fit``, ``evaluate`` and the model
        read them by the rule of ``tinyvae.data.rule``.
    train_labels, test_labels : ndarray of int, (n_train,) and (n_test,), or None
        They colour pictures, and tell a conditional model what a row is.
    image_shape : (height, width) or None
        How to draw a row as a picture, if it is one.
    label_names : tuple of str or None
        What each label stands for, where labels were words: label i is ``label_names[i]``.
    white : float or None
        The number that means 1, where that is known; None where the numbers alone tell.
    notes : tuple of str
        What was read as what, and how to change it; a line each.
    """

    name: str
    train: Array
    test: Array
    train_labels: Array | None
    test_labels: Array | None
    image_shape: tuple[int, int] | None
    label_names: tuple[str, ...] | None = None
    white: float | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        labels = "with labels" if self.train_labels is not None else "no labels"
        whole = (
            f"DataSet({self.name!r}: train {self.train.shape}, test {self.test.shape}, "
            f"{self.train.dtype}, {labels}, image_shape={self.image_shape})"
        )
        return "\n  ".join([whole, *self.notes])

    def settled(self, *, support: str, dtype: DTypeLike) -> DataSet:
        """Return the data read once for all for a likelihood, and a note that says how.

        Parameters
        ----------
        support : str
            What x the likelihood can describe: one of ``tinyvae.data.rule.SUPPORTS``.
        dtype : dtype
            Of the model.

        Returns
        -------
        DataSet
            uint8 grey levels, float32 or float64, which every door reads in the same way.

        Raises
        ------
        DataError
            If the likelihood cannot describe the data, or it is not sure what they mean.
        """
        read, reading = read_sets(
            {"train": self.train, "test": self.test},
            support=support,
            dtype=dtype,
            white=self.white,
        )
        note = reading.doubt or f"Numbers: {reading.words}"
        if reading.divisor != 1 and self.white is None and reading.doubt is None:
            note += " (--scale-max names another number that means 1)"
        return replace(self, train=read["train"], test=read["test"], notes=(*self.notes, note))


@dataclass
class Parts:
    """What a reader found in a source: arrays as they were stored, and what it decided.

    Attributes
    ----------
    train, test : ndarray
        Examples: (n, width), or pictures (n, height, width) with or without one grey channel.
    train_labels, test_labels : array_like, optional
        Whatever the source had.
    white : float, optional
        The number that means 1, where the format says so.
    is_table : bool
        Whether the columns have names that are no pixels'.
    owned : bool
        Whether rows may change places within ``train``.
    notes : list of str
        What was read as what.
    """

    train: Array
    test: Array | None = None
    train_labels: Any = None
    test_labels: Any = None
    white: float | None = None
    is_table: bool = False
    owned: bool = True
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LoadOptions:
    """How to read a source of the reader's own; see ``load_data``."""

    scale_max: float | None = None
    image_shape: str | tuple[int, int] | None = None
    label_column: str | int | None = None
    image_size: str | tuple[int, int] | None = None
    split_seed: int = 0
