"""``check_kl``: whether a KL is the KL."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyvae.errors import UsageError, check_count
from tinyvae.losscheck.bench import Bench, Shape
from tinyvae.losscheck.call import Function
from tinyvae.losscheck.examine import examine
from tinyvae.losscheck.failures import plain_words
from tinyvae.losscheck.loss import Arguments
from tinyvae.losscheck.names import MU, RECON, SCALE, X
from tinyvae.losscheck.report import Report
from tinyvae.losscheck.seeds import seeded


def check_kl(
    kl: Callable[..., Any],
    arguments: Arguments = None,
    *,
    latent_dim: int = 20,
    batch_size: int = 128,
    convert: Callable[[Any], Any] | None = None,
    seed: int = 0,
    title: str | None = None,
) -> Report:
    """Tell whether a function is KL(N(mu, diag(sigma^2)), N(0, I)), and what else it is.

    ``KL = sum_j (mu_j^2 + sigma_j^2 - log sigma_j^2 - 1) / 2``, nats per example (Kingma and
    Welling 2014, appendix B).  Constants are not judged: they have no gradient.

    >>> import numpy as np
    >>> from tinyvae.losscheck import check_kl
    >>> def kl(mu, logvar):
    ...     return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=1)
    >>> check_kl(kl).findings[0].code
    'factor'

    Parameters
    ----------
    kl : callable
        Of mu and the third argument (found out), or also of a sample z, in any order; returns
        one value an example, one a dimension, or one number (a sum or mean over the batch).  It
        may draw z inside: then averages of many calls are judged, to 1 or 2 digits.
    arguments, latent_dim, batch_size, convert, seed, title
        As in ``check_loss``.

    Returns
    -------
    Report
        ``passed`` if it is the KL in nats, summed over z; over the batch it may be summed,
        averaged, or left alone.

    Raises
    ------
    UsageError, NonFiniteDataError
        As ``check_loss``.
    """
    began = time.perf_counter()
    rng = np.random.default_rng([check_count("seed", seed, at_least=0), 16])
    told = Shape(check_count("batch_size", batch_size), (1,), check_count("latent_dim", latent_dim))
    with seeded(seed), plain_words():
        function = Function(kl, arguments, convert, rng)
        if not (function.has(MU) or function.has(SCALE)):
            raise UsageError(f"{function.title} has no argument for mu or logvar; give arguments=.")
        if function.has(X) or function.has(RECON):
            raise UsageError(f"{function.title} takes x as well: use check_loss.")
        head = title or function.title
        return examine(Bench(function, rng), told, beta=1.0, title=head, seed=seed, began=began)
