from __future__ import annotations

import numpy as np
import pytest

from tinyvae.gradcheck import check_gradients

W = np.arange(1.0, 13.0).reshape(4, 3)


def read_only(a):
    frozen = a.copy()
    frozen.flags.writeable = False
    return frozen


LAYOUTS = {
    "fortran": np.asfortranarray(W),
    "transposed": W.T,
    "strided": np.repeat(W, 2, axis=1)[:, ::2],
    "reversed": W[::-1, ::-1],
    "broadcast": np.broadcast_to(W[:1], (4, 3)),
    "read-only": read_only(W),
    "overlapping": np.lib.stride_tricks.sliding_window_view(W.reshape(-1), 3),
    "0-d": np.array(2.5),
    "zero-size beside": W,
}


@pytest.mark.parametrize("method", ["auto", "central", "directions"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gets_the_verdict_of_a_contiguous_copy(name, method):
    w = LAYOUTS[name]
    kept = np.array(w)
    for factor in (2.0, 0.0, 2.001):
        one, other = (
            check_gradients(lambda w: (w**2).sum(), lambda w, c=factor: c * w, a, method=method)
            for a in (w, np.array(w, order="C"))
        )
        assert one.passed == other.passed == (factor == 2.0)
        assert [a.error for a in one.arrays] == [a.error for a in other.arrays]
    assert np.array_equal(w, kept)


def test_wrong_gradient_beside_an_empty_input_is_a_verdict():
    report = check_gradients(
        lambda x, empty: (x**2).sum() + empty.sum(),
        lambda x, empty: (0 * x, empty),
        W, np.zeros((0, 3)),
    )  # fmt: skip
    assert [a.verdict for a in report.arrays] == ["wrong", "skipped"]


@pytest.mark.parametrize("size", [1e9, 1e13])
def test_rounding_is_relative_to_the_gradient_not_to_the_function(size):
    x = np.array([1.0, 2.0, 3.0]) * size
    for method in ("complex", "central"):
        assert check_gradients(lambda x: np.log(x).sum(), lambda x: 1 / x, x, method=method).passed
        for factor in (1.0001, -1.0):
            wrong = check_gradients(
                lambda x: np.log(x).sum(), lambda x, c=factor: c / x, x, method=method
            )
            assert not wrong.passed


def test_bend_sharper_than_differences_can_follow_is_undecided_and_listed():
    x = np.array([1.0, 0.0, -2.0, 0.0])

    def smoothed(x):
        return np.sqrt(x * x + 1e-16).sum()

    report = check_gradients(smoothed, lambda x: x / np.sqrt(x * x + 1e-16), x, method="central")
    assert report.arrays[0].verdict == "undecided"
    assert "undecided at [1], [3]" in str(report)
    assert check_gradients(smoothed, lambda x: x / np.sqrt(x * x + 1e-16), x).passed


def test_directions_across_kinks_alone_decide_nothing():
    x = np.zeros(5_000)
    report = check_gradients(
        lambda x: np.maximum(x, 0).sum(), lambda x: 0.5 + 0 * x, x, method="directions"
    )
    assert not report.passed
    assert report.arrays[0].verdict == "undecided"
    assert "decides nothing" in str(report)


def test_function_that_jumps_is_undecided():
    report = check_gradients(
        lambda x: np.where(x.real >= 1, 2 * x, x).sum(), lambda x: np.where(x >= 1, 2.0, 1.0),
        np.array([1.0, 3.0]),
    )  # fmt: skip
    assert report.arrays[0].verdict == "undecided"


def test_ties_of_two_arrays_share_one_gradient():
    a = np.array([1.0, 2.0, 3.0, 1.0])
    b = np.array([1.0, 2.0, 0.0, 2.0])
    for method in ("auto", "central", "directions"):
        for shares, right in (((1, 0), True), ((0.5, 0.5), True), ((1, 1), False), ((0, 0), False)):

            def backward(dy, a, b, shares=shares):
                tie = a == b
                return dy * ((a > b) + shares[0] * tie), dy * ((a < b) + shares[1] * tie)

            assert check_gradients(np.maximum, backward, a, b, method=method).passed == right
