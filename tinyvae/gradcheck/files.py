"""A reader's own file: its functions loaded, inputs of the wanted shapes drawn, and checked.

Loading a file runs it: this is for the reader's own code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae.data.own_file import find_function, load_file
from tinyvae.errors import UsageError, check_count
from tinyvae.gradcheck.check import check_gradients
from tinyvae.gradcheck.report import Report

Shape = tuple[int, ...]


def check_file(
    target: str,
    shapes: Sequence[Shape] | Mapping[str, Shape],
    *,
    method: str = "auto",
    entries: int | None = None,
    seed: int = 0,
) -> Report:
    """Check two functions in a file, at standard normal inputs.

    Parameters
    ----------
    target : str
        ``"mylayer.py:forward,backward"``; with one function, ``"mylayer.py:loss"``, it must
        return (number, gradient).
    shapes : sequence or mapping of tuples of int
        Of the function's arguments, in order; a mapping checks a function of one dictionary.
    method, entries, seed
        As in ``check_gradients``.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        If there is no such file or function, or the file cannot be run.
    """
    path, _, names = target.rpartition(":")
    if not path or not names:
        raise UsageError(
            f"target={target!r} must name a file and its functions: mylayer.py:forward,backward."
        )
    module = load_file(Path(path))
    functions = [find_function(module, name.strip()) for name in names.split(",")]
    if len(functions) > 2:
        raise UsageError(f"target={target!r} names {len(functions)} functions; name one or two.")
    gradient: Any = functions[1] if len(functions) == 2 else True
    rng = np.random.default_rng([check_count("seed", seed, at_least=0), 3])
    if isinstance(shapes, Mapping):
        inputs: tuple[Any, ...] = ({n: rng.standard_normal(s) for n, s in shapes.items()},)
    else:
        inputs = tuple(np.asarray(rng.standard_normal(s)) for s in shapes)
    if not inputs:
        raise UsageError("shapes is empty; give the shape of each argument, for example (4, 3).")
    return check_gradients(
        functions[0], gradient, *inputs, method=method, entries=entries, seed=seed, title=target
    )


def parse_shape(text: str) -> Shape:
    """Return (4, 3) for ``"4x3"`` or ``"4,3"``, () for ``"scalar"``.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    if text.strip() == "scalar":
        return ()
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise UsageError(f"shape={text!r} must look like 4x3, 4,3, 5 or scalar.")
    return tuple(int(part) for part in parts)
