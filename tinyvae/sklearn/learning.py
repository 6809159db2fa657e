"""What ``fit`` and ``partial_fit`` do: build a model, train it for some passes, hold rows out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.moments import mean_of, spread_of
from tinyvae.errors import SizeError, UsageError, check_count, check_number
from tinyvae.model.adam import Adam
from tinyvae.model.config import Architecture
from tinyvae.model.vae import VAE
from tinyvae.training.fit import Training
from tinyvae.training.history import History
from tinyvae.training.options import TrainingOptions

Array = NDArray[Any]


class Rows(NamedTuple):
    """Rows to train on or to judge by, with their labels in a conditional model."""

    x: Array
    labels: Array | None


#: Parameters of the estimator that are arguments of ``VAE``, and those that are of ``fit``.
MODEL = (
    *("hidden_dims", "latent_dim", "decoder_hidden_dims", "activation", "likelihood", "sigma"),
    *("dtype", "backend", "threads"),
)
TRAINING = (
    *("learning_rate", "schedule", "objective", "n_samples", "beta", "free_bits", "warmup_epochs"),
    "binarize",
)


def build(x: Array, parameters: Mapping[str, Any], n_classes: int | None, seed: int) -> VAE:
    """Return a fresh model whose decoder starts at the mean of x.

    A learned standard deviation starts where ``fit`` lets it start if none is named.
    """
    config = _config(parameters)
    if config["sigma"] is None:
        config["sigma"] = _start(x, config["likelihood"])
    vae = VAE(x.shape[1], n_classes=n_classes, seed=seed, **config)
    vae.set_output_mean(mean_of(x))
    return vae


def _config(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parameters[name] for name in MODEL}


def _start(x: Array, likelihood: str) -> float:
    """Return where sigma begins to be learned: at half the spread of the data, as in ``fit``."""
    if likelihood != "gaussian_learned":
        return 1.0
    return 0.5 * spread_of(x) or 1.0


def check_same_model(vae: VAE, parameters: Mapping[str, Any]) -> None:
    """Refuse to go on with a model that the parameters no longer describe.

    Raises
    ------
    UsageError
        Naming the first that is different.
    """
    kept = {name: vae.config[name] for name in ("input_dim", "n_classes", "seed", "sigma")}
    given = {name: value for name, value in _config(parameters).items() if value is not None}
    described = Architecture(**{"decoder_hidden_dims": None, "threads": None} | kept | given)
    for name, value in described.config.items():
        if vae.config[name] != value:
            raise UsageError(
                f"{name}={value!r}, but the model to go on with has {vae.config[name]!r}: set it "
                "back, or fit a new one (warm_start=False)."
            )


def options_of(
    parameters: Mapping[str, Any], rows: Rows, *, epochs: int, patience: int | None, seed: int
) -> TrainingOptions:
    """Return how to train on these rows; fewer than a batch are one step."""
    return TrainingOptions(
        epochs=epochs,
        batch_size=min(check_count("batch_size", parameters["batch_size"]), len(rows.x)),
        patience=patience,
        seed=seed,
        **{name: parameters[name] for name in TRAINING},
    )


def held_out(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Return the rows in two parts, drawn at random: to train on and to judge by.

    Raises
    ------
    SizeError
        If the fraction is not between 0 and 1, or leaves fewer than two rows to train on.
    """
    check_number("validation_fraction", fraction, above=0.0)
    n = len(rows.x)
    count = max(1, round(fraction * n))
    if fraction >= 1 or n - count < 2:
        raise SizeError(
            f"validation_fraction={fraction!r} of {n} rows leaves {n - count} to train on, "
            "expected at least 2: choose less, or give more rows."
        )
    order = np.random.default_rng(seed).permutation(n)
    first, second = (
        Rows(rows.x[index], None if rows.labels is None else rows.labels[index])
        for index in (np.sort(order[count:]), np.sort(order[:count]))
    )
    return first, second


def train(
    vae: VAE,
    rows: Rows,
    options: TrainingOptions,
    *,
    validation: Rows | None = None,
    adam: Adam | None = None,
    done: int = 0,
    progress: bool = False,
) -> tuple[History, Adam, int | None]:
    """Train in place until ``options.epochs`` passes are done, ``done`` of them before.

    Returns the history of these passes, the optimizer, with which training can go on, and the
    number of the signal that ended it early, for the caller to raise.
    """
    judged, judged_labels = validation or (None, None)
    training = Training(
        vae, rows.x, judged, options, labels=rows.labels, validation_labels=judged_labels
    )
    training.state.adam = adam or training.state.adam
    training.state.position.epoch = done
    history = training.run(progress=progress)
    return history, training.state.adam, training.stopped_by


def derived(seed: int, *words: int) -> int:
    """Return a seed of its own for a purpose."""
    return int(np.random.SeedSequence([seed, *words]).generate_state(1)[0])
