"""How to train: the arguments of ``fit``, checked once.

Holds numbers and words and does nothing with them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from tinyvae.data.batches import BINARIZE
from tinyvae.errors import OptionError, UsageError, shown
from tinyvae.model.objectives import make_objective
from tinyvae.ops.reference import OBJECTIVES
from tinyvae.schema import Schema, count, number, word
from tinyvae.training.schedules import SCHEDULES

#: What other libraries call the same things.
CALLED_ELSEWHERE = {
    "learning_rate": ("lr", "rate", "alpha", "step_size", "eta"),
    "epochs": ("n_epochs", "num_epochs", "max_epochs", "max_iter", "iterations"),
    "batch_size": ("bs", "minibatch_size", "batch"),
    "n_samples": ("k", "K", "num_samples", "samples", "mc_samples"),
    "objective": ("loss", "criterion", "bound"),
    "labels": ("y", "targets", "classes"),
    "beta": ("kl_weight", "kl_coefficient", "kld_weight"),
    "warmup_epochs": ("warmup", "kl_warmup", "annealing", "kl_annealing", "warm_up"),
    "seed": ("random_state", "rng", "random_seed", "generator"),
    "patience": ("early_stopping", "n_iter_no_change", "stop_after"),
    "schedule": ("scheduler", "lr_schedule", "lr_scheduler", "decay"),
    "binarize": ("binarise", "binarization", "binary", "threshold"),
    "validation": ("validation_data", "val", "valid", "test", "x_val", "eval_set"),
    "callback": ("callbacks", "on_epoch_end", "hook"),
    "progress": ("verbose", "quiet", "progress_bar", "silent"),
    "checkpoint": ("ckpt", "checkpoint_path", "save", "filename", "path", "output"),
    "save_every": ("checkpoint_every", "save_freq", "period"),
    "hidden_dims": ("hidden", "hidden_dim", "hidden_sizes", "layers", "widths"),
    "latent_dim": ("latent", "z_dim", "n_latent", "latent_size", "n_components"),
}


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
        ``"constant"``; ``"cosine"``: down to zero over all epochs, step by step; ``"burda"``:
        down by 10**(-1 / 7) after 1, 4, 13, 40, ... epochs.
    objective : str
        What is minimized: ``"elbo"``, ``"iwae"``, ``"stl"`` or ``"dreg"``; see
        ``tinyvae.model.objectives``.
    n_samples : int
        Samples of z for each row of a step.
    beta : float
        Weight of the KL term of ``"elbo"``.
    free_bits : float or None
        Nats of KL that each dimension of ``"elbo"`` has for nothing.
    warmup_epochs : float
        The weight rises linearly from 0 to ``beta`` over this many epochs (0: none).
    binarize : str or None
        ``"stochastic"``, ``"threshold"`` or ``"none"``; None is stochastic for a Bernoulli
        likelihood and none for the others.
    patience : int or None
        Stop after this many epochs without a better validation ELBO, and go back to the best
        weights.  None: never.
    seed : int
        Of shuffling, binarization and noise.

    Raises
    ------
    UsageError
        Naming the first of them that makes no sense.
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"
    objective: str = "elbo"
    n_samples: int = 1
    beta: float = 1.0
    free_bits: float | None = None
    warmup_epochs: float = 0.0
    binarize: str | None = None
    patience: int | None = None
    seed: int = 0

    #: What each may hold; the one place that says so, for arguments, config.json and checkpoints.
    SCHEMA: ClassVar[Schema] = {
        "epochs": count(at_least=0),
        "batch_size": count(),
        "learning_rate": number(above=0.0),
        "schedule": word(SCHEDULES),
        "objective": word(OBJECTIVES),
        "n_samples": count(),
        "beta": number(at_least=0.0),
        "free_bits": number(at_least=0.0, optional=True),
        "warmup_epochs": number(at_least=0.0),
        "binarize": word(BINARIZE, optional=True),
        "patience": count(optional=True),
        "seed": count(at_least=0, at_most=2**256),
    }

    def __post_init__(self) -> None:
        for name, check in self.SCHEMA.items():  # plain values, whatever came: JSON has no others
            object.__setattr__(self, name, check(name, getattr(self, name)))
        make_objective(self.objective, self.beta, self.free_bits)  # refuses what has no meaning
        if self.objective != "elbo" and self.warmup_epochs:
            raise UsageError(
                f"warmup_epochs={self.warmup_epochs!r} has no KL term to raise in "
                f"objective={self.objective!r}; leave it out, or choose objective='elbo'."
            )

    @classmethod
    def named(cls, options: Mapping[str, object], others: Iterable[str] = ()) -> Self:
        """Return options by name.

        Parameters
        ----------
        options : mapping of str to object
        others : iterable of str
            Names that belong to the caller, for the list in the error.

        Raises
        ------
        OptionError
            If a name is not known; the message has the likely one and the whole list.
        UsageError
            If a value makes no sense.
        """
        known = [field.name for field in fields(cls)]
        for name, value in options.items():
            if name not in known:
                raise unknown_name(name, value, [*known, *others])
        return cls(**dict(options))  # type: ignore[arg-type]


def unknown_name(name: str, came: object, known: Iterable[str]) -> OptionError:
    """Build the error for an argument nobody knows, with the one that was probably meant."""
    names = list(known)
    plain = name.lower().replace("-", "_")
    meant = next((real for real in names if plain in CALLED_ELSEWHERE.get(real, ())), None)
    near = [meant] if meant else difflib.get_close_matches(plain, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return OptionError(
        f"{name}={shown(came)}: there is no argument {name!r}{hint} "
        f"Choose from: {', '.join(names)}."
    )
