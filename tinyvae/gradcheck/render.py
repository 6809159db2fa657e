"""A report drawn: as a rich table, as a notebook's HTML, as a picture."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

import numpy as np

from tinyvae.gradcheck.results import ArrayResult


class Drawable(Protocol):
    """What a report must have to be drawn."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def arrays(self) -> tuple[ArrayResult, ...]: ...  # noqa: D102
    @property
    def passed(self) -> bool: ...  # noqa: D102
    def summary(self) -> str: ...  # noqa: D102
    def rows(self) -> list[tuple[str, ...]]: ...  # noqa: D102
    def remarks(self) -> list[str]: ...  # noqa: D102


COLOURS = {"ok": "green", "wrong": "red", "undecided": "yellow", "skipped": "dim"}
_CSS = {"ok": "#2e7d32", "wrong": "#c62828", "undecided": "#b26a00", "skipped": "#757575"}


def to_rich(report: Drawable, width: int) -> Any:
    """Return a rich renderable of at most so many columns: the table, and the remarks below it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    colour = "green" if report.passed else "red"
    head, *rows = _narrowed(report, width)
    table = Table(title_justify="left", show_edge=False, pad_edge=False)
    for name in head:
        table.add_column(name, overflow="fold", no_wrap=name != "worst entry")
    for array, row in zip(report.arrays, rows, strict=True):
        style = COLOURS.get(array.verdict, "")
        table.add_row(*map(Text, row[:-1]), Text(row[-1], style=style))
    parts: list[Any] = [Text(report.summary(), style=f"bold {colour}")]
    if rows:
        parts.append(table)
    return Group(*parts, *(Text(line) for line in report.remarks()))


def _narrowed(report: Drawable, width: int) -> list[tuple[str, ...]]:
    """Return the table without what matters least, as far as it must be to fit the width.

    Of an entry that is right its place is enough; then shape and method go.
    """
    table = report.rows()
    worst = table[0].index("worst entry")
    if _width(table) > width:
        good = [False, *(array.verdict == "ok" for array in report.arrays)]
        table = [
            (*row[:worst], row[worst].partition("] ")[0] + "]" * (row[worst] != "-"), *row[-1:])
            if is_good
            else row
            for row, is_good in zip(table, good, strict=True)
        ]
    for name in ("method", "shape"):
        if _width(table) > width:
            at = table[0].index(name)
            table = [row[:at] + row[at + 1 :] for row in table]
    return table


def _width(table: list[tuple[str, ...]]) -> int:
    between = 3
    columns = zip(*table, strict=True)
    return sum(max(map(len, column)) + between for column in columns) - between


def to_html(report: Drawable) -> str:
    """Return the report as HTML without styles of its own but the verdict's colour."""
    head, *rows = report.rows()
    colour = _CSS["ok" if report.passed else "wrong"]
    parts = [f'<p style="color:{colour}"><b>{escape(report.summary())}</b></p>']
    if rows:
        cells = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in head)
        parts.append(f"<table><thead><tr>{cells}</tr></thead><tbody>")
        for array, row in zip(report.arrays, rows, strict=True):
            cells = "".join(f"<td style='text-align:left'>{escape(c)}</td>" for c in row[:-1])
            last = f"<td style='color:{_CSS[array.verdict]}'>{escape(row[-1])}</td>"
            parts.append(f"<tr>{cells}{last}</tr>")
        parts.append("</tbody></table>")
    lines = "".join(f"<li>{escape(line)}</li>" for line in report.remarks())
    return "".join(parts) + (f"<ul>{lines}</ul>" if lines else "")


def draw(report: Drawable, ax: Any = None) -> Any:
    """Draw analytic against numeric: a right gradient lies on the diagonal, a wrong one shows.

    A straight line of another slope is a constant factor; a second branch is a mask or some rows.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(5, 5))
    drawn = [a for a in report.arrays if a.numeric.size]
    ends = np.array([0.0])
    for array in drawn:
        label = f"{array.name}: {array.verdict}"
        ax.plot(array.numeric, array.analytic, "o", ms=4, alpha=0.7, label=label)
        ends = np.concatenate([ends, array.numeric[np.isfinite(array.numeric)]])
    span = [ends.min(), ends.max()]
    ax.plot(span, span, color="0.6", lw=1, zorder=0)
    ax.set_xlabel("numeric gradient")
    ax.set_ylabel("analytic gradient")
    ax.set_title(report.title)
    if drawn:
        ax.legend(fontsize="small")
    return ax
