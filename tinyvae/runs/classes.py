"""The classes of a conditional run: their names, and which of them a row or a reader means."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.data import DataSet
from tinyvae.data.labels import Classes, as_classes
from tinyvae.errors import UsageError, shown
from tinyvae.model.vae import VAE
from tinyvae.runs.folders import Run

Array = NDArray[Any]

_MOST_NAMED = 20


def classes_of(data: DataSet) -> Classes:
    """Return the classes of data that a conditional model is to be told of.

    Raises
    ------
    UsageError
        If the data have no labels, or all rows have the same one.
    """
    if data.train_labels is None or data.test_labels is None:
        raise UsageError(
            f"conditional=True (--conditional) needs labels, and {data.name} has none for every "
            "row: name a table's column of them with label_column (--label-column), or leave it "
            "out."
        )
    classes = as_classes(data.train_labels, data.test_labels, data.label_names)
    if len(classes.names) < 2:
        raise UsageError(
            f"conditional=True (--conditional) needs two classes or more, and every row of "
            f"{data.name} is of class {classes.names[0]!r}: leave it out."
        )
    return classes


def class_names(run: Run, vae: VAE) -> tuple[str, ...]:
    """Return what the classes of a run's model are called; empty if it is not conditional."""
    if vae.n_classes is None:
        return ()
    known = None if run.config is None else run.config.data.get("classes")
    if known is None or len(known) != vae.n_classes:
        return tuple(map(str, range(vae.n_classes)))
    return tuple(known)


def labels_of(run: Run, vae: VAE, data: DataSet) -> dict[str, Array | None]:
    """Return the labels of ``"train"`` and ``"test"`` in the model's numbers, by their names.

    None each for a model that takes no labels.

    Raises
    ------
    UsageError
        If the data have none, or one that the model was not trained on.
    """
    if vae.n_classes is None:
        return {"train": None, "test": None}
    if data.train_labels is None or data.test_labels is None:
        raise UsageError(
            f"{run.path} is a conditional model and needs labels, and {data.name} has none: name a "
            "table's column of them, or other data."
        )
    found = as_classes(data.train_labels, data.test_labels, data.label_names)
    known = class_names(run, vae)
    numbers = np.array([class_index(name, known) for name in found.names], dtype=np.int64)
    return {"train": numbers[found.train], "test": numbers[found.test]}


def class_index(label: object, names: Sequence[str]) -> int:
    """Return the number of the class that is called so.

    Raises
    ------
    UsageError
        If there is none; the message has the nearest one, or all of few.
    """
    word = str(label)
    if word in names:
        return list(names).index(word)
    near = difflib.get_close_matches(word, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    more = ", ..." if len(names) > _MOST_NAMED else ""
    raise UsageError(
        f"label={shown(word)} is no class of this model.{hint} "
        f"Choose from: {', '.join(names[:_MOST_NAMED])}{more}."
    )
