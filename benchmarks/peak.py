"""The processor's peak: fused multiply-adds with nothing to load or store, measured on the spot."""

from __future__ import annotations

import time

import numpy as np

from tinyvae.ops.jit import LANES, kernel
from tinyvae.ops.threads import run_parts

# Enough independent chains to hide the latency of a multiply-add on every core in use.
CHAINS = 12
WIDTH = CHAINS * max(LANES, 4)


@kernel()
def _chains(part: int, parts: int, rounds: int, out: np.ndarray) -> None:
    """Advance WIDTH independent chains of x = x * a + b; all stay in registers."""
    a, b = np.float32(0.999), np.float32(0.001)
    x = np.empty(WIDTH, np.float32)
    for i in range(WIDTH):
        x[i] = np.float32(i)
    for _ in range(rounds):
        for i in range(WIDTH):
            x[i] = x[i] * a + b
    for i in range(WIDTH):
        out[part, i] = x[i]


def multiply_adds(flops: float, threads: int) -> None:
    """Do so many operations (two a multiply-add), shared among threads."""
    rounds = int(flops / (2 * WIDTH * threads))
    run_parts(_chains, threads, rounds, np.empty((threads, WIDTH), np.float32))


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
