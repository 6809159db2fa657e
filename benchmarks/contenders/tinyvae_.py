"""tinyvae as ``fit`` runs it."""

from __future__ import annotations

import numpy as np

import tinyvae as tv
from benchmarks.workloads import Workload
from tinyvae.data import gather_batch


class Contender:
    def __init__(self, workload: Workload, threads: int) -> None:
        self.workload, self.data = workload, workload.data()
        self.vae = tv.VAE(
            workload.input_dim,
            workload.encoder[1:-1],
            workload.latent_dim,
            activation=workload.activation,
            threads=threads,
        )
        self.rng = np.random.default_rng(0)
        self.x = np.empty((workload.batch, workload.input_dim), np.float32)
        self.noise = np.empty((workload.batch * workload.samples, workload.latent_dim), np.float32)
        self.objective = "elbo" if workload.samples == 1 else "iwae"
        self.binarize = "stochastic" if workload.stochastic else "none"
        self.reset()

    def reset(self) -> None:
        names = iter(self.vae.parameters.names)
        for weight, bias in self.workload.weights():
            self.vae.parameters[next(names)][:] = weight
            self.vae.parameters[next(names)][:] = bias
        self.adam = tv.Adam(self.vae.parameters)

    def losses(self) -> tuple[float, float]:
        x, noise = self.workload.check_batch()
        several = noise.reshape(len(x), -1, self.workload.latent_dim)
        before = self.vae.train_step(x, several, self.adam, objective=self.objective).loss
        after = self.vae.loss(x, several, objective=self.objective).loss
        self.reset()
        return before, after

    def run(self, steps: int) -> None:
        size, done = self.workload.batch, 0
        while done < steps:
            order = self.rng.permutation(len(self.data))
            for start in range(0, len(order) - size + 1, size):
                index = order[start : start + size]
                gather_batch(self.data, index, self.rng, binarize=self.binarize, out=self.x)
                self.rng.standard_normal(out=self.noise, dtype=np.float32)
                self.vae.train_step(
                    self.x, self.noise, self.adam, objective=self.objective, trusted=True
                )
                done += 1
                if done == steps:
                    return


def make(workload: Workload, threads: int, variant: str) -> Contender:
    return Contender(workload, threads)
