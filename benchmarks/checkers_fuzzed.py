"""The checker on random expressions: right ones and ones with a slip, by each method."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from benchmarks import checkers_wrap
from tinyvae.errors import UsageError
from tinyvae.gradcheck import check_gradients

KINDS = ("general", "ties", "layout")
METHODS = ("complex", "central", "directions")
SAID = ("so", "undecided", "the opposite", "raised", "left out")


def main(folder: Path, count: int, first: int = 0) -> None:
    """Check ``count`` right and as many wrong expressions; print and write what was said.

    What was counted is written every hundred; called again, it goes on from there.
    """
    checkers_wrap.find_museum()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"fuzzed-{first}.json"
    state = json.loads(file.read_text()) if file.exists() else _nothing(first)
    while state["done"] < count:
        for what in ("right", "wrong"):
            expression, state["next"][what] = _next(what, state["next"][what])
            for method in METHODS:
                _ask(state, what, expression, method)
        state["done"] += 1
        if state["done"] % 100 == 0 or state["done"] == count:
            file.write_text(json.dumps(state, indent=1))
    print("\n".join(table(state["counts"])))


def _nothing(first: int) -> dict[str, Any]:
    counts = {f"{what} {m}": dict.fromkeys(SAID, 0) for what in ("right", "wrong") for m in METHODS}
    return {"done": 0, "next": {"right": first, "wrong": first}, "counts": counts, "odd": []}


def _next(what: str, seed: int) -> tuple[Any, int]:
    """Return the next expression of a kind, and the seed after it."""
    make = getattr(importlib.import_module("fuzz"), what)
    expression = None
    while expression is None:  # what is not surely right, or not surely wrong, is left out
        expression, seed = make(seed, KINDS[seed % len(KINDS)]), seed + 1
    return expression, seed


def _ask(state: dict[str, Any], what: str, expression: Any, method: str) -> None:
    expression.dy = None
    said = verdict(expression, method)
    # Another cotangent was drawn than that by which the expression was found right or wrong.
    truth = importlib.import_module("fuzz").truth(expression) if expression.dy is not None else what
    if said in ("right", "wrong") and said != truth:
        column = "left out" if truth is None else "the opposite"
    elif said == truth:
        column = "so" if truth == what else "left out"
    else:
        column = said.split(":")[0]
    state["counts"][f"{what} {method}"][column] += 1
    if column not in ("so", "left out"):
        state["odd"].append(f"{said}, by {method}: {expression}")
        print(state["odd"][-1], flush=True)


def verdict(expression: Any, method: str) -> str:
    """Return right, wrong, undecided, or what was raised; left out takes no complex numbers."""
    fuzz = importlib.import_module("fuzz")
    try:
        report = check_gradients(*fuzz.question(expression), method=method)
    except UsageError as error:
        return f"left out: {error}"
    except Exception as error:
        return f"raised: {type(error).__name__}: {error}"
    if report.passed:
        return "right"
    return "wrong" if "wrong" in [a.verdict for a in report.arrays] else "undecided"


def table(counts: dict[str, dict[str, int]]) -> list[str]:
    """Return a line of counts for right and wrong and each method."""
    lines = [f"| gradients, method | checked | {' | '.join(SAID)} |"]
    lines.append("| --- " * (2 + len(SAID)) + "|")
    for asked, row in counts.items():
        cells = [asked, sum(row.values()), *row.values()]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines
