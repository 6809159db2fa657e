from __future__ import annotations

import fuzz
import numpy as np
import pytest

from tinyvae.gradcheck import check_gradients

METHODS = ("auto", "central", "directions")


def verdicts(report):
    return [a.verdict for a in report.arrays]


def relu(a):
    return np.where(a.real > 0, a, 0.0 * a)


def both(x):
    """Return relu(x) - relu(-x), which is x: its gradient is 1, whatever relu's is at 0."""
    return (np.where(x.real > 0, x, 0.0) - np.where(x.real < 0, -x, 0.0)).sum()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("slope", "passes"), [(1.0, True), (0.0, False), (0.5, False)])
def test_kinks_that_cancel_leave_one_slope(method, slope, passes):
    x = np.array([0.0, 1.0, -2.0])
    claim = np.where(x == 0.0, slope, 1.0)
    assert check_gradients(both, lambda x: claim, x, method=method).passed is passes


# A minimum of three numbers that are tied: its gradients are the corners of a triangle and what
# lies between.  Each of these claims has every entry between 0 and 1.
TRIANGLE = [
    ((1.0, 0.0, 0.0), True),
    ((1 / 3, 1 / 3, 1 / 3), True),
    ((0.2, 0.3, 0.5), True),
    ((0.5, 0.5, 0.5), False),
    ((0.2, 0.3, 0.4), False),
    ((0.0, 0.0, 0.0), False),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("claim", "passes"), TRIANGLE)
def test_gradients_of_a_tie_are_those_between_the_cells(method, claim, passes):
    report = check_gradients(np.min, lambda x: np.array(claim), np.full(3, 2.0), method=method)
    assert report.passed is passes, report


def saddle(x):
    """Return max(a, b) - max(a, c) + |c|, which has no cell for most sums of its kinks."""
    a, b, c = x
    return np.maximum(a, b) - np.maximum(a, c) + np.abs(c)


@pytest.mark.parametrize("method", METHODS)
def test_cell_for_cell_gradients_pass_and_what_only_the_box_holds_does_not(method):
    x = np.zeros(3)
    for claim in ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 1.0, -1.0)):
        assert check_gradients(saddle, lambda x, c=claim: np.array(c), x, method=method).passed
    outside = np.array([1.0, 1.0, 0.0])  # along (1, 1, 0) the slope is between 0 and 1
    assert not check_gradients(saddle, lambda x: outside, x, method=method).passed


def narrow(x):
    """Return a function whose slope by b is 0 but for two narrow cells, where it is 1 and -1."""
    a, b = x
    return np.where(0.1 * a.real + b.real > 0, 0.1 * a + b, 0 * a) - np.where(
        b.real - 0.1 * a.real > 0, b - 0.1 * a, 0 * a
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("slope", "verdict"), [(0.5, "ok"), (-1.0, "ok"), (1.5, "wrong")])
def test_jumps_that_cancel_in_most_cells_are_found_in_the_others(method, slope, verdict):
    claim = np.array([0.1, slope])
    report = check_gradients(narrow, lambda x: claim, np.zeros(2), method=method)
    assert verdicts(report) == [verdict], report


def down_then_up(x):
    """Return a function whose slope by b is -1 where abs(b) < abs(a), else 0."""
    a, b = np.abs(x[0]), x[1]
    return np.maximum(b - a, 0.0) - np.maximum(b + a, 0.0)


@pytest.mark.parametrize(("slope", "verdict"), [(-0.5, "ok"), (0.5, "undecided"), (1.5, "wrong")])
def test_what_jumps_could_add_up_to_in_another_order_is_undecided(slope, verdict):
    report = check_gradients(down_then_up, lambda x: np.array([0.0, slope]), np.zeros(2))
    assert verdicts(report) == [verdict], report


@pytest.mark.parametrize("method", METHODS)
def test_slope_of_zero_that_bends_is_no_kink(method):
    """d/dx of sum(x w |w|) at w = 0 is 0, and changes as its neighbours do."""
    x, w = np.array([1.0, -2.0]), np.array([0.0, 3.0])
    report = check_gradients(
        lambda x, w: np.sum(x * w * np.sqrt(w * w + 1.0) + np.abs(x - 1.0)),
        lambda x, w: (
            w * np.sqrt(w * w + 1.0) + np.sign(x - 1.0),
            x * (2 * w * w + 1.0) / np.sqrt(w * w + 1.0),
        ),
        x, w, method=method,
    )  # fmt: skip
    assert report.passed, report


