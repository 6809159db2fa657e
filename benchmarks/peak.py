"""The processor's peak: fused multiply-adds with nothing to load or store, measured on the spot.

Written in the vectors that the matrix kernels use.  A plain loop would not do: for some processors
LLVM turns it into vectors half as wide as they have, and kernels would beat such a peak.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic

from tinyvae.ops.machine.jit import EXACT, LANES, kernel
from tinyvae.ops.machine.vectors import _call, _splat, address, tile_load, tile_store
from tinyvae.ops.machine.work_queue import WHOLE, in_parts
from tinyvae.ops.machine.workers import run_shared

# Enough independent chains to hide the latency of a multiply-add, all of them in registers.
CHAINS = tuple(range(12))
WIDTH = len(CHAINS) * max(LANES, 4)


@intrinsic
def _advanced(_typing: Any, tile: Any, factor: Any, term: Any) -> Any:
    """Return tile * factor + term, every number with one rounding."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        vectors, *scalars = arguments
        factors, terms = (_splat(builder, scalar, tile.dtype.lanes) for scalar in scalars)
        vectors = cgutils.unpack_tuple(builder, vectors)
        result = [_call(builder, "fma", vector, factors, terms) for vector in vectors]
        return context.make_tuple(builder, tile, result)

    return tile(tile, tile.dtype.dtype, tile.dtype.dtype), generate


@kernel(fastmath=EXACT)
def _vector_chains(part: int, parts: int, board: np.ndarray, rounds: int, out: np.ndarray) -> None:
    if part == WHOLE:
        in_parts(board, parts, _vector_chains, (board, rounds, out))
        return
    start = address(out[part])
    tile = tile_load(start, (0,), CHAINS, WIDTH)
    for _ in range(rounds):
        tile = _advanced(tile, np.float32(0.999), np.float32(0.001))
    tile_store(tile, start, (0,), CHAINS, WIDTH)


@kernel()
def _plain_chains(part: int, parts: int, board: np.ndarray, rounds: int, out: np.ndarray) -> None:
    if part == WHOLE:
        in_parts(board, parts, _plain_chains, (board, rounds, out))
        return
    x = out[part].copy()
    for _ in range(rounds):
        for i in range(WIDTH):
            x[i] = x[i] * np.float32(0.999) + np.float32(0.001)
    out[part] = x


def multiply_adds(flops: float, threads: int) -> None:
    """Do so many operations (two a multiply-add), shared among threads."""
    rounds = int(flops / (2 * WIDTH * threads))
    chains = _vector_chains if LANES else _plain_chains
    run_shared(chains, threads, rounds, np.ones((threads, WIDTH), np.float32))


def peak_gflops(threads: int, seconds: float = 0.2) -> float:
    """Return the best of a few measurements, in GFLOP/s of float32."""
    multiply_adds(1e6, threads)
    flops, best = 1e8, 0.0
    for _ in range(8):
        started = time.perf_counter()
        multiply_adds(flops, threads)
        elapsed = time.perf_counter() - started
        best = max(best, flops / elapsed / 1e9)
        flops *= max(1.0, seconds / 4 / elapsed)
    return best
