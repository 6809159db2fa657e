"""One vector: names are views into it, in the order in which they were given."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.model.parameters import Parameters

SHAPES = {"a.weight": (2, 3), "a.bias": (3,), "b.weight": (3, 1), "b.bias": (1,)}


@pytest.fixture
def parameters():
    return Parameters(SHAPES, "float64")


def test_views_and_vector_are_the_same_memory(parameters):
    parameters.values[:] = np.arange(13.0)
    np.testing.assert_array_equal(parameters["a.weight"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(parameters["b.bias"], [12])
    parameters["a.bias"][1] = -7.0
    assert parameters.values[7] == -7.0
    for name in SHAPES:
        assert np.shares_memory(parameters[name], parameters.values)
        assert not np.shares_memory(parameters[name], parameters.gradients)


def test_gradients_have_the_same_layout(parameters):
    parameters.gradients[:] = np.arange(13.0)
    for name in SHAPES:
        gradient = parameters.gradient(name)
        assert np.shares_memory(gradient, parameters.gradients)
        np.testing.assert_array_equal(gradient, parameters.view(name, np.arange(13.0)))
        assert gradient.shape == SHAPES[name]
    assert not parameters.values.any()


def test_the_vector_is_all_arrays_end_to_end(parameters):
    parameters.values[:] = np.random.default_rng(0).standard_normal(13)
    joined = np.concatenate([parameters[name].ravel() for name in parameters])
    np.testing.assert_array_equal(joined, parameters.values)
    assert parameters.size == parameters.values.size == parameters.gradients.size == 13
    assert parameters.values.flags["C_CONTIGUOUS"]


def test_it_is_a_mapping_in_order(parameters):
    assert list(parameters) == list(parameters.names) == list(SHAPES)
    assert len(parameters) == 4
    assert "a.bias" in parameters
    assert "a.scale" not in parameters
    with pytest.raises(KeyError):
        parameters["a.scale"]
    assert "13" in repr(parameters)


def test_name_at_knows_where_every_entry_lies(parameters):
    lengths = [int(np.prod(shape)) for shape in SHAPES.values()]
    expected = [name for name, n in zip(SHAPES, lengths, strict=True) for _ in range(n)]
    assert [parameters.name_at(i) for i in range(13)] == expected
