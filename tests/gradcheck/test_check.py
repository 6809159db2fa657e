from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tinyvae.gradcheck import GradientError, check_gradients

X = np.random.default_rng(0).normal(size=(4, 3))


def dense(x, w, b):
    return x @ w + b


def dense_backward(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


LAYER = (X, np.random.default_rng(1).normal(size=(3, 2)), np.zeros(2))


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


@pytest.mark.parametrize(
    ("function", "gradient", "inputs"),
    [
        (lambda x: np.sum(x**3), lambda x: 3 * x**2, (X,)),
        (lambda x: np.sum(x**3), 3 * X**2, (X,)),
        (lambda x: np.sum(np.sin(x)), np.cos, (X,)),
        (lambda x: (np.sum(x**3), 3 * x**2), True, (X,)),
        (lambda x: x**2, lambda x: 2 * x, (1.5,)),
        (lambda x: (np.sum(x**3), x), lambda cache: 3 * cache**2, (X,)),
        (lambda x: (np.sum(x**3), x), lambda dy, cache: 3 * dy * cache**2, (X,)),
        (lambda x: np.sum(x**3), lambda dy, x: 3 * dy * x**2, (X,)),
        (dense, dense_backward, LAYER),
        (
            dense,
            lambda dy, x, w, b: dict(zip("xwb", dense_backward(dy, x, w, b), strict=True)),
            LAYER,
        ),
        (
            lambda x, w, b: (x @ w + b, (x, w, b)),
            lambda dy, cache: dense_backward(dy, *cache),
            LAYER,
        ),
        (Tanh().forward, None, (X,)),
        (
            lambda x, labels: np.sum(x[np.arange(4), labels] ** 2),
            lambda x, labels: 2 * x * (np.arange(3) == labels[:, None]),
            (X, np.array([0, 2, 1, 1])),
        ),
        (
            lambda p: np.sum(p["w"] * p["v"]),
            lambda p: {"w": p["v"], "dv": p["w"]},
            ({"w": X, "v": X**2},),
        ),
        (
            lambda p, x: np.sum(p["w"] * x),
            lambda p, x: ({"w": x}, p["w"]),
            ({"w": X}, X**2),
        ),
        (
            lambda p, x: x @ p["w"],
            lambda dy, p, x: ({"w": x.T @ dy}, dy @ p["w"].T),
            ({"w": LAYER[1]}, X),
        ),
    ],
)
@pytest.mark.parametrize("method", ["auto", "complex", "central", "directions"])
def test_every_way_to_write_a_right_gradient_passes(function, gradient, inputs, method):
    gradient = function.__self__.backward if gradient is None else gradient
    report = check_gradients(function, gradient, *inputs, method=method)
    assert report.passed, report
    assert report.worst_error < (1e-14 if method != "central" else 1e-8)
    report.raise_if_failed()


def test_wrong_array_is_named_with_its_worst_entry():
    def backward(dy, x, w, b):
        dw = x.T @ dy
        dw[2, 1] += 0.5
        return dy @ w.T, dw, dy.sum(axis=0)

    report = check_gradients(dense, backward, *LAYER)
    assert [a.verdict for a in report.arrays] == ["ok", "wrong", "ok"]
    assert report.arrays[1].worst.index == (2, 1)
    assert report.arrays[1].worst.analytic - report.arrays[1].worst.numeric == pytest.approx(0.5)
    with pytest.raises(GradientError, match=r"w: Wrong only in (rows 2|columns 1)"):
        report.raise_if_failed()


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1.0, 1e6])
def test_scale_of_function_does_not_matter(size):
    right = check_gradients(lambda x: size * np.sum(x**3), lambda x: 3 * size * x**2, X)
    wrong = check_gradients(lambda x: size * np.sum(x**3), lambda x: 3.001 * size * x**2, X)
    assert right.passed
    assert not wrong.passed


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1e6])
@pytest.mark.parametrize("method", ["complex", "central"])
def test_scale_of_inputs_does_not_matter(size, method):
    def f(x):
        return np.sum(np.sin(x / size))

    assert check_gradients(f, lambda x: np.cos(x / size) / size, size * X, method=method).passed
    wrong = check_gradients(f, lambda x: 1.001 * np.cos(x / size) / size, size * X, method=method)
    assert not wrong.passed


def test_wrong_in_one_tiny_entry_is_seen():
    x = np.array([1.0, 1e-11])
    report = check_gradients(lambda x: np.sum(x**2), lambda x: np.array([2 * x[0], 3 * x[1]]), x)
    assert report.arrays[0].worst.index == (1,)
    assert report.arrays[0].error < 1e-10
    assert not report.passed


def test_fast_oscillations_are_resolved():
    def f(x):
        return np.sum(np.sin(1e4 * x))

    right = check_gradients(f, lambda x: 1e4 * np.cos(1e4 * x), X, method="central")
    wrong = check_gradients(f, lambda x: 1.001e4 * np.cos(1e4 * x), X, method="central")
    assert right.passed
    assert not wrong.passed


