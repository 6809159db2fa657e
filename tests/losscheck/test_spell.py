from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvae.losscheck.spell import simplify, spell


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.0, "1"),
        (0.5, "1/2"),
        (1 / 784, "1/784"),
        (0.00025, "0.00025"),
        (-2.0, "-2"),
        (0.1, "0.1"),
        (1 / 3, "1/3"),
        (1 / math.log(2), "1/log 2"),
        (math.pi, "pi"),
        (0.7390851332, "0.739085"),
        (100352.0, "100352"),
    ],
)
def test_numbers_as_a_person_writes_them(value, words):
    assert spell(value) == words


@given(st.integers(1, 5000))
def test_one_over_n_is_found_within_the_error_and_only_there(n):
    assert simplify((1.0 + 3e-13) / n, 1e-12) == Fraction(1, n)
    assert simplify((1.0 + 1e-7) / n, 1e-12) != Fraction(1, n)


def test_a_rough_measurement_is_not_simplified():
    assert simplify(1.03, 0.05) is None
    assert spell(1.03, 0.05) == "1.03 +- 0.05"
    assert simplify(1 / 78412, 1e-5) is None
