"""What ``fit`` and ``partial_fit`` do: build a model, train it for some passes, hold rows out."""

from __future__ import annotations

import signal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyvae.data.reading import mean_of
from tinyvae.errors import SizeError, check_number
from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
from tinyvae.training.fit import Training
from tinyvae.training.history import History
from tinyvae.training.options import TrainingOptions

Array = NDArray[Any]


class Rows(NamedTuple):
    """Rows to train on or to judge by, with their labels in a conditional model."""

    x: Array
    labels: Array | None


def build(x: Array, **config: Any) -> VAE:
    """Return a fresh model whose decoder starts at the mean of x."""
    vae = VAE(x.shape[1], **config)
    vae.set_output_mean(mean_of(x))
    return vae


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
) -> tuple[History, Adam]:
    """Train in place until ``options.epochs`` passes are done, ``done`` of them before.

    Returns the history of these passes and the optimizer, with which training can go on.  Signals
    that ask for an end are obeyed after the step they came in: Ctrl-C raises KeyboardInterrupt.
    """
    judged, judged_labels = validation or (None, None)
    training = Training(
        vae, rows.x, judged, options, labels=rows.labels, validation_labels=judged_labels
    )
    training.state.adam = adam or training.state.adam
    training.state.position.epoch = done
    history = training.run(progress=progress)
    if training.stopped_by is not None:
        signal.raise_signal(training.stopped_by)
    return history, training.state.adam


def derived(seed: int, *words: int) -> int:
    """Return a seed of its own for a purpose."""
    return int(np.random.SeedSequence([seed, *words]).generate_state(1)[0])
