"""Which pictures a study gets; imports matplotlib only to draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinyvae.studies.plan import Plan
from tinyvae.studies.table import Row


def draw(rows: Sequence[Row], plan: Plan, folder: Path) -> list[Path]:
    """Draw what is done: each setting's effect, and rate against distortion where beta varies.

    Raises
    ------
    WriteError
        If a picture cannot be written.
    """
    done = [row for row in rows if row["status"] == "done"]
    if not done or not plan.settings:
        return []
    from tinyvae.plots.study import plot_rate_distortion, plot_setting
    from tinyvae.plots.style import save

    titles = {
        "elbo": "ELBO, nats",
        "bound": f"L_{plan.eval_samples}, nats",
        "active_units": "active units",
    }
    if plan.eval_samples == 1:  # then L_K is the ELBO
        del titles["bound"]
    made = []
    for name in plan.settings:
        others = [other for other in plan.settings if other != name]
        path = folder / f"{name.replace('_', '-')}.png"
        made.append(save(plot_setting(done, name, others, titles), path))
    if "beta" in plan.settings:
        others = [other for other in plan.settings if other != "beta"]
        made.append(save(plot_rate_distortion(done, others), folder / "rate-distortion.png"))
    return made
