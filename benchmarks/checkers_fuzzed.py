"""The checker on random expressions: right ones and ones with a slip, by each method."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import checkers_wrap
from tinyvae.gradcheck import check_gradients

KINDS = ("general", "ties", "layout")
METHODS = ("auto", "central", "directions")


def main(folder: Path, count: int, first: int = 0) -> None:
    """Check ``count`` right and as many wrong expressions; print and write what was said."""
    checkers_wrap.find_museum()
    folder.mkdir(parents=True, exist_ok=True)
    counts = {(what, m): [0, 0, 0, 0] for what in ("right", "wrong") for m in METHODS}
    odd: list[str] = []
    for what, expression in expressions(count, first):
        for method in METHODS:
            said = verdict(expression, method)
            row = counts[what, method]
            row[0] += 1
            row[1 if said == what else 2 if said == "undecided" else 3] += 1
            if said != what:
                odd.append(f"{said}, by {method}: {expression}")
                print(odd[-1], flush=True)
        if sum(counts["wrong", "auto"]) % 100 == 0:
            record = {"table": table(counts), "odd": odd, "first": first}
            (folder / f"fuzzed-{first}.json").write_text(json.dumps(record, indent=1))
    print("\n".join(table(counts)))


def expressions(count: int, first: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield right and wrong expressions in turn, with what they are."""
    fuzz = importlib.import_module("fuzz")
    seeds = {"right": first, "wrong": first}
    for _ in range(count):
        for what in ("right", "wrong"):
            expression = None
            while expression is None:  # now and then no slip makes one wrong
                seed = seeds[what]
                expression = getattr(fuzz, what)(seed, KINDS[seed % len(KINDS)])
                seeds[what] += 1
            yield what, expression


def verdict(expression: Any, method: str) -> str:
    """Return right, wrong, undecided, or what was raised."""
    question = importlib.import_module("fuzz").question(expression)
    try:
        report = check_gradients(*question, method=method)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if report.passed:
        return "right"
    return "wrong" if "wrong" in [a.verdict for a in report.arrays] else "undecided"


def table(counts: dict[tuple[str, str], list[int]]) -> list[str]:
    """Return a line of counts for right and wrong and each method."""
    lines = ["| gradients | method | checked | said so | undecided | said the opposite |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for (what, method), (n, right, undecided, opposite) in counts.items():
        lines.append(f"| {what} | {method} | {n} | {right} | {undecided} | {opposite} |")
    return lines
