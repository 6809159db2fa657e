"""``tinyvae.explore``: write the page of a model, or of a run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from os import PathLike
from pathlib import Path

from numpy.typing import ArrayLike

from tinyvae.checkpoint import replace_file
from tinyvae.data import DataSet
from tinyvae.errors import SizeError, check_count
from tinyvae.explorer.description import describe_model
from tinyvae.explorer.page import build_page
from tinyvae.explorer.subject import Subject, make_subject
from tinyvae.explorer.view import look
from tinyvae.model.vae import VAE
from tinyvae.runs.classes import class_names, labels_of
from tinyvae.runs.folders import find_run
from tinyvae.runs.naming import reserved
from tinyvae.runs.use import binarize_of, data_of
from tinyvae.runs.words import silent

#: A page beyond this opens slowly everywhere and in some browsers never.
LARGEST = 64 * 2**20
FILE = "explore.html"


def explore(
    vae: VAE,
    data: DataSet | ArrayLike,
    output: str | PathLike[str] | None = None,
    *,
    title: str | None = None,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    binarize: str | None = None,
    precision: str = "float16",
    tutorials: str = "",
    seed: int = 0,
) -> Path:
    """Write one HTML file in which a reader can draw, encode, decode and weigh.

    The file needs no network and no Python: it holds the model, some of the data, and the
    mathematics in JavaScript.

    Parameters
    ----------
    vae : VAE
    data : DataSet, or (n, input_dim) array
        Of a data set its test part is shown.  At most 1,000 rows are used, the first ones.
    output : path, optional
        A new file; ``explore.html``, ``explore-2.html``, ... if not given.
    title : str, optional
        The page's heading; "A VAE of" the data's name if not given.
    labels : (n,) array of whole numbers or words, optional
        Each row's class; those of the data set if not given.
    class_names, columns : sequence of str, optional
        What the classes and the columns are called.
    image_shape : (height, width), optional
        How to draw a row as a picture; a data set knows it, and rows whose width is a usual square
        (see ``load_data``) are pictures.
    binarize : str, optional
        ``"threshold"`` (1 from 0.5 on; the default of a Bernoulli likelihood) or ``"none"``.
    precision : str
        Of the weights in the page: ``"float16"`` or ``"float32"``, which is twice as long.  The
        page says what rounding cost.
    tutorials : str
        Where the tutorials' pages are (see ``tinyvae tutorials FOLDER --html``), as an address or
        a folder relative to the file; without it equations are named but not linked.
    seed : int
        Of the noise behind the histogram.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError, DataError
        If an argument makes no sense or does not fit the model; if the page would be longer than
        64 MiB.
    WriteError
        If the file cannot be written.

    Examples
    --------
    >>> digits = tv.load_data("digits")  # doctest: +SKIP
    >>> tv.explore(vae, digits)  # doctest: +SKIP
    PosixPath('explore.html')
    """
    subject = make_subject(
        vae,
        data,
        labels=labels,
        class_names=class_names,
        columns=columns,
        image_shape=image_shape,
        binarize=binarize,
    )
    with reserved(Path(FILE).with_suffix(""), output, (".html",)) as stem:
        path = stem.with_name(f"{stem.name}.html")
        return _write(vae, subject, path, precision, tutorials, title=title, seed=seed)


def explore_run(
    path: str | PathLike[str],
    *,
    output: str | PathLike[str] | None = None,
    data: str | None = None,
    data_dir: str | None = None,
    precision: str = "float16",
    tutorials: str = "",
    progress: bool = True,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Write the page of a run; see ``explore``.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.
    output : path, optional
        A new file; if not given, ``explore.html`` in the run's folder, which is then replaced.
    data, data_dir : str, optional
        Other data than those it was trained on, as in ``load_data``.
    precision, tutorials : str
        As in ``explore``.
    progress : bool
        Whether a download shows a progress bar.
    say : callable, optional
        Takes a line of text, such as that these are other data.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        If there is no such run, or the data are not known.
    CheckpointError, DataError, WriteError
        If the model or its data cannot be read, or the file cannot be written.
    """
    run = find_run(path)
    found = run.load()
    vae = found.vae
    shown = data_of(run, found, data, data_dir, progress, say or silent)
    # The page draws nothing at random: pixels drawn in training are judged by a threshold.
    grey = binarize_of(run) == "none"
    subject = make_subject(
        vae,
        shown,
        labels=labels_of(run, vae, shown)["test"],
        class_names=class_names(run, vae) or None,
        binarize="none" if grey else None,
    )
    name, target = run.path.resolve().name, run.folder / FILE
    if output is None:
        return _write(vae, subject, target, precision, tutorials, run=name)
    with reserved(target, output, (".html",)) as stem:
        target = stem.with_name(f"{stem.name}.html")
        return _write(vae, subject, target, precision, tutorials, run=name)


def _write(
    vae: VAE,
    subject: Subject,
    path: Path,
    precision: str,
    tutorials: str,
    *,
    title: str | None = None,
    run: str = "",
    seed: int = 0,
) -> Path:
    check_count("seed", seed, at_least=0)
    title = title or f"A VAE of {subject.name}"
    content = {
        "title": title,
        "version": version("tinyvae"),
        "tutorials": tutorials and tutorials.rstrip("/") + "/",
        "model": describe_model(vae, precision),
        "data": look(vae, subject, precision, seed),
    }
    raw = build_page(title, content, run=run).encode("utf-8")
    if len(raw) > LARGEST:
        raise SizeError(
            f"The page would be {len(raw) / 2**20:,.0f} MiB long, and beyond {LARGEST >> 20} MiB "
            "browsers open it badly or not at all: choose narrower layers."
        )
    with replace_file(path) as file:
        file.write(raw)
    return path
