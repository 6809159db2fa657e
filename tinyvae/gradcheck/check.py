"""``check_gradients``: what a reader calls, whatever form the function has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinyvae.errors import check_count, unknown_option
from tinyvae.gradcheck.diagnosis.terms import make_term
from tinyvae.gradcheck.model import check_model
from tinyvae.gradcheck.problem import Array
from tinyvae.gradcheck.procedure import check_problem
from tinyvae.gradcheck.report import Report
from tinyvae.gradcheck.signatures import make_problem

KNOWN = ("method", "entries", "seed", "terms", "preactivation", "title")


def check_gradients(
    function: Any,
    gradient: Any = None,
    *inputs: Any,
    method: str = "auto",
    entries: int | None = None,
    seed: int = 0,
    terms: Mapping[str, Any] | None = None,
    preactivation: Array | None = None,
    title: str | None = None,
    **options: Any,
) -> Report:
    """Check a gradient written by hand, and say what is wrong with it if it is.

    A number and its gradient, which may be a function or the numbers themselves:

    >>> import numpy as np
    >>> from tinyvae.gradcheck import check_gradients
    >>> x = np.linspace(-1.0, 1.0, 5)
    >>> check_gradients(lambda x: np.sum(x**3), lambda x: 3 * x**2, x).passed
    True

    A layer, forward and backward, ``backward(dy, *inputs)``; dy is drawn at random.  It may as
    well be ``backward(dy)`` or, with a forward that returns (y, cache), ``backward(dy, cache)``:

    >>> def forward(x, weight, bias):
    ...     return np.tanh(x @ weight + bias)
    >>> def backward(dy, x, weight, bias):
    ...     da = dy * (1 - np.tanh(x @ weight + bias) ** 2)
    ...     return da @ weight.T, x.T @ da, da.sum(axis=0)
    >>> rng = np.random.default_rng(0)
    >>> x, weight, bias = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.zeros(2)
    >>> check_gradients(forward, backward, x, weight, bias).passed
    True

    A dictionary of parameters, and a function that returns the number and the gradient together:

    >>> def loss_and_gradients(params):
    ...     residual = x @ params["w"] - 1.0
    ...     return np.sum(residual**2), {"w": 2 * x.T @ residual}
    >>> check_gradients(loss_and_gradients, True, {"w": np.zeros(3)}).passed
    True

    A whole model, with or without data: ``check_gradients(vae)``, ``check_gradients(vae, x)``.

    Tutorial 03, equations (3.8), (3.12) and (3.13).

    Parameters
    ----------
    function : callable or VAE
        Of the inputs; returns a number or an array, or a tuple that begins with it.
    gradient : callable, array, dict or True
        As in the examples.  In what a callable returns, None means "not claimed".
    *inputs : arrays, numbers, dictionaries of arrays
        float64 is differentiated; integers, booleans and everything else are handed through.
    method : str
        ``"complex"`` (step; exact to rounding), ``"central"`` (differences, extrapolated),
        ``"directions"`` (random ones; for millions of entries), or ``"auto"``: the complex step
        where the function allows it, and a sample plus directions beyond 10,000 entries.
    entries : int, optional
        Largest number of entries to check in each array; a random sample of larger arrays, and
        three directions through them.
    seed : int
        Of everything random.
    terms : mapping, optional
        Known parts of the function by name, for the diagnosis ("lacks the kl term"): each a
        function of the same inputs, or its gradient.
    preactivation : array, optional
        What the activation of a layer is applied to, of the shape of its output: lets the
        diagnosis recognise the derivative of another activation.
    title : str, optional
        Head of the report; the function's name by default.

    Returns
    -------
    Report
        Print it.  ``report.passed``, ``report.raise_if_failed()``, ``report.findings``.

    Raises
    ------
    DTypeError
        If anything is float32, whose 7 digits cannot tell a wrong gradient from rounding.
    NonFiniteDataError, ShapeError, UsageError
        If inputs or output are not finite, or function and gradient do not fit together.
    """
    if hasattr(function, "loss_and_gradients"):
        return check_model(function, gradient, method=method, entries=entries, seed=seed, **options)
    if options:
        raise unknown_option("argument", next(iter(options)), KNOWN)
    # Streams of our own: a reader's inputs often come from default_rng(0), and a cotangent equal
    # to the input lets a wrong product pass, x.T @ da for da.T @ x.
    rng = np.random.default_rng([check_count("seed", seed, at_least=0), 1])
    problem = make_problem(function, gradient, inputs, rng, title)
    parts = {name: make_term(function, term, inputs, seed) for name, term in (terms or {}).items()}
    return check_problem(
        problem,
        method=method,
        entries=entries,
        seed=seed,
        terms=parts,
        preactivation=preactivation,
    )
