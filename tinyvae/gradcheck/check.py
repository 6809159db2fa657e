"""The gradient check from end to end: measure, judge, and say what is wrong.

This file decides what is checked and in which order; how a derivative is taken, judged or
explained stands elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinyvae.errors import check_count, check_option
from tinyvae.gradcheck.case import Case
from tinyvae.gradcheck.diagnosis import diagnose
from tinyvae.gradcheck.judge import judge
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.problem import Array, Problem
from tinyvae.gradcheck.report import Report
from tinyvae.gradcheck.results import SKIPPED, WRONG, ArrayResult
from tinyvae.gradcheck.signatures import make_problem
from tinyvae.gradcheck.steadiness import overwritten, steady_gradients
from tinyvae.gradcheck.terms import Term, make_term

METHODS = ("auto", "complex", "central", "directions")
# Up to so many entries in all, every one is checked; beyond, a sample of each array and a few
# random directions through it.
EVERY_ENTRY = 10_000
SAMPLE = 25
DIRECTIONS = 3
# For the diagnosis a wrong array of up to LOOK_CLOSELY entries is measured in full.
LOOK_CLOSELY, LARGER_SAMPLE = 2_000, 100


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
        from tinyvae.gradcheck.model import check_model

        return check_model(function, gradient, method=method, entries=entries, seed=seed)
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


def check_problem(
    problem: Problem,
    *,
    method: str = "auto",
    entries: int | None = None,
    seed: int = 0,
    terms: Mapping[str, Term] | None = None,
    preactivation: Array | None = None,
) -> Report:
    """Check what a ``Problem`` claims; see ``check_gradients`` for the options.

    ``terms`` give the gradients of known parts; see ``terms.py``.
    """
    start = time.perf_counter()
    check_option("method", method, METHODS)
    if entries is not None:
        check_count("entries", entries, at_least=0)
    claimed, unsteady = steady_gradients(problem)
    if unsteady:
        return Report(problem.title, (), unsteady, (), problem.notes, _since(start), seed)
    tools = Instruments(problem, method, np.random.default_rng([seed, 2]))
    results = [
        _check_array(tools, name, claimed[name], _plan(problem, method, entries))
        for name in problem.arrays
    ]
    notes = problem.notes
    if tools.refusal is not None and method != "central":
        notes += (f"Central differences were used: {tools.refusal}.",)
    cases = _cases(tools, results, claimed, terms or {}, preactivation)
    findings = diagnose(cases, results) + overwritten(problem, results)
    if any(r.verdict == WRONG for r in results) and not findings:
        notes += ("The pattern of the error is none that this check knows.",)
    return Report(problem.title, tuple(results), findings, (), notes, _since(start), seed)


def _plan(problem: Problem, method: str, entries: int | None) -> tuple[int, int]:
    """Return how many entries and how many directions to take in each array."""
    if method == "directions":
        return 0, DIRECTIONS
    if entries is not None:
        return entries, DIRECTIONS
    return (EVERY_ENTRY, 0) if problem.size <= EVERY_ENTRY else (SAMPLE, DIRECTIONS)


def _check_array(
    tools: Instruments, name: str, claimed: Array | None, plan: tuple[int, int]
) -> ArrayResult:
    array = tools.problem.arrays[name]
    if claimed is None:
        return ArrayResult(name, array.shape, "-", SKIPPED, remark="no gradient is claimed.")
    if not array.size:
        return ArrayResult(name, array.shape, "-", SKIPPED, remark="it is empty.")
    limit, directions = plan
    closely = array.size if array.size <= LOOK_CLOSELY else LARGER_SAMPLE
    fitting = claimed.shape == array.shape
    like = claimed if fitting else np.full(array.shape, np.nan)

    def result(limit: int) -> ArrayResult:
        measured = [tools.entries(name, like, tools.choose(like, limit))]
        if fitting and directions and array.size > limit:
            measured.append(tools.directions(name, claimed, directions))
        return judge(tools, measured, array.shape)

    found = result(limit if fitting else max(limit, closely))
    if found.verdict == WRONG and found.checked < min(closely, array.size):
        return result(closely)
    return found


def _cases(
    tools: Instruments,
    results: list[ArrayResult],
    claimed: Mapping[str, Array | None],
    terms: Mapping[str, Term],
    preactivation: Array | None,
) -> list[Case]:
    """Lay out every wrong array for diagnosis."""
    problem = tools.problem
    others = {n: a for n, a in claimed.items() if a is not None}
    full = {r.name: r.numeric for r in results if r.checked == r.size}
    return [
        Case(
            name=r.name,
            shape=r.shape,
            claimed=others[r.name],
            indices=r.indices,
            analytic=r.analytic,
            numeric=r.numeric,
            noise=r.attainable * float(np.linalg.norm(r.numeric)),
            pool=problem.arrays | problem.context,
            others=others,
            measured=full,
            terms=terms,
            preactivation=preactivation,
        )
        for r in results
        if r.verdict == WRONG and r.checked
    ]


def _since(start: float) -> float:
    return time.perf_counter() - start
