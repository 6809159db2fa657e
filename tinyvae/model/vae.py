"""What one does with a model: train a step, encode, decode, sample, weigh, keep.

The mathematics of the loss and its gradients stands in ``network.py`` and ``objectives.py``.
Only ``sample`` draws random numbers that no caller's seed decides, if it gets none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinyvae.checkpoint import read_checkpoint, write_checkpoint
from tinyvae.errors import (
    NonFiniteLossError,
    ShapeError,
    check_count,
    wrong_kind,
)
from tinyvae.model.adam import Adam
from tinyvae.model.bounds import (
    Bounds,
    Unfinished,
    WeighByOperations,
    estimate_bounds,
    identity_of,
)
from tinyvae.model.codes import Codes
from tinyvae.model.config import Architecture
from tinyvae.model.inputs import Inputs
from tinyvae.model.keeping import described
from tinyvae.model.network import Network
from tinyvae.model.objectives import Terms, make_objective
from tinyvae.model.parameters import Parameters
from tinyvae.model.training_step import FusedStep, FusedWeigh, StepByOperations

Array = NDArray[Any]


class VAE:
    """A variational autoencoder with dense layers and a diagonal Gaussian posterior.

    Parameters
    ----------
    input_dim : int
        Width of x.
    hidden_dims : sequence of int
        Widths of the encoder's hidden layers; may be empty (a linear encoder).
    latent_dim : int
        Width of z.
    decoder_hidden_dims : sequence of int, optional
        Widths of the decoder's hidden layers; the encoder's in reverse if not given.
    activation : str
        ``"relu"``, ``"tanh"``, ``"softplus"``, ``"sigmoid"`` or ``"identity"``.
    likelihood : str
        ``"bernoulli"``, ``"continuous_bernoulli"``, ``"poisson"``, ``"gaussian"`` or
        ``"gaussian_learned"``.
    sigma : float, optional
        Standard deviation of the Gaussian likelihood, 1 if not given; or where learning it starts,
        at 1 if not given, until ``fit`` sees the data and begins at half their spread.
    dtype : dtype
        ``"float32"`` or ``"float64"`` (``"complex128"`` with the reference, for gradient checks).
    backend : str
        ``"numba"`` (fast) or ``"reference"`` (plain NumPy).
    threads : int, optional
        At most so many; chosen by the size of the work if not given.
    seed : int
        Of the initial weights.

    n_classes : int, optional
        Makes a conditional model, p(x given z, y) and q(z given x, y), of labels y from 0 to
        ``n_classes`` - 1: each a learned row added to the first pre-activation of encoder and
        decoder.  Every method that takes x or z then takes ``labels``.

    Attributes
    ----------
    parameters : Parameters
        All weights, by name and as one vector, and their gradients.
    network : Network
        The mathematics, on arrays that are already checked.
    observation : Likelihood
        p(x given z).
    weigh : Weigher
        log p(x given z) and log_w of many samples, on arrays that are already checked.

    Raises
    ------
    SizeError, OptionError
        If an argument is out of its range or not known.

    Examples
    --------
    >>> vae = VAE(input_dim=784, hidden_dims=(400,), latent_dim=20)
    >>> vae
    VAE(784-400-20-400-784, relu, bernoulli, float32, numba, 652,824 parameters)
    >>> vae.sample(64, seed=1).shape
    (64, 784)
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: Sequence[int] = (400,),
        latent_dim: int = 20,
        *,
        decoder_hidden_dims: Sequence[int] | None = None,
        activation: str = "relu",
        likelihood: str = "bernoulli",
        sigma: float | None = None,
        n_classes: int | None = None,
        dtype: DTypeLike = "float32",
        backend: str = "numba",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        architecture = Architecture(
            input_dim=input_dim,
            hidden_dims=hidden_dims,
            latent_dim=latent_dim,
            decoder_hidden_dims=decoder_hidden_dims,
            activation=activation,
            likelihood=likelihood,
            sigma=sigma,
            n_classes=n_classes,
            dtype=dtype,
            backend=backend,
            threads=threads,
            seed=seed,
        )
        self._compose(architecture, Parameters(architecture.shapes, str(architecture.dtype)))
        rng = np.random.default_rng(architecture.seed)
        self.network.encoder.initialize(rng)
        self.network.decoder.initialize(rng)
        self.observation.initialize()

    def _compose(self, architecture: Architecture, parameters: Parameters) -> None:
        """Put the model together around its parameters, which stay as they are."""
        self.architecture, self.parameters = architecture, parameters
        self.input_dim, self.latent_dim = architecture.input_dim, architecture.latent_dim
        self.hidden_dims = architecture.hidden_dims
        self.decoder_hidden_dims = architecture.decoder_hidden_dims
        self.activation, self.likelihood = architecture.activation, architecture.likelihood
        self.n_classes, self.backend = architecture.n_classes, architecture.backend
        self.dtype: np.dtype[Any] = np.dtype(architecture.dtype)
        self.inputs = Inputs(architecture)
        self.support = self.inputs.support  # what x the likelihood can describe
        self.network = Network(architecture, parameters)
        self.observation = self.network.likelihood
        by_operations = self.backend == "reference"
        self._codes = Codes(self.network, self.inputs)
        self.stepper = (
            StepByOperations(self.network)
            if by_operations
            else FusedStep(architecture, self.network)
        )
        self.weigh = (
            WeighByOperations(self.network)
            if by_operations
            else FusedWeigh(architecture, self.network)
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what ``copy`` and ``pickle`` keep; the rest is put together anew."""
        return {"architecture": self.architecture, "parameters": self.parameters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._compose(state["architecture"], state["parameters"])

    @property
    def config(self) -> dict[str, Any]:
        """The constructor's arguments, fit for JSON: ``VAE(**vae.config)`` has the same shape."""
        return self.architecture.config

    def __repr__(self) -> str:
        return f"VAE({self.architecture})"

    # Loss and gradients --------------------------------------------------------------------

    def loss(
        self,
        x: ArrayLike,
        noise: ArrayLike,
        beta: float = 1.0,
        *,
        objective: str = "elbo",
        free_bits: float | None = None,
        labels: ArrayLike | None = None,
    ) -> Terms:
        """Return the loss and its terms, in nats per example; see ``loss_and_gradients``.

        Tutorial 08, equation (8.1).
        """
        rows, noise, labels = self.inputs.batch(x, noise, labels)
        chosen = make_objective(objective, beta, free_bits)
        return self.network.terms(self.network.forward(rows, noise, labels), chosen)

    def loss_and_gradients(
        self,
        x: ArrayLike,
        noise: ArrayLike,
        beta: float = 1.0,
        *,
        objective: str = "elbo",
        free_bits: float | None = None,
        labels: ArrayLike | None = None,
    ) -> Terms:
        """Return the loss and fill ``parameters.gradients`` with its exact gradient.

        ``"elbo"``: loss = reconstruction + beta * kl.  ``"iwae"``, ``"stl"``, ``"dreg"``: minus the
        importance-weighted bound; see ``objectives``.

        Parameters
        ----------
        x : (batch, input_dim) array
            Read by the rule of ``tinyvae.data.rule``.
        noise : (batch, latent_dim) or (batch, K, latent_dim) array
            Standard normal, drawn by the caller: K samples of z for each example.
        beta : float
            Weight of the KL term of ``"elbo"``.
        objective : str
            ``"elbo"``, ``"iwae"``, ``"stl"`` or ``"dreg"``.
        free_bits : float, optional
            Nats of KL that each dimension of ``"elbo"`` has for nothing.
        labels : (batch,) array of int
            Of a conditional model.

        Returns
        -------
        Terms
            ``loss``, ``reconstruction``, ``kl``: means over the batch, nats per example.

        Raises
        ------
        ShapeError, DTypeError, NonFiniteDataError, RangeError, UsageError
            If an argument is not what was expected.
        """
        rows, noise, labels = self.inputs.batch(x, noise, labels)
        chosen = make_objective(objective, beta, free_bits)
        values = self.network.forward(rows, noise, labels)
        self.network.backward(values, rows, chosen, labels)
        return self.network.terms(values, chosen)

    def train_step(
        self,
        x: Array,
        noise: Array,
        adam: Adam,
        beta: float = 1.0,
        *,
        objective: str = "elbo",
        free_bits: float | None = None,
        labels: Array | None = None,
        trusted: bool = False,
    ) -> Terms:
        """Do ``loss_and_gradients`` and ``adam.step()`` in one call, with the same result.

        On the Numba backend the weight gradients go straight into Adam and are never stored:
        ``parameters.gradients`` is left as it was.

        Parameters
        ----------
        x, noise, beta, objective, free_bits, labels
            As in ``loss_and_gradients``.
        adam : Adam
            Of this model's parameters.
        trusted : bool
            Whether x, noise and labels are already known to be C-contiguous arrays of the right
            dtypes, shapes and values, noise as (batch * K, latent_dim), as in ``fit``, which
            checked the data once.

        Raises
        ------
        NonFiniteLossError
            If the loss is NaN or infinite; the weights are then those from before the step, and
            the message names the first array that is not finite.
        """
        if not trusted:
            x, noise, labels = self.inputs.batch(x, noise, labels)
        terms = self.stepper(x, noise, labels, adam, make_objective(objective, beta, free_bits))
        if not math.isfinite(terms.loss):
            raise NonFiniteLossError(self._explain_non_finite(x, noise, labels, beta))
        return terms

    def _explain_non_finite(self, x: Array, noise: Array, labels: Array | None, beta: float) -> str:
        found = self.network.first_not_finite(x, noise, labels)
        if found is None:
            return f"The loss overflows {self.dtype.name} though its terms do not; beta={beta!r}?"
        name, value, index = found
        return (
            f"The loss is not finite. The first array to blow up is {name!r}: {value} at {index}. "
            "Lower the learning rate, or look at the data."
        )

    # Codes and pictures --------------------------------------------------------------------

    def encode(
        self, x: ArrayLike, labels: ArrayLike | None = None, *, trusted: bool = False
    ) -> tuple[Array, Array]:
        """Return (mu, logvar) of q(z given x), each (batch, latent_dim).

        ``logvar`` is the log of the variance, already bounded to (-10, 10).  With ``trusted`` x is
        not looked at: it is a float batch that was read and checked before.
        """
        return self._codes.encode(x, labels, trusted)

    def decode(self, z: ArrayLike, labels: ArrayLike | None = None) -> Array:
        """Return the logits for z, (batch, input_dim)."""
        return self._codes.decode(z, labels, mean=False)

    def decode_mean(self, z: ArrayLike, labels: ArrayLike | None = None) -> Array:
        """Return E[x given z], (batch, input_dim), in the units of the data."""
        return self._codes.decode(z, labels, mean=True)

    def reconstruct(self, x: ArrayLike, labels: ArrayLike | None = None) -> Array:
        """Return E[x given z = mu(x)], (batch, input_dim)."""
        return self._codes.reconstruct(x, labels)

    def sample(
        self,
        n: int,
        *,
        scale: float = 1.0,
        label: int | ArrayLike | None = None,
        seed: int | None = None,
        noise: ArrayLike | None = None,
        draw: bool = False,
    ) -> Array:
        """Decode z = scale * noise.

        Parameters
        ----------
        n : int
            How many.
        scale : float
            Standard deviation of z: 1 samples the prior, less is more typical, more is bolder.
        label : int or (n,) array of int
            Of a conditional model: what to draw.
        seed : int, optional
            Of the noise (and of the draws): the same again with the same seed, new ones each time
            if not given.
        noise : (n, latent_dim) array, optional
            Used in place of drawn noise.
        draw : bool
            Whether to draw x from p(x given z) instead of showing its mean.

        Returns
        -------
        (n, input_dim) array
        """
        options = {"scale": scale, "label": label, "seed": seed, "noise": noise, "draw": draw}
        return self._codes.sample(n, **options)

    def samples(self, n: int, **options: Any) -> Iterator[Array]:
        """Yield the rows of ``sample``, with its options, some at a time: for files of many."""
        return self._codes.samples(n, **options)

    # Log-likelihood ------------------------------------------------------------------------

    def log_importance_weights(
        self, x: ArrayLike, noise: ArrayLike, labels: ArrayLike | None = None
    ) -> Array:
        """Return log p(x, z) - log q(z given x) for z = mu + exp(logvar / 2) * noise.

        With log 2 pi cancelled: -reconstruction + sum of (noise**2 + logvar - z**2) / 2.
        Burda, Grosse and Salakhutdinov (2016), equation 8, in logs.

        Parameters
        ----------
        x : (batch, input_dim) array
        noise : (batch, latent_dim) or (batch, K, latent_dim) array
        labels : (batch,) array of int
            Of a conditional model.

        Returns
        -------
        (batch,) or (batch, K) array, nats
            Its mean over noise is the ELBO.
        """
        shape = np.shape(noise)[:-1]
        rows, noise, labels = self.inputs.batch(x, noise, labels)
        posterior = self.network.encode(rows, labels)[1:]
        several = noise.reshape(len(rows), -1, self.latent_dim)
        return self.weigh(rows, posterior, several, labels)[1].reshape(shape)

    def bounds(
        self,
        x: ArrayLike,
        n_samples: int,
        *,
        labels: ArrayLike | None = None,
        seed: int = 0,
        binarize: str | None = None,
        posterior: tuple[Array, Array] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        progress: bool = False,
        trusted: bool = False,
    ) -> Bounds:
        """Estimate the ELBO and the importance-weighted bound from the same samples.

        elbo = mean over k of log w_k;  importance_weighted = log of the mean over k of w_k, which
        is never smaller (Jensen) and tends to log p(x) as ``n_samples`` grows.
        Burda, Grosse and Salakhutdinov (2016), equation 8.

        Tutorial 01, equation (1.18).
        Tutorial 10, equation (10.1).

        Parameters
        ----------
        x : (batch, input_dim) array
        n_samples : int
            Samples of z for each row.
        labels : (batch,) array of int
            Of a conditional model, whose bounds are of log p(x given y).
        seed : int
            Of the noise and of the binarization.
        binarize : str, optional
            How grey x becomes 0 and 1, once, as in ``evaluate``: ``"stochastic"`` under a Bernoulli
            likelihood if not given, as p(x) is one of 0 and 1; ``"none"`` under the others.
        posterior : (mu, logvar), optional
            What ``encode(x)`` returned, where it is at hand.
        checkpoint : path, optional
            A file that keeps what is finished, every few hundred rows: called again with the same
            arguments after a stop, the estimate goes on there, bit for bit.
        progress : bool
            Whether to show a progress bar.
        trusted : bool
            Whether x is a float batch that was read, checked and binarized before.

        Returns
        -------
        Bounds
            Three (batch,) float64 arrays in nats.

        Raises
        ------
        CheckpointError
            If ``checkpoint`` is damaged, or keeps another estimate.
        WriteError
            If it cannot be written.
        """
        check_count("n_samples", n_samples)
        rows = np.asarray(x) if trusted else self.inputs.binarized(x, binarize, seed)
        chosen = self.inputs.labels(labels, len(rows))
        q = self.network.encode(rows, chosen)[1:] if posterior is None else posterior
        if len(q[0]) != len(rows) or len(q[1]) != len(rows):
            raise ShapeError(f"posterior has {len(q[0])} and {len(q[1])} rows, and x {len(rows)}.")
        rng = np.random.default_rng(check_count("seed", seed, at_least=0))
        values, identity = self.parameters.values, {}
        if checkpoint is not None:
            identity = identity_of(values, rows, chosen, n_samples, seed)
        unfinished = Unfinished(checkpoint, np.empty((3, len(rows))), rng, identity)
        return estimate_bounds(self.weigh, rows, q, chosen, n_samples, unfinished, progress)

    def log_likelihood(
        self,
        x: ArrayLike,
        n_samples: int = 1000,
        *,
        labels: ArrayLike | None = None,
        seed: int = 0,
        binarize: str | None = None,
        checkpoint: str | PathLike[str] | None = None,
        progress: bool = False,
    ) -> Array:
        """Estimate log p(x) by the importance-weighted bound, (batch,) nats; see ``bounds``."""
        found = self.bounds(
            x,
            n_samples,
            labels=labels,
            seed=seed,
            binarize=binarize,
            checkpoint=checkpoint,
            progress=progress,
        )
        return found.importance_weighted

    def set_output_mean(self, mean: Array) -> None:
        """Set the last bias so that the untrained decoder's mean is about ``mean``, (input_dim,).

        For a Bernoulli likelihood that is the logit of the data's mean.

        Tutorial 08, equation (8.7).
        """
        mean = np.asarray(mean, dtype=np.float64)
        if mean.shape != (self.input_dim,):
            raise ShapeError(f"mean has shape {mean.shape}, expected ({self.input_dim},).")
        self.inputs.numbers("mean", mean[None], self.input_dim)
        name = f"decoder.{self.network.decoder.depth - 1}.bias"
        self.parameters[name][:] = self.observation.inverse_mean(mean)

    # Keeping -------------------------------------------------------------------------------

    def copy(self, *, dtype: DTypeLike | None = None, backend: str | None = None) -> Self:
        """Return an independent copy, in another dtype or on another backend if asked for."""
        changes = {"dtype": dtype or self.dtype, "backend": backend or self.backend}
        twin = type(self)(**(self.config | changes))
        twin.parameters.values[:] = self.parameters.values
        return twin

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one ``.npz`` (no pickle; the previous file stays until it is whole).

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        write_checkpoint(path, {"values": self.parameters.values}, {"model": self.config})

    @classmethod
    def load(cls, path: str | PathLike[str], *, backend: str | None = None) -> Self:
        """Read a model that ``save`` or a training run wrote.

        Raises
        ------
        CheckpointError
            If the file is damaged or does not describe a model.
        """
        arrays, metadata = read_checkpoint(path)
        return cls.from_checkpoint(arrays, metadata, path, backend=backend)

    @classmethod
    def from_checkpoint(
        cls,
        arrays: dict[str, Array],
        metadata: dict[str, Any],
        path: str | PathLike[str],
        *,
        backend: str | None = None,
    ) -> Self:
        """Build the model that a checkpoint's metadata describe and fill in its weights.

        The weights' number is compared with the description before anything is allocated.

        Raises
        ------
        CheckpointError
            If the description makes no model, or does not fit the weights.
        """
        config, values = described(arrays, metadata, path, backend)
        vae = cls(**config)
        vae.parameters.values[:] = values
        return vae


def check_vae(came: object) -> None:
    """Refuse what is no model.

    Raises
    ------
    UsageError
    """
    if not isinstance(came, VAE):
        raise wrong_kind("vae", came, "a VAE")
