"""How exact the gradients are, and how exactly each method can tell: docs/gradients/gradients.md.

Every operation of both backends, and whole models over architectures, likelihoods and beta, by the
complex step, by central differences and along random directions.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, step_sizes
from tinyvae.gradcheck.model import check_model, make_data
from tinyvae.gradcheck.operations import check_operations
from tinyvae.gradcheck.report import Report
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE

METHODS = ("complex", "central", "directions")
BACKENDS = ("reference", "numba")
BETAS = (0.0, 1.0, 4.0)
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "6-5-2, relu": {"hidden_dims": (5,)},
    "no hidden layer, 1 latent": {"hidden_dims": (), "latent_dim": 1},
    "6-5-4-2, tanh": {"hidden_dims": (5, 4), "activation": "tanh"},
    "6-6-2-3-4-6, softplus": {
        "hidden_dims": (6,), "decoder_hidden_dims": (3, 4), "activation": "softplus",
    },
    "6-4-3, sigmoid": {"hidden_dims": (4,), "latent_dim": 3, "activation": "sigmoid"},
}  # fmt: skip
COLUMNS = (
    "complex step: norm", "worst entry", "central: norm", "/ own estimate",
    "directions: estimated norm",
)  # fmt: skip


def worst(reports: dict[str, list[Report]]) -> str:
    """Return the cells of one row: the largest errors that each method found."""
    arrays = {m: [a for r in found for a in r.arrays if a.checked or a.directions]
              for m, found in reports.items()}  # fmt: skip
    assert all(r.passed for found in reports.values() for r in found)
    central = arrays["central"]
    cells = (
        f"{max(a.error for a in arrays['complex']):.1e}",
        f"{max(a.worst.error for a in arrays['complex'] if a.worst):.1e}",
        f"{max(a.error for a in central):.1e}",
        f"{max((a.error / a.attainable for a in central if a.attainable), default=0.0):.2f}",
        f"{max(a.error for a in arrays['directions']):.1e}",
    )
    return " | ".join(cells)


def operations() -> Iterator[tuple[str, str]]:
    """Yield a label and the cells of each operation, the worst of both backends."""
    found: dict[str, dict[str, list[Report]]] = {}
    for backend, method in itertools.product(BACKENDS, METHODS):
        report = check_operations(backend, method=method)
        for array in report.arrays:
            one = Report(array.name, (array,))
            found.setdefault(array.name, {}).setdefault(method, []).append(one)
    for name, reports in found.items():
        yield name, worst(reports)


def models() -> Iterator[tuple[str, str]]:
    """Yield a label and the cells of each architecture and likelihood, the worst over beta."""
    for (name, options), likelihood in itertools.product(ARCHITECTURES.items(), LIKELIHOODS):
        reports: dict[str, list[Report]] = {m: [] for m in METHODS}
        for beta, backend, method in itertools.product(BETAS, BACKENDS, METHODS):
            vae = model(likelihood=likelihood, backend=backend, **options)
            reports[method].append(check_model(vae, beta=beta, method=method, beyond=False))
        yield f"{name}, {likelihood}", worst(reports)


def model(**options: Any) -> VAE:
    """Return a small float64 VAE away from its first weights, its loss under 50 nats."""
    small = {"input_dim": 6, "hidden_dims": (5,), "latent_dim": 2, "dtype": "float64", "seed": 0}
    vae = VAE(**(small | options))
    vae.parameters.values[:] += 0.2 * np.random.default_rng(1).standard_normal(vae.parameters.size)
    if vae.likelihood == "poisson":  # rates are exponentials of what the decoder says
        vae.parameters[f"decoder.{vae.network.decoder.depth - 1}.weight"][:] *= 0.1
    rng = np.random.default_rng(2)
    assert vae.loss(make_data(vae, 8, rng), rng.standard_normal((8, vae.latent_dim))).loss < 50
    return vae


def speed() -> Iterator[str]:
    """Yield how long checks of the largest models take, medians of three."""
    middle = VAE(input_dim=110, hidden_dims=(40,), latent_dim=7, activation="tanh", seed=0)
    large = VAE(input_dim=784, hidden_dims=(400,), latent_dim=20, seed=0)
    checks: list[tuple[str, VAE, dict[str, Any]]] = [
        ("every entry by the complex step", middle, {"method": "complex", "entries": 10**6}),
        ("random directions", large, {"method": "directions"}),
        ("every entry by complex steps at its pre-activations", large, {}),
    ]
    for what, vae, options in checks:
        seconds = timed(lambda v=vae, o=options: check_model(v, beyond=False, **o))
        yield f"- {vae.parameters.size:,} parameters, {what}: {seconds:.1f} s"


def timed(check: Callable[[], Report]) -> float:
    """Return the median of three times, in seconds; the check must pass."""
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        assert check().passed
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main(output: Path) -> None:
    """Write gradients.md and step-sizes.png into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    errors = step_sizes.errors()
    step_sizes.draw(errors, output / "step-sizes.png")
    head = "| | " + " | ".join(COLUMNS) + " |\n| --- |" + " --- |" * len(COLUMNS)
    about = machine.describe()
    versions = about.pop("versions")
    assert isinstance(versions, dict)
    described = ", ".join(f"{k} {v}" for k, v in {**about, **versions}.items())
    parts = [
        "# Gradients, checked\n\n`python -m benchmarks gradients` writes this page. Errors are "
        "relative: of an array in norm,\nof an entry to the larger of its size and a millionth "
        f"of the array's norm.\n\nMachine: {described}.",
        "## What a quotient can see\n\n![Error against step size](step-sizes.png)\n\n"
        f"Median over {step_sizes.WEIGHTS} weights of a small VAE. In float32 a difference "
        "quotient is right to\ntwo to four digits at the best step, which one does not know, and "
        "to one or none at a usual one:\na wrong factor of 1.001 cannot be seen. Hence the checker "
        "refuses float32 and copies models to float64.\n\n" + step_sizes.table(errors),
        "## Every operation\n\nThe worse of the two backends.\n\n"
        + "\n".join([head, *(f"| {name} | {cells} |" for name, cells in operations())]),
        "## Whole models\n\nThe worst over both backends, beta 0, 1 and 4, and all parameter "
        "arrays. Central differences are extrapolated\nand estimate their own error; the column "
        "beside them is error over estimate.\n\n"
        + "\n".join([head, *(f"| {name} | {cells} |" for name, cells in models())]),
        "## How long it takes\n\n" + "\n".join(speed()),
    ]
    (output / "gradients.md").write_text("\n\n".join(parts) + "\n")
    print("\n\n".join(parts))
