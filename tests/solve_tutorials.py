"""Runs the notebooks, as they are and with the solutions filled in.

    python tests/solve_tutorials.py              exercises still empty: every check says "not yet"
    python tests/solve_tutorials.py --solutions  solutions filled in: every check says "right"

Needs the extra ``tutorials``.  Exit status 1 if anything fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tinyvae.teaching.notebooks import notebooks

FENCE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def solved(notebook):
    """Put each solution where its exercise stands, and leave out what only trains."""
    solutions = {
        cell.metadata["solution"]: FENCE.search(cell.source).group(1)
        for cell in notebook.cells
        if "solution" in cell.metadata
    }
    kept = []
    for cell in notebook.cells:
        if "exercise" in cell.metadata:
            cell.source = solutions[cell.metadata["exercise"]]
        if not cell.metadata.get("trains"):
            kept.append(cell)
    notebook.cells = kept
    return notebook


def failures(notebook, word):
    """Return the numbers of the checks that did not print the word."""
    return [
        cell.metadata["check"]
        for cell in notebook.cells
        if "check" in cell.metadata and word not in json.dumps(cell.outputs)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--solutions", action="store_true", help="fill in the solutions")
    parser.add_argument("--only", default="", help="notebooks whose name contains this")
    options = parser.parse_args()
    word = ": right." if options.solutions else "not yet"
    if options.solutions:
        os.environ["TINYVAE_SOLUTIONS"] = "1"
    failed = total = 0
    for path in (p for p in notebooks() if p.suffix == ".ipynb" and options.only in p.name):
        notebook = nbformat.read(path, as_version=4)
        if options.solutions:
            notebook = solved(notebook)
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}})
            try:
                client.execute()
                wrong = failures(notebook, word)
                verdict = f"checks {wrong} did not say {word!r}" if wrong else "ok"
            except CellExecutionError as error:
                verdict = f"a cell failed: {str(error)[-2000:]}"
        seconds = time.perf_counter() - started
        total += 1
        failed += verdict != "ok"
        print(f"{Path(path).name:45} {seconds:6.1f} s  {verdict}", flush=True)
    print(f"{total - failed} passed, {failed} failed")
    return int(failed > 0 or total == 0)


if __name__ == "__main__":
    sys.exit(main())
