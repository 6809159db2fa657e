"""The live page of a site: a small model of the bundled digits, trained on the spot."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from tinyvae.data import load_data
from tinyvae.explorer.writing import explore
from tinyvae.model.vae import VAE
from tinyvae.training.fit import fit

#: Enough that its plane of digits is worth a walk, and a few seconds once the kernels are compiled.
EPOCHS = 40


def write_live_page(
    path: str | PathLike[str], *, tutorials: str = ".", epochs: int = EPOCHS
) -> Path:
    """Train 784-64-2-64-784 on the bundled digits and write its page.

    Parameters
    ----------
    path : path
        A new file.
    tutorials : str
        Where the tutorials' pages are, as seen from the file.
    epochs : int

    Returns
    -------
    Path
        The file.
    """
    digits = load_data("digits")
    vae = VAE(digits.train.shape[1], (64,), 2, seed=0)
    fit(vae, digits.train, epochs=epochs, learning_rate=2e-3, seed=0, progress=False)
    return explore(vae, digits, path, title="Digits on a plane", tutorials=tutorials)
