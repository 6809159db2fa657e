"""How a step's cost grows as width, depth, batch and data double, with the slopes."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import numpy as np

import tinyvae as tv
from benchmarks import machine
from tinyvae.data import gather_batch

BASE = {"width": 256, "depth": 2, "batch": 128, "rows": 8192}
GRID = {
    "width": [64, 128, 256, 512, 1024],
    "depth": [1, 2, 4, 8],
    "batch": [8, 16, 32, 64, 128, 256, 512],
    "rows": [1024, 4096, 16384, 65536],
}


def microseconds(width: int, depth: int, batch: int, rows: int) -> float:
    """Return the median time of a step of one network, one thread."""
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (rows, width), dtype=np.uint8)
    vae = tv.VAE(width, (width,) * depth, width // 8, threads=1)
    adam = tv.Adam(vae.parameters)
    x = np.empty((batch, width), np.float32)
    noise = np.empty((batch, width // 8), np.float32)
    times = []
    for _ in range(200):
        index = rng.integers(0, rows, batch)
        started = time.perf_counter()
        gather_batch(data, index, rng, binarize="none", out=x)
        rng.standard_normal(out=noise, dtype=np.float32)
        vae.train_step(x, noise, adam, trusted=True)
        times.append(1e6 * (time.perf_counter() - started))
        if sum(times) > 1e6 and len(times) > 20:
            break
    return statistics.median(times)


def main(folder: Path) -> None:
    """Measure, and write numbers and a picture."""
    from matplotlib.figure import Figure

    found = {
        what: [microseconds(**(BASE | {what: value})) for value in values]
        for what, values in GRID.items()
    }
    figure = Figure(figsize=(9, 2.8))
    for axes, (what, values) in zip(figure.subplots(1, 4, sharey=True), GRID.items(), strict=True):
        slope = np.polyfit(np.log(values[-3:]), np.log(found[what][-3:]), 1)[0]
        axes.loglog(values, found[what], "o-", color="#0072B2", base=2)
        axes.set_title(f"slope at the end {slope:.2f}", fontsize=9)
        axes.set_xlabel({"rows": "rows of data"}.get(what, what))
        axes.grid(color="0.9")
    figure.axes[0].set_ylabel("microseconds a step")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "scaling.png", dpi=150, bbox_inches="tight")
    record = {"machine": machine.describe(), "grid": GRID, "microseconds": found}
    (folder / "scaling.json").write_text(json.dumps(record, indent=2))
    print(json.dumps(found, indent=2))
