"""How to train: the arguments of ``fit``, checked once.

Holds numbers and words and does nothing with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyvae.data.batches import BINARIZE
from tinyvae.errors import check_count, check_number, check_option
from tinyvae.model.adam import SCHEDULES


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; the arguments of ``fit``, checked.

    Attributes
    ----------
    epochs : int
        Passes through the data.
    batch_size : int
        Rows in a step; the last step of an epoch may have fewer.
    learning_rate : float
    schedule : str
        ``"constant"``, or ``"cosine"``: down to zero over all epochs, step by step.
    beta : float
        Weight of the KL term.
    warmup_epochs : float
        The weight rises linearly from 0 to ``beta`` over so many epochs (0: none).
    binarize : str or None
        ``"stochastic"``, ``"threshold"`` or ``"none"``; None is stochastic for a Bernoulli
        likelihood and none for the others.
    patience : int or None
        Stop after so many epochs without a better validation ELBO, and go back to the best
        weights.  None: never.
    seed : int
        Of shuffling, binarization and noise.
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"
    beta: float = 1.0
    warmup_epochs: float = 0.0
    binarize: str | None = None
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "epochs": check_count("epochs", self.epochs, at_least=0),
            "batch_size": check_count("batch_size", self.batch_size),
            "learning_rate": check_number("learning_rate", self.learning_rate, above=0.0),
            "schedule": check_option("schedule", self.schedule, SCHEDULES),
            "beta": check_number("beta", self.beta, at_least=0.0),
            "warmup_epochs": check_number("warmup_epochs", self.warmup_epochs, at_least=0.0),
            "seed": check_count("seed", self.seed, at_least=0),
        }
        if self.binarize is not None:
            check_option("binarize", self.binarize, BINARIZE)
        if self.patience is not None:
            checked["patience"] = check_count("patience", self.patience)
        for name, value in checked.items():  # plain numbers, whatever came: JSON takes no others
            object.__setattr__(self, name, value)
