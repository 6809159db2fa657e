"""What a half of a loss may be: named sums of terms, most usual first.

A hypothesis is a set of terms whose weights are free: least squares finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinyvae.losscheck.terms import Term


@dataclass(frozen=True)
class Hypothesis:
    """A named formula with free weights.

    Attributes
    ----------
    code : str
        A word for machines.
    terms : tuple of Term
    is_right : bool
        Whether it is the term a bound of log p(x) should have.
    reading : str
        What its argument must be for that: a key of ``READINGS``, ``"logits"``, ...
    words : str
        What it is called, or what is wrong with it.
    mend : str
        What to do about it; empty where nothing can be said.
    explain : callable, optional
        From the weights to a sentence, where the weights tell.
    bend, bend_words, bend_harms
        An epsilon, a clamp or a threshold inside: its code, a sentence, and whether it changes
        what is learned.
    shown : str
        What stands in the report's formula in the place of the term's name, where that would lie.
    """

    code: str
    terms: tuple[Term, ...]
    is_right: bool = False
    reading: str = ""
    words: str = ""
    mend: str = ""
    explain: Callable[[tuple[float, ...]], str] | None = None
    bend: str = ""
    bend_words: str = ""
    bend_harms: bool = False
    shown: str = ""

    def says(self, weights: tuple[float, ...]) -> str:
        """Return the sentence on what this is, with these weights."""
        return self.explain(weights) if self.explain else self.words
