"""Plain NumPy by hand: tinyvae's own reference, trained through NumPy's BLAS."""

from __future__ import annotations

import tinyvae as tv
from benchmarks.contenders import tinyvae_
from benchmarks.workloads import Workload


class Contender(tinyvae_.Contender):
    def __init__(self, workload: Workload, threads: int) -> None:
        super().__init__(workload, threads)
        self.vae = self.vae.copy(backend="reference")
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.adam = tv.Adam(self.vae.parameters, backend=self.vae.backend)


def make(workload: Workload, threads: int, variant: str) -> Contender:
    return Contender(workload, threads)
