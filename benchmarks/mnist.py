"""The well-known example: MNIST, 784-400-20-400-784, ReLU, grey cross-entropy, ten epochs.

Its published log of test losses, beside ours for several seeds.
"""

from __future__ import annotations

from pathlib import Path

import tinyvae as tv

PUBLISHED = [127.3, 115.8, 112.2, 109.6, 108.5, 107.7, 107.1, 106.7, 106.0, 105.6]


def test_losses(data: tv.DataSet, seed: int) -> list[float]:
    """Return the test loss after each of ten epochs, in nats."""
    vae = tv.VAE(784, (400,), 20, seed=seed)
    history = tv.fit(
        vae,
        data.train,
        validation=data.test,
        epochs=10,
        batch_size=128,
        learning_rate=1e-3,
        binarize="none",
        seed=seed,
    )
    return [-elbo for elbo in history["validation_elbo"]]


def main(data_dir: Path | None, seeds: int) -> None:
    """Print a Markdown table."""
    data = tv.load_data("mnist", data_dir=data_dir)
    found = [test_losses(data, seed) for seed in range(seeds)]
    print("| epoch | published | " + " | ".join(f"seed {seed}" for seed in range(seeds)) + " |")
    print("| --- |" + " --- |" * (seeds + 1))
    for epoch, row in enumerate(zip(PUBLISHED, *found, strict=True), start=1):
        print(f"| {epoch} | " + " | ".join(f"{loss:.2f}" for loss in row) + " |")
