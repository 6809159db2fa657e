from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from tinyvae.gradcheck.hull import nearest_point

SQUARE = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])


@pytest.mark.parametrize(
    ("shift", "nearest"),
    [
        ((0.3, -0.2), (0.0, 0.0)),  # inside
        ((1.0, 0.2), (0.0, 0.0)),  # on an edge
        ((3.0, 0.5), (2.0, 0.0)),  # beside an edge
        ((3.0, 2.0), (2.0, 1.0)),  # beyond a corner
    ],
)
def test_nearest_point_of_a_square(shift, nearest):
    np.testing.assert_allclose(nearest_point(SQUARE + shift), nearest, atol=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_no_corner_lies_on_the_near_side_of_the_nearest_point(seed):
    """The plane through x across x has all corners beyond it: that makes x the nearest point."""
    rng = np.random.default_rng(seed)
    n, corners = rng.integers(1, 9), rng.integers(1, 30)
    points = rng.standard_normal((corners, n)) + rng.choice([0.0, 1.0]) * rng.standard_normal(n)
    points = np.vstack([points, points[:1], points.mean(axis=0, keepdims=True)])
    x = nearest_point(points)
    assert np.all(points @ x >= x @ x - 1e-9)
    _, left = nnls(np.vstack([points.T, np.ones(len(points))]), np.append(x, 1.0))
    assert left <= 1e-9  # weights that are not negative and sum to 1 make it


def test_corners_that_are_one_point_are_that_point():
    np.testing.assert_array_equal(nearest_point(np.ones((5, 3))), np.ones(3))
