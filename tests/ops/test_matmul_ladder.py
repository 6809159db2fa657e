"""The ladder of plain loops: every step climbs to the same product, whole or in rows."""

import numpy as np
import pytest

from tinyvae.ops import matmul_ladder

# Batch 1, one column, odd sizes, sizes that are no multiple of a block.
SHAPES = [(1, 1, 1), (3, 5, 2), (7, 2, 9), (10, 13, 6)]


def arrays(rng, *shapes):
    return [rng.normal(size=shape) for shape in shapes]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("multiply", [matmul_ladder.multiply_naive, matmul_ladder.multiply_by_rows])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_three_products_are_one_product_of_views(multiply, shape, rng):
    n, fan_in, fan_out = shape
    x, weight, da = arrays(rng, (n, fan_in), (fan_in, fan_out), (n, fan_out))
    for a, b in ((x, weight), (x.T, da), (da, weight.T)):
        out = np.full((len(a), b.shape[1]), np.nan)
        multiply(a, b, out)
        close(out, a @ b)


@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_add_to_what_is_there(shape, rng):
    n, fan_in, fan_out = shape
    x, weight, da = arrays(rng, (n, fan_in), (fan_in, fan_out), (n, fan_out))
    for a, b in ((x, weight), (x.T, da)):
        (before,) = arrays(rng, (len(a), b.shape[1]))
        out = before.copy()
        matmul_ladder.add_blocked(a, b, out, 0, len(a))
        close(out, before + a @ b)


@pytest.mark.parametrize("shape", SHAPES)
def test_dot_products_need_no_transposing(shape, rng):
    n, fan_in, fan_out = shape
    da, weight = arrays(rng, (n, fan_out), (fan_in, fan_out))
    out = np.full((n, fan_in), np.nan)
    matmul_ladder.multiply_dots(da, weight, out, 0, n)
    close(out, da @ weight.T)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (1, 4), (2, 9), (5, 10), (9, 10)])
def test_splitting_the_rows_changes_no_bit_and_touches_no_other_row(start, stop, rng):
    x, weight, da = arrays(rng, (10, 13), (13, 6), (10, 6))
    for multiply, a, b, width in (
        (matmul_ladder.add_blocked, x, weight, 6),
        (matmul_ladder.multiply_dots, da, weight, 13),
    ):
        whole, part = np.ones((10, width)), np.ones((10, width))
        multiply(a, b, whole, 0, 10)
        multiply(a, b, part, start, stop)
        np.testing.assert_array_equal(part[start:stop], whole[start:stop])
        assert (part[:start] == 1.0).all()
        assert (part[stop:] == 1.0).all()


def test_nan_and_infinity_pass_through_where_they_belong(rng):
    x, weight = arrays(rng, (6, 9), (9, 5))
    x[2, 3], weight[5, 4] = np.nan, np.inf
    out = np.zeros((6, 5))
    matmul_ladder.add_blocked(x, weight, out, 0, 6)
    dots = np.empty((6, 5))
    matmul_ladder.multiply_dots(x, np.ascontiguousarray(weight.T), dots, 0, 6)
    for found in (out, dots):
        assert np.isnan(found[2]).all()
        assert not np.isfinite(found[:, 4]).any()
        assert np.isfinite(np.delete(found, 2, axis=0)[:, :4]).all()
