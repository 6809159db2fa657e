"""tinyvae: the loop that its users write, and ``fit``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import tinyvae as tv
from benchmarks.workloads import Workload
from tinyvae.training.fit import Training, TrainingOptions


class Contender:
    """``for x in minibatches(...)``: noise, and ``train_step``, which checks what it is given."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self.workload, self.data = workload, workload.data()
        self.vae = tv.VAE(
            workload.input_dim,
            workload.encoder[1:-1],
            workload.latent_dim,
            activation=workload.activation,
            likelihood="gaussian" if workload.gaussian else "bernoulli",
            threads=threads,
        )
        self.rng = np.random.default_rng(0)
        samples = workload.samples
        self.noise = (
            (-1, samples, workload.latent_dim) if samples > 1 else (-1, workload.latent_dim)
        )
        self.objective = "elbo" if samples == 1 else "iwae"
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
        several = noise.reshape(self.noise)
        before = self.vae.train_step(x, several, self.adam, objective=self.objective).loss
        after = self.vae.loss(x, several, objective=self.objective).loss
        self.reset()
        return before, after

    def run(self, steps: int) -> int:
        size, done = self.workload.batch, 0
        shape = (size, *self.noise[1:])
        while done < steps:
            for x in tv.minibatches(
                self.data, size, self.rng, binarize=self.binarize, drop_last=True
            ):
                noise = self.rng.standard_normal(shape, dtype=np.float32)
                self.vae.train_step(x, noise, self.adam, objective=self.objective)
                done += 1
                if done == steps:
                    break
        return done


class Fit(Contender):
    """The loop of ``fit``, epoch after epoch, on data that were read once."""

    def reset(self) -> None:
        super().reset()
        options = TrainingOptions(
            epochs=0,
            batch_size=self.workload.batch,
            objective=self.objective,
            n_samples=self.workload.samples,
            binarize=self.binarize,
        )
        self.training = Training(self.vae, self.data, None, options)

    def run(self, steps: int) -> int:
        state = self.training.state
        epochs = -(-steps // state.steps_per_epoch)
        state.options = replace(state.options, epochs=state.options.epochs + epochs)
        self.training.run(progress=False)
        return epochs * state.steps_per_epoch


def make(workload: Workload, threads: int, variant: str) -> Contender:
    return (Fit if variant == "fit" else Contender)(workload, threads)
