"""Tables and pictures of what was timed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness import FLOORS, Timing


def label(timing: Timing) -> str:
    """Name a workload and its threads as the tables do."""
    return f"{timing.workload} {timing.threads}T"


def table(timings: list[Timing]) -> str:
    """Return a Markdown table: for each contender its time as a multiple of tinyvae's."""
    names = list(timings[0].rounds)
    head = "| time / tinyvae's | " + " | ".join(label(t) for t in timings) + " |"
    lines = [head, "| --- |" + " --- |" * len(timings)]
    lines.append("| tinyvae, us a step | " + _row(f"{t.median('tinyvae'):.0f}" for t in timings))
    for name in names:
        if name == "tinyvae" or name in FLOORS:
            continue
        lines.append(f"| {name} | " + _row(_ratio(t.ratio(name)) for t in timings))
    for name in FLOORS:
        if name in names:
            cells = (_ratio(t.ratio("tinyvae", of=name)) for t in timings)
            lines.append(f"| tinyvae / {name} | " + _row(cells))
    return "\n".join(lines)


def memory_table(timings: list[Timing]) -> str:
    """Return a Markdown table of each contender's peak resident memory, in MiB."""
    names = [name for name in timings[0].memory if name not in FLOORS]
    lines = ["| peak memory, MiB | " + " | ".join(label(t) for t in timings) + " |"]
    lines.append("| --- |" + " --- |" * len(timings))
    for name in names:
        lines.append(f"| {name} | " + _row(f"{t.memory[name]:.0f}" for t in timings))
    return "\n".join(lines)


def _row(cells) -> str:
    return " | ".join(cells) + " |"


def _ratio(found: tuple[float, float, float]) -> str:
    return f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f})"


def save_steps(timings: list[Timing], machine: dict[str, object], folder: Path) -> None:
    """Write rounds, table and picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine, "timings": [asdict(t) for t in timings]}
    (folder / "steps.json").write_text(json.dumps(record, indent=2))
    tables = f"{table(timings)}\n\n{memory_table(timings)}\n"
    (folder / "steps.md").write_text(f"# Training steps\n\n{tables}")
    _picture(timings).savefig(folder / "steps.png", dpi=150, bbox_inches="tight")
    print(tables)
    print(f"Written to {folder}: steps.json, steps.md, steps.png")


def _picture(timings: list[Timing]):
    from matplotlib.figure import Figure

    names = [name for name in timings[0].rounds if name != "tinyvae"]
    figure = Figure(figsize=(8, 0.45 * len(names) * len(timings) ** 0.5 + 1.5))
    axes = figure.subplots()
    colours = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]
    for i, timing in enumerate(timings):
        ratios = [timing.ratio(name) for name in names]
        places = [j + (i - len(timings) / 2) * 0.15 for j in range(len(names))]
        middle = [r[0] for r in ratios]
        spread = [[r[0] - r[1] for r in ratios], [r[2] - r[0] for r in ratios]]
        axes.errorbar(
            middle, places, xerr=spread, fmt="osD^v"[i % 5],
            color=colours[i % 6], label=label(timing), markersize=5,
        )  # fmt: skip
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    ticks = [0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.set_xlabel("time of a training step / tinyvae's (median and range of the rounds)")
    axes.set_title("Right of the line is slower than tinyvae")
    axes.legend(frameon=False)
    return figure
