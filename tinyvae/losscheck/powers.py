"""How a weight depends on the sizes: exponents of batch, input_dim and latent_dim, fitted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinyvae.losscheck.spell import simplify, spell

Array = NDArray[np.float64]
SIZES = ("batch", "input_dim", "latent_dim")
# A relative error above this comes from averages, and is known well; below, from rounding.
ROUGH = 1e-3


@dataclass(frozen=True)
class Weight:
    """factor * batch^a * input_dim^b * latent_dim^c, or a number for each shape if it is not that.

    Attributes
    ----------
    factor : float
    powers : mapping of str to float
        Multiples of 1/2; sizes that were never varied are missing.
    error : float
        Relative error of the factor.
    is_power : bool
        False if no such powers explain the weights; then ``factor`` is the one at the last shape.
    """

    factor: float
    powers: Mapping[str, float]
    error: float
    is_power: bool = True

    def power(self, size: str) -> float:
        """Return the exponent of a size, 0 where it was never varied."""
        return self.powers.get(size, 0.0)

    def at(self, sizes: Mapping[str, int]) -> float:
        """Return the weight at these sizes."""
        scale: float = math.prod(sizes[n] ** p for n, p in self.powers.items())
        return self.factor * scale

    def without(self, size: str) -> Weight:
        """Return the same without its dependence on one size."""
        rest = {n: p for n, p in self.powers.items() if n != size}
        return Weight(self.factor, rest, self.error, self.is_power)

    def over(self, other: Weight) -> Weight:
        """Return this weight over another."""
        names = self.powers.keys() | other.powers.keys()
        powers = {n: self.power(n) - other.power(n) for n in names}
        error = math.hypot(self.error, other.error)
        both = self.is_power and other.is_power
        return Weight(self.factor / other.factor, powers, error, both)

    def times(self, number: float) -> Weight:
        """Return the weight times a number."""
        return Weight(self.factor * number, self.powers, self.error, self.is_power)

    @property
    def is_constant(self) -> bool:
        """Whether it is the same at every shape."""
        return self.is_power and not any(self.powers.values())

    def spell(self, sizes: Mapping[str, int]) -> str:
        """Return it as a person writes it, at these sizes: ``"1/784"``."""
        up = [f"{sizes[n]}" for n, p in self.powers.items() if p == 1.0]
        down = [f"{sizes[n]}" for n, p in self.powers.items() if p == -1.0]
        plain = simplify(self.factor, self.error)
        odd = any(p not in (0.0, 1.0, -1.0) for p in self.powers.values())
        if odd or plain is None or not (up or down):
            return spell(self.at(sizes), self.error)
        number = _decimal(plain)
        sign = "-" if number == "-1" and up else ""
        top = sign + " * ".join([*([number] if number not in ("1", "-1") or not up else []), *up])
        return f"{top}/{' / '.join(down)}" if down else top

    def symbols(self) -> str:
        """Return it with the sizes by name: ``"1/input_dim"``."""
        names = [(n, p) for n, p in self.powers.items() if p]
        up = [_raised(n, p) for n, p in names if p > 0]
        down = [_raised(n, -p) for n, p in names if p < 0]
        number = spell(self.factor, self.error)
        top = " * ".join([*([number] if number != "1" or not up else []), *up])
        return top + "".join(f" / {n}" for n in down)


def _decimal(number: Fraction) -> str:
    """Return a plain fraction as decimals where those are exact, as it will be divided further."""
    decimal = f"{float(number):.4g}"
    return decimal if Fraction(decimal) == number else f"({number.numerator}/{number.denominator})"


def _raised(name: str, power: float) -> str:
    return name if power == 1.0 else f"{name}^{power:g}"


def _nearest(
    w: Array, e: Array, sizes: Sequence[Mapping[str, int]], varied: Sequence[str]
) -> dict[str, float]:
    """Return the multiples of 1/2 nearest to least squares on the logarithms."""
    logs = np.log(np.array([[s[n] for n in varied] for s in sizes], float).reshape(len(w), -1))
    trust = (1.0 / np.maximum(e, 1e-9))[:, None]
    table = np.hstack([np.ones((len(w), 1)), logs])
    found, *_ = np.linalg.lstsq(table * trust, np.log(np.abs(w)) * trust[:, 0], rcond=None)
    return {n: float(np.round(2.0 * p) / 2.0) for n, p in zip(varied, found[1:], strict=True)}


def _likeliest(
    w: Array, e: Array, sizes: Sequence[Mapping[str, int]], varied: Sequence[str]
) -> dict[str, float]:
    """Return the exponents of -1, 0 and 1 that rough weights speak for.

    An exponent that is not 0 has to earn 9 in twice the log of the likelihood.
    """
    best, cost = {}, math.inf
    for choice in itertools.product((0.0, 1.0, -1.0), repeat=len(varied)):
        powers = dict(zip(varied, choice, strict=True))
        factors = w / np.array([math.prod(s[n] ** p for n, p in powers.items()) for s in sizes])
        factor = np.average(factors, weights=1.0 / e**2)
        misfit = float(np.sum(((factors / factor - 1.0) / e) ** 2)) + 9.0 * np.count_nonzero(choice)
        if misfit < cost:
            best, cost = powers, misfit
    return best


def fit_powers(
    weights: Sequence[float], sizes: Sequence[Mapping[str, int]], errors: Sequence[float]
) -> Weight:
    """Return the law that the weights measured at several shapes follow.

    Exponents are the multiples of 1/2 nearest to least squares on the logarithms; they are kept
    only if they explain every weight to its precision.  Tutorial 11, equation (11.8).

    Parameters
    ----------
    weights : sequence of float
    sizes : sequence of mapping
        Of each shape.
    errors : sequence of float
        Relative error of each weight.
    """
    w, e = np.array(weights), np.maximum(errors, 1e-14)
    varied = [n for n in SIZES if len({s[n] for s in sizes}) > 1]
    fallback = Weight(float(w[-1]), {}, float(e[-1]), False)
    if np.all(w == 0.0) or np.any(w == 0.0) or len(set(np.sign(w))) > 1:
        return Weight(0.0, {}, float(e.max())) if np.all(w == 0.0) else fallback
    rough = bool(e.max() > ROUGH)
    powers = (_likeliest if rough else _nearest)(w, e, sizes, varied)
    factors = w / np.array([math.prod(s[n] ** p for n, p in powers.items()) for s in sizes])
    factor = float(np.average(factors, weights=1.0 / e**2))
    allowed = np.where(e > ROUGH, 6.0 * e, np.maximum(30.0 * e, 1e-9))
    if np.any(np.abs(factors / factor - 1.0) > allowed):
        return fallback
    error = float(1.0 / np.sqrt(np.sum(1.0 / e**2)))
    plain = simplify(factor, error)
    return Weight(float(plain) if plain is not None else factor, powers, error)
