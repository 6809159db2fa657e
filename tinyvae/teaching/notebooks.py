"""The notebooks that come with the package: where they lie, and a copy for the reader.

This file copies; it runs nothing.
"""

from __future__ import annotations

import shutil
from os import PathLike
from pathlib import Path

from tinyvae.errors import WriteError


def notebooks() -> list[Path]:
    """Return the paths of all notebooks, in order, and the index first."""
    here = Path(__file__).parents[1]
    folder = here / "notebooks"  # in an installed package
    if not folder.is_dir():
        folder = here.parent / "tutorials"  # in a checkout
    return [folder / "README.md", *sorted(folder.glob("[0-9][0-9]-*.ipynb"))]


def one_page() -> Path:
    """Return the path of the VAE in one file, beside the notebooks."""
    return notebooks()[0].with_name("vae_in_one_page.py")


def copy_notebooks(folder: str | PathLike[str] = "tinyvae-tutorials") -> Path:
    """Copy all notebooks, and the VAE in one file, into a new folder.

    Parameters
    ----------
    folder : path
        Must not exist yet, so that no exercise someone solved is overwritten.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WriteError
        If the folder exists or cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True)
        for path in [*notebooks(), one_page()]:
            shutil.copyfile(path, target / path.name)
    except FileExistsError:
        raise WriteError(
            f"{target} exists already, perhaps with exercises you solved; name a new folder."
        ) from None
    except OSError as error:
        raise WriteError(f"Cannot write {target}: {error.strerror or error}.") from error
    return target
