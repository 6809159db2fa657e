"""A model as one file of safetensors, bit for bit, and back: no code runs when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae.checkpoint import replace_file, take
from tinyvae.data.extras import need
from tinyvae.errors import CheckpointError, NonFiniteDataError, TinyVAEError
from tinyvae.export.conventions import check_real, conventions
from tinyvae.model.config import Architecture
from tinyvae.model.vae import VAE


def to_safetensors(
    vae: VAE, path: str | PathLike[str], *, notes: Mapping[str, str] | None = None
) -> Path:
    """Write all weights under their names, and in the header what model they make.

    Parameters
    ----------
    vae : VAE
    path : path
        Replaced only once the new file is whole.
    notes : mapping of str to str, optional
        More for the header, such as what the data were.

    Raises
    ------
    MissingPackageError
        If safetensors is not installed.
    NonFiniteDataError
        If a weight is NaN or infinite.
    WriteError
        If the file cannot be written.
    """
    check_real(vae)
    library = need("safetensors.numpy", "to_safetensors", does="writes with", extra="safetensors")
    if not np.isfinite(vae.parameters.values).all():
        raise NonFiniteDataError(f"A weight is NaN or infinite, so {path} is not written.")
    header = {**conventions(vae), "model": json.dumps(vae.config), **(notes or {})}
    arrays = {name: np.ascontiguousarray(array) for name, array in vae.parameters.items()}
    raw: bytes = library.save(arrays, metadata=header)
    with replace_file(path) as file:
        file.write(raw)
    return Path(path)


def from_safetensors(path: str | PathLike[str], *, backend: str | None = None) -> VAE:
    """Read what ``to_safetensors`` wrote; nothing in the file is run.

    Parameters
    ----------
    path : path
    backend : str, optional
        Another one than the file names.

    Raises
    ------
    MissingPackageError
        If safetensors is not installed.
    CheckpointError
        If the file is damaged, or does not describe a model that its arrays make.
    """
    need("safetensors", "from_safetensors", does="reads with", extra="safetensors")
    try:
        header, arrays = _read(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    # The library raises errors of its own, and NumPy others, on bytes made to confuse them.
    except Exception as error:
        raise CheckpointError(f"{path} is no whole safetensors file: {error}.") from error
    try:
        config = json.loads(header["model"])
        described = Architecture(**config | ({"backend": backend} if backend else {}))
    except (KeyError, TypeError, ValueError, TinyVAEError) as error:
        raise CheckpointError(
            f"{path} does not say what model it holds ({error!r}); give a file that "
            "to_safetensors wrote."
        ) from error
    dtype: np.dtype[Any] = np.dtype(described.dtype)
    found = take(arrays, {name: (shape, dtype) for name, shape in described.shapes.items()}, path)
    vae = VAE(**described.config)
    for name, array in found.items():
        if not np.isfinite(array).all():
            raise CheckpointError(f"{path}: array {name!r} holds NaN or infinity.")
        vae.parameters[name][:] = array
    return vae


def _read(path: str | PathLike[str]) -> tuple[dict[str, str], dict[str, Any]]:
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
