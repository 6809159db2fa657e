"""Which runs a study is made of: what is common to all, what varies, and how many seeds.

Trains nothing and touches no file.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from tinyvae.errors import UsageError, check_count, shown
from tinyvae.runs.options import RunOptions
from tinyvae.runs.prepare import located
from tinyvae.training.options import unknown_name

#: Samples of z for each test example in L_K, if the study does not say.
EVAL_SAMPLES = 50

#: One for all runs: they are compared on the same data; ``seeds`` counts up from ``seed``.
COMMON = frozenset(
    {
        "data",
        "data_dir",
        "scale_max",
        "image_shape",
        "label_column",
        "image_size",
        "split_seed",
        "save_every",
        "seed",
    }
)

#: In which settings come, however they were given: so the same study has the same folders.
ORDER = tuple(dict.fromkeys([*RunOptions.__annotations__, *RunOptions.SCHEMA]))


@dataclass(frozen=True)
class PlannedRun:
    """One run: its folder's name, the settings in which it differs, and all its options."""

    name: str
    settings: Mapping[str, Any]
    options: RunOptions


@dataclass(frozen=True)
class Plan:
    """What a study is to do.

    Attributes
    ----------
    base : RunOptions
        The options of every run; its seed is the first one.
    settings : mapping of str to tuple
        What varies: every value of each is combined with every value of the others.
    seeds : int
        How many runs each combination gets, with seeds counted up from ``base.seed``.
    eval_samples : int
        Samples of z for each test example: K of L_K.

    Raises
    ------
    UsageError
        If an option cannot vary, a value comes twice, or a combination makes no sense.
    """

    base: RunOptions
    settings: Mapping[str, tuple[Any, ...]]
    seeds: int = 1
    eval_samples: int = EVAL_SAMPLES

    def __post_init__(self) -> None:
        check_count("seeds", self.seeds)
        check_count("eval_samples", self.eval_samples)
        for name, values in self.settings.items():
            if name in COMMON:
                raise UsageError(
                    f"{name}={shown(list(values))}: {name} is the same for all runs of a study; "
                    "give one value."
                )
            for i, value in enumerate(values):
                if value in values[:i]:
                    raise UsageError(f"{name}={shown(list(values))} names {shown(value)} twice.")
        self.runs()  # refuses what has no meaning

    def __len__(self) -> int:
        return self.seeds * math.prod(len(values) for values in self.settings.values())

    @classmethod
    def of(
        cls, options: Mapping[str, Any], *, seeds: int = 1, eval_samples: int = EVAL_SAMPLES
    ) -> Self:
        """Return the plan that options say: those that are lists vary, the others are common.

        Raises
        ------
        OptionError
            If there is no such option.
        UsageError
            As the constructor; or if a list is empty or of widths.
        """
        known = [field.name for field in fields(RunOptions)]
        for name, value in options.items():
            if name not in known:
                raise unknown_name(name, value, known)
            if isinstance(value, range | np.ndarray | set) or (
                isinstance(value, tuple) and not name.endswith("hidden_dims")
            ):
                raise UsageError(f"{name}={shown(value)}: give what varies as a list, [a, b].")
        lists = {name: value for name, value in options.items() if isinstance(value, list)}
        for name, values in lists.items():
            _check_list(name, values)
        single = {name: values[0] for name, values in lists.items() if len(values) == 1}
        common = {name: v for name, v in options.items() if name not in lists} | single
        base = located(RunOptions().changed(common))
        settings = {
            name: tuple(getattr(base.changed({name: value}), name) for value in lists[name])
            for name in ORDER
            if name in lists and name not in single
        }
        return cls(base, settings, seeds, eval_samples)

    def runs(self) -> list[PlannedRun]:
        """Return all runs: the first setting varies slowest, the seed fastest.

        Raises
        ------
        UsageError
            If a combination makes no sense.
        """
        found = []
        for values in itertools.product(*self.settings.values()):
            settings = dict(zip(self.settings, values, strict=True))
            for seed in range(self.base.seed, self.base.seed + self.seeds):
                options = replace(self.base, **settings, seed=seed)
                found.append(PlannedRun(_name(settings, seed), settings, options))
        return found


def _check_list(name: str, values: list[Any]) -> None:
    if not values:
        raise UsageError(f"{name}=[] is empty: give at least one value.")
    if name.endswith("hidden_dims") and not all(isinstance(v, list | tuple) for v in values):
        raise UsageError(
            f"{name}={shown(values)}: a list holds what varies, so give one model's widths as a "
            "tuple, (200, 200), and several models' as a list of tuples, [(400,), (200, 200)]."
        )


def _name(settings: Mapping[str, Any], seed: int) -> str:
    """Return a folder's name that says what is particular about a run."""
    parts = [f"{name.replace('_', '-')}-{word(value)}" for name, value in settings.items()]
    return "_".join([*parts, f"seed-{seed}"])


def word(value: object) -> str:
    """Return a setting's value as a word without blanks: 0.5, relu, 200x200, none."""
    if isinstance(value, tuple):
        return "x".join(map(str, value)) or "none"
    text = "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, float) and float(text) != value:
        text = repr(value)
    return re.sub(r"[^\w.+-]", "-", text)
