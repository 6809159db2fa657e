"""The mean row and the spread, against NumPy's own, in whatever units the data are kept."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.data.moments import _ROWS, mean_of, spread_of, variances_of


@pytest.mark.parametrize("rows", [2, _ROWS, 2 * _ROWS + 3])
def test_mean_and_spread_of_columns_that_differ(rng, rows):
    x = rng.standard_normal((rows, 3)) * [1.0, 5.0, 0.1] + [0.0, 100.0, -3.0]
    np.testing.assert_allclose(mean_of(x), x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variances_of(x), x.var(axis=0), rtol=1e-12)
    assert spread_of(x) == pytest.approx(np.sqrt(x.var(axis=0).mean()), rel=1e-12)
    assert spread_of(x.astype(np.float32)) == pytest.approx(spread_of(x), rel=1e-5)


def test_grey_levels_are_over_255(rng):
    x = rng.integers(0, 256, (50, 4), dtype=np.uint8)
    np.testing.assert_allclose(mean_of(x), (x / 255).mean(axis=0), rtol=1e-12)
    assert spread_of(x) == pytest.approx(spread_of(x / 255), rel=1e-12)


def test_numbers_near_the_largest_have_a_mean():
    x = np.full((3, 2), 1e308)
    np.testing.assert_array_equal(mean_of(x), 1e308)
    assert spread_of(x) == 0.0
    assert spread_of(x * [[1.0], [-1.0], [1.0]]) == np.inf
