"""Everything one can say about a run, its defaults, and ``config.json``, where it is written down.

The defaults of the command line stand here and nowhere else.  This file trains nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from tinyvae.checkpoint import replace_file
from tinyvae.data.pictures import parse_shape
from tinyvae.errors import FileFormatError, UsageError
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.ops import BACKENDS
from tinyvae.ops.reference import ACTIVATIONS
from tinyvae.schema import Schema, check_fields, count, flag, number, several, word
from tinyvae.training.options import TrainingOptions, unknown_name

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
_LARGEST_CONFIG = 1 << 20  # bytes; ours have two thousand
_WIDTH = count(at_most=2**200)  # what is too wide for the memory is said there


def _shape(name: str, came: object) -> str | None:
    """Return the words for a picture's shape, if they can be read as one."""
    words: str | None = word(optional=True)(name, came)
    if words is not None and not (name == "image_shape" and words.lower() == "none"):
        parse_shape(name, words)
    return words


@dataclass(frozen=True)
class RunOptions(TrainingOptions):
    """The data, the model and the training of one run, checked before any data are loaded.

    Besides the attributes of ``TrainingOptions`` (``seed`` is that of the weights too):

    Attributes
    ----------
    conditional : bool
        Whether the labels of the data are told to encoder and decoder.
    data : str
        A name or a file; see ``load_data``.
    data_dir : str or None
        Folder in which a published data set lies.
    scale_max, image_shape, label_column, image_size, split_seed
        How to read data of one's own; see ``load_data``.
    hidden_dims, latent_dim, decoder_hidden_dims, activation, likelihood, sigma, dtype, backend, \
threads
        Arguments of ``VAE``.
    save_every : int or None
        Keep the checkpoint of every so many epochs.

    Raises
    ------
    UsageError
        If an option makes no sense.
    """

    epochs: int = 120
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    conditional: bool = False
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
    sigma: float | None = None
    dtype: str = "float32"
    backend: str = "numba"
    threads: int | None = None
    save_every: int | None = None

    SCHEMA: ClassVar[Schema] = {
        **TrainingOptions.SCHEMA,
        "conditional": flag(),
        "data": word(),
        "data_dir": word(optional=True),
        "scale_max": number(above=0.0, optional=True),
        "image_shape": _shape,
        "label_column": word(optional=True),
        "image_size": _shape,
        "split_seed": count(at_least=0),
        "hidden_dims": several(_WIDTH),
        "latent_dim": _WIDTH,
        "decoder_hidden_dims": several(_WIDTH, optional=True),
        "activation": word(ACTIVATIONS),
        "likelihood": word(LIKELIHOODS),
        "sigma": number(above=0.0, optional=True),
        "dtype": word(("float32", "float64")),
        "backend": word(BACKENDS),
        "threads": count(optional=True),
        "save_every": count(optional=True),
    }

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
            If there is no such option; the message has the nearest one.
        UsageError
            If a new value makes no sense.
        """
        known = [field.name for field in fields(self)]
        for name, value in changes.items():
            if name not in known:
                raise unknown_name(name, value, known)
        return replace(self, **changes)


#: What is known of the data; the folder of a run that tinyvae wrote has all of it.
DATA: Schema = {
    "name": word(),
    "train": several(count(at_least=0), 2),
    "test": several(count(at_least=0), 2),
    "dtype": word(),
    "image_shape": several(count(), 2, optional=True),
    "classes": several(word(), optional=True),
}


@dataclass(frozen=True)
class Config:
    """What ``config.json`` holds.

    Attributes
    ----------
    options : RunOptions
    data : mapping
        What the data were: ``name``, the shapes ``train`` and ``test``, ``dtype``,
        ``image_shape``, and of a conditional model ``classes``, their names.
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
        write_json(path, content)

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
        content = _read_json(path)
        options = content.get("options") if isinstance(content, dict) else None
        if not isinstance(options, dict):
            raise FileFormatError(
                f'{path} is not a run\'s config.json: it must be a JSON object with "options".'
            )
        try:
            read = RunOptions().changed(options)
        except UsageError as error:
            raise type(error)(f"{path}: {error}") from None
        try:
            recorded = content.get("data", {})
            data = check_fields(DATA, recorded, "data", optional=DATA, closed=False)
            version = word()("tinyvae", content.get("tinyvae", "unknown"))
        except UsageError as error:
            raise FileFormatError(f"{path} is not a run's config.json: {error}") from None
        return cls(read, _lists(data), version)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that is replaced only when it is whole.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    with replace_file(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"{path} is not a file; give the config.json of a run.")
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_CONFIG + 1)
        if len(text) > _LARGEST_CONFIG:
            raise ValueError(f"it is larger than {_LARGEST_CONFIG:,} bytes")
        return json.loads(text)
    except RecursionError:
        raise FileFormatError(
            f"{path} cannot be read as a run's config.json: it is nested too deeply."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(f"{path} cannot be read as a run's config.json: {reason}.") from error


def _lists(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping as JSON would give it again."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}
