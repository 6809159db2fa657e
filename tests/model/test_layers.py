"""Stacks of dense layers against explicit sums, and the law of their first weights."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tinyvae.model.layers import DenseNetwork, layer_shapes
from tinyvae.model.parameters import Parameters
from tinyvae.model.vae import VAE
from tinyvae.ops import reference
from tinyvae.ops.reference import ACTIVATIONS

WIDTHS = (4, 3, 5, 2)


def network(widths=WIDTHS, activation="tanh", dtype="float64", seed=0, n_classes=None, rng=None):
    parameters = Parameters(layer_shapes("net", widths, n_classes), dtype)
    made = DenseNetwork("net", widths, activation, parameters, reference)
    made.initialize(np.random.default_rng(seed) if rng is None else rng)
    return made


def with_biases(**options):
    made = network(**options)
    rng = np.random.default_rng(1)
    made.parameters.values[:] += 0.1 * rng.standard_normal(made.parameters.size)
    return made


def test_shapes_are_fan_in_by_fan_out():
    assert layer_shapes("net", (4, 3, 2)) == {
        "net.0.weight": (4, 3),
        "net.0.bias": (3,),
        "net.1.weight": (3, 2),
        "net.1.bias": (2,),
    }


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_layer_but_the_last_has_the_activation(activation, rng):
    made = with_biases(activation=activation)
    h = x = rng.standard_normal((7, 4))
    for i in range(3):
        a = h @ made.parameters[f"net.{i}.weight"] + made.parameters[f"net.{i}.bias"]
        h = reference.activation_forward(a, activation) if i < 2 else a
    values = made.forward(x)
    assert [value.shape for value in values] == [(7, width) for width in WIDTHS]
    assert values[0] is x
    np.testing.assert_allclose(values[-1], h, rtol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(4, 2), (4, 3, 2), WIDTHS, (1, 1, 1)])
def test_backward_is_the_derivative_of_forward(
    activation, widths, rng, complex_step, assert_gradient
):
    made = with_biases(widths=widths, activation=activation)
    if widths == (1, 1, 1):
        made.parameters.values[:] = [0.7, 0.2, -1.3, 0.4]
    x, da = rng.random((6, widths[0])), rng.standard_normal((6, widths[-1]))
    dx = made.backward(da, made.forward(x), input_gradient=True)
    twin = network(widths, activation, "complex128")

    def loss(values, x=x):
        twin.parameters.values[:] = values
        return (da * twin.forward(x)[-1]).sum()

    truth = complex_step(loss, made.parameters.values)
    for name in made.parameters:
        expected = made.parameters.view(name, truth)
        assert_gradient(made.parameters.gradient(name), expected, name)
    assert_gradient(dx, complex_step(lambda z: loss(made.parameters.values, z), x))


def test_backward_replaces_old_gradients_and_spares_the_input(rng):
    made = with_biases()
    x, da = rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    values = made.forward(x)
    made.backward(da, values, input_gradient=True)
    first = made.parameters.gradients.copy()
    assert made.backward(da, values, input_gradient=False) is None
    np.testing.assert_array_equal(made.parameters.gradients, first)


def test_first_weights_are_uniform_within_the_glorot_bound(assert_mean):
    fan_in, fan_out = 300, 200
    made = network((fan_in, fan_out, 7))
    weight = made.parameters["net.0.weight"].ravel()
    bound = np.sqrt(6.0 / (fan_in + fan_out))
    assert np.abs(weight).max() <= bound
    assert np.abs(weight).max() > 0.999 * bound
    assert_mean(weight, 0.0)
    # Glorot's aim: variance 2 / (fan_in + fan_out), which is bound^2 / 3.
    assert_mean(weight**2, 2.0 / (fan_in + fan_out))
    last = made.parameters["net.1.weight"]
    assert np.abs(last).max() <= np.sqrt(6.0 / (fan_out + 7))
    assert np.abs(last).max() > 0.99 * np.sqrt(6.0 / (fan_out + 7))


def test_biases_start_at_zero_and_initializing_again_forgets():
    made = with_biases()
    made.initialize(np.random.default_rng(0))
    np.testing.assert_array_equal(made.parameters.values, network().parameters.values)
    for i in range(3):
        assert not made.parameters[f"net.{i}.bias"].any()


def test_label_weights_start_at_standard_normal_and_biases_at_zero(assert_mean):
    made = network((3, 400, 2), n_classes=10)
    rows = made.parameters["net.0.label_weight"]
    assert rows.shape == (10, 400)
    assert_mean(rows.ravel(), 0.0)
    assert_mean(rows.ravel() ** 2, 1.0)
    assert_mean((rows[1:] * rows[:-1]).ravel(), 0.0)  # no two classes start alike
    assert not made.parameters["net.0.bias"].any()
    assert not made.parameters["net.1.bias"].any()


def test_label_weights_are_drawn_last_and_only_where_there_are_labels():
    plain, labelled = network(seed=5), network(seed=5, n_classes=10)
    for name in plain.parameters:
        np.testing.assert_array_equal(labelled.parameters[name], plain.parameters[name])
    left, right = np.random.default_rng(5), np.random.default_rng(5)
    network(rng=left)
    for fan_in, fan_out in pairwise(WIDTHS):
        right.uniform(size=(fan_in, fan_out))
    assert left.bit_generator.state == right.bit_generator.state


def test_a_seed_means_the_same_model_with_labels_but_for_the_decoder():
    plain, labelled = VAE(6, (5,), 2, seed=3), VAE(6, (5,), 2, seed=3, n_classes=4)
    for name in plain.parameters:
        same = np.array_equal(plain.parameters[name], labelled.parameters[name])
        assert same == (name.startswith("encoder") or name.endswith("bias")), name


@pytest.mark.parametrize("n_classes", [None, 3])
def test_a_seed_means_the_same_weights_in_both_precisions(n_classes):
    double = network(seed=5, n_classes=n_classes)
    single = network(dtype="float32", seed=5, n_classes=n_classes)
    rounded = double.parameters.values.astype(np.float32)
    np.testing.assert_array_equal(single.parameters.values, rounded)
    other = network(seed=6, n_classes=n_classes)
    assert (other.parameters.values != double.parameters.values).any()


def test_running_twice_gives_the_same_bits(rng):
    made, x = with_biases(), rng.standard_normal((7, 4))
    for one, two in zip(made.forward(x), made.forward(x), strict=True):
        np.testing.assert_array_equal(one, two)
