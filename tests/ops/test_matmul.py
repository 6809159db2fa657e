"""The matrix kernels against NumPy: every shape, every split of the rows, every implementation."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tinyvae.ops import loops, matmul, reference
from tinyvae.ops.fast import adam_constants

# Batch 1, one column, odd sizes, more columns than a tile, a contraction longer than a panel.
SHAPES = [
    (1, 1, 1),
    (3, 5, 2),
    (7, 2, 33),
    (13, 37, 24),
    (5, 300, 41),
    (64, 20, 70),
    (9, 11, 130),
    (5, 9, 100),
]
IMPLEMENTATIONS = {"chosen": matmul, "loops": loops}


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=IMPLEMENTATIONS)
def kernels(request):
    return IMPLEMENTATIONS[request.param]


def close(found, expected, longest):
    """Rounding of the longest sum: its length, in units of the last place, at the typical size."""
    scale = np.abs(expected).max() + 1.0
    atol = max(longest, 8) * np.finfo(found.dtype).eps * scale
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def arrays(rng, dtype, *shapes):
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_three_products(kernels, shape, dtype, rng):
    n, fan_in, fan_out = shape
    x, weight, bias, da = arrays(
        rng, dtype, (n, fan_in), (fan_in, fan_out), (fan_out,), (n, fan_out)
    )
    h, dx, dweight = np.empty_like(da), np.empty_like(x), np.empty_like(weight)
    kernels.forward_rows(x, weight, bias, h, 0, n)
    kernels.backward_input_rows(da, weight, dx, 0, n)
    kernels.weight_gradient_rows(x, da, dweight, 0, fan_in)
    double = [array.astype(float) for array in (x, weight, bias, da)]
    close(h, double[0] @ double[1] + double[2], fan_in)
    close(dx, double[3] @ double[1].T, fan_out)
    close(dweight, double[0].T @ double[3], n)


@pytest.mark.parametrize("shape", [(13, 37, 24), (64, 20, 70), (31, 300, 41)])
def test_splitting_the_rows_changes_no_bit_and_touches_no_other_row(shape, dtype, rng):
    n, fan_in, fan_out = shape
    x, weight, bias, da = arrays(
        rng, dtype, (n, fan_in), (fan_in, fan_out), (fan_out,), (n, fan_out)
    )
    for kernel, rows, like, arguments in (
        (matmul.forward_rows, n, da, (x, weight, bias)),
        (matmul.backward_input_rows, n, x, (da, weight)),
    ):
        whole = np.empty_like(like)
        kernel(*arguments, whole, 0, rows)
        for _ in range(4):
            start, stop = sorted(rng.integers(0, rows + 1, 2))
            part = np.full_like(like, 77.0)
            kernel(*arguments, part, start, stop)
            np.testing.assert_array_equal(part[start:stop], whole[start:stop])
            assert (part[:start] == 77.0).all()
            assert (part[stop:] == 77.0).all()
    whole = np.empty_like(weight)
    matmul.weight_gradient_rows(x, da, whole, 0, fan_in)
    start = fan_in // 3
    part = np.full_like(weight, 77.0)
    matmul.weight_gradient_rows(x, da, part, start, fan_in)
    np.testing.assert_array_equal(part[: fan_in - start], whole[start:])
    assert (part[fan_in - start :] == 77.0).all()


def test_nan_and_infinity_pass_through_where_they_belong(kernels, rng):
    x, weight, bias = arrays(rng, "float32", (6, 9), (9, 30), (30,))
    x[2, 3], weight[5, 7] = np.nan, np.inf
    h = np.empty((6, 30), np.float32)
    kernels.forward_rows(x, weight, bias, h, 0, 6)
    assert np.isnan(h[2]).all()
    assert not np.isfinite(h[:, 7]).any()
    assert np.isfinite(np.delete(np.delete(h, 2, axis=0), 7, axis=1)).all()


@pytest.mark.parametrize(("start", "stop"), [(0, 70), (3, 69), (40, 41)])
def test_the_update_is_adam_on_the_product(start, stop, dtype, rng):
    x, da, weight, m, v = arrays(rng, dtype, (13, 70), (13, 19), (70, 19), (70, 19), (70, 19))
    v = np.abs(v)
    expected = [array.astype(float) for array in (weight, m, v)]
    rows = slice(start, stop)
    gradient = (x.astype(float).T @ da.astype(float))[rows]
    reference.adam_step(
        expected[0][rows], gradient, expected[1][rows], expected[2][rows],
        4, 1e-2, 0.9, 0.999, 1e-8,
    )  # fmt: skip
    room = np.empty((matmul.UPDATE_ROWS, 19), dtype)
    constants = adam_constants(4, 1e-2, 0.9, 0.999, 1e-8, dtype)
    matmul.update_weight_rows(x, da, weight, m, v, constants, room, start, stop)
    for found, wanted in zip((weight, m, v), expected, strict=True):
        close(found, wanted, 13)


PROGRAM = """
import numpy as np
from tinyvae.ops import matmul
rng = np.random.default_rng(0)
for n, i, o in ((5, 9, 7), (13, 300, 70)):
    x, w, da = rng.normal(size=(n, i)), rng.normal(size=(i, o)), rng.normal(size=(n, o))
    h, dx, dw = np.empty_like(da), np.empty_like(x), np.empty_like(w)
    matmul.forward_rows(x, w, np.ones(o), h, 0, n)
    matmul.backward_input_rows(da, w, dx, 0, n)
    matmul.weight_gradient_rows(x, da, dw, 0, i)
    for found, expected in ((h, x @ w + 1), (dx, da @ w.T), (dw, x.T @ da)):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
"""


@pytest.mark.parametrize("lanes", ["4", "16"])
def test_the_vectors_of_other_processors(lanes, tmp_path):
    """LLVM splits or joins vectors that the machine at hand does not have."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=os.environ | {"TINYVAE_LANES": lanes, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
