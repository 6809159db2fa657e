"""``check_gradients``: what a reader calls, whatever form the function has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinyvae.errors import UsageError, check_count, unknown_option
from tinyvae.gradcheck.convert import converted
from tinyvae.gradcheck.diagnosis.terms import make_term
from tinyvae.gradcheck.model import check_model
from tinyvae.gradcheck.objects import as_functions, is_layer, put_back
from tinyvae.gradcheck.problem import Array, Problem
from tinyvae.gradcheck.procedure import check_problem
from tinyvae.gradcheck.report import Report
from tinyvae.gradcheck.signatures import make_problems

KNOWN = ("method", "entries", "seed", "terms", "preactivation", "title", "convert")


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
    convert: str = "auto",
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
    A layer that is an object with ``forward`` and ``backward``: ``check_gradients(layer, x)``;
    its weights ``W`` are checked where it keeps their gradients as ``dW``.

    Tutorial 03, equations (3.8), (3.12) and (3.13).

    Parameters
    ----------
    function : callable or VAE
        Of the inputs; returns a number or an array, or a tuple that begins with it.  Several
        arrays are several outputs if the gradient function takes a ``dy`` for each.
    gradient : callable, array, dict or True
        As in the examples.  In what a callable returns, None means "not claimed".
    *inputs : arrays, numbers, dictionaries of arrays
        float64 is differentiated; integers, booleans and everything else are handed through.
    method : str
        ``"complex"`` (step; exact to rounding), ``"central"`` (differences, extrapolated),
        ``"directions"`` (random ones; for millions of entries), or ``"auto"``: the complex step
        where the function allows it, and a sample plus directions beyond 10,000 entries (of a
        ``VAE`` every entry even then, layer by layer).
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
    convert : str
        Whose arrays the functions take: ``"none"`` (NumPy's), ``"torch"``, ``"jax"``, or
        ``"auto"``, which tells by the inputs.  A gradient of None is then torch's own.
    **options
        Of a model only: what its loss is called with beside x and noise, such as ``beta``.

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
    check_count("seed", seed, at_least=0)
    owner = function
    if is_layer(function):
        inputs = inputs if gradient is None else (gradient, *inputs)
        function, gradient, weights = as_functions(function)
        inputs = (weights, *inputs) if weights else inputs
    function, gradient, inputs = converted(function, gradient, inputs, convert)
    with put_back(owner, function, gradient):
        # Streams of our own: a reader's inputs often come from default_rng(0), and a cotangent
        # equal to the input lets a wrong product pass, x.T @ da for da.T @ x.
        problems = make_problems(function, gradient, inputs, seed, title)
        parts = {
            name: make_term(function, term, inputs, seed) for name, term in (terms or {}).items()
        }
        return _likeliest(
            problems,
            method=method,
            entries=entries,
            seed=seed,
            terms=parts,
            preactivation=preactivation,
        )


def _likeliest(problems: list[Problem], **options: Any) -> Report:
    """Return the report of the first reading that passes, or else of the first that was possible.

    A reading in which the gradient function fails to run, or gives what does not fit, is none.
    """
    first: Report | None = None
    failure: Exception | None = None
    for problem in problems:
        try:
            problem.gradients()
            report = check_problem(problem, **options)
        except Exception as error:
            if len(problems) == 1:
                raise
            failure = failure or error
            continue
        if report.passed and (problem.plausible is None or problem.plausible()):
            return report
        first = first or report
    if first is None:
        raise failure or UsageError("There is no way to call the gradient function.")
    return first
