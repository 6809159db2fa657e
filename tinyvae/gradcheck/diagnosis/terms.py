"""Known parts of a function, for a diagnosis like "lacks the kl term".

A part is a function of the same inputs, differentiated here where it is asked for, or already a
gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.probe import instruments_for
from tinyvae.gradcheck.problem import Array, Problem
from tinyvae.gradcheck.signatures import make_problem

#: The gradient of a part by an array, given by name, at indices of the flattened array.
Term = Callable[[str, Array], Array]


def make_term(function: Callable[..., Any], term: Any, inputs: Sequence[Any], seed: int) -> Term:
    """Return the gradient of a part given as a function, or as the gradient itself.

    The same seed gives a layer's part the same ``dy`` as the layer.
    """
    if callable(term):
        problem = make_problem(term, lambda *_: 0.0, inputs, seed)
        tools = instruments_for(problem, "auto", np.random.default_rng([seed, 1]))
        return lambda name, indices: (
            tools.entries(name, np.zeros(problem.arrays[name].shape), indices).numeric
        )
    given = make_problem(function, lambda *_: term, inputs, seed).gradients()

    def gradient(name: str, indices: Array) -> Array:
        part = given[name]
        return np.zeros(len(indices)) if part is None else part.reshape(-1)[indices]

    return gradient


def measured(make_part: Callable[[], Problem], rng: np.random.Generator) -> Term:
    """Return the gradient of a part, made and measured when it is first asked for."""
    tools: list[Instruments] = []

    def gradient(name: str, indices: Array) -> Array:
        if not tools:
            tools.append(instruments_for(make_part(), "auto", rng))
        shape = tools[0].problem.arrays[name].shape
        return tools[0].entries(name, np.zeros(shape), indices).numeric

    return gradient


def returned_terms(problem: Problem, rng: np.random.Generator) -> dict[str, Term]:
    """Return the gradients of the numbers that a function returns beside its value."""
    return {
        name: measured(partial(replace, problem, value=value), rng)
        for name, value in problem.parts.items()
    }
