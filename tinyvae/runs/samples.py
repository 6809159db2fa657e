"""Dreams: points of the latent space decoded, kept as numbers and as a picture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tinyvae.checkpoint import replace_file
from tinyvae.errors import SizeError, UsageError, check_count, check_each, shown
from tinyvae.model.vae import VAE
from tinyvae.runs.classes import class_index, class_names
from tinyvae.runs.folders import Run, find_run
from tinyvae.runs.naming import reserved
from tinyvae.schema import count, number

Array = NDArray[Any]

#: Rows decoded at a time where every class is drawn in turn.
CHUNK = 4096


@dataclass(frozen=True)
class Samples:
    """The files that ``sample`` wrote.

    Attributes
    ----------
    array : Path
    picture : Path or None
        None where rows are no pictures.
    shown : int
        How many of each scale the picture shows.
    classes : tuple of str
        Of a conditional model that was told nothing: the names of its classes, drawn in turn.
    """

    array: Path
    picture: Path | None
    shown: int = 0
    classes: tuple[str, ...] = ()


def sample(
    path: str | PathLike[str],
    n: int = 64,
    *,
    scales: Sequence[float] = (1.0,),
    seed: int = 0,
    draw: bool = False,
    label: str | int | None = None,
    output: str | PathLike[str] | None = None,
) -> Samples:
    """Decode z = scale * noise and keep the result as numbers and as a picture.

    The rows are those of ``VAE.sample`` with the same seed, however many.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.
    n : int
        How many for each scale; the picture shows the first of many.
    scales : sequence of float
        Standard deviations of z; several use the same noise, one labelled row each.
    seed : int
        Of the noise.
    draw : bool
        Whether to draw x from p(x given z) instead of taking its mean.
    label : str or int, optional
        Of a conditional model: the name of the class to draw.  If not given, every class in turn,
        from the same z.
    output : path, optional
        Where to write, without an ending; ``sample``, ``sample-2``, ... in the run's folder if
        not given.  Nothing is overwritten.

    Returns
    -------
    Samples
        ``array`` holds (n, input_dim) for one scale, (scales, n, input_dim) for several.

    Raises
    ------
    UsageError
        If there is no such run, an argument makes no sense, or the disk has no room for so many.
    CheckpointError, WriteError
        If the model cannot be read, or the files cannot be written.
    """
    n = count(at_most=10**30)("n", n)
    seed = check_count("seed", seed, at_least=0)
    scales = check_each("scales", scales, number(at_least=0.0))
    run = find_run(path)
    vae = run.load().vae
    names = class_names(run, vae)
    told = None if label is None else _told(run, names, label)
    with reserved(run.folder / "sample", output, (".npy", ".png")) as stem:
        array, picture = stem.with_name(stem.name + ".npy"), stem.with_name(stem.name + ".png")
        _check_room(vae, n, len(scales), stem.parent)
        shape = run.picture_shape(vae)
        drawn = _Shown(vae, n, len(scales), shape)
        with replace_file(array) as file:
            _write_header(file, vae, n, len(scales))
            for i, scale in enumerate(scales):
                for chunk in _chunks(vae, n, scale, seed, draw, told):
                    file.write(chunk.data)
                    drawn.add(i, chunk)
        in_turn = names if told is None else ()
        if shape is None:
            return Samples(array, None, classes=in_turn)
        made = _draw(vae, n, scales, drawn, shape, picture, bool(in_turn))
        return Samples(array, made, drawn.count, in_turn)


def _told(run: Run, names: Sequence[str], label: str | int) -> int:
    """Return the number of the class that was asked for.

    Raises
    ------
    UsageError
        If the model has no classes, or none of that name.
    """
    if not names:
        raise UsageError(f"label={label!r}: {run.path} is no conditional model; leave it out.")
    return class_index(label, names)


def _check_room(vae: VAE, n: int, scales: int, folder: Path) -> None:
    """Refuse more rows than the disk has room for.

    Raises
    ------
    SizeError
    """
    needed = n * scales * vae.input_dim * vae.dtype.itemsize
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SizeError(
            f"n={shown(n)} would take {needed / 1e9:,.1f} GB, and {folder} has room for "
            f"{free / 1e9:,.1f}: ask for fewer."
        )


def _write_header(file: IO[bytes], vae: VAE, n: int, scales: int) -> None:
    shape = (n, vae.input_dim) if scales == 1 else (scales, n, vae.input_dim)
    descr = npy.dtype_to_descr(vae.dtype)
    npy.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def _chunks(
    vae: VAE, n: int, scale: float, seed: int, draw: bool, label: int | None
) -> Iterator[Array]:
    """Yield the samples of one scale, some rows at a time.

    A conditional model that is told no label gets every class in turn, and one z for each round.

    Raises
    ------
    SizeError
        If the scale is so large that the decoder overflows.
    """
    with np.errstate(all="ignore"):
        try:
            for chunk in _told_chunks(vae, n, scale, seed, draw, label):
                if not np.isfinite(chunk).all():
                    raise _too_large(scale)
                yield np.ascontiguousarray(chunk)
        except ValueError as error:
            if isinstance(error, SizeError) or np.isfinite(np.float32(scale) * np.float32(10.0)):
                raise
            raise _too_large(scale) from error


def _told_chunks(
    vae: VAE, n: int, scale: float, seed: int, draw: bool, label: int | None
) -> Iterator[Array]:
    """Yield samples of a label, or of every class in turn, whole rounds at a time."""
    if label is not None or vae.n_classes is None:
        yield from vae.samples(n, scale=scale, seed=seed, draw=draw, label=label)
        return
    z_source, x_source = np.random.SeedSequence(seed).spawn(2)
    rng, size = np.random.default_rng(z_source), vae.n_classes * max(1, CHUNK // vae.n_classes)
    for start in range(0, n, size):
        rows = min(size, n - start)
        hands = rng.standard_normal((-(-rows // vae.n_classes), vae.latent_dim))
        yield vae.sample(
            rows,
            scale=scale,
            noise=np.repeat(hands, vae.n_classes, axis=0)[:rows],
            label=np.arange(rows) % vae.n_classes,
            seed=int(x_source.spawn(1)[0].generate_state(1, np.uint64)[0]),
            draw=draw,
        )


def _too_large(scale: float) -> SizeError:
    return SizeError(
        f"scale={scale:g} is so large that the decoder overflows: scale is the standard deviation "
        "of z, and 1 is that of the prior."
    )


class _Shown:
    """The first rows of each scale, kept for the picture while the others go by."""

    def __init__(self, vae: VAE, n: int, scales: int, image_shape: tuple[int, int] | None) -> None:
        self.count = 0
        self.blocks: list[list[Array]] = [[] for _ in range(scales)]
        if image_shape is not None:
            from tinyvae.plots.images import most_shown  # Matplotlib takes long to import

            self.count = min(n, most_shown(vae.input_dim, scales))

    def add(self, scale: int, chunk: Array) -> None:
        missing = self.count - sum(len(block) for block in self.blocks[scale])
        if missing > 0:
            self.blocks[scale].append(chunk[:missing].copy())


def _draw(
    vae: VAE,
    n: int,
    scales: Sequence[float],
    drawn: _Shown,
    image_shape: tuple[int, int],
    path: Path,
    in_turn: bool,
) -> Path:
    """Make one picture of samples: a field of them for one scale, a row each for several."""
    from tinyvae import plots
    from tinyvae.plots.images import scales_figure, tiles_figure

    blocks = [np.concatenate(block) for block in drawn.blocks]
    if len(scales) == 1:
        columns = vae.n_classes if in_turn else None
        figure = tiles_figure(vae, blocks[0], n, scales[0], image_shape, columns=columns)
    else:
        figure = scales_figure(vae, blocks, n, scales, image_shape)
    return plots.save(figure, path)
