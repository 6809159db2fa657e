"""A model as a checkpoint describes it, weighed before anything is allocated."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.checkpoint import take
from tinyvae.errors import CheckpointError, TinyVAEError
from tinyvae.model.config import Architecture

Array = NDArray[Any]


def described(
    arrays: dict[str, Array],
    metadata: dict[str, Any],
    path: str | PathLike[str],
    backend: str | None,
) -> tuple[dict[str, Any], Array]:
    """Return the arguments and the weights of the model that a checkpoint holds.

    Raises
    ------
    CheckpointError
        If the description makes no model, or does not fit the weights.
    """
    config = metadata.get("model")
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} holds no model; give a file that VAE.save wrote.")
    try:
        architecture = Architecture(**config | ({"backend": backend} if backend else {}))
    except (TypeError, TinyVAEError) as error:
        raise CheckpointError(f"{path} does not describe a model: {error}") from error
    expected = {"values": ((architecture.n_parameters,), np.dtype(architecture.dtype))}
    return architecture.config, take(arrays, expected, path)["values"]
