"""What the doctor found: its verdict, the formula, findings and notes; text, HTML, JSON.

Nothing is measured here.  One shape of report serves losses, samplers and KLs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tinyvae.errors import TinyVAEError


class LossError(TinyVAEError, AssertionError):
    """A loss, a sampler or a KL is not what it should be; the message is the report."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    code : str
        A word for machines: ``"reduction"``, ``"beta"``, ``"sign"``, ``"unexplained"``, ...
    saw : str
        What was measured and what it means, in one sentence or two.
    mend : str
        What to do about it, in one line; empty where nothing can be said.
    """

    code: str
    saw: str
    mend: str = ""

    @property
    def kind(self) -> str:
        """The same as ``code``, by the name that a finding about a gradient gives it."""
        return self.code

    def __str__(self) -> str:
        return f"{self.saw} {self.mend}".strip()


@dataclass(frozen=True)
class Report:
    """The outcome of ``check_loss``, ``check_sampler`` or ``check_kl``.

    Print it, ask ``passed``, call ``raise_if_failed()`` in a test, ``to_dict()`` for JSON.

    Attributes
    ----------
    formula : str
        What the function computes, such as ``"loss = 1/784 x reconstruction + 1 x kl"``; empty
        where that is not known.
    name : str
        What this is called: ``"minus the ELBO"``, ``"beta-VAE with beta = 784"``.
    coefficients : mapping of str to float
        Of the terms in nats per example, summed over dimensions, at the sizes in ``sizes``.
    beta : float or None
        Weight of the KL relative to the reconstruction, where both are known.
    likelihood : str or None
        What the reconstruction is minus the log of.
    sigma : float or None
        Standard deviation of x that a squared error implies.
    readings : mapping of str to str
        Of the reader's own arguments, what they turned out to be: ``{"s": "log_sigma"}``.
    residual : float
        Root mean square of what the formula leaves, over that of the values; NaN if unknown.
    digits : float
        Decimal digits that the function's values hold.
    """

    title: str
    passed: bool
    formula: str = ""
    name: str = ""
    coefficients: Mapping[str, float] = field(default_factory=dict)
    beta: float | None = None
    likelihood: str | None = None
    sigma: float | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    residual: float = math.nan
    digits: float = math.nan
    sizes: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0
    seconds: float = 0.0
    seed: int = 0

    def raise_if_failed(self) -> None:
        """Raise LossError with the whole report if it did not pass."""
        if not self.passed:
            raise LossError(f"\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for ``json.dumps``; what is not finite becomes None."""
        fields = dict(vars(self))
        fields["findings"] = [dict(vars(f)) for f in self.findings]
        fields["notes"] = list(self.notes)
        for key in ("coefficients", "readings", "sizes"):
            fields[key] = dict(fields[key])
        return {key: _finite(value) for key, value in fields.items()}

    def remarks(self) -> list[str]:
        """Return the findings, then the notes, a line each."""
        return [str(f) for f in self.findings] + list(self.notes)

    def summary(self) -> str:
        """Say in one line whether it passed, and what it is."""
        verdict = "passed" if self.passed else "FAILED"
        named = f", {self.name}" if self.name else ""
        codes = ", ".join(dict.fromkeys(f.code for f in self.findings))
        return f"{self.title}: {verdict}{named}" + (f" ({codes})" if codes else "")

    def __str__(self) -> str:
        lines = [self.summary(), *([self.formula] if self.formula else [])]
        return "\n".join([*lines, *(f"  {line}" for line in self.remarks())])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Report(...)" if cycle else str(self))

    def _repr_html_(self) -> str:
        from html import escape

        colour = "#2e7d32" if self.passed else "#c62828"
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.remarks())
        formula = f"<p><code>{escape(self.formula)}</code></p>" if self.formula else ""
        head = f'<p style="color:{colour}"><b>{escape(self.summary())}</b></p>'
        return head + formula + (f"<ul>{lines}</ul>" if lines else "")

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from rich.text import Text

        yield Text(self.summary(), style="bold green" if self.passed else "bold red")
        if self.formula:
            yield Text(self.formula)
        for line in self.remarks():
            yield Text(f"  {line}")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
