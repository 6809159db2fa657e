from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyvae.gradcheck import check_gradients

X = np.random.default_rng(0).normal(size=(5, 4))
W = np.random.default_rng(1).normal(size=(4, 3))


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**31), st.floats(1e-6, 10.0))
def test_random_errors_are_found_and_nothing_is_said(seed, size):
    error = np.random.default_rng([9, seed]).normal(size=X.shape)
    report = check_gradients(np.tanh, lambda dy, x: dy * (1 - np.tanh(x) ** 2) + size * error, X)
    assert not report.passed
    assert report.findings == ()
    assert "none that this check knows" in str(report)


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.sampled_from([1e-3, 1e-5]), st.integers(0, 2**31))
def test_pattern_with_noise_on_top_is_not_named(noise, seed):
    error = noise * np.random.default_rng([9, seed]).normal(size=X.shape)
    report = check_gradients(np.tanh, lambda dy, x: 2 * dy * (1 - np.tanh(x) ** 2) + error, X)
    assert not report.passed
    assert report.findings == ()


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("factor", [-1.0, 2.0, 0.5, 5.0, 0.2, 20.0, 0.37])
def test_factors_are_read_off(method, factor):
    report = check_gradients(lambda x: np.sum(x**3), lambda x: 3 * factor * x**2, X, method=method)
    (finding,) = report.findings
    assert finding.kind == ("sign" if factor == -1 else "factor")
    words = {
        5.0: "5, the batch size",
        0.2: "1/5, 5 being the batch size",
        20.0: "number of entries",
    }
    assert words.get(factor, "the right one") in finding.saw


def test_unknown_factor_of_one_number_is_not_named():
    report = check_gradients(lambda x: x**2, lambda x: 2.2 * x, 1.5)
    assert not report.passed
    assert report.findings == ()


def test_factor_of_two_beside_an_axis_of_two_names_both_causes():
    x = X[:2]
    report = check_gradients(lambda x: np.sum(x**2), lambda x: x, x)
    (finding,) = report.findings
    assert "2 also being the batch size of x" in finding.saw
    assert "the 2 of a square's derivative" in finding.cause
    assert "a mean on one side and a sum on the other" in finding.cause


@pytest.mark.parametrize("preactivation", [None, X @ W])
@pytest.mark.parametrize(("own", "other"), [("sigmoid", "tanh"), ("tanh", "sigmoid")])
def test_formula_of_another_activation_on_the_output_is_named(own, other, preactivation):
    value = {
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "tanh": np.tanh,
    }[own]
    slope = {"tanh": lambda y: 1 - y**2, "sigmoid": lambda y: y * (1 - y)}

    def forward(x, weight):
        return value(x @ weight)

    def backward(dy, x, weight):
        da = dy * slope[other](value(x @ weight))
        return da @ weight.T, x.T @ da

    report = check_gradients(forward, backward, X, W, preactivation=preactivation)
    (finding,) = report.findings
    assert finding.arrays == ("x", "weight")
    assert f"the derivative of {other} written with the output of {own}" in finding.saw


def test_preactivation_hint_names_a_wrong_activation():
    def swish(x, w):
        a = x @ w
        return a / (1 + np.exp(-a))

    def backward(dy, x, w):
        da = dy / (1 + np.exp(-(x @ w)))
        return da @ w.T, x.T @ da

    alone = check_gradients(swish, backward, X, W)
    assert [f.arrays for f in alone.findings if f.kind == "activation"] == [("x",)]
    told = check_gradients(swish, backward, X, W, preactivation=X @ W)
    assert told.findings[0].arrays == ("x", "w")
    assert "derivative of softplus" in told.findings[0].saw
    assert "activation is swish" in told.findings[0].cause


def test_terms_may_be_functions_or_gradients():
    def loss(x, w):
        return np.sum((x @ w) ** 2) + 0.05 * np.sum(w**2)

    def gradient(x, w):
        return 2 * (x @ w) @ w.T, 2 * x.T @ (x @ w)

    for term in (lambda x, w: 0.05 * np.sum(w**2), (np.zeros_like(X), 0.1 * W)):
        report = check_gradients(loss, gradient, X, W, terms={"decay": term})
        assert "w: The gradient lacks the decay term." in str(report)


def test_sampled_gradients_are_diagnosed_too():
    x = np.random.default_rng(2).normal(size=(120, 120))
    report = check_gradients(lambda x: np.sum(x**3), lambda x: 3 * x.T**2, x)
    assert report.arrays[0].checked == 100
    assert report.findings[0].kind == "transposed"
