"""What a VAE's codes and scores are worth to scikit-learn's users: docs/ecosystem/features.md.

Classes of digits from few labels, by features learned without any; anomalies in two tables, by the
density of ordinary rows.  Every contender learns from the same rows.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.neural_network import BernoulliRBM, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import machine
from tinyvae.sklearn import AnomalyDetector, VariationalAutoencoder

Array = np.ndarray[Any, Any]
Encoder = Callable[[Array], Array]

WIDTH = 16
LABELS = (20, 50, 100, 300)
DRAWS = 5  # of the labelled rows, in each split
RATE = 0.05


def transformer(make: Callable[[int], Any]) -> Callable[[Array, int], Encoder]:
    """Return what fits a transformer of that seed and gives its ``transform``."""

    def fitted(x: Array, seed: int) -> Encoder:
        encode: Encoder = make(seed).fit(x).transform
        return encode

    return fitted


def mlp(x: Array, seed: int) -> Encoder:
    """Return the narrow layer of an autoencoder made of scikit-learn's MLP."""
    sizes = (128, WIDTH, 128)
    net = MLPRegressor(hidden_layer_sizes=sizes, max_iter=100, random_state=seed).fit(x, x)

    def encode(rows: Array) -> Array:
        for weight, bias in list(zip(net.coefs_, net.intercepts_, strict=True))[:2]:
            rows = np.maximum(rows @ weight + bias, 0.0)
        return rows

    return encode


def vae(seed: int, **options: Any) -> VariationalAutoencoder:
    return VariationalAutoencoder(
        WIDTH, hidden_dims=(128,), epochs=100, random_state=seed, **options
    )


FEATURES: dict[str, Callable[[Array, int], Encoder]] = {
    "the 64 pixels": lambda x, seed: lambda rows: rows,
    f"PCA, {WIDTH}": transformer(lambda seed: PCA(WIDTH, random_state=seed)),
    f"FactorAnalysis, {WIDTH}": transformer(lambda seed: FactorAnalysis(WIDTH, random_state=seed)),
    "BernoulliRBM, 100": transformer(
        lambda seed: BernoulliRBM(100, learning_rate=0.06, n_iter=20, random_state=seed)
    ),
    f"MLP autoencoder, {WIDTH}": mlp,
    f"VAE, {WIDTH}": transformer(vae),
    f"VAE, {WIDTH}, continuous_bernoulli": transformer(
        lambda seed: vae(seed, likelihood="continuous_bernoulli")
    ),
    f"VAE, {WIDTH}, continuous_bernoulli, beta 0.3": transformer(
        lambda seed: vae(seed, likelihood="continuous_bernoulli", beta=0.3)
    ),
}


def digits(splits: int) -> str:
    """Return the table of accuracies: mean and standard error over splits, in percent."""
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    found: dict[str, list[list[float]]] = {name: [] for name in FEATURES}
    seconds = dict.fromkeys(FEATURES, 0.0)
    for seed in range(splits):
        split = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
        for name, learn in FEATURES.items():
            started = time.perf_counter()
            encode = learn(split[0], seed)
            seconds[name] += (time.perf_counter() - started) / splits
            parts = (encode(split[0]), encode(split[1]), *split[2:])
            found[name].append([accuracy(parts, n, seed) for n in LABELS])
            print(seed, name, np.round(found[name][-1], 3), flush=True)
    head = [f"{n} labels" for n in LABELS]
    rows = [
        [name, *cells(np.array(values) * 100), f"{seconds[name]:.1f}"]
        for name, values in found.items()
    ]
    return table(["features", *head, "s to learn"], rows)


def accuracy(parts: tuple[Array, ...], n: int, seed: int) -> float:
    """Return the mean accuracy of a linear classifier of n labelled rows, over some draws."""
    train, test, y_train, y_test = parts
    scores = []
    for draw in range(DRAWS):
        index, _ = train_test_split(
            np.arange(len(train)), train_size=n, stratify=y_train, random_state=DRAWS * seed + draw
        )
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        scores.append(model.fit(train[index], y_train[index]).score(test, y_test))
    return float(np.mean(scores))


