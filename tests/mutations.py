"""Breaks the mathematics on purpose, one place at a time, and sees whether the tests notice.

A tool, not a test: ``python tests/mutations.py`` applies every entry of ``mutations.toml`` to a
temporary copy of the repository, never to the working tree, and runs the tests named there with
an empty Numba cache.  It exits with 1 if a mutation survives or an entry no longer fits its file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path("tests", "mutations.toml")
_RUBBISH = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
TIME_LIMIT = 900  # seconds; a mutation that hangs the tests is noticed too

CAUGHT, SURVIVED, BROKEN = "caught", "SURVIVED", "DOES NOT FIT"
PASSED, FAILED = 0, 1  # pytest's exit statuses; after any other no test has judged

# Stands in for a test of the copy: everything below is worthless if another tinyvae is imported.
PROBE = """
import pathlib, tinyvae

def test_the_copy_is_what_gets_imported():
    assert pathlib.Path(tinyvae.__file__).is_relative_to(pathlib.Path(__file__).parents[1])
"""


def keep_out(folder: str, names: list[str]) -> set[str]:
    """Return what is not copied: rubbish, and at the top the runs somebody trained there."""
    trained = {"runs"} if Path(folder) == ROOT else set()
    return _RUBBISH(folder, names) | trained


class Mutation(NamedTuple):
    """One way to be wrong: replacements of text in one file, and the tests that should notice."""

    file: str
    why: str
    edits: list[tuple[str, str]]
    tests: list[str]

    def __str__(self) -> str:
        return f"{self.file}: {self.why}"

    def misfit(self, root: Path) -> str:
        """Return why the entry cannot be used, or an empty string."""
        if not (root / self.file).is_file():
            return "there is no such file"
        missing = [test for test in self.tests if not (root / test).is_file()]
        if missing:
            return f"there is no {missing[0]}"
        source = (root / self.file).read_text(encoding="utf-8")
        for old, new in self.edits:
            if source.count(old) != 1:
                return f"{source.count(old)} times in the file: {old!r}"
            if old == new:
                return f"changes nothing: {old!r}"
        return ""

    def judge(self, root: Path) -> tuple[str, str]:
        """Return the verdict and its reason; leave the copy as it was."""
        if misfit := self.misfit(root):
            return BROKEN, misfit
        path = root / self.file
        source = mutated = path.read_text(encoding="utf-8")
        for old, new in self.edits:
            mutated = mutated.replace(old, new)
        path.write_text(mutated, encoding="utf-8")
        try:
            status, said = run_tests(root, self.tests)
        finally:
            path.write_text(source, encoding="utf-8")
        return {PASSED: SURVIVED, FAILED: CAUGHT}.get(status, BROKEN), said


def read_table(root: Path, words: list[str]) -> list[Mutation]:
    """Return all mutations, or those whose file or description contains one of the words."""
    found = []
    for file, entries in tomllib.loads((root / TABLE).read_text(encoding="utf-8")).items():
        tests = entries.pop("tests")
        for why, texts in entries.items():
            edits = list(zip(texts[::2], texts[1::2], strict=True))
            found.append(Mutation(file, why, edits, tests))
    return [m for m in found if not words or any(word in str(m) for word in words)]


def run_tests(root: Path, tests: list[str]) -> tuple[int, str]:
    """Run tests inside the copy; return pytest's exit status and the first failure's name."""
    # One process: with xdist, -x ends as "interrupted" (2), which is no verdict.
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    options.append("--hypothesis-profile=no_shrinking")
    command = [sys.executable, "-m", "pytest", *options, *tests]
    with tempfile.TemporaryDirectory() as cache:
        environment = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        environment = os.environ | environment | {"NUMBA_CACHE_DIR": cache}
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return FAILED, "no end within the time limit"
    if done.returncode == PASSED:
        return PASSED, ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, lines[0].split(" - ")[0] if lines else done.stdout[-500:] + done.stderr


def check_unbroken(root: Path, mutations: list[Mutation]) -> None:
    """Stop if the tests fail even without a mutation, or do not see the copy."""
    probe = root / "tests" / "test_probe.py"
    probe.write_text(PROBE, encoding="utf-8")
    tests = {test for mutation in mutations for test in mutation.tests if (root / test).is_file()}
    status, said = run_tests(root, [*sorted(tests), str(probe)])
    probe.unlink()
    if status != PASSED:
        raise SystemExit(f"The tests fail before anything is broken; mend that first: {said}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="part of an entry")
    parser.add_argument("--list", action="store_true", help="check the table, run nothing")
    arguments = parser.parse_args()
    if arguments.list:
        mutations = read_table(ROOT, arguments.only)
        misfits = [mutation.misfit(ROOT) for mutation in mutations]
        for mutation, misfit in zip(mutations, misfits, strict=True):
            print(f"{mutation}  {BROKEN + ': ' + misfit if misfit else ''}".rstrip())
        print(f"{len(mutations)} mutations, {sum(map(bool, misfits))} of which do not fit")
        return int(any(misfits))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(ROOT, Path(folder, "repository"), ignore=keep_out)).resolve()
        mutations = read_table(root, arguments.only)
        check_unbroken(root, mutations)
        counts: Counter[str] = Counter()
        for mutation in mutations:
            started = time.perf_counter()
            verdict, reason = mutation.judge(root)
            counts[verdict] += 1
            seconds = time.perf_counter() - started
            print(f"{verdict:12} {seconds:5.1f} s  {mutation}  [{reason}]", flush=True)
    print(f"{counts.total()} mutations: " + ", ".join(f"{n} {word}" for word, n in counts.items()))
    return int(counts[CAUGHT] != counts.total() or not mutations)


if __name__ == "__main__":
    sys.exit(main())
