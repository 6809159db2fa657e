"""Expectations over z of each likelihood on the linear-Gaussian model, for each sampler."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyvae.linear_gaussian import LinearGaussian
from tinyvae.losscheck.hypotheses import Hypothesis
from tinyvae.losscheck.latent import kl_term
from tinyvae.losscheck.recon import ABSOLUTE, NLL, SQUARED
from tinyvae.losscheck.terms import (
    READINGS,
    Array,
    Arrays,
    Reading,
    Term,
    bernoulli_of_logits,
)

Models = Callable[[int, int], LinearGaussian]
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()

_LIKELIHOODS: tuple[tuple[str, str, Callable[[Array, Array], Array]], ...] = (
    ("gaussian", SQUARED, lambda x, m: (x - m) ** 2),
    ("bernoulli", NLL, bernoulli_of_logits),
    ("laplace", ABSOLUTE, lambda x, m: np.abs(x - m)),
)
_READ = ("logvar", "log_sigma")


def expectation(
    name: str,
    loss: Callable[[Array, Array], Array],
    width: Callable[[Array], Array],
    models: Models,
) -> Term:
    """Return E[loss(x, decode(z))] for z ~ N(mu, width(scale)^2), by Gauss-Hermite sums."""

    def of(arrays: Arrays) -> Array:
        x, mu, std = arrays["x"], arrays["mu"], width(arrays["scale"])
        model = models(x.shape[1], mu.shape[1])
        mean = mu @ model.weight + model.bias
        spread = np.sqrt(std**2 @ model.weight**2)
        values = loss(x[..., None], mean[..., None] + spread[..., None] * _NODES)
        return np.asarray((values @ _WEIGHTS).sum(axis=1))

    return Term(name, of)


def hypotheses(models: Models) -> list[Hypothesis]:
    """Return right objectives for each likelihood and reading, then samplers gone wrong."""
    found = []
    for likelihood, name, loss in _LIKELIHOODS:
        for key in _READ:
            kl = kl_term(READINGS[key])
            right = expectation(name, loss, _std(READINGS[key]), models)
            found.append(Hypothesis("objective", (right, kl), True, key, likelihood))
            found += _gone_wrong(name, loss, key, kl, models)
    return found


def _std(r: Reading) -> Callable[[Array], Array]:
    return lambda s: np.asarray(np.sqrt(r.variance(s)))


def _gone_wrong(
    name: str, loss: Callable[[Array, Array], Array], key: str, kl: Term, models: Models
) -> list[Hypothesis]:
    r = READINGS[key]
    widths: list[tuple[str, Callable[[Array], Array], str, str]] = [
        (
            "no_noise",
            np.zeros_like,
            "The decoder is given mu, not a sample: the noise is missing.",
            "Decode mu + exp(logvar/2) * noise.",
        ),
        (
            "variance_for_std",
            r.variance,
            "z is drawn with the variance where the standard deviation belongs; the KL is right.",
            "Draw z = mu + exp(logvar/2) * noise.",
        ),
        (
            "log_for_std",
            lambda s: s,
            "z is drawn with the logarithm itself as its standard deviation; the KL is right.",
            "Draw z = mu + exp(logvar/2) * noise.",
        ),
    ]
    found = [
        Hypothesis(code, (expectation(name, loss, width, models), kl), False, key, words, mend)
        for code, width, words, mend in widths
    ]
    lone = expectation(name, loss, _std(r), models)
    found.append(
        Hypothesis("kl_missing", (lone,), False, key, "There is no KL.", "Add the KL to N(0, I).")
    )
    return found
