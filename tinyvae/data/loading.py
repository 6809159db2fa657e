"""``load_data``: one door to bundled, published and the reader's own data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import ArrayLike

from tinyvae.data.arrays import as_array
from tinyvae.data.assemble import assemble
from tinyvae.data.dataset import DataSet, LoadOptions, Parts
from tinyvae.data.files import read_source
from tinyvae.data.idx import read_idx
from tinyvae.data.published import load_published
from tinyvae.data.registry import PUBLISHED, PublishedSet
from tinyvae.data.streams import user_path
from tinyvae.errors import ReadingWarning, UsageError, check_count, check_number, unknown_option

_BUNDLED = Path(__file__).parent / "digits"


def load_data(
    name_or_source: str | os.PathLike[str] | ArrayLike,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: bool = True,
    registry: Mapping[str, PublishedSet] = PUBLISHED,
    scale_max: float | None = None,
    image_shape: str | tuple[int, int] | None = None,
    label_column: str | int | None = None,
    image_size: str | tuple[int, int] | None = None,
    split_seed: int = 0,
) -> DataSet:
    """Return a data set by name, from a file or folder, or from an array.

    ``"digits"`` (5,000 + 1,000 images of MNIST) comes with the package.  ``"mnist"`` and
    ``"fashion-mnist"`` (60,000 + 10,000) are looked for in ``data_dir``, in the folder named by
    the environment variable TINYVAE_DATA_DIR, in the cache, and then downloaded.  In a folder the
    four idx files, gzipped or not, lie directly, in a sub-folder called like the set, or in its
    ``raw``, as torchvision leaves them.

    Any other source is the reader's own, under these rules; ``notes`` of the result say what was
    done:

    - A file is .npy, .npz, idx (gzipped or not), CSV or another table of text (.amat too), Parquet
      or MATLAB's .mat; its content decides which.  A folder holds the four idx files of a set, or
      PNG or JPEG pictures, whose sub-folders are their labels.  Tables, pictures and .mat need the
      extra ``tinyvae[data]``.
    - In .npz and .mat the arrays are found by the names people give them, without regard to case.
    - Numbers stay as they are stored.  What integers mean (0 and 1, grey levels, counts) is decided
      by the rule of ``tinyvae.data.rule`` when a model reads them.
    - Without a test set a tenth of the rows, at least one and at most 10,000, becomes it: drawn by
      ``split_seed``, class by class where there are labels.
    - (n, height, width) are pictures, and so are rows whose width is a usual square (64, 256, 784,
      1024, 4096, 16384); a single grey channel, first or last, is dropped.
    - Labels become whole numbers; words, objects, whole floats and one-hot rows will do.

    Parameters
    ----------
    name_or_source : str, path or array_like
        A name, a file, a folder, or data.  A name wins over a file called the same.
    data_dir : path, optional
        Where to look first for a published set.
    cache_dir : path, optional
        Where downloads are kept; the user's cache folder if not given.
    progress : bool
        Whether downloads show a progress bar.
    registry : mapping of str to PublishedSet
        The published sets: their mirrors and checksums.
    scale_max : float, optional
        The number that means 1: the data are divided by it and become floats.
    image_shape : str or (height, width), optional
        How to draw a row: ``"28x20"``, or ``"none"`` if rows are no pictures.
    label_column : str or int, optional
        Of a table: a column's name, or its number from 0 (-1 is the last); ``"none"`` for a table
        without labels.
    image_size : str or (height, width), optional
        To what size pictures in a folder are brought; without it their sizes must agree.
    split_seed : int
        Draws the test set.

    Returns
    -------
    DataSet
        With ``train`` and ``test``, (n, width), labels where there are any, and ``image_shape``.

    Warns
    -----
    ReadingWarning
        If labels are dropped.

    Raises
    ------
    OptionError, UsageError
        Neither a known name nor a file; a folder that is none.
    FileFormatError, ChecksumError
        A damaged file; a file of a published set whose content is not the published one.
    MissingPackageError
        The library that reads it is not installed.
    DownloadError, WriteError
        No mirror served the set; the cache cannot be written.
    DataError
        Data that cannot be trained on: too few rows, wrong shape or dtype, missing values.
    """
    if scale_max is not None:
        check_number("scale_max", scale_max, above=0.0)
    check_count("split_seed", split_seed, at_least=0)
    options = LoadOptions(scale_max, image_shape, label_column, image_size, split_seed)
    name, source = "array", "data"
    if isinstance(name_or_source, str | os.PathLike):
        name = os.fspath(name_or_source)
        if name == "digits" or name in registry:
            return _named(
                name,
                options,
                data_dir=data_dir,
                cache_dir=cache_dir,
                progress=progress,
                registry=registry,
            )
        path = user_path("data", name)
        if not path.exists() and path.name == name and not path.suffix:
            raise unknown_option("data", name, ("digits", *registry, "PATH/TO/FILE"))
        parts = read_source(path, options)
        name, source = path.name.split(".")[0] or path.name, str(path)
    else:
        parts = Parts(as_array(name_or_source, "data"), owned=False)
    data, doubts = assemble(name, source, parts, options)
    for doubt in doubts:
        warnings.warn(doubt, ReadingWarning, stacklevel=2)
    return data


def _named(
    name: str,
    options: LoadOptions,
    *,
    data_dir: str | os.PathLike[str] | None,
    cache_dir: str | os.PathLike[str] | None,
    progress: bool,
    registry: Mapping[str, PublishedSet],
) -> DataSet:
    """Return a bundled or published set, whose split and pictures are known."""
    for option in ("label_column", "image_size"):
        if getattr(options, option) is not None:
            raise UsageError(f"{option} is for data of your own, not for {name}: leave it out.")
    if name == "digits":
        data = _load_digits()
    else:
        data = load_published(
            name, data_dir=data_dir, cache_dir=cache_dir, progress=progress, registry=registry
        )
    if options.scale_max is None and options.image_shape is None:
        return data
    parts = Parts(data.train, data.test, data.train_labels, data.test_labels, white=data.white)
    if options.image_shape is None and data.image_shape is not None:
        options = LoadOptions(options.scale_max, data.image_shape)
    return assemble(name, name, parts, options)[0]


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
        white=255,
    )
