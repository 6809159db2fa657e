"""PyTorch: eager, with its fused Adam, behind a DataLoader, and compiled."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.workloads import Workload


class Network(nn.Module):
    """The same VAE as a PyTorch user writes it; logvar is bounded as in tinyvae."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.activation = {"relu": torch.relu, "tanh": torch.tanh}[workload.activation]
        self.n_encoder, self.samples = len(workload.encoder) - 1, workload.samples
        self.gaussian = workload.gaussian
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in workload.layers)

    def stack(self, h: torch.Tensor, first: int, last: int) -> torch.Tensor:
        for layer in self.layers[first : last - 1]:
            h = self.activation(layer(h))
        return self.layers[last - 1](h)

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        mu, raw_logvar = self.stack(x, 0, self.n_encoder).chunk(2, dim=1)
        logvar = 10.0 * torch.tanh(raw_logvar / 10.0)
        if self.samples > 1:
            return self.importance_weighted(x, mu, logvar, noise)
        z = mu + torch.exp(0.5 * logvar) * noise
        logits = self.stack(z, self.n_encoder, len(self.layers))
        if self.gaussian:
            reconstruction = 0.5 * torch.sum((logits - x) ** 2 + math.log(2.0 * math.pi))
        else:
            reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * torch.sum(mu * mu + torch.exp(logvar) - 1.0 - logvar)
        return (reconstruction + kl) / len(x)

    def importance_weighted(
        self, x: torch.Tensor, mu: torch.Tensor, logvar: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        noise = noise.view(len(x), self.samples, -1)
        z = mu.unsqueeze(1) + torch.exp(0.5 * logvar).unsqueeze(1) * noise
        logits = self.stack(z.flatten(0, 1), self.n_encoder, len(self.layers))
        logits = logits.view(len(x), self.samples, -1)
        several = x.unsqueeze(1).expand_as(logits)
        log_p = -functional.binary_cross_entropy_with_logits(logits, several, reduction="none")
        prior_over_q = 0.5 * (noise * noise + logvar.unsqueeze(1) - z * z).sum(2)
        log_w = log_p.sum(2) + prior_over_q
        return math.log(self.samples) - torch.logsumexp(log_w, dim=1).mean()


class Contender:
    def __init__(self, workload: Workload, threads: int, variant: str) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        torch.set_flush_denormal(True)  # else Adam's dying means take most of its time on x86
        self.workload, self.variant = workload, variant
        self.data = torch.from_numpy(workload.data())
        self.network = Network(workload)
        self.loss = torch.compile(self.network) if variant == "compile" else self.network
        self.reset()

    def reset(self) -> None:
        with torch.no_grad():
            for layer, (weight, bias) in zip(
                self.network.layers, self.workload.weights(), strict=True
            ):
                layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
                layer.bias.copy_(torch.from_numpy(bias))
        fused = self.variant in {"fused", "compile"}
        self.adam = torch.optim.Adam(self.network.parameters(), lr=1e-3, fused=fused)

    def step(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss(x, noise)
        loss.backward()
        self.adam.step()
        return loss

    def losses(self) -> tuple[float, float]:
        x, noise = map(torch.from_numpy, self.workload.check_batch())
        before = self.step(x, noise).item()
        after = self.loss(x, noise).item()
        self.reset()
        return before, after

    def batches(self):
        size = self.workload.batch
        if self.variant == "loader":
            data = torch.utils.data.TensorDataset(self.data)
            for (images,) in torch.utils.data.DataLoader(
                data, batch_size=size, shuffle=True, drop_last=True
            ):
                yield images
            return
        order = torch.randperm(len(self.data))
        for start in range(0, len(order) - size + 1, size):
            yield self.data[order[start : start + size]]

    def run(self, steps: int) -> int:
        done = 0
        while done < steps:
            for images in self.batches():
                x = images.float() / self.workload.white
                if self.workload.stochastic:
                    x = torch.bernoulli(x)
                self.step(x, torch.randn(len(x) * self.workload.samples, self.workload.latent_dim))
                done += 1
                if done == steps:
                    break
        return done


def make(workload: Workload, threads: int, variant: str) -> Contender:
    return Contender(workload, threads, variant)
