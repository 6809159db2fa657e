"""A VAE in PyTorch, and nothing else: this file needs no tinyvae, so take it along.

Weights are those of tinyvae, transposed: there y = x @ weight + bias, here y = x @ weight.T + bias.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}


def dense(widths: list[int], activation: str) -> nn.Sequential:
    """Return dense layers with one activation between them, and none at the end."""
    layers = [
        layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), ACTIVATIONS[activation]())
    ]
    return nn.Sequential(*layers[:-1])


def add_labels(h: Tensor, rows: nn.Embedding | None, labels: Tensor | None) -> Tensor:
    """Return a pre-activation with each label's row added, in a conditional model."""
    if (rows is None) != (labels is None):
        raise ValueError("labels go with a conditional model, and a conditional model needs them")
    return h if rows is None else h + rows(labels)


class TorchVAE(nn.Module):
    """encode(x) gives mu and logvar; decode(z) gives logits; forward(x, noise) all three.

    In a conditional model each label is a learned row added to the first pre-activation.
    """

    def __init__(
        self,
        encoder: list[int],
        decoder: list[int],
        activation: str,
        n_classes: int | None = None,
        log_sigma: float | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = dense(encoder, activation), dense(decoder, activation)
        self.encoder_labels = nn.Embedding(n_classes, encoder[1]) if n_classes else None
        self.decoder_labels = nn.Embedding(n_classes, decoder[1]) if n_classes else None
        if log_sigma is not None:
            self.log_sigma = nn.Parameter(torch.tensor([log_sigma]))

    def encode(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z given x), the log of the variance."""
        h = add_labels(self.encoder[0](x), self.encoder_labels, labels)
        mu, raw_logvar = self.encoder[1:](h).chunk(2, dim=1)
        return mu, 10 * torch.tanh(raw_logvar / 10)

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits; the likelihood makes E[x] of them."""
        h = add_labels(self.decoder[0](z), self.decoder_labels, labels)
        logits: Tensor = self.decoder[1:](h)
        return logits

    def forward(
        self, x: Tensor, noise: Tensor, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits, mu and logvar, with z = mu + exp(logvar / 2) * noise."""
        mu, logvar = self.encode(x, labels)
        return self.decode(mu + torch.exp(logvar / 2) * noise, labels), mu, logvar
