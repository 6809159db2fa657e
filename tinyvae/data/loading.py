"""``load_data``: one door to bundled, published and the reader's own data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinyvae.data.dataset import DataSet
from tinyvae.data.idx import read_idx
from tinyvae.data.own import from_arrays, read_own
from tinyvae.data.published import PUBLISHED, PublishedSet, load_published
from tinyvae.errors import DTypeError, unknown_option

_BUNDLED = Path(__file__).parent / "digits"


def load_data(
    name_or_source: str | os.PathLike[str] | ArrayLike,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: bool = True,
    registry: Mapping[str, PublishedSet] = PUBLISHED,
) -> DataSet:
    """Return a data set by name, from a file, or from an array.

    ``"digits"`` (5,000 + 1,000 images of MNIST) comes with the package.  ``"mnist"`` and
    ``"fashion-mnist"`` (60,000 + 10,000) are looked for in ``data_dir``, in the folder named by
    the environment variable TINYVAE_DATA_DIR, in the cache, and then downloaded.  In a folder the
    four idx files, gzipped or not, lie directly or in a sub-folder called like the set.

    Any other source is the reader's own, under these rules:

    - A file is .npy, .npz or idx (gzipped or not); its content decides which.  In a .npz the data
      are ``x_train`` (or ``train``, ``train_images``, ``x``, ``images``, ``data``, or the only
      array), the test set is ``x_test`` (``test``, ``test_images``), the labels are ``y_train``
      (``train_labels``, ``y``, ``labels``) and ``y_test`` (``test_labels``).
    - Without a test set the last tenth of the rows, at least one, becomes it; nothing is shuffled,
      so shuffle data that are sorted.
    - (n, height, width) are pictures, and so are rows whose width is a perfect square of at least
      64; a single grey channel, first or last, is dropped.
    - float32 and float64 stay as they are, float16 becomes float32.  bool and integers become
      uint8 grey levels, read as x / 255; if none is above 1, they are read as 0 and 1 instead
      and stored as 0 and 255.

    Parameters
    ----------
    name_or_source : str, path or array_like
        A name, a file, or data.  A name wins over a file called the same.
    data_dir : path, optional
        Where to look first for a published set.
    cache_dir : path, optional
        Where downloads are kept; the user's cache folder if not given.
    progress : bool
        Whether downloads show a progress bar.
    registry : mapping of str to PublishedSet
        The published sets: their mirrors and checksums.

    Returns
    -------
    DataSet
        With ``train`` and ``test``, (n, width), labels where there are any, and ``image_shape``.

    Raises
    ------
    OptionError, UsageError
        Neither a known name nor a file; a folder that is none.
    FileFormatError, ChecksumError
        A damaged file; a file of a published set whose content is not the published one.
    DownloadError, WriteError
        No mirror served the set; the cache cannot be written.
    DataError
        Data that cannot be trained on: too few rows, wrong shape or dtype, NaN, integers
        outside 0 to 255.
    """
    if isinstance(name_or_source, str | os.PathLike):
        name = os.fspath(name_or_source)
        if name == "digits":
            return _load_digits()
        if name in registry:
            return load_published(
                name,
                data_dir=data_dir,
                cache_dir=cache_dir,
                progress=progress,
                registry=registry,
            )
        path = Path(name).expanduser()
        if not path.exists() and path.name == name and not path.suffix:
            raise unknown_option("data", name, ("digits", *registry, "PATH/TO/FILE"))
        return read_own(path)
    return from_arrays("array", "data", train=_as_array(name_or_source))


def _as_array(source: ArrayLike) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(source)
    except ValueError as problem:
        raise DTypeError(f"data is not an array of numbers: {problem}") from problem
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"data holds {array.dtype}, expected bool, integers or real floats.")
    return array


def _load_digits() -> DataSet:
    train, train_labels, test, test_labels = (
        read_idx(_BUNDLED / f"{name}.gz")
        for name in (
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        )
    )
    return DataSet(
        "digits",
        train.reshape(len(train), -1),
        test.reshape(len(test), -1),
        train_labels,
        test_labels,
        (28, 28),
    )
