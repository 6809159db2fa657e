"""Dreams: points of the latent space decoded, kept as numbers and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from tinyvae.checkpoint import replace_file
from tinyvae.errors import SizeError, check_count, check_number
from tinyvae.model.vae import VAE
from tinyvae.runs.folders import find_run, free_stem


@dataclass(frozen=True)
class Samples:
    """The files that ``sample`` wrote; ``picture`` is None where rows are no pictures."""

    array: Path
    picture: Path | None


def sample(
    path: str | PathLike[str],
    n: int = 64,
    *,
    scales: Sequence[float] = (1.0,),
    seed: int = 0,
    draw: bool = False,
    output: str | PathLike[str] | None = None,
) -> Samples:
    """Decode z = scale * noise and keep the result as numbers and as a picture.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.
    n : int
        How many for each scale.
    scales : sequence of float
        Standard deviations of z; several use the same noise, one labelled row each.
    seed : int
        Of the noise.
    draw : bool
        Whether to draw x from p(x given z) instead of taking its mean.
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
        If there is no such run, or an argument makes no sense.
    CheckpointError, WriteError
        If the model cannot be read, or the files cannot be written.
    """
    n = check_count("n", n)
    seed = check_count("seed", seed, at_least=0)
    scales = [check_number("scale", scale, at_least=0.0) for scale in scales]
    if not scales:
        raise SizeError("scales is empty: give at least one, such as 1.0.")
    run = find_run(path)
    stem = free_stem(run.folder / "sample", output, (".npy", ".png"))
    vae = run.load().vae
    drawn = [vae.sample(n, scale=scale, seed=seed, draw=draw) for scale in scales]
    array, picture = stem.with_name(stem.name + ".npy"), stem.with_name(stem.name + ".png")
    with replace_file(array) as file:
        np.save(file, drawn[0] if len(scales) == 1 else np.stack(drawn), allow_pickle=False)
    shape = run.picture_shape(vae)
    if shape is None:
        return Samples(array, None)
    return Samples(array, _draw(vae, n, scales, seed, draw, shape, picture))


def _draw(
    vae: VAE,
    n: int,
    scales: Sequence[float],
    seed: int,
    draw: bool,
    image_shape: tuple[int, int],
    path: Path,
) -> Path:
    """Make one picture of samples: a field of them for one scale, a row each for several."""
    from tinyvae import plots

    if len(scales) == 1:
        figure = plots.plot_samples(vae, n, scales[0], seed, image_shape, draw=draw)
    else:
        figure = plots.plot_scales(vae, scales, n, seed, image_shape, draw=draw)
    return plots.save(figure, path)
