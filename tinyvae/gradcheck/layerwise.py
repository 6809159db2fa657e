"""Every entry of a large model's gradient, by complex steps at its pre-activations.

An entry (i, j) of a weight reaches the loss only through column j of its layer's pre-activation,
a = h @ weight + bias, which it moves by h[:, i].  So one complex step at each a[n, j], pushed
through the rest of the forward pass, measures what a whole column of the weight does::

    dL/dweight[i, j] = sum over n of h[n, i] * Im L(a[n, j] + i step) / step

No backward pass is asked: the operations are the reference's forward ones, and the sum is what
"affine" means.  A direction through each array, stepped along as a whole, has to confirm it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from tinyvae.gradcheck.differences import COMPLEX_STEP, Estimate
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.point import Ray
from tinyvae.gradcheck.problem import Array
from tinyvae.model.layers import DenseNetwork
from tinyvae.model.objectives import Objective, Samples
from tinyvae.model.vae import VAE

# So many numbers the widest array of a batch of steps holds: 32 MB.
CHUNK_NUMBERS = 1 << 21
# How far a direction may be off, as a share of the gradient's norm times the direction's.
CONFIRMED = 1e-10


class Known(Instruments):
    """Instruments that have the slopes along all entries already.

    Parameters
    ----------
    tools : Instruments
        What measures everything else.
    slopes : mapping of str to array
    """

    def __init__(self, tools: Instruments, slopes: Mapping[str, Array]) -> None:
        self.__dict__ |= tools.__dict__
        self.known = slopes

    def slope(self, ray: Ray) -> Estimate:
        """Look up the slope along an entry, and measure any other."""
        if isinstance(ray, tuple):
            return Estimate(float(self.known[ray[0]].reshape(-1)[ray[1]]), 0.0)
        return super().slope(ray)

    def confirmed(self) -> bool:
        """Return whether a random direction through each array says the same of it."""
        for name, slopes in self.known.items():
            v = self.rng.standard_normal(slopes.shape)
            size = float(np.linalg.norm(slopes)) * float(np.linalg.norm(v))
            slack = CONFIRMED * size + self.floor(name) * float(np.sqrt(v.size))
            if not abs(self.slope({name: v}).value - float(np.vdot(slopes, v))) <= slack:
                return False
        return True


class Layerwise:
    """A loss as a function of single pre-activations.

    Parameters
    ----------
    vae : VAE
    x : (batch, input_dim) array
    noise : (batch * K, latent_dim) array
    labels : (batch,) array or None
    objective : Objective

    Attributes
    ----------
    steps : int
        How many complex steps were taken, each through at most one row's forward pass.
    """

    def __init__(
        self, vae: VAE, x: Array, noise: Array, labels: Array | None, objective: Objective
    ) -> None:
        self.vae = vae.copy(dtype="complex128", backend="reference")
        self.network, self.objective = self.vae.network, objective
        self.x, self.noise, self.labels = x, noise, labels
        self.k = len(noise) // len(x)
        self.values = self.network.forward(x, noise, labels)
        self.steps = 0

    def slopes(self) -> dict[str, Array]:
        """Return the derivative of the loss by every entry of every array."""
        encoder, decoder = self.network.encoder, self.network.decoder
        repeated = None if self.labels is None else np.repeat(self.labels, self.k)
        found = self._of(encoder, self.values.encoder, self.labels, self._encoder_row)
        found |= self._of(decoder, self.values.decoder, repeated, self._decoder_row)
        for name in set(self.vae.parameters) - set(found):  # a learned sigma
            found[name] = self._of_number(name)
        return found

    def _of(
        self,
        network: DenseNetwork,
        values: list[Array],
        labels: Array | None,
        push: Callable[[int, int, Array], Iterator[Samples]],
    ) -> dict[str, Array]:
        found = {}
        for i in range(network.depth):
            name = f"{network.name}.{i}"
            a = self._preactivation(network, i, values[i], labels)
            slopes = np.empty(a.shape)
            for row in range(len(a)):
                losses = [self.objective.forward(self.network.ops, s) for s in push(i, row, a[row])]
                slopes[row] = np.imag(losses) / COMPLEX_STEP
            self.steps += slopes.size
            found[f"{name}.weight"] = values[i].real.T @ slopes
            found[f"{name}.bias"] = slopes.sum(axis=0)
            if i == 0 and network.has_labels:
                assert labels is not None
                found[f"{name}.label_weight"] = np.zeros((self.vae.n_classes or 0, a.shape[1]))
                np.add.at(found[f"{name}.label_weight"], labels, slopes)
        return found

    def _preactivation(
        self, network: DenseNetwork, i: int, h: Array, labels: Array | None
    ) -> Array:
        parameters, ops = self.vae.parameters, self.network.ops
        weight, bias = (parameters[f"{network.name}.{i}.{kind}"] for kind in ("weight", "bias"))
        a = ops.dense_forward(h, weight, bias, "identity")
        if i == 0 and network.has_labels:
            a = ops.label_forward(a, parameters[f"{network.name}.0.label_weight"], labels)
        return np.asarray(a)

    def _rest(self, network: DenseNetwork, i: int, a: Array) -> Iterator[Array]:
        """Yield the network's outputs for steps at each number of a row a of pre-activations."""
        ops, parameters = self.network.ops, self.vae.parameters
        widest = max(*network.widths, self.k * max(self.network.decoder.widths))
        chunk = max(1, CHUNK_NUMBERS // widest)
        for start in range(0, len(a), chunk):
            stop = min(start + chunk, len(a))
            stepped = np.repeat(a[None], stop - start, axis=0)
            stepped[np.arange(stop - start), np.arange(start, stop)] += 1j * COMPLEX_STEP
            h = ops.activation_forward(stepped, network.activations[i])
            for j in range(i + 1, network.depth):
                weight, bias = (
                    parameters[f"{network.name}.{j}.{kind}"] for kind in ("weight", "bias")
                )
                h = ops.dense_forward(h, weight, bias, network.activations[j])
            yield h

    def _encoder_row(self, i: int, row: int, a: Array) -> Iterator[Samples]:
        """Yield the latent part for steps in one example's encoder."""
        ops, k = self.network.ops, self.k
        own = slice(row * k, (row + 1) * k)
        for output in self._rest(self.network.encoder, i, a):
            n = len(output)
            mu, raw_logvar = np.split(output, 2, axis=1)
            logvar = ops.bound_logvar_forward(raw_logvar)
            mus, logvars = (np.repeat(array, k, axis=0) for array in (mu, logvar))
            z = ops.reparameterize_forward(mus, logvars, np.tile(self.noise[own], (n, 1)))
            labels = None if self.labels is None else np.repeat(self.labels[row], n * k)
            logits = self.network.decoder.forward(z, labels)[-1]
            x = np.repeat(self.x[row : row + 1], n * k, axis=0)
            reconstruction = self.network.likelihood.reconstruction(logits, x).reshape(n, k)
            kl, several = ops.kl_forward(mu, logvar), z.reshape(n, k, -1)
            moved = self._copied()
            for step in range(n):
                moved.mu[row], moved.logvar[row], moved.kl[row] = mu[step], logvar[step], kl[step]
                moved.z[own], moved.reconstruction[own] = several[step], reconstruction[step]
                yield moved

    def _decoder_row(self, i: int, row: int, a: Array) -> Iterator[Samples]:
        """Yield the latent part for steps in the decoder, at one sample of z."""
        for logits in self._rest(self.network.decoder, i, a):
            x = np.repeat(self.x[row // self.k][None], len(logits), axis=0)
            moved = self._copied()
            for nats in self.network.likelihood.reconstruction(logits, x):
                moved.reconstruction[row] = nats
                yield moved

    def _copied(self) -> Samples:
        s = self.values.latent
        return Samples(*(np.array(array, np.complex128) for array in s))

    def _of_number(self, name: str) -> Array:
        number = self.vae.parameters[name]
        number += 1j * COMPLEX_STEP
        values = self.network.forward(self.x, self.noise, self.labels)
        loss = self.objective.forward(self.network.ops, values.latent)
        number -= 1j * COMPLEX_STEP
        self.steps += 1
        return np.full(number.shape, np.imag(loss) / COMPLEX_STEP)
