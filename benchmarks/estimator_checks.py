"""scikit-learn's checks of our estimators, each with its outcome: docs/ecosystem/checks.md."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is imported; else one check skips itself

import sklearn
from sklearn.utils.estimator_checks import check_estimator

from tinyvae.sklearn import AnomalyDetector, VariationalAutoencoder

KINDS = [(backend, dtype) for backend in ("numba", "reference") for dtype in ("float32", "float64")]


def outcomes(backend: str, dtype: str) -> dict[str, dict[str, list[str]]]:
    """Return by estimator and check the outcomes; a check that comes twice has two."""
    vae = VariationalAutoencoder(hidden_dims=(8,), epochs=5, backend=backend, dtype=dtype)
    found: dict[str, dict[str, list[str]]] = {}
    for estimator in (vae, AnomalyDetector(vae)):
        rows = found.setdefault(type(estimator).__name__, {})
        for check in check_estimator(estimator, on_fail=None):
            rows.setdefault(check["check_name"], []).append(check["status"])
    return found


def main(output: Path) -> None:
    """Write checks.md into a folder."""
    warnings.simplefilter("ignore")
    found = {kind: outcomes(*kind) for kind in KINDS}
    head = [f"{backend}, {dtype}" for backend, dtype in KINDS]
    parts = [
        "# scikit-learn's checks\n\n`python -m benchmarks checks` writes this page: every check of "
        f"`check_estimator` in scikit-learn {sklearn.__version__},\nwith its outcome, none of them "
        "expected to fail."
    ]
    for name in ("VariationalAutoencoder", "AnomalyDetector"):
        checks = found[KINDS[0]][name]
        total = sum(map(len, checks.values()))
        lines = ["| check | " + " | ".join(head) + " |", "| --- |" + " --- |" * len(head)]
        for check in checks:
            cells = [", ".join(found[kind][name][check]) for kind in KINDS]
            lines.append(f"| {check} | {' | '.join(cells)} |")
        parts.append(f"## {name}: {total}\n\n" + "\n".join(lines))
    output.mkdir(parents=True, exist_ok=True)
    (output / "checks.md").write_text("\n\n".join(parts) + "\n")
    print("\n\n".join(parts))
