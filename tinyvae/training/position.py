"""Where a run stands: everything that changes in it besides arrays, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyvae.errors import UsageError
from tinyvae.schema import Schema, check_fields, count, flag, number, several, word

_WORD_BITS = 2**128 - 1

FIELDS: Schema = {
    "epoch": count(at_least=0),
    "step": count(at_least=0),
    "seconds": number(at_least=0.0),
    "sums": several(number(), 3),
    "best_elbo": number(optional=True),
    "epochs_since_best": count(at_least=0),
    "finished": flag(),
    "at_best": flag(),
}
GENERATOR: Schema = {
    "bit_generator": word(["PCG64"]),
    "state": lambda name, came: check_fields(PCG64, came, name),
    "has_uint32": count(0, 1),
    "uinteger": count(0, 2**32 - 1),
}
PCG64: Schema = {"state": count(0, _WORD_BITS), "inc": count(0, _WORD_BITS)}


@dataclass
class Position:
    """Where a run stands, fit for JSON.

    Attributes
    ----------
    epoch : int
        Whole epochs done.
    step : int
        Steps done of the epoch that is under way.
    seconds : float
        Spent in steps so far.
    sums : list of three float
        Loss, reconstruction and KL of the epoch so far, each times rows.
    best_elbo : float or None
        Of the validation data so far.
    epochs_since_best : int
    finished : bool
        Whether early stopping ended the run.
    at_best : bool
        Whether the best weights and the last ones have changed places.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    best_elbo: float | None = None
    epochs_since_best: int = 0
    finished: bool = False
    at_best: bool = False

    @classmethod
    def from_record(cls, record: object, steps_per_epoch: int) -> Position:
        """Return the position that a checkpoint recorded, every field of it checked.

        Raises
        ------
        UsageError
            If a field is missing, unknown, of another type, or out of range.
        """
        fields = check_fields(FIELDS, record, "position")
        if fields["step"] > steps_per_epoch:
            raise UsageError(
                f"position.step={fields['step']} is beyond an epoch of {steps_per_epoch} steps."
            )
        return cls(**fields | {"sums": list(fields["sums"])})


def generator_at(state: Mapping[str, Any]) -> np.random.Generator:
    """Return a generator that continues from where another stood."""
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return rng


def generator_from(record: object, what: str) -> np.random.Generator:
    """Return the generator that a checkpoint recorded, every field of it checked.

    Raises
    ------
    UsageError
        If it is no state of PCG64, whose increment is odd (O'Neill 2014, section 4.1).
    """
    state = check_fields(GENERATOR, record, what)
    if state["state"]["inc"] % 2 == 0:
        raise UsageError(f"{what} has an even increment, which PCG64 never has.")
    return generator_at(state)
