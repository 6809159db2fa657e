"""Gradient checkers side by side: what each finds in the same wrong functions, and what it says.

The wrong functions are the museum in tests/gradcheck, the right ones are drawn at random there;
this file counts and writes tables, how each tool is asked stands in checkers_wrap.py.
"""

from __future__ import annotations

import importlib
import json
import re
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import checkers_scaled, checkers_wrap, machine

NAMES = {
    "tinyvae": "tinyvae `check_gradients`",
    "torch": "`torch.autograd.gradcheck`",
    "jax": "`jax.test_util.check_grads`",
    "scipy": "`scipy.optimize.check_grad`",
}
LOOSE = 1e-4
NOTES = """\
All at their defaults, in float64, on the same functions of NumPy arrays with a gradient by hand.
The wrong ones are this project's own collection of mistakes, made to teach tinyvae's check to name
them: which mistakes stand there is our choice, and "says what is wrong" flatters tinyvae, which in
{terms} of them is also told the parts of the loss by name. All errors there are large but one.

- torch: a `torch.autograd.Function`; a layer is given as a layer, its whole Jacobian is compared.
- JAX: a `jax.custom_vjp` around `jax.pure_callback`, `modes=["rev"], order=1`; one random
  direction. Much of its time is JAX compiling the callbacks.
- SciPy: all inputs in one vector, a layer contracted with tinyvae's dy. It returns the norm of the
  error and leaves the threshold to the user; here {tolerance:g} times max(1, norm of the gradient)
  is found. With {loose:g} it would find {loose_found} and raise {loose_alarms} false alarms.
- A function that writes into its arguments or keeps a buffer gets copies, and starts afresh.
- "refused": an error from the machinery around the tool, which will not take the gradient's shape;
  counted as found. "crashed" would be any other error, counted as not found.
- Torch sums a gradient to the shape of its input by itself, so that a gradient that was not
  summed over the batch does no harm there; it counts as missed all the same.
- "says which input": the message holds its name or number. "says what is wrong": tinyvae says what
  the museum expects; for the others any word of a shape, of NaN, of two calls that differ.
- False alarms are on {right} right functions: random chains of 1 to 5 layers, the inputs' size from
  0.001 to 10, and {ties} random expressions at whole numbers, where ties and kinks are. Steps of a
  difference can cross a kink of a ReLU where inputs are small; at a tie no slope is the only one.
- Seconds are medians per check, wrong and right functions, the wrapping's share included."""

SMALL = """\
How many are found with function and gradient multiplied by a constant, as in a loss that is a mean
over many. Where the tolerance is absolute, what is smaller passes; SciPy's threshold is ours."""