DETECTORS: dict[str, Callable[[int], Any]] = {
    "AnomalyDetector, 2 codes": lambda seed: AnomalyDetector(
        false_alarm_rate=RATE, random_state=seed
    ),
    "AnomalyDetector, 5 codes": lambda seed: AnomalyDetector(
        VariationalAutoencoder(5), false_alarm_rate=RATE, random_state=seed
    ),
    "IsolationForest": lambda seed: IsolationForest(contamination=RATE, random_state=seed),
    "PCA's density, 2": lambda seed: PCA(2, random_state=seed),
    "one full Gaussian": lambda seed: GaussianMixture(1, reg_covar=1e-3, random_state=seed),
}
TABLES = {"breast cancer, benign": (load_breast_cancer, 1), "wine, first grower": (load_wine, 0)}


def anomalies(splits: int) -> str:
    """Return the table of detectors, fitted on 7 in 10 of the ordinary rows of each table."""
    rows = []
    for title, (load, ordinary) in TABLES.items():
        x, y = load(return_X_y=True)
        for name, make in DETECTORS.items():
            found = [outcome(make(seed), x, y == ordinary, seed) for seed in range(splits)]
            rows.append([title, name, *cells(np.array(found) * 100)])
            print(rows[-1], flush=True)
    return table(["ordinary rows", "detector", "AUC", "false alarms", "anomalies found"], rows)


def outcome(detector: Any, x: Array, good: Array, seed: int) -> tuple[float, float, float]:
    """Return the area under the ROC curve, and the shares called anomalies of both kinds."""
    index = np.flatnonzero(good)
    train, test = train_test_split(index, test_size=0.3, random_state=seed)
    model = make_pipeline(StandardScaler(), detector).fit(x[train])
    others = np.flatnonzero(~good)
    judged = np.concatenate([test, others])
    auc = roc_auc_score(good[judged], model.score_samples(x[judged]))
    if not hasattr(detector, "fit_predict") or isinstance(detector, GaussianMixture):
        return auc, np.nan, np.nan  # a density, without a threshold
    return auc, *((model.predict(x[part]) == -1).mean() for part in (test, others))


def cells(values: Array) -> list[str]:
    """Return mean and standard error of each column, over its rows."""
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    pairs = zip(values.mean(axis=0), errors, strict=True)
    return ["" if np.isnan(mean) else f"{mean:.1f} ± {error:.1f}" for mean, error in pairs]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(output: Path, splits: int) -> None:
    """Write features.md into a folder."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    about = machine.describe()
    versions = about.pop("versions")
    assert isinstance(versions, dict)
    described = ", ".join(f"{k} {v}" for k, v in {**about, **versions}.items())
    parts = [
        "# What the codes and the scores are worth\n\n`python -m benchmarks features` writes this "
        f"page. Numbers are percent, mean and standard error over {splits} random splits.\n\n"
        f"Machine: {described}.",
        "## Classes from few labels\n\n`load_digits`, 1,797 images of 8 by 8, seven in ten of "
        "them to learn features from, without labels. Then a\nlogistic regression on the "
        "standardized features, with so many labels, judged on the other three in ten;\n"
        f"{DRAWS} draws of these rows in each split. No settings were searched; of the VAE there "
        "are three.\n\n" + digits(splits),
        "## Anomalies\n\nFitted on seven in ten of the ordinary rows, standardized; judged on the "
        "other three in ten and on all rows of\nthe other classes. AUC is the chance that an "
        "anomaly scores below an ordinary row. `AnomalyDetector` holds a\nfifth of its rows out "
        f"and is asked for a false alarm in {round(1 / RATE)}; `IsolationForest` has "
        f"`contamination={RATE}`; the two\ndensities have no threshold.\n\n" + anomalies(splits),
    ]
    output.mkdir(parents=True, exist_ok=True)
    (output / "features.md").write_text("\n\n".join(parts) + "\n")
