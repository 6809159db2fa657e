"""Table 1 of Burda, Grosse and Salakhutdinov (2016): MNIST, one stochastic layer.

``python -m benchmarks burda`` trains a cell of it, piece of the schedule by piece, and continues
where it was stopped; ``python -m benchmarks burda-score`` weighs what it left, in a process of its
own that only reads models.

What follows the paper's text: 784-200-200-50, tanh, batches of 20, pixels drawn anew at every
access, Adam with beta1 0.9, beta2 0.999 and epsilon 1e-4, a learning rate of 1e-3 times
10**(-i / 7) over 3**i epochs, biases of the last layer at the data's mean, no validation, and
5,000 samples of z for each test image.  What does not: ``logvar`` is bounded to (-10, 10), and the
test images are binarized by one fixed draw.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

import tinyvae as tv
from tinyvae.data.moments import mean_of
from tinyvae.training.fit import Training, TrainingOptions

#: After so many epochs a piece of the schedule ends, and the model is kept.
STAGES = (1, 4, 13, 40, 121, 364, 1093, 3280)

PAPER = {
    ("elbo", 1): 86.76,
    ("elbo", 5): 86.47,
    ("elbo", 50): 86.35,
    ("iwae", 1): 86.76,
    ("iwae", 5): 85.54,
    ("iwae", 50): 84.78,
}


def train(output: Path, data_dir: Path | None, objective: str, k: int, epochs: int) -> None:
    """Train a cell up to ``epochs``, a model kept at the end of each piece."""
    data = tv.load_data("mnist", data_dir=data_dir)
    cell = output / f"{objective}-{k}"
    cell.mkdir(parents=True, exist_ok=True)
    for stage in [end for end in STAGES if end < epochs] + [epochs]:
        kept = cell / f"epoch-{stage:04d}.npz"
        if kept.exists():
            continue
        vae = tv.VAE(784, (200, 200), 50, activation="tanh", threads=1, seed=1)
        vae.set_output_mean(mean_of(data.train))
        options = TrainingOptions(
            epochs=stage,
            batch_size=20,
            schedule="burda",
            objective=objective,
            n_samples=k,
            binarize="stochastic",
            seed=1,
        )
        training = Training(vae, data.train, None, options)
        training.state.adam.epsilon = 1e-4
        checkpoint = cell / "model.npz"
        if checkpoint.exists():
            training.restore(checkpoint)
        history = training.run(checkpoint)
        history.to_csv(cell / "history.csv")
        if history.interrupted:
            return
        vae.save(kept)
        print(f"{cell.name}, {stage} epochs, {history['seconds'][-1] / 3600:.2f} h", flush=True)


def score(
    output: Path, data_dir: Path | None, rows: int, n_samples: int, which: str = "*/epoch-*"
) -> None:
    """Weigh the models kept below ``output`` that match, and print the table, stage by stage."""
    data = tv.load_data("mnist", data_dir=data_dir)
    shuffled = tv.minibatches(data.test, len(data.test), np.random.default_rng(1))
    x = next(shuffled)[:rows]  # the same draw of every pixel for any number of rows
    for path in sorted(output.glob(f"{which}.npz")):
        note = path.with_name(f"{path.stem}-{rows}x{n_samples}.json")
        if not note.exists():
            _weigh(path, note, x, n_samples)
    print(_table(output, rows, n_samples))


def _weigh(path: Path, note: Path, x: np.ndarray, n_samples: int) -> None:
    vae, started = tv.VAE.load(path), time.perf_counter()
    found = vae.bounds(x, n_samples, binarize="none", progress=True)
    active = int((vae.encode(x)[0].var(axis=0) > 0.01).sum())
    scored = {
        "nll": -float(found.importance_weighted.mean()),
        "error": float(found.importance_weighted.std() / len(x) ** 0.5),
        "elbo": float(found.elbo.mean()),
        "active_units": active,
        "seconds": time.perf_counter() - started,
    }
    note.write_text(json.dumps(scored, indent=2) + "\n")


def _table(output: Path, rows: int, n_samples: int) -> str:
    """Return a Markdown table: a row for each cell and stage."""
    lines = [
        f"-log p(x) of {rows:,} test images, {n_samples:,} samples of z each, in nats.",
        "",
        "| objective | k | epochs | hours | -log p(x) | ELBO | active units | paper, at 3,280 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for note in sorted(output.glob(f"*/epoch-*-{rows}x{n_samples}.json")):
        objective, k = note.parent.name.rsplit("-", 1)
        epochs = int(note.stem.split("-")[1])
        found = json.loads(note.read_text())
        history = np.genfromtxt(note.parent / "history.csv", delimiter=",", names=True)
        hours = np.atleast_1d(history["seconds"])[epochs - 1] / 3600
        published = PAPER.get((objective, int(k)))
        lines.append(
            f"| {objective} | {k} | {epochs:,} | {hours:.2f} | {found['nll']:.2f} | "
            f"{found['elbo']:.2f} | {found['active_units']} | {published or ''} |"
        )
    return "\n".join(lines)
