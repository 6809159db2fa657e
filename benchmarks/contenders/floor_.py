"""The floors: a step's matrix products alone, by OpenBLAS, and at the processor's peak."""

from __future__ import annotations

import numpy as np

from benchmarks.peak import multiply_adds
from benchmarks.workloads import Workload


class Products:
    """x W, x^T da and da W^T of every layer, written into buffers, and nothing else."""

    def __init__(self, workload: Workload) -> None:
        rng = np.random.default_rng(0)
        self.work = []
        for i, (fan_in, fan_out) in enumerate(workload.layers):
            rows = workload.rows[i]
            x, da = (rng.standard_normal((rows, n), dtype=np.float32) for n in (fan_in, fan_out))
            weight = rng.standard_normal((fan_in, fan_out), dtype=np.float32)
            h, dweight = np.empty_like(da), np.empty_like(weight)
            self.work.append((x, weight, da, h, dweight, np.empty_like(x) if i else None))

    def losses(self) -> None:
        return None

    def run(self, steps: int) -> int:
        for _ in range(steps):
            for x, weight, _, h, _, _ in self.work:
                np.matmul(x, weight, out=h)
            for x, weight, da, _, dweight, dx in reversed(self.work):
                np.matmul(x.T, da, out=dweight)
                if dx is not None:
                    np.matmul(da, weight.T, out=dx)
        return steps


class Peak:
    """As many fused multiply-adds as the products have, with nothing to load or store."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self.flops, self.threads = workload.product_flops, threads
        multiply_adds(1.0, threads)

    def losses(self) -> None:
        return None

    def run(self, steps: int) -> int:
        multiply_adds(self.flops * steps, self.threads)
        return steps


def make(workload: Workload, threads: int, variant: str) -> Products | Peak:
    return Products(workload) if variant == "openblas" else Peak(workload, threads)
