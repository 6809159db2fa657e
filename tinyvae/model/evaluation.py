"""How good a model is, in nats: the ELBO, its terms, a tighter bound, and each dimension's part.

Evaluation draws its own noise from a seed of its own, so that it never disturbs training; it
changes nothing in the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from tinyvae.data import gather_batch, read_data
from tinyvae.errors import check_count
from tinyvae.model.bounds import Bounds
from tinyvae.model.classes import ClassBounds, bounds_by_class, summed
from tinyvae.model.likelihoods import likelihood_class
from tinyvae.model.vae import VAE, check_vae

Array = NDArray[Any]

#: A dimension is active if the variance of its mu over the data is above this (Burda et al. 2016).
ACTIVE_THRESHOLD = 0.01

_ROWS = 500


def default_binarize(likelihood: str, binarize: str | None) -> str:
    """Return ``binarize``, or if None what suits the likelihood: "stochastic" or "none"."""
    if binarize is not None:
        return binarize
    return likelihood_class(likelihood).binarize


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` found; every number is in nats per example unless said otherwise.

    Tutorial 09, equation (9.7).
    Tutorial 10, equations (10.5) and (10.8).

    Attributes
    ----------
    rows : int
        How many examples were looked at.
    reconstruction, kl, elbo : float
        ``elbo = -(reconstruction + kl)``, means over the examples; the reconstruction is
        estimated with ``n_samples`` draws of z, the KL term is exact.
    elbo_error : float
        Standard error of ``elbo`` over the examples.
    bound : float or None
        Importance-weighted bound of log p(x), with ``n_samples`` samples an example.
    n_samples : int
    kl_per_dimension : (latent_dim,) array
        Sums to ``kl``.
    mu_variance : (latent_dim,) array
        Variance of each mu over the data.
    log_likelihood : float or None
        Of a conditional model, whose other numbers are of log p(x given y): the bound of log p(x),
        from the sum over classes; with more than one sample.  See ``class_bounds``.
    accuracy : float or None
        The share of examples whose label is the most probable class, with it.
    """

    rows: int
    reconstruction: float
    kl: float
    elbo: float
    elbo_error: float
    bound: float | None
    n_samples: int
    kl_per_dimension: Array
    mu_variance: Array
    log_likelihood: float | None = None
    accuracy: float | None = None

    @property
    def active_units(self) -> int:
        """How many latent dimensions are active: variance of mu over the data above 0.01."""
        return int((self.mu_variance > ACTIVE_THRESHOLD).sum())

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for ``json.dumps``."""
        content = asdict(self) | {"active_units": self.active_units}
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in content.items()}


def evaluate(
    vae: VAE,
    data: Array,
    *,
    n_samples: int = 1,
    binarize: str | None = None,
    seed: int = 0,
    labels: ArrayLike | None = None,
    progress: bool = False,
) -> Evaluation:
    """Measure a model on data.

    Parameters
    ----------
    vae : VAE
    data : (n, input_dim) array_like
        Read by the rule of ``tinyvae.data.rule``.
    n_samples : int
        Samples of z for each example.  With more than one, the importance-weighted bound is
        estimated too, from the same samples.
    binarize : str, optional
        As in ``fit``; drawn once.
    seed : int
        Of the binarization and of the noise.
    labels : (n,) array of int
        Of a conditional model.  With more than one sample, every class is tried, too.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Evaluation

    Raises
    ------
    UsageError
        If an option makes no sense, or labels are missing or not wanted.
    DataError
        If the data or the labels cannot be used.
    """
    check_vae(vae)
    how = default_binarize(vae.likelihood, binarize)
    data = read_data(
        data,
        support=vae.support if how == "none" else "binary",
        dtype=vae.dtype,
        input_dim=vae.input_dim,
        argument="data",
        min_rows=1,
    )
    check_count("n_samples", n_samples)
    given = vae.inputs.labels(labels, len(data))
    rng = np.random.default_rng(check_count("seed", seed, at_least=0))
    parts = [
        _measure(vae, x, None if given is None else given[rows], n_samples, rng)
        for rows, x in _chunks(vae, data, how, rng, progress)
    ]
    mu, kl, reconstruction, bound, log_p, right = map(np.concatenate, zip(*parts, strict=True))
    elbo = -reconstruction - kl.sum(axis=1)
    tried = given is not None and n_samples > 1
    return Evaluation(
        rows=len(data),
        reconstruction=float(reconstruction.mean()),
        kl=float(kl.sum(axis=1).mean()),
        elbo=float(elbo.mean()),
        elbo_error=float(elbo.std() / np.sqrt(len(data))),
        bound=float(bound.mean()) if n_samples > 1 else None,
        n_samples=n_samples,
        kl_per_dimension=kl.mean(axis=0),
        mu_variance=mu.var(axis=0),
        log_likelihood=float(log_p.mean()) if tried else None,
        accuracy=float(right.mean()) if tried else None,
    )


def _measure(
    vae: VAE, x: Array, labels: Array | None, n_samples: int, rng: np.random.Generator
) -> tuple[Array, ...]:
    """Return mu, the KL per dimension, and of each row reconstruction, bound, log p(x), right.

    In float64; ``right`` is whether the label is the likeliest class, and it and log p(x) are NaN
    where no classes are tried.
    """
    seed, posterior = int(rng.integers(2**63)), vae.encode(x, labels, trusted=True)
    kl = vae.network.ops.kl_forward(*posterior)
    log_p = right = np.full(len(x), np.nan)
    if labels is None or n_samples == 1:
        found = vae.bounds(
            x, n_samples, labels=labels, seed=seed, posterior=posterior, trusted=True
        )
    else:
        found, tried = _of_classes(vae, x, labels, n_samples, seed)
        log_p, right = tried.log_likelihood, tried.posterior.argmax(axis=1) == labels
    each = posterior[0], kl, found.reconstruction, found.importance_weighted, log_p, right
    return tuple(part.astype(np.float64) for part in each)


def _of_classes(
    vae: VAE, x: Array, labels: Array, n_samples: int, seed: int
) -> tuple[Bounds, ClassBounds]:
    """Return the bounds given each row's own label, and what all classes say of it."""
    each = bounds_by_class(vae, x, n_samples, seed)
    own = (np.stack(parts, axis=1)[np.arange(len(x)), labels] for parts in zip(*each, strict=True))
    return Bounds(*own), summed(each)


def _chunks(
    vae: VAE, data: Array, how: str, rng: np.random.Generator, progress: bool
) -> Iterator[tuple[slice, Array]]:
    """Yield slices of the data as float batches, in order."""
    starts = tqdm(range(0, len(data), _ROWS), desc="evaluate", disable=not progress, leave=False)
    for start in starts:
        index = np.arange(start, min(start + _ROWS, len(data)))
        yield (
            slice(start, start + len(index)),
            gather_batch(data, index, rng, binarize=how, dtype=vae.dtype),
        )
