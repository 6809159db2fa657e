"""The outcome of a gradient check: its verdict, its plain text, its JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from tinyvae.errors import TinyVAEError
from tinyvae.gradcheck.render import draw, to_html, to_rich
from tinyvae.gradcheck.results import (
    OK,
    SKIPPED,
    UNDECIDED,
    WRONG,
    ArrayResult,
    Claim,
    Finding,
)


class GradientError(TinyVAEError, AssertionError):
    """A gradient check failed; the message is the report."""


@dataclass(frozen=True)
class Report:
    """The outcome of a gradient check.

    Print it, show it in a notebook, ask ``passed``, call ``raise_if_failed()`` in a test,
    ``to_dict()`` for JSON, or ``plot()`` for a picture.
    """

    title: str
    arrays: tuple[ArrayResult, ...]
    findings: tuple[Finding, ...] = ()
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    seed: int = 0

    @property
    def passed(self) -> bool:
        """Whether no array is wrong or undecided, at least one was checked, and all claims hold."""
        good = {OK, SKIPPED}
        checked = [a for a in self.arrays if a.verdict != SKIPPED]
        return (
            bool(checked)
            and all(a.verdict in good for a in self.arrays)
            and all(c.passed for c in self.claims)
            and not self.findings
        )

    @property
    def worst_error(self) -> float:
        """The largest relative error in norm of all arrays."""
        return max((a.error for a in self.arrays if a.verdict != SKIPPED), default=math.nan)

    def raise_if_failed(self) -> None:
        """Raise GradientError with the whole report if the check did not pass."""
        if not self.passed:
            raise GradientError(f"\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the arrays of numbers, ready for ``json.dumps``."""
        return {
            "title": self.title,
            "passed": self.passed,
            "arrays": [_plain(a) for a in self.arrays],
            "findings": [asdict(f) for f in self.findings],
            "claims": [asdict(c) for c in self.claims],
            "notes": list(self.notes),
            "seconds": self.seconds,
            "seed": self.seed,
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table, headings first, one row an array."""
        head = ("array", "shape", "checked", "method", "error", "worst entry", "verdict")
        return [head, *(_row(a) for a in self.arrays)]

    def remarks(self) -> list[str]:
        """Return findings, failed and kept claims, remarks on arrays, and notes, a line each."""
        lines = [str(f) for f in self.findings]
        lines += [f"{'holds' if c.passed else 'FAILS'}: {c.name}: {c.saw}" for c in self.claims]
        lines += [f"{a.name}: {a.remark}" for a in self.arrays if a.remark]
        return lines + list(self.notes)

    def summary(self) -> str:
        """Say in one line whether it passed."""
        n = len(self.arrays)
        bad = [a.name for a in self.arrays if a.verdict in (WRONG, UNDECIDED)]
        if self.passed:
            worst = f"largest error {self.worst_error:.1e}"
            return (
                f"{self.title}: passed ({n} array{'s' * (n != 1)}, {worst}, {self.seconds:.1f} s)"
            )
        return f"{self.title}: FAILED" + (f" ({', '.join(bad)})" if bad else "")

    def __str__(self) -> str:
        table = self.rows()
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) for r in table]
        return "\n".join([self.summary(), *(line.rstrip() for line in lines), *self.remarks()])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Report(...)" if cycle else str(self))

    def _repr_html_(self) -> str:
        return to_html(self)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        yield to_rich(self, options.max_width)

    def plot(self, ax: Any = None) -> Any:
        """Draw the analytic against the numeric gradient; return the matplotlib Axes."""
        return draw(self, ax)


def merge(title: str, reports: Iterable[Report]) -> Report:
    """Return one report of several, every array's name led by the title it came from."""
    parts = list(reports)
    return Report(
        title,
        tuple(replace(a, name=f"{r.title}: {a.name}") for r in parts for a in r.arrays),
        tuple(
            replace(f, arrays=tuple(f"{r.title}: {n}" for n in f.arrays))
            for r in parts
            for f in r.findings
        ),
        tuple(c for r in parts for c in r.claims),
        tuple(dict.fromkeys(n for r in parts for n in r.notes)),
        sum(r.seconds for r in parts),
        parts[0].seed if parts else 0,
    )


def _row(a: ArrayResult) -> tuple[str, ...]:
    worst = "-"
    if a.worst is not None:
        index = ", ".join(map(str, a.worst.index))
        worst = f"[{index}] {a.worst.analytic:.9g} for {a.worst.numeric:.9g}"
    verdict = f"{a.verdict}, {a.kinks} at a kink" if a.kinks else a.verdict
    error = f"{a.error:.1e}" if a.checked or a.directions else "-"
    shape = f"({', '.join(map(str, a.shape))}{',' * (len(a.shape) == 1)})"
    return a.name, shape, a.coverage, a.method, error, worst, verdict


def _plain(array: ArrayResult) -> dict[str, Any]:
    """Return one array's result without its numbers; what is not finite becomes None."""
    fields = asdict(array)
    for numbers in ("analytic", "numeric", "indices", "kinked"):
        del fields[numbers]
    return {k: _finite(v) for k, v in fields.items()}


def _finite(value: Any) -> Any:
    """Return the same with infinities and NaN as None: JSON has neither."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
