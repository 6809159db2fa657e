"""The checker on random expressions: right ones and ones with a slip, by each method."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from benchmarks import checkers_wrap
from tinyvae.gradcheck import check_gradients

KINDS = ("general", "ties", "layout")
METHODS = ("auto", "central", "directions")


def main(folder: Path, count: int, first: int = 0) -> None:
    """Check ``count`` right and as many wrong expressions; print and write what was said."""
    checkers_wrap.find_museum()
    counts, odd = run(count, first)
    lines = ["| gradients | method | checked | said so | undecided | said the opposite |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for (what, method), (n, right, undecided, opposite) in counts.items():
        lines.append(f"| {what} | {method} | {n} | {right} | {undecided} | {opposite} |")
    print("\n".join(lines))
    folder.mkdir(parents=True, exist_ok=True)
    record = {"table": lines, "odd": odd, "count": count, "first": first}
    (folder / f"fuzzed-{first}.json").write_text(json.dumps(record, indent=1))


def run(count: int, first: int = 0) -> tuple[dict[tuple[str, str], list[int]], list[str]]:
    """Return for right and wrong and each method [checked, said so, undecided, opposite]."""
    fuzz = importlib.import_module("fuzz")
    counts = {(what, m): [0, 0, 0, 0] for what in ("right", "wrong") for m in METHODS}
    odd: list[str] = []
    for what in ("right", "wrong"):
        made, seed = 0, first
        while made < count:
            kind = KINDS[seed % len(KINDS)]
            expression = getattr(fuzz, what)(seed, kind)
            seed += 1
            if expression is None:  # no slip made this one wrong
                continue
            made += 1
            for method in METHODS:
                row = counts[what, method]
                said = verdict(expression, fuzz, method)
                row[0] += 1
                row[1 if said == what else 2 if said == "undecided" else 3] += 1
                if said != what:
                    odd.append(f"{said}, by {method}: {expression}")
                    print(odd[-1], flush=True)
    return counts, odd


def verdict(expression: Any, fuzz: Any, method: str) -> str:
    """Return right, wrong, undecided, or what was raised."""
    try:
        report = check_gradients(*fuzz.question(expression), method=method)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if report.passed:
        return "right"
    return "wrong" if "wrong" in [a.verdict for a in report.arrays] else "undecided"
