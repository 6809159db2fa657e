"""Reads a .mat file with SciPy in a process of its own: a damaged file can crash SciPy's reader.

    python matlab_child.py FILE FOLDER

Saves each array of plain numbers as FOLDER/0.npy, FOLDER/1.npy, ... and prints, as JSON, the name,
shape and saved number of every array (null where it holds no plain numbers), or what went wrong.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from pathlib import Path
from typing import Any

#: DEFLATE unpacks to no more than this many times.
_MAX_EXPANSION = 1040
_NUMBERS = (
    *("double", "single", "logical", "uint8", "int8", "uint16", "int16"),
    *("uint32", "int32", "uint64", "int64"),
)


def members(path: str, folder: Path) -> list[tuple[str, list[int], int | None]]:
    """Return what the file holds, having saved its arrays of plain numbers."""
    import numpy as np
    from scipy.io import loadmat, whosmat

    most = os.stat(path).st_size * _MAX_EXPANSION
    found = [(name, [int(n) for n in shape], kind) for name, shape, kind in whosmat(path)]
    plain = [name for name, _, kind in found if kind in _NUMBERS]
    for name, shape, _ in found:
        if name in plain and (min(shape, default=0) < 0 or math.prod(shape) > most):
            raise ValueError(f"array {name!r} is said to be {shape}, more than the file can hold")
    arrays: dict[str, Any] = loadmat(path, variable_names=plain) if plain else {}
    told = []
    for number, (name, shape, _) in enumerate(found):
        array = arrays.get(name)
        saved = name in plain and isinstance(array, np.ndarray) and array.dtype.kind in "biuf"
        if saved:
            np.save(folder / f"{number}.npy", np.ascontiguousarray(array), allow_pickle=False)
        told.append((name, shape, number if saved else None))
    return told


def main() -> None:
    """Print what the file holds, or the error."""
    warnings.simplefilter("ignore")
    answer: dict[str, Any]
    try:
        answer = {"members": members(sys.argv[1], Path(sys.argv[2]))}
    except ImportError as problem:
        answer = {"missing": str(problem)}
    # SciPy raises nearly anything on damaged files.
    except Exception as problem:
        answer = {"error": f"{type(problem).__name__}: {problem}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
