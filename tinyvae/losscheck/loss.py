"""``check_loss``: what a loss really weighs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.errors import UsageError, check_count, check_number
from tinyvae.losscheck.bench import Bench, Shape
from tinyvae.losscheck.call import Function
from tinyvae.losscheck.examine import examine
from tinyvae.losscheck.failures import plain_words
from tinyvae.losscheck.names import MU, RECON, SCALE, X, Z
from tinyvae.losscheck.report import Report
from tinyvae.losscheck.seeds import seeded

Arguments = Mapping[str, Any] | Sequence[Any] | None


def check_loss(
    loss: Callable[..., Any],
    arguments: Arguments = None,
    *,
    beta: float = 1.0,
    input_dim: int | tuple[int, ...] = 784,
    latent_dim: int = 20,
    batch_size: int = 128,
    convert: Callable[[Any], Any] | None = None,
    seed: int = 0,
    title: str | None = None,
) -> Report:
    """Tell what a loss is made of, and whether it is minus a bound of log p(x).

    The loss is called with drawn arrays of several sizes; least squares on known terms (each
    likelihood, the KL, their pieces) give the weights, and the weights' dependence on the sizes
    tells mean from sum.  What no term explains is called unexplained.  See Tutorial 11,
    equation (11.7).

    >>> import numpy as np
    >>> from tinyvae.losscheck import check_loss
    >>> def loss(x, logits, mu, logvar):
    ...     nll = np.logaddexp(0.0, logits) - x * logits
    ...     return np.mean(nll) + 0.5 * np.mean(np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=1))
    >>> report = check_loss(loss)
    >>> report.passed, report.beta
    (False, 784.0)

    Parameters
    ----------
    loss : callable
        Of x, the reconstruction (probabilities, logits or means: found out), mu and the third
        argument (log variance, log sigma, sigma, variance: found out), by their usual names and
        in any order; also of z, a beta, a Generator, or the decoder's width.  It returns a number,
        one value an example or a dimension, or a tuple or dictionary that holds it.  A whole
        objective ``elbo(x, encode, decode)`` is judged on the linear-Gaussian model.
    arguments : mapping or sequence, optional
        What each argument is, where its name does not say: ``{"a": "x", "b": "logits"}`` or
        ``["x", "logits", "mu", "logvar"]``.  Values that are no text are handed through.
    beta : float
        The weight that the KL is meant to have.
    input_dim, latent_dim, batch_size : int
        Where weights that depend on the sizes are told.  ``input_dim`` may be the shape of an
        example, such as ``(1, 28, 28)``.
    convert : callable, optional
        Makes of a NumPy array what the loss takes, such as ``torch.tensor``.
    seed : int
        Of everything random.
    title : str, optional
        Head of the report; the function's name by default.

    Returns
    -------
    Report
        ``passed`` if the loss is minus a bound of log p(x) with unit weights, up to a constant
        and a common positive factor (which is named).

    Raises
    ------
    UsageError
        If the roles of the arguments are not known, or the function cannot be called; the
        message repeats what it raised.
    NonFiniteDataError
        If the loss is NaN or infinite wherever it is tried.
    """
    began = time.perf_counter()
    rng = np.random.default_rng([check_count("seed", seed, at_least=0), 15])
    example = input_dim if isinstance(input_dim, tuple) else (input_dim,)
    told = Shape(
        check_count("batch_size", batch_size),
        tuple(check_count("input_dim", n) for n in example),
        check_count("latent_dim", latent_dim),
    )
    beta = check_number("beta", beta, above=0.0)
    with seeded(seed), plain_words():
        if arguments is None:
            from tinyvae.losscheck.objective import check_objective, is_objective

            if is_objective(loss):
                return check_objective(
                    loss, told, convert=convert, beta=beta, seed=seed, title=title
                )
        function = Function(loss, arguments, convert, rng)
        _require_halves(function)
        return examine(
            Bench(function, rng),
            told,
            beta=beta,
            title=title or function.title,
            seed=seed,
            began=began,
        )


def _require_halves(function: Function) -> None:
    has_x, has_recon = function.has(X), function.has(RECON)
    has_z = function.has(MU) or function.has(SCALE) or function.has(Z)
    if has_x != has_recon:
        there, lost = ("x", "the reconstruction") if has_x else ("the reconstruction", "x")
        raise UsageError(
            f"{function.title} has an argument for {there} but none for {lost} by the names known "
            "here; say which it is with arguments=."
        )
    if not has_x and not has_z:
        raise UsageError(f"{function.title} has no argument whose role is known; give arguments=.")
