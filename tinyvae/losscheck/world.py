"""Which shapes and values a function can be called with, found by trying."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinyvae.errors import NonFiniteDataError, UsageError
from tinyvae.losscheck import returned
from tinyvae.losscheck.bench import BINARY, POSITIVE, REAL, UNIT, Bench, Shape
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.names import MU, RECON, SCALE, X_SCALE, X, Z
from tinyvae.losscheck.terms import Array

_POSITIVE_CLAIMS = ("sigma", "variance", "precision")
_IMAGES = ((1, 28, 28), (28, 28, 1), (28, 28), (3, 32, 32), (32, 32, 3), (3, 64, 64))


@dataclass(frozen=True)
class World:
    """The smallest shape a function takes, and others to tell mean from sum.

    ``notes`` say what could not be varied.
    """

    base: Shape
    shapes: tuple[Shape, ...]
    notes: tuple[str, ...]

    @property
    def any_width(self) -> bool:
        """Whether the width of x could be chosen freely."""
        return len({s.input_dim for s in self.shapes}) > 1 or len(self.base.example) == 1

    def larger(self, times: int) -> World:
        """Return the same with batches larger by this factor."""
        shapes = tuple(replace(s, batch=times * s.batch) for s in self.shapes)
        return World(shapes[0], shapes, self.notes)


def explore(bench: Bench, told: Shape, fixed_example: bool) -> World:
    """Find values and shapes that work; set the bench's domains and layout.

    Parameters
    ----------
    bench : Bench
    told : Shape
        Where the reader wants the weights to be told.
    fixed_example : bool
        Whether the reader gave the shape of an example.

    Raises
    ------
    UsageError
        If the function raises whatever it is given; the message says what.
    NonFiniteDataError
        If it gives NaN or infinity everywhere.
    """
    base, total = _first_that_works(bench, told, fixed_example)
    shapes, notes = _vary(bench, base, told)
    return World(base, shapes, tuple(n for n in (total, *notes) if n))


def _first_that_works(bench: Bench, told: Shape, fixed_example: bool) -> tuple[Shape, str]:
    failure: CallFailed | None = None
    infinite = False
    for shape, domains in itertools.product(
        _candidates(bench, told, fixed_example), _domains(bench)
    ):
        bench.domains |= domains
        try:
            if not _gives_numbers(bench, shape):
                infinite = True
                continue
            total = _settle_total(bench, shape)
            _settle_layout(bench, shape)
            if bench.all_finite(shape):
                return shape, total
            infinite = True
        except CallFailed as error:
            failure = failure or error
    if infinite:
        raise NonFiniteDataError(
            f"{bench.function.title} is NaN or infinite for x and reconstruction in (0, 1) and "
            "ordinary mu and logvar: check the arguments' roles (arguments=), or logarithms inside."
        )
    assert failure is not None  # every candidate gave numbers, infinity, or an exception
    raise _refusal(bench, failure, told) from failure.cause


def _refusal(bench: Bench, failure: CallFailed, told: Shape) -> UsageError:
    fed = ", ".join(f"{s.name} as {s.role}" for s in bench.function.slots)
    return UsageError(
        f"{bench.function.title} raised {failure.said} It was fed {fed}. If it wants other arrays "
        "give convert= (torch.tensor); if an example has another shape give input_dim= (now "
        f"{told.example if len(told.example) > 1 else told.input_dim}); if the roles are wrong "
        "give arguments=."
    )


def _candidates(bench: Bench, told: Shape, fixed_example: bool) -> Iterator[Shape]:
    """Yield small shapes with three different numbers, then those that code may be written for."""
    wide = any(r in bench.roles for r in (X, RECON, X_SCALE))
    small = (5,) if len(told.example) == 1 else _shrunk(told.example)
    examples: list[tuple[int, ...]] = list(dict.fromkeys([small, told.example]))
    if wide and not fixed_example:
        examples += _IMAGES
    for example in examples if wide else [(5,)]:
        for latent in (2, told.latent_dim):
            yield Shape(3, example, latent)


def _shrunk(example: tuple[int, ...]) -> tuple[int, ...]:
    """Return a small example of the same kind: few channels stay, sides become 5 and 6."""
    return tuple(n if n <= 4 else 5 + i % 2 for i, n in enumerate(example))


def _domains(bench: Bench) -> list[dict[str, str]]:
    """Return the domains to try, the most telling first."""
    scales = []
    for role in (SCALE, X_SCALE):
        slot = bench.function.slot(role)
        if slot is not None:
            only = slot.claim in _POSITIVE_CLAIMS
            scales.append([(role, POSITIVE)] if only else [(role, REAL), (role, POSITIVE)])
    found = [dict(choice) for choice in itertools.product(*scales)]
    return [{**d, X: x, RECON: UNIT} for x in (UNIT, BINARY) for d in found]


def _gives_numbers(bench: Bench, shape: Shape) -> bool:
    return all(
        bool(np.isfinite(values).all())
        for _ in range(3)
        for values in bench.raw(bench.draw(shape))[:1]
    )


def _settle_total(bench: Bench, shape: Shape) -> str:
    """Find which of several returned values is the loss; return a note on it.

    It is the one that depends on x's side and on z's; if none does, the sum of the first two.
    """
    sides = [[r for r in (RECON, X_SCALE) if r in bench.roles]]
    sides += [[r for r in (MU, SCALE, Z) if r in bench.roles]]
    base = bench.draw(shape)
    before = bench.raw(base)
    single = [returned.is_single(v) for v in returned.parts(bench.function(base))]
    bench.single = all(single)
    if len(before) == 1 or not all(sides):
        return ""
    moves = []
    for side in sides:
        after = bench.raw({**base, **bench.draw(shape, side)})
        moves.append([not _same(a, b) for a, b in zip(before, after, strict=True)])
    both = [i for i in range(len(before)) if moves[0][i] and moves[1][i]]
    if both:
        at = both[0]
        bench.pick = lambda values: values[at]
        return "" if at == 0 else f"The loss is value {at + 1} of the {len(before)} returned."
    halves = [next((i for i, m in enumerate(move) if m), None) for move in moves]
    if None in halves:
        return ""
    one, other = sorted(h for h in halves if h is not None)
    bench.pick = lambda values: _sum(values[one], values[other])
    return f"No value returned is the whole: the sum of values {one + 1} and {other + 1} is judged."


def _sum(a: Array, b: Array) -> Array:
    if a.size == 1 or b.size == 1 or a.shape == b.shape:
        return np.asarray(a + b)
    return np.asarray(a.reshape(len(a), -1).sum(1) + b.reshape(len(b), -1).sum(1))


def _same(a: Array, b: Array) -> bool:
    if a.shape != b.shape:
        return False
    close = np.isclose(a, b, rtol=1e-6, atol=1e-300)
    return bool(np.all(close | (np.isnan(a) & np.isnan(b))))


def _settle_layout(bench: Bench, shape: Shape) -> None:
    values = bench.raw(bench.draw(shape))
    array = values[0] if bench.pick is None else bench.pick(values)
    widths = (shape.input_dim, shape.latent_dim)
    bench.layout = returned.layout(array, shape.batch, widths)


def _vary(bench: Bench, base: Shape, told: Shape) -> tuple[tuple[Shape, ...], list[str]]:
    """Return shapes that work, in which each size takes several values, the last near ``told``."""
    batch, example, latent = base.batch, base.example, base.latent_dim
    others = [Shape(7, example, latent)]
    flat = len(example) == 1
    wide = any(r in bench.roles for r in (X, RECON, X_SCALE))
    narrow = SCALE in bench.roles or MU in bench.roles
    notes, fixed = [], False
    if wide:
        wider = (11,) if flat else tuple(2 * n if n > 4 else n for n in example)
        others += _that_work(bench, [Shape(batch, wider, latent)])
        fixed = len(others) == 1
        if fixed:
            notes.append(
                f"It takes examples of {' x '.join(map(str, example))} values only: what a weight "
                "has to do with the width of x could not be measured."
            )
    free_latent = bool(_that_work(bench, [Shape(batch, example, 4)])) if narrow else False
    if free_latent:
        others += [Shape(batch, example, 4), Shape(5, others[-1].example, 3)]
    elif narrow:
        notes.append(f"It takes latent_dim = {latent} only.")
    last = Shape(4, example if fixed else told.example, told.latent_dim if free_latent else latent)
    others += _that_work(bench, [last]) if wide or free_latent else []
    return (base, *_that_work(bench, others)), notes


def _that_work(bench: Bench, shapes: Sequence[Shape]) -> list[Shape]:
    return [shape for shape in dict.fromkeys(shapes) if bench.finite(shape, n=1)]
