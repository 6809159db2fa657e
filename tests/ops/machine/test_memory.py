"""Large vectors: zero, writable, aligned, and alive for as long as anyone looks at them."""

import os
import sys

import numpy as np
import pytest

from tinyvae.ops.machine.memory import allocate


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("size", [1, 1000, 700_000])
def test_allocate_gives_writable_zeros(size, dtype):
    vector = allocate(size, dtype)
    assert vector.shape == (size,)
    assert vector.dtype == dtype
    assert not vector.any()
    vector[:] = 1.0
    assert vector.sum() == size
    assert vector.ctypes.data % vector.itemsize == 0
    assert not np.shares_memory(vector, allocate(size, dtype))


def test_a_large_allocation_outlives_everything_that_made_it():
    vectors = [allocate(600_000, "float64") for _ in range(5)]
    for i, vector in enumerate(vectors):
        vector[:] = i
    assert [vector.mean() for vector in vectors] == [0, 1, 2, 3, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_writes_to_a_copy_of_its_own():
    if "jax" in sys.modules:
        pytest.skip("JAX, which another test imported, does not fork")
    vector = allocate(700_000, "float32")
    child = os.fork()
    if child == 0:
        vector[:] = 1.0
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not vector.any()
