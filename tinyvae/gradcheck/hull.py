"""The point of a convex hull that is nearest to the origin (Wolfe, 1976)."""

from __future__ import annotations

import numpy as np

from tinyvae.gradcheck.problem import Array


def nearest_point(corners: Array) -> Array:
    """Return the point of the convex hull of ``corners``, a corner a row, nearest to the origin.

    A few corners are kept, in whose affine hull the nearest point is also inside their convex
    hull; the corner that leads on is added, and those that get a negative weight go.

    Wolfe (1976), "Finding the nearest point in a polytope", section 2.
    """
    squares = np.einsum("ij,ij->i", corners, corners)
    kept, weights = [int(np.argmin(squares))], np.ones(1)
    point = corners[kept[0]]
    for _ in range(10 * len(corners)):
        along = corners @ point
        leads_on = int(np.argmin(along))
        if along[leads_on] >= point @ point - 1e-12 * squares.max() or leads_on in kept:
            break
        kept, weights = [*kept, leads_on], np.append(weights, 0.0)
        while True:
            best = _affine_weights(corners[kept])
            if (best > 1e-12).all():
                weights = best
                break
            falling = best < weights
            share = np.min(weights[falling] / (weights - best)[falling], initial=1.0)
            weights = weights + share * (best - weights)
            stay = weights > 1e-12
            kept, weights = [k for k, s in zip(kept, stay, strict=True) if s], weights[stay]
        point = weights @ corners[kept]
    return np.asarray(point)


def _affine_weights(corners: Array) -> Array:
    """Return weights that sum to 1 and make the shortest vector of the corners."""
    first, others = corners[0], corners[1:] - corners[0]
    solved = np.linalg.lstsq(others.T, -first, rcond=None)[0]
    return np.concatenate([[1.0 - solved.sum()], solved])
