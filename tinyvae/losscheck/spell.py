"""Numbers the way a person would have written them: 1/784, 1/2, 0.00025, log 2.

A number is only simplified when it agrees to the precision of its measurement.
"""

from __future__ import annotations

import math
from fractions import Fraction

_NAMED = {
    "log 2": math.log(2.0),
    "1/log 2": 1.0 / math.log(2.0),
    "1/log 10": 1.0 / math.log(10.0),
    "sqrt 2": math.sqrt(2.0),
    "1/sqrt 2": math.sqrt(0.5),
    "pi": math.pi,
    "log(2 pi)": math.log(2.0 * math.pi),
    "log(2 pi)/2": 0.5 * math.log(2.0 * math.pi),
}
LARGEST_DENOMINATOR = 10_000_000


def simplify(value: float, error: float) -> Fraction | None:
    """Return the plain fraction that ``value`` is, or None if it is none.

    Parameters
    ----------
    value : float
    error : float
        Relative error of the measurement.

    Returns
    -------
    Fraction or None
        A whole number, n/d with d up to 24, 1/n, or a decimal of at most three digits, tried in
        this order, and only if nothing as plain lies as near.
    """
    if not math.isfinite(value) or value == 0.0 or error > 1e-2:
        return Fraction(0) if value == 0.0 else None
    size, room = abs(value), max(4.0 * error, 1e-12)
    for found in _plain(size):
        if found and abs(float(found) / size - 1.0) <= room and _stands_out(found, room):
            return found if value > 0.0 else -found
    return None


def _plain(size: float) -> list[Fraction]:
    plain = [Fraction(round(size))] if size >= 0.5 else []
    plain += [Fraction(round(size * d), d) for d in range(2, 25) if size * d >= 0.5]
    if 1.0 / size < LARGEST_DENOMINATOR:
        plain.append(Fraction(1, max(1, round(1.0 / size))))
    plain += [Fraction(f"{size:.{digits}e}") for digits in (0, 1, 2)]
    return plain


def _stands_out(found: Fraction, room: float) -> bool:
    """Say whether chance would seldom have put a number as plain as this one within the room."""
    size = max(found.numerator, found.denominator)
    return size == 1 or room * size <= 0.05 or (size <= 12 and room <= 0.02)


def spell(value: float, error: float = 1e-12) -> str:
    """Return ``"1/784"``, ``"0.00025"``, ``"log 2"``, or as many digits as are known."""
    plain = simplify(value, error)
    if plain is not None:
        return fraction(plain)
    for word, number in _NAMED.items():
        if error <= 1e-6 and abs(abs(value) / number - 1.0) <= max(4.0 * error, 1e-12):
            return word if value > 0.0 else f"-{word}"
    if error > 1e-3:
        return f"{value:.3g} +- {abs(value) * error:.1g}"
    digits = 6 if error <= 1e-7 else max(2, min(6, round(-math.log10(error))))
    return f"{value:.{digits}g}"


def fraction(number: Fraction) -> str:
    """Return a fraction as decimals where those are short, with a stroke where not."""
    if number.denominator == 1:
        return f"{number.numerator}"
    decimal = f"{float(number):.3g}"
    exact = Fraction(decimal) == number
    if number.denominator in (2, 3, 4) or not exact:
        small = abs(number.numerator) == 1 or number.denominator <= 24
        return f"{number.numerator}/{number.denominator}" if small else f"{float(number):.6g}"
    return decimal


def room(error: float) -> float:
    """Return how far two weights of this relative error may lie apart and still be called equal.

    Errors of rounding are known only roughly; those of averages well, and 4 of them decide.
    """
    return 5.0 * error if error > 1e-3 else max(30.0 * error, 1e-9)
