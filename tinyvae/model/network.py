"""The mathematics of a VAE: encoder, latent variable, decoder, and the whole backward pass.

    x -> encoder -> (mu, raw_logvar) -> logvar -> z = mu + exp(logvar / 2) * noise -> decoder
      -> logits -> reconstruction = -log p(x given z)

    loss = objective(reconstruction, kl, ...)   (to be minimized; nats per example)

Noise is an argument, as are the labels of a conditional model.  Nothing is checked here; ``VAE``
does that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.model.config import Architecture
from tinyvae.model.layers import DenseNetwork
from tinyvae.model.likelihoods import likelihood_class
from tinyvae.model.objectives import Objective, Samples, Terms
from tinyvae.model.parameters import Parameters
from tinyvae.ops import get_ops

Array = NDArray[Any]


class Pass(NamedTuple):
    """Everything a forward pass computed that the backward pass needs.

    ``encoder`` and ``decoder`` are the outputs of their layers, inputs first; the decoder's have
    batch * K rows.
    """

    encoder: list[Array]
    latent: Samples
    decoder: list[Array]


class Network:
    """A VAE with dense layers and a diagonal Gaussian posterior, as one differentiable function.

    Parameters
    ----------
    architecture : Architecture
    parameters : Parameters
        With the architecture's shapes.

    Attributes
    ----------
    encoder, decoder : DenseNetwork
    likelihood : Likelihood
        p(x given z).
    ops : module
        The operations of the backend.
    """

    def __init__(self, architecture: Architecture, parameters: Parameters) -> None:
        self.latent_dim, self.parameters = architecture.latent_dim, parameters
        self.ops = get_ops(architecture.backend, architecture.threads)
        self.encoder, self.decoder = (
            DenseNetwork(name, widths, architecture.activation, parameters, self.ops)
            for name, widths in (
                ("encoder", architecture.encoder_widths),
                ("decoder", architecture.decoder_widths),
            )
        )
        make_likelihood = likelihood_class(architecture.likelihood)
        self.likelihood = make_likelihood(self.ops, architecture.sigma, parameters)

    def encode(self, x: Array, labels: Array | None = None) -> tuple[list[Array], Array, Array]:
        """Return the outputs of the encoder's layers, and mu and logvar of q(z given x)."""
        values = self.encoder.forward(x, labels)
        mu = np.ascontiguousarray(values[-1][:, : self.latent_dim])
        raw_logvar = np.ascontiguousarray(values[-1][:, self.latent_dim :])
        return values, mu, self.ops.bound_logvar_forward(raw_logvar)

    def forward(self, x: Array, noise: Array, labels: Array | None = None) -> Pass:
        """Run x through the whole model.

        Tutorial 08, equation (8.2).

        Parameters
        ----------
        x : (batch, input_dim) array
        noise : (batch * K, latent_dim) array
            Standard normal; K samples for each example, next to each other.
        labels : (batch,) array of int, optional
            Of a conditional model.
        """
        k = len(noise) // len(x)
        encoder, mu, logvar = self.encode(x, labels)
        mus, logvars, xs = (a if k == 1 else np.repeat(a, k, axis=0) for a in (mu, logvar, x))
        z = self.ops.reparameterize_forward(mus, logvars, noise)
        decoder = self.decoder.forward(z, None if labels is None else np.repeat(labels, k))
        reconstruction = self.likelihood.reconstruction(decoder[-1], xs)
        kl = self.ops.kl_forward(mu, logvar)
        return Pass(encoder, Samples(mu, logvar, kl, noise, z, reconstruction), decoder)

    def terms(self, values: Pass, objective: Objective) -> Terms:
        """Return the loss, the reconstruction and the kl of a forward pass, in nats."""
        s = values.latent
        terms = (objective.forward(self.ops, s), s.reconstruction.mean(), s.kl.sum(axis=1).mean())
        if np.iscomplexobj(s.kl):  # the complex step: hand the imaginary part through
            return Terms(*terms)  # type: ignore[arg-type]
        return Terms(*map(float, terms))

    def backward(
        self, values: Pass, x: Array, objective: Objective, labels: Array | None = None
    ) -> None:
        """Fill ``parameters.gradients`` with the gradient of the loss.

        Tutorial 08, equation (8.3).
        """
        s = values.latent
        weights = objective.sample_weights(self.ops, s)
        dlogits = self.likelihood.backward(values.decoder[-1], s.repeated(x), weights)
        repeated = None if labels is None else np.repeat(labels, s.k)
        dz = self.decoder.backward(dlogits, values.decoder, repeated, input_gradient=True)
        assert dz is not None
        dmu, dlogvar = objective.backward(self.ops, s, dz)
        draw_logvar = self.ops.bound_logvar_backward(dlogvar, s.logvar)
        da = np.concatenate([dmu, draw_logvar], axis=1)
        self.encoder.backward(da, values.encoder, labels, input_gradient=False)

    def first_not_finite(
        self, x: Array, noise: Array, labels: Array | None
    ) -> tuple[str, Any, tuple[int, ...]] | None:
        """Return name, value and place of the first number that is not finite, as computed."""
        with np.errstate(all="ignore"):
            values = self.forward(x, noise, labels)
        s = values.latent
        arrays: dict[str, Array] = {"x": x, "noise": noise}
        arrays |= dict(self.parameters.items())
        arrays |= {f"output of encoder.{i}": h for i, h in enumerate(values.encoder[1:])}
        arrays |= {"mu": s.mu, "logvar": s.logvar, "z": s.z}
        arrays |= {f"output of decoder.{i}": h for i, h in enumerate(values.decoder[1:])}
        arrays |= {"reconstruction": s.reconstruction, "kl": s.kl}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                return name, array[index], index
        return None
