"""The model: an encoder, a Gaussian latent variable, a decoder, and the whole backward pass.

    x -> encoder -> (mu, raw_logvar) -> logvar -> z = mu + exp(logvar / 2) * noise -> decoder
      -> logits -> reconstruction = -log p(x given z)

    loss = reconstruction + beta * kl          (to be minimized; nats per example)
    elbo = -(reconstruction + kl)              (a lower bound of log p(x), on average)

Noise is an argument: nothing here draws random numbers after the first weights.  What one does
with a model (encode, sample, keep) stands in ``vae.py``; how to train it, in ``training.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.data import read_batch, read_numbers
from tinyvae.errors import NonFiniteLossError, ShapeError, check_number
from tinyvae.model.adam import Adam
from tinyvae.model.config import Architecture
from tinyvae.model.layers import DenseNetwork
from tinyvae.model.likelihoods import LIKELIHOODS, SUPPORT, Gaussian, make_likelihood
from tinyvae.model.parameters import Parameters
from tinyvae.ops import get_ops
from tinyvae.ops.reference import ACTIVATIONS

if TYPE_CHECKING:
    from tinyvae.ops.fused_step import TrainStep

Array = NDArray[Any]

_ZERO = np.zeros(1)


class Terms(NamedTuple):
    """The loss and what it is made of, each a mean over the batch in nats per example."""

    loss: float
    reconstruction: float
    kl: float

    @property
    def elbo(self) -> float:
        """-(reconstruction + kl), whatever beta was.

        Tutorial 00, equation (0.2).
        """
        return -(self.reconstruction + self.kl)


class Pass(NamedTuple):
    """Everything a forward pass computed that the backward pass needs."""

    encoder: list[Array]
    mu: Array
    logvar: Array
    z: Array
    decoder: list[Array]

    @property
    def logits(self) -> Array:
        """The decoder's output, (batch, input_dim)."""
        return self.decoder[-1]