def main(folder: Path, right: int) -> None:
    """Ask every tool about every function, print the summary, write everything."""
    checkers_wrap.find_museum()
    tools = checkers_wrap.available()
    wrong = _ask_all(tools, checkers_wrap.exhibits())
    ties = max(1, right * 3 // 20)
    smooth = list(checkers_wrap.right_functions(right - ties))
    good = _ask_all(tools, [*smooth, *checkers_wrap.right_at_ties(ties)])
    summary = f"{_summary(tools, wrong, good)}\n\n{_notes(wrong, good)}\n"
    print(summary)
    small = checkers_scaled.found(tools)
    parts = [summary, "## At ties, at kinks, in odd layouts", _at_ties(tools, wrong)]
    parts += ["## Small gradients\n\n" + SMALL, _by_scale(tools, small)]
    parts += ["## False alarms by the size of the inputs", _by_size(tools, good)]
    parts += ["## Every exhibit", _long(tools, wrong)]
    record = {
        "machine": machine.describe() | {"checkers": _versions(tools)},
        "wrong": wrong,
        "right": good,
        "small": small,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkers.md").write_text("\n\n".join(["# Gradient checkers", *parts]) + "\n")
    (folder / "checkers.json").write_text(json.dumps(_finite(record), indent=1, allow_nan=False))
    print(f"Written to {folder}: checkers.md, checkers.json")


def _ask_all(tools: list[str], makers: list[Any]) -> list[dict[str, Any]]:
    rows = []
    for make in makers:
        made = make()
        rows.append({"name": made.name, "mistake": made.mistake, "expected": made.expected})
        rows[-1] |= {"terms": bool(made.options.get("terms")), "answers": {}}
    for tool in tools:
        checkers_wrap.ask(tool, makers[0])  # libraries start up when first used
        for row, make in zip(rows, makers, strict=True):
            row["answers"][tool] = checkers_wrap.ask(tool, make)
        print(f"{tool}: asked about {len(rows)} functions", flush=True)
    return rows


def _at_ties(tools: list[str], wrong: list[Any]) -> str:
    """Return how many of the exhibits at ties, kinks and in odd layouts each tool finds."""
    names = {e.name for e in importlib.import_module("museum.ties").EXHIBITS}
    rows = [row for row in wrong if row["name"] in names]
    lines = [_row(["", "exhibits", *tools]), _row("---" for _ in range(len(tools) + 2))]
    found = [
        str(sum(row["answers"][t]["status"] in checkers_wrap.FOUND for row in rows)) for t in tools
    ]
    return "\n".join([*lines, _row(["found", str(len(rows)), *found])])


def _summary(tools: list[str], wrong: list[Any], good: list[Any]) -> str:
    heads = ("tool", "found", "says which input", "says what is wrong", "false alarms", "seconds")
    lines = [_row(heads), _row("---" for _ in heads)]
    for tool in tools:
        answers = [row["answers"][tool] for row in wrong]
        rightly = [row["answers"][tool] for row in good]
        found = sum(a["status"] in checkers_wrap.FOUND for a in answers)
        cells = [NAMES[tool], f"{found} of {len(answers)}{_aside(answers)}"]
        cells += [str(sum(a.get(what, False) for a in answers)) for what in ("where", "why")]
        cells.append(f"{sum(map(_alarmed, rightly))} of {len(rightly)}")
        cells.append(f"{_median(answers):.4f}; {_median(rightly):.4f}")
        lines.append(_row(cells))
    return "\n".join(lines)


def _aside(answers: list[dict[str, Any]]) -> str:
    """Say how many answers were no plain verdict."""
    counts = {
        s: sum(a["status"] == s for a in answers) for s in ("refused", "crashed", "not asked")
    }
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f" ({said})" if said else ""


def _alarmed(answer: dict[str, Any]) -> bool:
    return answer["status"] not in ("passed", "not asked")


def _median(answers: list[dict[str, Any]]) -> float:
    return statistics.median(a["seconds"] for a in answers if "seconds" in a)


def _notes(wrong: list[Any], good: list[Any]) -> str:
    def loosely(rows: list[Any]) -> int:
        answers = [row["answers"]["scipy"] for row in rows if "scipy" in row["answers"]]
        passed = [a.get("relative_error", float("nan")) <= LOOSE for a in answers]
        return len(passed) - sum(passed)

    return NOTES.format(
        tolerance=checkers_wrap.SCIPY_TOLERANCE,
        loose=LOOSE,
        loose_found=loosely(wrong),
        loose_alarms=loosely(good),
        right=len(good),
        ties=sum(row["name"].endswith("at ties") for row in good),
        terms=sum(row["terms"] for row in wrong),
    )


def _by_size(tools: list[str], good: list[Any]) -> str:
    sizes: dict[str, list[Any]] = {}
    for row in good:
        size = row["name"].rsplit(" ", 1)[1]
        sizes.setdefault("0" if size == "ties" else size, []).append(row["answers"])
    lines = [_row(["size", "functions", *tools]), _row("---" for _ in range(len(tools) + 2))]
    for size in sorted(sizes, key=float):
        alarms = [str(sum(_alarmed(a[tool]) for a in sizes[size])) for tool in tools]
        lines.append(_row([size if size != "0" else "at ties", str(len(sizes[size])), *alarms]))
    return "\n".join(lines)


def _by_scale(tools: list[str], found: dict[str, dict[str, int]]) -> str:
    lines = [_row(["times", "functions", *tools]), _row("---" for _ in range(len(tools) + 2))]
    for scale, count in found["exhibits"].items():
        lines.append(_row([scale, str(count), *(str(found[tool][scale]) for tool in tools)]))
    return "\n".join(lines)


def _long(tools: list[str], wrong: list[Any]) -> str:
    lines = [_row(["exhibit", "mistake", *tools]), _row("---" for _ in range(len(tools) + 2))]
    for row in wrong:
        cells = [_cell(row["answers"][tool], row["expected"]) for tool in tools]
        lines.append(_row([row["name"], row["mistake"], *cells]))
    return "\n".join(lines)


def _cell(answer: dict[str, Any], expected: str) -> str:
    """Return the verdict and the beginning of what was said, on one line."""
    words = re.sub(r"\s+", " ", answer["message"])
    words = re.sub(r"numerical:.*|Mismatched elements.*? (?=ACTUAL)|RuntimeError: ", "", words)
    if answer.get("kind"):
        words = f"[{answer['kind']}] {words}"
        if not answer["why"]:
            words = f"(not what was expected: {expected or 'nothing'}) {words}"
    words = words if len(words) <= 150 else f"{words[:147]}..."
    status = {"failed": "yes", "passed": "no"}.get(answer["status"], answer["status"])
    return f"{status}: {words}" if words else status


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _versions(tools: list[str]) -> dict[str, str]:
    found = {}
    for tool in tools:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return found


def _finite(value: Any) -> Any:
    """Return the same with NaN as None, for JSON has none."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and value != value else value