# Seeds that the long run of ``python -m benchmarks fuzz`` found: a false alarm each.
RIGHT = [
    ("ties", 600_007, "auto"),  # a direction of nothing but noise
    ("ties", 800_031, "auto"),
    ("ties", 800_082, "auto"),  # the cell that shows it is one of many
    ("ties", 800_121, "central"),  # so many kinks on a line that its jumps hide each other
    ("ties", 800_127, "auto"),  # zero slopes that are rounding
    ("ties", 900_023, "auto"),  # jumps of two kinks that cancel in the cells seen
    ("ties", 900_048, "central"),  # ... and along the whole array
    ("ties", 900_078, "auto"),
    ("ties", 900_137, "auto"),
    ("ties", 940_081, "central"),  # a jump below what differences see
    ("ties", 3_000_073, "auto"),
    ("ties", 5_000_917, "auto"),  # nothing but rounding
    ("layout", 5_000_798, "central"),  # rounding measured where arrays hardly moved
    ("layout", 9_000_818, "auto"),  # terms that cancel, and leave the rounding of what is large
    ("general", 9_002_589, "auto"),
    ("ties", 9_000_127, "central"),  # a small kink beside large ones
    ("ties", 9_000_463, "central"),
    ("ties", 9_001_972, "central"),  # jumps that cancel in every cell seen, but not along the entry
    ("ties", 9_002_887, "central"),
    ("ties", 9_003_241, "central"),
    ("ties", 9_001_441, "central"),  # slopes of zero that change as a square does
    ("ties", 9_001_570, "central"),
]


@pytest.mark.parametrize(("kind", "seed", "method"), RIGHT)
def test_right_expression_that_was_called_wrong_once(kind, seed, method):
    expression = fuzz.Expression(seed, kind)
    report = check_gradients(*fuzz.question(expression), method=method)
    assert "wrong" not in verdicts(report), report


def test_function_that_is_zero_but_for_rounding_passes_and_does_not_jump():
    expression = fuzz.Expression(9_001_150, "ties")
    report = check_gradients(*fuzz.question(expression), method="directions")
    assert report.passed, report


def test_imaginary_part_lost_beside_kinks_is_noticed():
    """At 0 a complex slope of 0 lies between those of abs, also where it should be another one."""
    b = np.array([0.0, 0.0, -1.0, 0.0])
    report = check_gradients(
        lambda b, w: (w / (1.0 + np.abs(b))).sum(), lambda b, w: (0 * b, 1.0 / (1.0 + np.abs(b))),
        b, np.full(4, 2.0),
    )  # fmt: skip
    assert verdicts(report)[0] == "wrong"
    expression = fuzz.wrong(3_000_295, "ties")
    assert not check_gradients(*fuzz.question(expression)).passed


def test_many_ties_are_all_seen():
    """A few cells show a few of them; each is pushed to where it is the largest."""
    x = np.full(40, 2.0)
    assert check_gradients(np.max, lambda x: np.full(40, 1 / 40), x).passed
    assert not check_gradients(np.max, lambda x: np.full(40, 1 / 39), x).passed


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("distance", 10.0 ** -np.arange(3.0, 9.0))
def test_kink_at_the_point_excuses_none_beside_it(method, distance):
    def function(x):
        return relu(x[0] - 1.0) + relu(x[1] - 1.0 + distance) + 100.0 * x[2] ** 2

    def verdict(slope):
        claim = np.array([0.3, slope, 200.0])
        return verdicts(check_gradients(function, lambda x: claim, np.ones(3), method=method))[0]

    assert verdict(1.0) != "wrong"
    assert "ok" not in (verdict(0.5), verdict(0.0), verdict(1.01))


@pytest.mark.parametrize("method", ["auto", "central"])
@pytest.mark.parametrize(
    ("claimed", "right"),
    [((2.0, 0.0), True), ((0.0, 0.0), True), ((1.0, 100.0), True), ((3.0, 0.0), False),
     ((-0.5, 0.0), False)],
)  # fmt: skip
def test_kinks_that_cancel_where_the_other_entry_decides(method, claimed, right):
    """relu(a + 100 b) + relu(a - 100 b): in nearly all cells its slope along a is 1."""

    def f(x):
        steep = np.array([x[0] + 100.0 * x[1], x[0] - 100.0 * x[1]])
        return np.where(steep.real > 0, steep, 0.0).sum()

    report = check_gradients(f, lambda x: np.array(claimed), np.zeros(2), method=method)
    assert report.passed == right, report
    assert right or report.arrays[0].verdict == "wrong"
