"""What a model looks like: the constructor's arguments, checked once, and what follows from them.

It allocates nothing, so that a checkpoint's description can be weighed before it is believed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinyvae.errors import SizeError, check_count, check_number, check_option
from tinyvae.model.layers import layer_shapes
from tinyvae.model.likelihoods import LIKELIHOODS, likelihood_class
from tinyvae.ops import BACKENDS
from tinyvae.ops.reference import ACTIVATIONS


@dataclass(frozen=True)
class Architecture:
    """The arguments of ``VAE``, checked; see there for what each means.

    Attributes
    ----------
    decoder_hidden_dims : tuple of int
        The encoder's in reverse, where they were not given.
    dtype : str
        Name of the dtype of all weights.

    Raises
    ------
    SizeError, OptionError
        If an argument makes no sense.
    """

    input_dim: int
    hidden_dims: Sequence[int]
    latent_dim: int
    decoder_hidden_dims: Sequence[int] | None
    activation: str
    likelihood: str
    sigma: float | None
    dtype: DTypeLike
    backend: str
    threads: int | None
    seed: int
    n_classes: int | None = None

    def __post_init__(self) -> None:
        check_count("input_dim", self.input_dim)
        check_count("latent_dim", self.latent_dim)
        check_count("seed", self.seed, at_least=0)
        check_option("activation", self.activation, ACTIVATIONS)
        check_option("likelihood", self.likelihood, LIKELIHOODS)
        check_option("backend", self.backend, BACKENDS)
        default = likelihood_class(self.likelihood).default_sigma
        sigma = default if self.sigma is None else self.sigma
        if sigma is not None:
            check_number("sigma", sigma, above=0.0)
        if self.threads is not None:
            check_count("threads", self.threads)
        if self.n_classes is not None:
            check_count("n_classes", self.n_classes, at_least=2)
        hidden = _widths("hidden_dims", self.hidden_dims)
        decoder = self.decoder_hidden_dims
        settled = {
            "hidden_dims": hidden,
            "decoder_hidden_dims": (
                hidden[::-1] if decoder is None else _widths("decoder_hidden_dims", decoder)
            ),
            "sigma": sigma,
            "dtype": _dtype_name(self.dtype, self.backend),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @property
    def encoder_widths(self) -> tuple[int, ...]:
        """Widths of the encoder's layers; the last is twice the latent one: [mu, raw_logvar]."""
        return (self.input_dim, *self.hidden_dims, 2 * self.latent_dim)

    @property
    def decoder_widths(self) -> tuple[int, ...]:
        """Widths of the decoder's layers, input and output included."""
        return (self.latent_dim, *(self.decoder_hidden_dims or ()), self.input_dim)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter array, in the order of the one vector."""
        return (
            layer_shapes("encoder", self.encoder_widths, self.n_classes)
            | layer_shapes("decoder", self.decoder_widths, self.n_classes)
            | likelihood_class(self.likelihood).shapes()
        )

    @property
    def n_parameters(self) -> int:
        """How many numbers a model of this shape has."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def config(self) -> dict[str, Any]:
        """The arguments, fit for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def __str__(self) -> str:
        widths = [self.input_dim, *self.hidden_dims, *self.decoder_widths]
        return (
            f"{'-'.join(map(str, widths))}, {self.activation}, {self.likelihood}, "
            f"{'' if self.n_classes is None else f'{self.n_classes} classes, '}{self.dtype}, "
            f"{self.backend}, {self.n_parameters:,} parameters"
        )


def _widths(argument: str, came: Sequence[int]) -> tuple[int, ...]:
    try:
        widths = list(came)
    except TypeError:
        raise SizeError(
            f"{argument}={came!r} must be a sequence of layer widths, such as (400,)."
        ) from None
    return tuple(check_count(f"{argument}[{i}]", width) for i, width in enumerate(widths))


def _dtype_name(came: DTypeLike, backend: str) -> str:
    """Return the name of the dtype of the weights, if the backend can compute in it."""
    try:
        name = np.dtype(came).name
    except TypeError:
        name = str(came)
    known = ["float32", "float64"] + (["complex128"] if backend == "reference" else [])
    return check_option("dtype", name, known)
