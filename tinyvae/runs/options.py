"""Everything one can say about a run, its defaults, and ``config.json``, where it is written down.

The defaults of the command line stand here and nowhere else.  This file trains nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from tinyvae.checkpoint import replace_file
from tinyvae.data.pictures import parse_shape
from tinyvae.errors import (
    FileFormatError,
    UsageError,
    check_count,
    check_number,
    check_option,
)
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.ops import BACKENDS
from tinyvae.ops.reference import ACTIVATIONS
from tinyvae.training.options import TrainingOptions

_MODEL = (
    "hidden_dims",
    "latent_dim",
    "decoder_hidden_dims",
    "activation",
    "likelihood",
    "sigma",
    "dtype",
    "backend",
    "threads",
    "seed",
)
_READING = ("data_dir", "scale_max", "image_shape", "label_column", "image_size", "split_seed")
_WORDS_OR_NONE = ("data_dir", "image_shape", "label_column", "image_size")


@dataclass(frozen=True)
class RunOptions(TrainingOptions):
    """The data, the model and the training of one run, checked before any data are loaded.

    Besides the attributes of ``TrainingOptions`` (``seed`` is that of the weights too):

    Attributes
    ----------
    data : str
        A name or a file; see ``load_data``.
    data_dir : str or None
        Folder in which a published data set lies.
    scale_max, image_shape, label_column, image_size, split_seed
        How to read data of one's own; see ``load_data``.
    hidden_dims, latent_dim, decoder_hidden_dims, activation, likelihood, sigma, dtype, backend, \
threads
        Arguments of ``VAE``.

    Raises
    ------
    UsageError
        If an option makes no sense.
    """

    epochs: int = 120
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    data: str = "digits"
    data_dir: str | None = None
    scale_max: float | None = None
    image_shape: str | None = None
    label_column: str | None = None
    image_size: str | None = None
    split_seed: int = 0
    hidden_dims: tuple[int, ...] = (400,)
    latent_dim: int = 20
    decoder_hidden_dims: tuple[int, ...] | None = None
    activation: str = "relu"
    likelihood: str = "bernoulli"
    sigma: float = 1.0
    dtype: str = "float32"
    backend: str = "numba"
    threads: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, field.default, getattr(self, field.name))
        super().__post_init__()
        check_count("split_seed", self.split_seed, at_least=0)
        if self.scale_max is not None:
            check_number("scale_max", self.scale_max, above=0.0)
        if self.image_shape is not None and self.image_shape.lower() != "none":
            parse_shape("image_shape", self.image_shape)
        parse_shape("image_size", self.image_size)
        for name in ("hidden_dims", "decoder_hidden_dims"):
            for i, width in enumerate(getattr(self, name) or ()):
                check_count(f"{name}[{i}]", width)
        check_count("latent_dim", self.latent_dim)
        check_option("activation", self.activation, ACTIVATIONS)
        check_option("likelihood", self.likelihood, LIKELIHOODS)
        check_option("dtype", self.dtype, ("float32", "float64"))
        check_option("backend", self.backend, BACKENDS)
        check_number("sigma", self.sigma, above=0.0)
        if self.threads is not None:
            check_count("threads", self.threads)

    @property
    def model(self) -> dict[str, Any]:
        """The arguments of ``VAE`` but ``input_dim``, which the data decide."""
        return {name: getattr(self, name) for name in _MODEL}

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments of ``load_data`` that say how to read it."""
        return {name: getattr(self, name) for name in _READING}

    @property
    def training(self) -> TrainingOptions:
        """The part that ``Training`` takes."""
        names = [field.name for field in fields(TrainingOptions)]
        return TrainingOptions(**{name: getattr(self, name) for name in names})

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with some options changed, lists of widths made tuples.

        Raises
        ------
        OptionError
            If an option is not known; the message has the nearest one that is.
        """
        known = [field.name for field in fields(self)]
        for name in changes:
            check_option("option", name, known)
        fixed: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()
        }
        return replace(self, **fixed)


def _check_type(name: str, default: object, came: object) -> None:
    """Refuse words where numbers belong, and the other way round, as a file may hold them."""
    if isinstance(default, float) and (isinstance(came, bool) or not isinstance(came, int | float)):
        raise UsageError(f"{name}={came!r} must be a number.")
    words = isinstance(default, str) or name in _WORDS_OR_NONE
    if words and not isinstance(came, str) and (came is not None or default is not None):
        raise UsageError(f"{name}={came!r} must be a word.")


@dataclass(frozen=True)
class Config:
    """What ``config.json`` holds.

    Attributes
    ----------
    options : RunOptions
    data : mapping
        What the data were: ``name``, the shapes ``train`` and ``test``, ``dtype`` and
        ``image_shape``.
    version : str
        Of the tinyvae that wrote it.
    """

    options: RunOptions
    data: Mapping[str, Any]
    version: str

    def write(self, path: Path) -> None:
        """Write the file, replaced only when it is whole.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        content = {
            "tinyvae": self.version,
            "options": asdict(self.options),
            "data": dict(self.data),
        }
        with replace_file(path) as file:
            file.write(json.dumps(content, indent=2).encode() + b"\n")

    @classmethod
    def read(cls, path: Path) -> Config:
        """Read what ``write`` wrote, or a file by hand, in which only ``options`` must be there.

        Raises
        ------
        FileFormatError
            If it cannot be read, or is no such file.
        UsageError
            If there is no such file, or an option is not known or makes no sense.
        """
        if not path.is_file():
            raise UsageError(f"{path} is not a file; give the config.json of a run.")
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileFormatError(
                f"{path} cannot be read as a run's config.json: {reason}."
            ) from error
        options = content.get("options") if isinstance(content, dict) else None
        data = content.get("data", {}) if isinstance(content, dict) else None
        if not isinstance(options, dict) or not isinstance(data, dict):
            raise FileFormatError(
                f'{path} is not a run\'s config.json: it must be a JSON object with "options".'
            )
        try:
            read = RunOptions().changed(options)
        except UsageError as error:
            raise type(error)(f"{path}: {error}") from None
        return cls(read, data, str(content.get("tinyvae", "unknown")))
