"""Adam against the textbook, written out as sums; schedules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.errors import SizeError
from tinyvae.model.adam import Adam
from tinyvae.model.parameters import Parameters
from tinyvae.training.schedules import scheduled_rate


def make(size=4, dtype="float64", **options):
    parameters = Parameters({"w": (size,)}, dtype)
    return parameters, Adam(parameters, backend="reference", **options)


def textbook(start, gradients, rates, beta1, beta2, epsilon):
    """Where Adam is after each gradient; the running means written as weighted sums."""
    where, path = start.copy(), []
    for t in range(1, len(gradients) + 1):
        so_far = gradients[:t]
        m = sum((1 - beta1) * beta1 ** (t - i) * g for i, g in enumerate(so_far, 1))
        v = sum((1 - beta2) * beta2 ** (t - i) * g**2 for i, g in enumerate(so_far, 1))
        m_hat = m / sum((1 - beta1) * beta1 ** (t - i) for i in range(1, t + 1))
        v_hat = v / sum((1 - beta2) * beta2 ** (t - i) for i in range(1, t + 1))
        where = where - rates[t - 1] * m_hat / (v_hat**0.5 + epsilon)
        path.append(where)
    return np.array(path)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.7), (0.0, 0.9), (0.99, 0.0)])
@pytest.mark.parametrize("epsilon", [1e-8, 0.3])
def test_adam_is_the_textbook(betas, epsilon, rng):
    parameters, adam = make(learning_rate=0.1, beta1=betas[0], beta2=betas[1], epsilon=epsilon)
    parameters.values[:] = start = rng.standard_normal(4)
    gradients = rng.standard_normal((30, 4)) * [1.0, 10.0, 1e-3, 0.5]
    rates = np.linspace(0.1, 0.01, 30)
    path = textbook(start, gradients, rates, *betas, epsilon)
    for gradient, rate, expected in zip(gradients, rates, path, strict=True):
        adam.learning_rate = rate
        parameters.gradients[:] = gradient
        adam.step()
        np.testing.assert_allclose(parameters.values, expected, rtol=1e-11, atol=1e-13)
        np.testing.assert_array_equal(parameters.gradients, gradient)
    assert adam.step_count == 30


def test_the_defaults_are_those_of_the_paper():
    _, adam = make()
    settings = adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon
    assert settings == (1e-3, 0.9, 0.999, 1e-8)


def test_the_first_step_has_the_size_of_the_learning_rate():
    parameters, adam = make(3, learning_rate=0.25)
    parameters.gradients[:] = [1e-3, -50.0, 0.0]
    adam.step()
    np.testing.assert_allclose(parameters.values, [-0.25, 0.25, 0.0], rtol=1e-4)


def test_under_a_constant_gradient_every_step_has_that_size():
    parameters, adam = make(2, learning_rate=0.25)
    parameters.gradients[:] = [3.0, -0.2]
    for count in range(1, 200):
        adam.step()
        np.testing.assert_allclose(parameters.values, [-0.25 * count, 0.25 * count], rtol=1e-6)


def test_it_finds_the_bottom_of_a_narrow_valley():
    parameters, adam = make(3, learning_rate=0.1)
    parameters.values[:] = [5.0, -4.0, 3.0]
    curvature, bottom = np.array([1.0, 100.0, 0.01]), np.array([1.0, 2.0, -3.0])
    for t in range(2000):
        adam.learning_rate = scheduled_rate(0.1, "cosine", t / 2000)
        parameters.gradients[:] = curvature * (parameters.values - bottom)
        adam.step()
    np.testing.assert_allclose(parameters.values, bottom, atol=1e-6)


def test_a_restored_optimizer_goes_on_bit_for_bit(rng):
    gradients = rng.standard_normal((20, 4))
    whole, adam = make(learning_rate=0.1)
    for gradient in gradients[:10]:
        whole.gradients[:] = gradient
        adam.step()
    second, other = make(learning_rate=0.1)
    second.values[:] = whole.values
    other.restore(adam.m, adam.v, adam.step_count)
    for gradient in gradients[10:]:
        for parameters, optimizer in ((whole, adam), (second, other)):
            parameters.gradients[:] = gradient
            optimizer.step()
    np.testing.assert_array_equal(whole.values, second.values)
    assert not np.shares_memory(adam.m, other.m)


def test_single_precision_stays_single():
    parameters, adam = make(dtype="float32")
    parameters.gradients[:] = 1.0
    adam.step()
    assert adam.m.dtype == adam.v.dtype == parameters.values.dtype == np.float32


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": -1e-3},
        {"learning_rate": math.nan},
        {"learning_rate": "fast"},
        {"beta1": 1.0},
        {"beta2": -0.1},
        {"beta1": math.inf},
        {"epsilon": 0.0},
    ],
)
def test_numbers_out_of_range_are_named(options):
    with pytest.raises(SizeError, match=next(iter(options))):
        make(**options)


def test_a_count_below_zero_cannot_be_restored():
    _, adam = make()
    with pytest.raises(SizeError, match="step_count"):
        adam.restore(adam.m, adam.v, -1)
