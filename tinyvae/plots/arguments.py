"""What a picture was given by mistake, said in a sentence with the picture that takes it."""

from __future__ import annotations

from typing import Any

from tinyvae import errors
from tinyvae.errors import UsageError

#: What draws a thing of each kind, by the name of its class.
DRAWN_BY = {
    "VAE": "plot_samples(vae), plot_grid(vae) and others draw a model",
    "History": "plot_history(history) draws a history",
    "Evaluation": "plot_kl(evaluation.kl_per_dimension) draws an evaluation",
    "DataSet": "plot_latent(vae, data.test) draws a data set, whose rows are data.train and "
    "data.test",
    "Result": "its model is result.vae and its history result.history",
    "Figure": "save(figure, path) writes a figure",
}


def check_model(came: Any) -> None:
    """Refuse what is no model.

    Raises
    ------
    UsageError
        With what would draw it.
    """
    if not hasattr(came, "input_dim"):
        raise wrong_kind("vae", came, "a VAE")


def refuse_objects(argument: str, came: Any, wanted: str) -> None:
    """Refuse what tinyvae's own functions return where an array or a table is expected.

    Raises
    ------
    UsageError
        With what would draw it.
    """
    if type(came).__name__ in DRAWN_BY or isinstance(came, str | bytes) or came is None:
        raise wrong_kind(argument, came, wanted)


def wrong_kind(argument: str, came: Any, wanted: str) -> UsageError:
    """Build the error: what was expected, what came, and what draws it."""
    return errors.wrong_kind(argument, came, wanted, DRAWN_BY.get(type(came).__name__, ""))
