"""Every kernel of a likelihood is the reference, for any number of samples; no code is silent."""

import math

import numpy as np
import pytest

from tinyvae.ops import reference
from tinyvae.ops.likelihood_rows import (
    LOG_FACTORIAL,
    likelihood_rows,
    log_factorial,
    weigh_rows,
)
from tinyvae.ops.reference import LIKELIHOODS

ROWS, WIDTH, LOG_SIGMA, SCALE = 5, 7, -0.4, 0.125
START, STOP = 1, 4  # the first row and the last one belong to other threads


def example(likelihood, rng):
    if likelihood == "bernoulli":
        return (rng.random((ROWS, WIDTH)) > 0.5).astype(float)
    if likelihood == "continuous_bernoulli":
        return rng.random((ROWS, WIDTH))
    if likelihood == "poisson":
        x = rng.poisson(4.0, (ROWS, WIDTH)).astype(float)
        x[:, 0] = [0, 255, 256, 257, 5000]  # about the end of the table
        return x
    return rng.standard_normal((ROWS, WIDTH))


def run(code, logits, x, samples):
    reconstruction, dlog_sigma = np.full((2, len(logits)), np.nan)
    dlogits = np.full_like(logits, np.nan)
    likelihood_rows(
        code, logits, x, samples, LOG_SIGMA, SCALE, reconstruction, dlogits, dlog_sigma,
        np.empty((2, logits.shape[1])), START * samples, STOP * samples,
    )  # fmt: skip
    return reconstruction, dlogits, dlog_sigma


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_kernel_is_the_reference_on_its_rows(likelihood, samples, rng):
    logits = rng.normal(scale=2.0, size=(ROWS * samples, WIDTH))
    x = example(likelihood, rng)
    found = run(LIKELIHOODS.index(likelihood), logits, x, samples)
    kind = "gaussian" if likelihood.startswith("gaussian") else likelihood
    arguments = [logits, np.repeat(x, samples, axis=0)]
    arguments += [np.array([LOG_SIGMA])] if kind == "gaussian" else []
    backward = getattr(reference, f"{kind}_backward")(*arguments)
    gradients = backward if isinstance(backward, tuple) else (backward,)
    expected = [getattr(reference, f"{kind}_forward")(*arguments)]
    expected += [SCALE * gradient for gradient in gradients]
    rows = slice(START * samples, STOP * samples)
    for ours, theirs in zip(found, expected, strict=False):
        np.testing.assert_allclose(ours[rows], theirs[rows], rtol=1e-12, atol=1e-15)
        assert np.isnan(np.delete(ours, rows, axis=0)).all()


def test_a_code_without_a_branch_is_not_a_number(rng):
    logits = rng.standard_normal((ROWS, WIDTH))
    found = run(len(LIKELIHOODS), logits, np.zeros_like(logits), 1)
    assert np.isnan(found[0]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_factorial_is_exact_on_both_sides_of_the_tables_end(dtype):
    end = LOG_FACTORIAL.size
    for x in [0, 1, 2, 3, 20, end - 1, end, end + 1, end + 7, 1000, 16_777_216]:
        assert log_factorial(np.dtype(dtype).type(x)) == pytest.approx(
            math.lgamma(x + 1.0), rel=2e-15
        )


def test_gradients_are_weighed_row_by_row(rng):
    dlogits, dlog_sigma, weight = rng.random((6, 4)), rng.random(6), rng.random(6)
    ours = dlogits.copy(), dlog_sigma.copy()
    weigh_rows(weight, *ours, 2, 5)
    factor = np.where((np.arange(6) >= 2) & (np.arange(6) < 5), weight, 1.0)
    np.testing.assert_array_equal(ours[0], dlogits * factor[:, None])
    np.testing.assert_array_equal(ours[1], dlog_sigma * factor)
