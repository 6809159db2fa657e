"""Everything one can say about a run, and its defaults, which are those of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from tinyvae.data.pictures import parse_shape
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.ops import BACKENDS
from tinyvae.ops.reference import ACTIVATIONS
from tinyvae.schema import Schema, count, flag, number, several, word
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
        Keep the checkpoint of every ``save_every``-th epoch.

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
