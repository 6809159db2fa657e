"""How far a study is, over all its runs, and how long the rest will take."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from tinyvae.runs.options import RunOptions


def cost_of(options: RunOptions, input_dim: int) -> float:
    """Return what a run costs, in units that only compare runs of one study.

    Multiplications of all epochs for one row, with a share for what every layer costs anyway.
    """
    mirrored = options.hidden_dims[::-1]
    decoder = mirrored if options.decoder_hidden_dims is None else options.decoder_hidden_dims
    encoder = [input_dim, *options.hidden_dims, 2 * options.latent_dim]
    widths = [options.latent_dim, *decoder, input_dim]
    weights = sum(a * b for a, b in itertools.pairwise(encoder))
    sampled = sum(a * b for a, b in itertools.pairwise(widths))
    overhead = 1000 * (len(encoder) + len(widths))
    return options.epochs * (weights + options.n_samples * sampled + overhead)


class Progress:
    """Tells how many runs are done and, from what those cost, when the others will be.

    Parameters
    ----------
    costs : dict of str to float
        Of the runs that are to do, by name.
    done : int
        How many runs of the study were done before.
    say : callable
        Takes a line.
    """

    def __init__(self, costs: dict[str, float], done: int, say: Callable[[str], None]) -> None:
        self.costs, self.say = costs, say
        self.before, self.finished, self.failures = done, 0, 0
        self.spent, self.total = 0.0, sum(costs.values())
        self.began = time.monotonic()

    def ended(self, name: str, failure: str = "") -> None:
        """Count a run, and say where the study stands."""
        self.finished += 1
        self.failures += bool(failure)
        self.spent += self.costs[name]
        counted = f"[{self.before + self.finished}/{self.before + len(self.costs)}]"
        what = f"{name} failed: {failure}" if failure else name
        self.say(f"{counted} {what}{self._rest()}")

    def seconds_left(self) -> float:
        """Return the estimate: the rest costs as much time a unit as what was done."""
        left = self.total - self.spent
        return (time.monotonic() - self.began) * left / self.spent if self.spent else 0.0

    def _rest(self) -> str:
        if self.finished == len(self.costs):
            return ""
        return f" (about {in_words(self.seconds_left())} left)"


def in_words(seconds: float) -> str:
    """Return a duration as 40 s, 12 min or 3.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
