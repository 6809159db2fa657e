"""A history as a notebook shows it: a curve of the ELBO and a table, one piece of HTML with SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

Rows = Sequence[Mapping[str, float]]

WIDTH, HEIGHT, MARGIN = 420, 150, 8
MOST_ROWS = 10  # a longer history shows its first and last rows
MOST_POINTS = 500
LINES = (("train_elbo", "#0072b2", ""), ("validation_elbo", "#d55e00", "5 3"))


def page(title: str, rows: Rows) -> str:
    """Return the HTML: title, curve, table; ``rows`` are epochs, each numbers by name."""
    head = f"<p><b>{html.escape(title)}</b></p>"
    return head + _curves(rows) + _table(rows) if rows else head


def _curves(rows: Rows) -> str:
    """Return the ELBO over the epochs, train and validation, as SVG."""
    found = [(name, *style) for name, *style in LINES if _values(rows, name)]
    points = [value for name, *_ in found for value in _values(rows, name).values()]
    if not points:
        return ""
    low, high = min(points), max(points)
    drawn = [
        f'<polyline fill="none" stroke="{color}" stroke-dasharray="{dashes}" stroke-width="1.5" '
        f'points="{_path(_values(rows, name), low, high, len(rows))}"/>'
        for name, color, dashes in found
    ]
    legend = ", ".join(f'<span style="color:{color}">{name}</span>' for name, color, _ in found)
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="ELBO over epochs" '
        f'style="border:1px solid #ccc">{"".join(drawn)}</svg>'
        f"<p>{legend}: from {low:.2f} to {high:.2f} nats per example, higher is better; "
        f"epochs 1 to {len(rows)}</p>"
    )


def _values(rows: Rows, name: str) -> dict[int, float]:
    """Return the finite values of a column, by the number of their row."""
    cells = ((i, row.get(name)) for i, row in enumerate(rows))
    kept = {i: cell for i, cell in cells if cell is not None and math.isfinite(cell)}
    step = max(1, -(-len(kept) // MOST_POINTS))
    return {i: cell for i, cell in kept.items() if i % step == 0 or i == len(rows) - 1}


def _path(values: Mapping[int, float], low: float, high: float, epochs: int) -> str:
    """Return the points of a line, in pixels from the top left corner."""
    across = (WIDTH - 2 * MARGIN) / max(1, epochs - 1)
    up = (HEIGHT - 2 * MARGIN) / ((high - low) or 1.0)
    if len(values) == 1:  # one epoch is a short dash
        (value,) = values.values()
        y = HEIGHT - MARGIN - (value - low) * up
        return f"{MARGIN},{y:.1f} {2 * MARGIN},{y:.1f}"
    return " ".join(
        f"{MARGIN + i * across:.1f},{HEIGHT - MARGIN - (v - low) * up:.1f}"
        for i, v in values.items()
    )


def _table(rows: Rows) -> str:
    """Return the rows, the middle ones left out where there are many."""
    names = list(rows[0])
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in names)
    half = MOST_ROWS // 2
    if len(rows) <= MOST_ROWS:
        lines = [_line(row, names) for row in rows]
    else:
        gap = f'<tr><td colspan="{len(names)}">... {len(rows) - 2 * half} more ...</td></tr>'
        first, last = rows[:half], rows[-half:]
        lines = [_line(r, names) for r in first] + [gap] + [_line(r, names) for r in last]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _line(row: Mapping[str, float], names: Sequence[str]) -> str:
    cells = (f"{row[name]:.6g}" if name in row else "" for name in names)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