class Model:
    """The mathematics of a VAE with dense layers and a diagonal Gaussian posterior.

    Parameters
    ----------
    architecture : Architecture

    Attributes
    ----------
    parameters : Parameters
        All weights, by name and as one vector, and their gradients.
    encoder, decoder : DenseNetwork
    observation : Likelihood
        p(x given z).
    ops : module
        The operations of the backend.
    """

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.input_dim, self.latent_dim = architecture.input_dim, architecture.latent_dim
        self.hidden_dims = architecture.hidden_dims
        self.decoder_hidden_dims = architecture.decoder_hidden_dims
        self.activation, self.likelihood = architecture.activation, architecture.likelihood
        self.backend = architecture.backend
        self.dtype: np.dtype[Any] = np.dtype(architecture.dtype)
        self.parameters = Parameters(architecture.shapes, self.dtype)
        self.ops = get_ops(self.backend, architecture.threads)
        self.encoder = self._network("encoder", architecture.encoder_widths)
        self.decoder = self._network("decoder", architecture.decoder_widths)
        self.observation = make_likelihood(
            self.likelihood, architecture.sigma, self.parameters, self.ops
        )
        self._fused = None if self.backend == "reference" else self._fuse()
        rng = np.random.default_rng(architecture.seed)
        self.encoder.initialize(rng)
        self.decoder.initialize(rng)

    @property
    def support(self) -> str:
        """What x the likelihood can describe; one of ``tinyvae.data.rule.SUPPORTS``."""
        return SUPPORT[self.likelihood]

    def _network(self, name: str, widths: tuple[int, ...]) -> DenseNetwork:
        return DenseNetwork(name, widths, self.activation, self.parameters, self.ops)

    def _fuse(self) -> TrainStep:
        from tinyvae.ops.fused_step import TrainStep

        places = list(self.parameters.offsets.values())
        layers = self.encoder.depth + self.decoder.depth
        return TrainStep(
            self.parameters.values,
            [(places[2 * i], places[2 * i + 1]) for i in range(layers)],
            self.encoder.widths,
            self.decoder.widths,
            ACTIVATIONS.index(self.activation),
            LIKELIHOODS.index(self.likelihood),
            self.architecture.threads,
        )

    # Forward -------------------------------------------------------------------------------

    def forward(self, x: Array, noise: Array) -> Pass:
        """Run x through the whole model.

        Tutorial 08, equation (8.2).

        Parameters
        ----------
        x : (batch, input_dim) array
        noise : (batch, latent_dim) array
            Standard normal.

        Returns
        -------
        Pass
            Every intermediate value.
        """
        encoder = self.encoder.forward(x)
        mu = np.ascontiguousarray(encoder[-1][:, : self.latent_dim])
        raw_logvar = np.ascontiguousarray(encoder[-1][:, self.latent_dim :])
        logvar = self.ops.bound_logvar_forward(raw_logvar)
        z = self.ops.reparameterize_forward(mu, logvar, noise)
        return Pass(encoder, mu, logvar, z, self.decoder.forward(z))

    # Loss and gradients --------------------------------------------------------------------

    def loss(self, x: Array, noise: Array, beta: float = 1.0) -> Terms:
        """Return loss = reconstruction + beta * kl and its terms, in nats per example.

        Tutorial 08, equation (8.1).
        """
        x, noise = self._batch(x, noise)
        return self._terms(self.forward(x, noise), x, check_number("beta", beta, at_least=0.0))

    def loss_and_gradients(self, x: Array, noise: Array, beta: float = 1.0) -> Terms:
        """Return the loss and fill ``parameters.gradients`` with its exact gradient.

        Tutorial 08, equations (8.1), (8.3), (8.4) and (8.5).

        Parameters
        ----------
        x : (batch, input_dim) array
            Read by the rule of ``tinyvae.data.rule``.
        noise : (batch, latent_dim) array
            Standard normal, drawn by the caller.
        beta : float
            Weight of the KL term.

        Returns
        -------
        Terms
            ``loss``, ``reconstruction``, ``kl``: means over the batch, nats per example.

        Raises
        ------
        ShapeError, DTypeError, NonFiniteDataError, RangeError
            If x or noise is not what was expected.
        """
        x, noise = self._batch(x, noise)
        beta = check_number("beta", beta, at_least=0.0)
        values = self.forward(x, noise)
        self._backward(values, x, noise, beta)
        return self._terms(values, x, beta)

    def _terms(self, values: Pass, x: Array, beta: float) -> Terms:
        reconstruction = self.observation.reconstruction(values.logits, x).mean()
        kl = self.ops.kl_forward(values.mu, values.logvar).sum(axis=1).mean()
        if np.iscomplexobj(kl):  # the complex step: hand the imaginary part through
            return Terms(reconstruction + beta * kl, reconstruction, kl)
        return Terms(float(reconstruction + beta * kl), float(reconstruction), float(kl))

    def _backward(self, values: Pass, x: Array, noise: Array, beta: float) -> None:
        scale = 1.0 / len(x)  # the loss is a mean over the batch
        dlogits = self.observation.backward(values.logits, x, scale)
        dz = self.decoder.backward(dlogits, values.decoder, input_gradient=True)
        # z reaches the loss through the decoder; mu and logvar reach it through z and the KL.
        dmu, dlogvar = self.ops.reparameterize_backward(dz, values.logvar, noise)
        dmu_kl, dlogvar_kl = self.ops.kl_backward(values.mu, values.logvar)
        weight = self.dtype.type(beta * scale)
        dmu = dmu + weight * dmu_kl
        dlogvar = dlogvar + weight * dlogvar_kl
        draw_logvar = self.ops.bound_logvar_backward(dlogvar, values.logvar)
        da = np.concatenate([dmu, draw_logvar], axis=1)
        self.encoder.backward(da, values.encoder, input_gradient=False)

    def train_step(
        self, x: Array, noise: Array, adam: Adam, beta: float = 1.0, *, trusted: bool = False
    ) -> Terms:
        """Do ``loss_and_gradients`` and ``adam.step()`` in one call, with the same result.

        On the Numba backend the weight gradients go straight into Adam and are never stored:
        ``parameters.gradients`` is left as it was.

        Parameters
        ----------
        x, noise, beta
            As in ``loss_and_gradients``.
        adam : Adam
            Of this model's parameters.
        trusted : bool
            Whether x and noise are already known to be C-contiguous arrays of the model's dtype
            with the right shapes and values, as in ``fit``, which checked the data once.

        Raises
        ------
        NonFiniteLossError
            If the loss is NaN or infinite; the weights are then those from before the step, and
            the message names the first array that is not finite.
        """
        if not trusted:
            x, noise = self._batch(x, noise)
            beta = check_number("beta", beta, at_least=0.0)
        step = self._step_by_operations if self._fused is None else self._step_fused
        terms = step(x, noise, adam, beta)
        if not math.isfinite(terms.loss):
            raise NonFiniteLossError(self._explain_non_finite(x, noise, beta))
        return terms

    def _step_fused(self, x: Array, noise: Array, adam: Adam, beta: float) -> Terms:
        assert self._fused is not None
        sigma = self.observation.log_sigma if isinstance(self.observation, Gaussian) else _ZERO
        terms = self._fused(x, noise, adam.m, adam.v, adam.next_constants(), float(sigma[0]), beta)
        loss = terms[0] + beta * terms[1]
        adam.step_count += math.isfinite(loss)
        return Terms(loss, *terms)

    def _step_by_operations(self, x: Array, noise: Array, adam: Adam, beta: float) -> Terms:
        with np.errstate(all="ignore"):  # what overflows is named by NonFiniteLossError
            values = self.forward(x, noise)
            terms = self._terms(values, x, beta)
        if math.isfinite(terms.loss):
            self._backward(values, x, noise, beta)
            adam.step()
        return terms

    def _explain_non_finite(self, x: Array, noise: Array, beta: float) -> str:
        """Say which array was the first to hold NaN or infinity, in the order of computation."""
        with np.errstate(all="ignore"):
            values = self.forward(x, noise)
            arrays: dict[str, Array] = {"x": x, "noise": noise}
            arrays |= dict(self.parameters.items())
            arrays |= {f"output of encoder.{i}": h for i, h in enumerate(values.encoder[1:])}
            arrays |= {"mu": values.mu, "logvar": values.logvar, "z": values.z}
            arrays |= {f"output of decoder.{i}": h for i, h in enumerate(values.decoder[1:])}
            arrays["reconstruction"] = self.observation.reconstruction(values.logits, x)
            arrays["kl"] = self.ops.kl_forward(values.mu, values.logvar)
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                return (
                    f"The loss is not finite. The first array to blow up is {name!r}: "
                    f"{array[index]} at {index}. Lower the learning rate, or look at the data."
                )
        return f"The loss overflows {self.dtype.name} though its terms do not; beta={beta!r}?"

    # The door ------------------------------------------------------------------------------

    def _data(self, x: Array) -> Array:
        """Return x as a float batch, having checked everything about it."""
        return read_batch(x, support=self.support, dtype=self.dtype, input_dim=self.input_dim)

    def _numbers(self, argument: str, came: Array, width: int) -> Array:
        """Return an (n, width) float array, having checked shape, dtype and finiteness."""
        return read_numbers(came, dtype=self.dtype, width=width, argument=argument)

    def _batch(self, x: Array, noise: Array) -> tuple[Array, Array]:
        """Return x and noise as float batches of the same length, having checked both."""
        x, noise = self._data(x), self._numbers("noise", noise, self.latent_dim)
        if len(x) != len(noise):
            raise ShapeError(f"x has {len(x)} rows and noise {len(noise)}; they must be as many.")
        return x, noise
