"""Many steps in one compiled call are as many calls of a step, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import architectures, batch, objectives

from tinyvae.model.adam import Adam
from tinyvae.model.objectives import make_objective
from tinyvae.model.vae import VAE
from tinyvae.ops import train_step
from tinyvae.ops.fast import adam_constants
from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.steps import constants_in_turn

pytestmark = pytest.mark.skipif(JIT_DISABLED, reason="without the compiler steps come one by one")

ROWS = 5


def data(vae, rows, rng, samples=1):
    x, noise = batch(vae, rows, rng, samples)
    labels = None if vae.n_classes is None else rng.integers(0, vae.n_classes, rows)
    return x, noise.reshape(-1, vae.latent_dim), labels


def one_by_one(vae, adam, given, objective, rates, betas):
    """Return the terms of the steps before the first that is not finite."""
    x, noise, labels = given
    samples, terms = len(noise) // max(1, len(x)), []
    for start, rate, beta in zip(range(0, len(x), ROWS), rates, betas, strict=True):
        rows, drawn = slice(start, start + ROWS), slice(start * samples, (start + ROWS) * samples)
        adam.learning_rate = rate
        weighed = {"beta": beta} if objective.get("objective", "elbo") == "elbo" else {}
        part = None if labels is None else labels[rows]
        options = objective | weighed | {"labels": part, "trusted": True}
        terms.append(vae.train_step(x[rows], noise[drawn], adam, **options))
    return np.array(terms)


def in_turn(vae, adam, given, objective, rates, betas):
    chosen = make_objective(
        objective.get("objective", "elbo"), free_bits=objective.get("free_bits")
    )
    return vae.stepper.in_turn(*given, ROWS, adam, chosen, np.array(rates), np.array(betas))


def everything(vae, adam):
    return [a.tobytes() for a in (vae.parameters.values, adam.m, adam.v)] + [adam.step_count]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(architectures, objectives, st.integers(1, 23), st.sampled_from([1, 3]), st.booleans())
def test_one_call_does_what_many_do(architecture, objective, rows, samples, begun):
    rng = np.random.default_rng(rows)
    vae = VAE(**architecture, backend="numba", seed=2)
    twin = vae.copy()
    adam, other = Adam(vae.parameters), Adam(twin.parameters)
    steps = -(-rows // ROWS)
    if begun:  # whether the model knows the address of its step, and Adam its moments
        first = data(vae, ROWS, rng, samples)
        one_by_one(vae, adam, first, {}, [1e-2], [1.0])
        one_by_one(twin, other, first, {}, [1e-2], [1.0])
    given = data(vae, rows, rng, samples)
    rates = rng.uniform(0.0, 1e-2, steps).tolist()
    varied = "beta" in objective or not objective
    betas = rng.uniform(0.0, 2.0, steps).tolist() if varied else [1.0] * steps
    terms = in_turn(vae, adam, given, objective, rates, betas)
    np.testing.assert_array_equal(terms, one_by_one(twin, other, given, objective, rates, betas))
    assert everything(vae, adam) == everything(twin, other)


@pytest.mark.parametrize("step", [0, 1, 4])
@pytest.mark.parametrize("begun", [False, True])
def test_a_loss_that_is_not_finite_ends_the_call_before_its_step(step, begun):
    rng = np.random.default_rng(0)
    vae = VAE(12, (7,), 3, likelihood="gaussian")
    twin = vae.copy()
    adam, other = Adam(vae.parameters), Adam(twin.parameters)
    if begun:
        vae.train_step(*batch(vae, ROWS, rng), Adam(vae.parameters, 0.0))
    x, noise, _ = data(vae, 5 * ROWS, rng)
    x[step * ROWS + 2, 3] = 1e25
    terms = in_turn(vae, adam, (x, noise, None), {}, [1e-2] * 5, [1.0] * 5)
    before = (x[: step * ROWS], noise[: step * ROWS], None)
    expected = one_by_one(twin, other, before, {}, [1e-2] * step, [1.0] * step)
    np.testing.assert_array_equal(terms, expected.reshape(-1, 3))
    assert everything(vae, adam) == everything(twin, other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_of_many_steps_are_those_of_each(dtype):
    rng = np.random.default_rng(0)
    for first in (1, 2, 390, 36_000, 10**6):
        rates = rng.uniform(0.0, 1.0, 300)
        found = constants_in_turn(first, rates, 0.9, 0.999, 1e-8, dtype)
        assert found.dtype == dtype
        for i, rate in enumerate(rates.tolist()):
            expected = adam_constants(first + i, rate, 0.9, 0.999, 1e-8, dtype)
            np.testing.assert_array_equal(found[i], expected)


def test_only_small_models_take_many_steps_and_never_for_long():
    for widths, rows in (((2, 32, 2), 64), ((64, 128, 2), 64), ((1, 1), 1), ((784, 8, 2), 128)):
        vae = VAE(widths[0], widths[1:-1], widths[-1])
        steps = vae.stepper.at_once(rows, 1)
        flops = 6 * rows * vae.parameters.size
        assert 1 < steps <= 256
        assert steps * flops <= 2.5e8  # 25 ms at 10 GFLOP/s, which plain loops reach
        assert steps * rows * (widths[0] + widths[-1]) <= train_step.MOST_NUMBERS
    assert VAE(784, (400,), 20).stepper.at_once(128, 1) == 1
    assert VAE(64, (128,), 2, backend="reference").stepper.at_once(64, 1) == 1
