"""Where a learned sigma starts: five rules, five standardized data sets, two nets, five seeds.

The ELBO is held out, so that a rule is judged by more than the units it keeps alive.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tinyvae as tv
from tinyvae.data.moments import spread_of

Array = NDArray[Any]
SEEDS = 5
HIDDEN = (64,)
EPOCHS = (20, 300)  # fit's default, and enough to come to rest
NEIGHBOURS = 1000  # rows among which the nearest are looked for


def pinwheel(rng: np.random.Generator, rows: int = 2000) -> Array:
    """Return five bent arms, (rows, 2)."""
    radius = 1.0 + 0.3 * rng.standard_normal(rows)
    angle = 2.0 * np.pi * rng.integers(5, size=rows) / 5.0 + 0.25 * np.exp(radius)
    angle += 0.1 * rng.standard_normal(rows)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def data_sets() -> dict[str, tuple[int, Array, Array]]:
    """Return latent_dim, train and test by name: a fifth tests, train's moments standardize."""
    from sklearn import datasets

    raw = {
        "moons": (2, datasets.make_moons(2000, noise=0.05, random_state=0)[0]),
        "pinwheel": (2, pinwheel(np.random.default_rng(0))),
        "swiss roll": (2, datasets.make_swiss_roll(2000, noise=0.1, random_state=0)[0]),
        "wine": (4, datasets.load_wine().data),
        "breast cancer": (8, datasets.load_breast_cancer().data),
    }
    found = {}
    for name, (latent_dim, x) in raw.items():
        order = np.random.default_rng(0).permutation(len(x))
        test, train = x[order[: len(x) // 5]], x[order[len(x) // 5 :]]
        mean, std = train.mean(axis=0), train.std(axis=0)
        scaled = [((part - mean) / std).astype(np.float32) for part in (train, test)]
        found[name] = (latent_dim, scaled[0], scaled[1])
    return found


def residual(x: Array, latent_dim: int) -> float:
    """Return the sigma of probabilistic PCA (Tipping and Bishop 1999, eq. 8), kept off zero."""
    variances = np.sort(np.linalg.eigvalsh(np.cov(x.T)))
    left = variances[: len(variances) - latent_dim]
    return float(np.sqrt(max(left.mean() if len(left) else 0.0, 1e-4 * variances.mean())))


def nearest(x: Array, latent_dim: int) -> float:
    """Return the sigma at which two draws around one point lie a nearest neighbour apart."""
    x = x[:NEIGHBOURS].astype(np.float64)
    square = ((x[:, None] - x) ** 2).sum(axis=-1)
    np.fill_diagonal(square, np.inf)
    return float(np.sqrt(np.median(square.min(axis=1)) / (2 * x.shape[1])))


RULES: dict[str, Callable[[Array, int], float | None]] = {
    "1 (before)": lambda x, latent_dim: 1.0,
    "half the spread (now)": lambda x, latent_dim: None,
    "0.7 of the spread": lambda x, latent_dim: float(np.sqrt(0.5)) * spread_of(x),
    "0.1": lambda x, latent_dim: 0.1,
    "residual of PCA": residual,
    "nearest neighbours": nearest,
}


class Found(NamedTuple):
    """Means over the seeds."""

    active: float
    elbo: float
    sigma: float


def measure(
    train: Array, test: Array, latent_dim: int, activation: str, start: float | None, epochs: int
) -> Found:
    """Train with each seed and return what came of it on the test data."""
    runs = []
    for seed in range(SEEDS):
        vae = tv.VAE(
            train.shape[1],
            HIDDEN,
            latent_dim,
            activation=activation,
            likelihood="gaussian_learned",
            sigma=start,
            seed=seed,
        )
        tv.fit(vae, train, epochs=epochs, seed=seed, progress=False)
        found = tv.evaluate(vae, test, n_samples=8)
        runs.append((found.active_units, found.elbo, vae.observation.sigma))
    return Found(*np.mean(runs, axis=0))


def table(sets: dict[str, tuple[int, Array, Array]], epochs: int) -> str:
    """Return a Markdown table: a row for each data set and net, a column for each rule."""
    lines = [f"| {epochs} epochs | " + " | ".join(RULES) + " |", "| --- " * (1 + len(RULES)) + "|"]
    for name, (latent_dim, train, test) in sets.items():
        for activation in ("relu", "tanh"):
            cells = [f"{name}, {activation}, {latent_dim} units"]
            for rule in RULES.values():
                start = rule(train, latent_dim)
                found = measure(train, test, latent_dim, activation, start, epochs)
                cells.append(f"{found.elbo:.2f}, {found.active:g}, {found.sigma:.2f}")
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main(output: Path) -> None:
    """Write both tables."""
    sets = data_sets()
    output.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(table(sets, epochs) for epochs in EPOCHS)
    (output / "sigma.md").write_text(text + "\n")
