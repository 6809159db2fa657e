from __future__ import annotations

import fuzz
import pytest

from tinyvae.gradcheck import check_gradients

# A share of what ``python -m benchmarks fuzz`` does; the seeds are others.
SEEDS = {"auto": range(1_000_000, 1_000_045), "central": range(1_000_045, 1_000_063),
         "directions": range(1_000_063, 1_000_090)}  # fmt: skip
CASES = [
    (kind, m, s) for kind in ("general", "ties", "layout") for m in SEEDS for s in SEEDS[m][::3]
]


@pytest.mark.parametrize(("kind", "method", "seed"), CASES)
def test_right_expression_is_not_called_wrong(kind, method, seed):
    expression = fuzz.right(seed, kind)
    if expression is None:  # nobody can tell whether it is right
        return
    report = check_gradients(*fuzz.question(expression), method=method)
    verdicts = [a.verdict for a in report.arrays]
    assert "wrong" not in verdicts or fuzz.truth(expression) != "right", f"{expression}\n{report}"
    assert report.passed or "undecided" in verdicts or "wrong" in verdicts


@pytest.mark.parametrize(("kind", "method", "seed"), CASES)
def test_slip_does_not_pass(kind, method, seed):
    expression = fuzz.wrong(seed, kind)
    if expression is None:  # none of eight slips made this one wrong
        return
    report = check_gradients(*fuzz.question(expression), method=method)
    assert not report.passed or fuzz.truth(expression) != "wrong", f"{expression}\n{report}"


@pytest.mark.parametrize("seed", [8_000_092, 9_002_461])
def test_slip_that_the_drawn_cotangent_makes_right_is_known_for_it(seed):
    """At a kink a claim may be too large for one dy and lie between the slopes for another."""
    expression = fuzz.wrong(seed, "ties")
    assert expression is not None
    assert check_gradients(*fuzz.question(expression)).passed
    assert expression.dy is not None
    assert fuzz.truth(expression) == "right"
    expression.dy = 0.0 * expression.dy
    assert fuzz.truth(expression) == "wrong"


def test_function_that_explodes_far_away_hides_nothing():
    """Its value varies by 1e20 over the size of its inputs, of which nothing may follow here."""
    expression = fuzz.wrong(82, "ties")
    assert expression is not None
    assert not check_gradients(*fuzz.question(expression)).passed
