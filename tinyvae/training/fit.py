"""``fit``: training as one call."""

from __future__ import annotations

import inspect
from os import PathLike
from typing import Any

from numpy.typing import ArrayLike, NDArray

from tinyvae.errors import UsageError, check_count, check_path
from tinyvae.model.vae import VAE, check_vae
from tinyvae.training.history import History
from tinyvae.training.loop import Callback, Training
from tinyvae.training.options import TrainingOptions
from tinyvae.training.progress import tell
from tinyvae.training.unused import remark_on_run

__all__ = ["Training", "TrainingOptions", "fit"]

Array = NDArray[Any]


def fit(
    vae: VAE,
    train: Array,
    *,
    validation: Array | None = None,
    labels: ArrayLike | None = None,
    validation_labels: ArrayLike | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    callback: Callback | None = None,
    save_every: int | None = None,
    progress: bool = True,
    **options: Any,
) -> History:
    """Train a model, in place.

    A ``gaussian_learned`` model that was given no ``sigma`` begins at half the spread of the data.

    Tutorial 08, equation (8.8).

    Parameters
    ----------
    vae : VAE
    train : (n, input_dim) array_like
        Read by the rule of ``tinyvae.data.rule``.
    validation : (m, input_dim) array, optional
        Looked at after every epoch, with the same noise each time.
    labels, validation_labels : (n,), (m,) arrays of int, optional
        Of a conditional model: the class of each row.
    checkpoint : path, optional
        Written every ten seconds or so, at the end, and when a stop is asked for.
    resume : bool
        Continue from ``checkpoint`` as if never stopped; ``vae`` takes its weights.
    callback : callable, optional
        Called once an epoch with its row of the history, a dict.  What it raises ends the
        training; a run with a checkpoint can be resumed then.
    save_every : int, optional
        Also keep the checkpoint of every ``save_every``-th epoch: ``model-epoch-0020.npz`` beside
        ``model.npz``.
    progress : bool
        Whether to show a progress bar, or a line an epoch where standard error is no terminal; and
        a word at the end where most latent units are not used.
    **options
        The attributes of ``TrainingOptions``: epochs, batch_size, learning_rate, schedule,
        objective, n_samples, beta, free_bits, warmup_epochs, binarize, patience, seed.

    Returns
    -------
    History
        One row an epoch; ``history.interrupted`` after Ctrl-C, SIGTERM or SIGHUP.

    Raises
    ------
    DataError, UsageError
        If the data or an option cannot be used.
    NonFiniteLossError
        If the loss stops being finite; the model keeps its last good weights.
    CheckpointError
        If there is nothing to continue, or it is damaged, or of another run.
    WriteError
        If the checkpoint cannot be written; the previous one stays.

    Examples
    --------
    >>> history = fit(vae, digits.train, validation=digits.test, epochs=20)  # doctest: +SKIP
    """
    check_vae(vae)
    settings = TrainingOptions.named(options, others=_own_names())
    if callback is not None and not callable(callback):
        raise UsageError(
            f"callback={callback!r} must be a function that takes an epoch's row, a dict."
        )
    for name, wanted in (("resume", resume), ("save_every", save_every is not None)):
        if wanted and checkpoint is None:
            raise UsageError(f"{name}={locals()[name]} needs checkpoint=: the run's file.")
    if checkpoint is not None:
        check_path("checkpoint", checkpoint)
    if save_every is not None:
        save_every = check_count("save_every", save_every)
    training = Training(
        vae, train, validation, settings, labels=labels, validation_labels=validation_labels
    )
    if resume:
        assert checkpoint is not None
        training.restore(checkpoint)
        for note in training.state.notes if progress else ():
            tell(note)
    history = training.run(checkpoint, progress=progress, callback=callback, save_every=save_every)
    if progress and history and not history.interrupted:
        few = remark_on_run(training.state)
        if few is not None:
            tell(few)
    return history


def _own_names() -> list[str]:
    """Return the names of ``fit``'s arguments that are no training options."""
    kinds = inspect.signature(fit).parameters.values()
    return [parameter.name for parameter in kinds if parameter.kind is parameter.KEYWORD_ONLY]
