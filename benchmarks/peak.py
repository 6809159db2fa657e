"""The processor's peak: fused multiply-adds with nothing to load or store, measured on the spot.

Written in the vectors that the matrix kernels use.  A plain loop would not do: for some processors
LLVM turns it into vectors half as wide as they have, and kernels would beat such a peak.
"""

from __future__ import annotations

import time

import numpy as np

from tinyvae.ops.machine.jit import EXACT, LANES, kernel
from tinyvae.ops.machine.vectors import add_products, address
from tinyvae.ops.machine.work_queue import WHOLE, in_parts
from tinyvae.ops.machine.workers import run_shared

# Enough independent chains to hide the latency of a multiply-add, all of them in registers.
CHAINS = 12
WIDTH = CHAINS * max(LANES, 4)


@kernel(fastmath=EXACT)
def _vector_chains(part: int, parts: int, board: np.ndarray, rounds: int, out: np.ndarray) -> None:
    if part == WHOLE:
        in_parts(board, parts, _vector_chains, (board, rounds, out))
        return
    add_products(address(out[part]), CHAINS, rounds)


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
