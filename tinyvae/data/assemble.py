"""Makes a DataSet of what a reader found: rows, usable labels, a split, the shape of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.dataset import DataSet, LoadOptions, Parts
from tinyvae.data.labels import Labels, usable_labels
from tinyvae.data.pictures import shape_of_rows, square, usual_square
from tinyvae.data.split import MOST, split_rows
from tinyvae.data.values import check_finite
from tinyvae.errors import DTypeError, EmptyDataError, ShapeError, check_number

Array = NDArray[Any]
Shape = tuple[int, int] | None


def assemble(
    name: str, source: str, parts: Parts, options: LoadOptions
) -> tuple[DataSet, list[str]]:
    """Return a DataSet and what of it may not be meant.

    Parameters
    ----------
    name : str
        Of the data set.
    source : str
        What messages call it.
    parts : Parts
        What a reader found.
    options : LoadOptions

    Returns
    -------
    DataSet
    doubts : list of str
        Notes a caller in Python should be warned of.

    Raises
    ------
    DataError
        If no data set can be made of it.
    """
    notes, doubts = list(parts.notes), []
    sets = {source: parts.train}
    if parts.test is not None:
        sets[f"{source} (test)"] = parts.test
    rows = {key: _as_rows(array, key) for key, array in sets.items()}
    _check_alike(rows, source)
    alike = _of_one_dtype([array for array, _ in rows.values()], source)
    arrays = dict(zip(rows, alike, strict=True))
    for key, array in arrays.items():
        _check_rows(array, key, 1 if key != source else (2 if parts.test is not None else 3))
    train, *rest = arrays.values()
    test = rest[0] if rest else None
    n_test = None if test is None else len(test)
    labels = usable_labels(parts.train_labels, len(train), parts.test_labels, n_test)
    if labels.complaint:
        doubts.append(f"The labels of {source} are dropped: {labels.complaint}")
    white = parts.white
    if options.scale_max is not None:
        train, test = (_scaled(array, options.scale_max) for array in (train, test))
        notes.append(f"Numbers: divided by {options.scale_max:g} (--scale-max)")
        white = None
    shape, shape_notes = _picture(train.shape[1], rows[source][1], parts, options)
    if test is None:
        train, test, labels, split_note = _split(train, labels, parts.owned, options.split_seed)
        notes.append(split_note)
    notes += [*doubts, *shape_notes]
    data = DataSet(
        name, train, test, labels.train, labels.test, shape, labels.names, white, tuple(notes)
    )
    return data, doubts


def _as_rows(array: Array, source: str) -> tuple[Array, Shape]:
    """Flatten pictures to rows, and say what shape they had."""
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[3]):
        array = array[:, 0] if array.shape[1] == 1 else array[..., 0]
    if array.ndim == 3:
        rows, height, width = array.shape
        return array.reshape(rows, height * width), (height, width)
    if array.ndim != 2:
        colours = array.ndim == 4 and 3 in (array.shape[1], array.shape[3])
        advice = " These look like colour pictures: make them grey first." if colours else ""
        raise ShapeError(
            f"{source} has shape {array.shape}, expected (n, width), or (n, height, width) for "
            f"grey pictures.{advice}"
        )
    return array, None


def _check_alike(rows: dict[str, tuple[Array, Shape]], source: str) -> None:
    train, *rest = rows.values()
    for array, shape in rest:
        if (array.shape[1], shape) != (train[0].shape[1], train[1]):
            raise ShapeError(
                f"{source}: rows are {train[0].shape[1]} wide in training (pictures: {train[1]}), "
                f"but {array.shape[1]} in the test set (pictures: {shape})."
            )


def _check_rows(array: Array, source: str, min_rows: int) -> None:
    if array.shape[1] == 0 or not len(array):
        raise EmptyDataError(f"{source} has shape {array.shape}: it is empty.")
    if len(array) < min_rows:
        held = "two to train on and one to test" if min_rows == 3 else "two to train on"
        raise EmptyDataError(
            f"{source} has {len(array)} rows, expected at least {min_rows}: {held}."
        )
    check_finite(array, source)


def _of_one_dtype(arrays: list[Array], source: str) -> list[Array]:
    """Bring all parts to one dtype, if all are integers or all are floats."""
    dtypes = [array.dtype for array in arrays]
    if any(dtype.itemsize > 8 or dtype.kind not in "biuf" for dtype in dtypes) or (
        len({dtype.kind == "f" for dtype in dtypes}) > 1
    ):
        raise DTypeError(
            f"{source} holds {' and '.join(map(str, dtypes))}, expected bool or integers "
            "throughout, or floats of at most 64 bits throughout."
        )
    wanted = np.result_type(*dtypes)
    wanted = np.dtype(np.float32) if wanted == np.float16 else wanted.newbyteorder("=")
    return [np.ascontiguousarray(array, dtype=wanted) for array in arrays]


def _scaled(array: Array | None, scale_max: float) -> Any:
    if array is None:
        return None
    divisor = check_number("scale_max", scale_max, above=0.0)
    floats = array.astype(array.dtype if array.dtype.kind == "f" else np.float32)
    return floats if divisor == 1 else floats / floats.dtype.type(divisor)


def _picture(
    width: int, known: Shape, parts: Parts, options: LoadOptions
) -> tuple[Shape, list[str]]:
    """Return the shape of a row as a picture, and a note where nothing but its width says so."""
    if options.image_shape is not None:
        return shape_of_rows(width, options.image_shape), []
    if known is not None:
        return known, []
    shape = None if parts.is_table else usual_square(width)
    if shape is not None:
        return shape, [
            f"Pictures: rows of {width} are drawn as {shape[0]} x {shape[1]} (--image-shape HxW "
            "or none)"
        ]
    possible = square(width)
    if possible is None or possible[0] < 4:
        return None, []
    side = f"{possible[0]}x{possible[1]}"
    return None, [f"Rows of {width} are not drawn as pictures (--image-shape {side} if they are)"]


def _split(
    train: Array, labels: Labels, owned: bool, seed: int
) -> tuple[Array, Array, Labels, str]:
    """Hold back a tenth of the rows as the test set."""
    order, held, stratified = split_rows(len(train), labels.train, seed)
    test = train[held]
    if owned and train.flags.writeable:
        moved = np.flatnonzero(order != np.arange(len(order)))
        train[moved] = train[order[moved]]
        train = train[: len(order)]
    else:
        train = train[order]
    if labels.train is not None:
        labels = labels._replace(train=labels.train[order], test=labels.train[held])
    by_class = " class by class," if stratified else ""
    share = f"at most {MOST:,} rows" if len(test) == MOST else "a tenth"
    note = (
        f"Split: {len(test):,} of {len(order) + len(held):,} rows test ({share}), drawn{by_class} "
        f"by seed {seed} (--split-seed)"
    )
    return train, test, labels, note