def test_gradient_that_is_zero_up_to_rounding_passes():
    def f(x):
        e = np.exp(x)
        return np.sum(e / e.sum())

    for method in ("complex", "central"):
        assert check_gradients(f, lambda x: 1e-17 * x, X, method=method).passed
        assert not check_gradients(f, lambda x: 1e-8 * x, X, method=method).passed


@pytest.mark.parametrize(("method", "constant"), [("complex", 1e12), ("central", 1e9)])
def test_added_constant_hides_nothing(method, constant):
    def f(x):
        return constant + np.sum(np.sin(x))

    assert check_gradients(f, np.cos, X, method=method).passed
    assert not check_gradients(f, lambda x: 1.01 * np.cos(x), X, method=method).passed


@pytest.mark.parametrize("x", [-14.8, 9.0, 17.0])
def test_digits_lost_in_saturation_are_no_error(x):
    x = np.array([[x, -x]])
    assert check_gradients(np.tanh, lambda dy, x: dy * (1 - np.tanh(x) ** 2), x).passed


def test_differences_of_a_function_that_rounding_hides_are_undecided():
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 2**62, 1000)

    def f(x):  # the same error at the same x, as rounding is
        return np.sum(np.sin(x)) + 1e-2 * cells[hash(x.tobytes()) % 1000] / 2**62

    report = check_gradients(f, np.cos, X, method="central")
    assert [a.verdict for a in report.arrays] == ["undecided"]
    assert not report.passed
    assert "can say no more" in str(report)


def test_large_arrays_are_sampled_and_crossed():
    x = np.random.default_rng(3).normal(size=(150, 100))
    report = check_gradients(lambda x: np.sum(np.sin(x)), np.cos, x)
    assert report.passed
    assert report.arrays[0].coverage == "25 of 15,000 + 3 directions"

    def one_wrong(x):
        g = np.cos(x)
        g[77, 55] += 1e-3
        return g

    assert not check_gradients(lambda x: np.sum(np.sin(x)), one_wrong, x).passed


def test_largest_entry_is_in_every_sample():
    x = np.full(20_000, 1e-9)
    x[12_345] = 1.0
    report = check_gradients(lambda x: np.sum(x**2), lambda x: 2 * x, x)
    assert 12_345 in report.arrays[0].indices


def test_entries_limits_the_work():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    x = np.random.default_rng(3).normal(size=1000)
    report = check_gradients(f, lambda x: 2 * x, x, entries=5)
    assert report.arrays[0].coverage == "5 of 1,000 + 3 directions"
    assert len(calls) < 150


def test_same_seed_same_report():
    x = np.random.default_rng(3).normal(size=20)
    one, two = (
        check_gradients(lambda x: np.sum(x**3), lambda x: 3 * x**2, x, entries=4, seed=s).to_dict()
        for s in (7, 7)
    )
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_none_is_not_claimed():
    report = check_gradients(dense, lambda dy, x, w, b: (None, x.T @ dy, dy.sum(axis=0)), *LAYER)
    assert report.passed
    assert report.arrays[0].verdict == "skipped"
    nothing = check_gradients(lambda x: np.sum(x), None, X)
    assert not nothing.passed


def test_writing_into_arguments_does_not_fool_the_check():
    def f(x):
        x *= 2.0
        return np.sum(x**2)

    kept = X.copy()
    report = check_gradients(f, lambda x: 4 * x, X)  # 8 x at the x it was given, halved
    assert np.array_equal(kept, X)
    assert report.passed
    assert "writes into its argument x" in str(report)


def softmax(a):
    e = np.exp(a - a.real.max())
    return e / e.sum()


@pytest.mark.parametrize("size", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("share", [1e-3, 1e-5, 1e-7])
def test_rounding_of_terms_that_cancel_is_no_error_and_hides_none(size, share):
    """A softmax hands on its weights' differences; what it rounds is as large as the weights."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        logits, weights = rng.normal(size=4), 1.0 + share * rng.normal(size=4)
        b = size * rng.normal(size=1)

        def function(b, logits=logits, weights=weights):
            return np.sum(weights * softmax(logits / (1.0 + b * b)))

        def gradient(b, logits=logits, weights=weights):
            y = softmax(logits / (1.0 + b * b))
            dlogits = y * (weights - (weights * y).sum())
            return -2.0 * b * (dlogits * logits).sum() / (1.0 + b * b) ** 2

        report = check_gradients(function, gradient, b, method="complex")
        assert report.passed, report
        wrong = check_gradients(function, lambda b, g=gradient: 1.01 * g(b), b, method="complex")
        assert not wrong.passed, wrong


def test_roughness_as_large_as_the_gradient_is_not_taken_for_rounding():
    """A function's own noise may hide its gradient; then a wrong one must not pass for zero."""
    passed = 0
    for seed in range(12):
        values = np.random.default_rng(seed).random(1000)

        def f(x, values=values):
            place = hashlib.blake2b(x.tobytes(), digest_size=4).digest()
            return np.sum(np.sin(x)) + 0.1 * values[int.from_bytes(place, "big") % 1000]

        passed += check_gradients(f, lambda x: -np.cos(x), X, method="central").passed
    assert passed <= 2
