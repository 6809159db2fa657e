"""The notebooks keep their promises: results are checked, exercises whole, links point somewhere.

They are read here, not run; ``tests/solve_tutorials.py`` runs them.
"""

import importlib
import inspect
import json
import pkgutil
import re

import pytest

import tinyvae
from tinyvae.errors import WriteError
from tinyvae.teaching.notebooks import copy_notebooks, notebooks, one_page

NOTEBOOKS = [path for path in notebooks() if path.suffix == ".ipynb"]
TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
IN_THE_PACKAGE = re.compile(r"In the package: .*")
CITATION = re.compile(r"\[`(tinyvae[\w.]+)`\]\([^)]+\) \(([\d., and]+)\)")
IN_A_DOCSTRING = re.compile(
    r"Tutorial \d\d, equations? (\(\d+\.\d+\)(?:(?:, | and )\(\d+\.\d+\))*)"
)
NUMBER = re.compile(r"\d+\.\d+")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind=None):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if kind is None or cell["cell_type"] == kind]


def text(cell):
    return "".join(cell["source"])


def with_metadata(path, name):
    return {cell["metadata"][name]: cell for cell in cells(path) if name in cell["metadata"]}


def tags(path):
    return [tag for cell in cells(path, "markdown") for tag in TAG.findall(text(cell))]


@each
def test_every_displayed_result_is_checked_by_a_cell(path):
    verified = {tag for cell in cells(path, "code") for tag in cell["metadata"].get("verifies", [])}
    assert len(tags(path)) == len(set(tags(path)))
    assert set(tags(path)) == verified
    assert all(tag.split(".")[0] == str(int(path.name[:2])) for tag in verified)


@each
def test_every_exercise_has_a_check_a_hint_and_a_solution(path):
    exercises = with_metadata(path, "exercise")
    assert len(exercises) >= 3
    for part in ("check", "hint", "solution"):
        assert with_metadata(path, part).keys() == exercises.keys()
    for cell in with_metadata(path, "solution").values():
        assert len(re.findall(r"^```python$", text(cell), flags=re.MULTILINE)) == 1
        assert "<details>" in text(cell)
    for cell in with_metadata(path, "check").values():
        assert "not yet" in json.dumps(cell["outputs"])


@each
def test_it_was_run_from_top_to_bottom_and_is_small(path):
    code = [cell for cell in cells(path, "code") if text(cell).strip()]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert path.stat().st_size < 1_500_000


def cited_by_notebooks():
    """Pairs of a dotted name and an equation: what the notebooks say the package implements."""
    return {
        (name, number)
        for path in NOTEBOOKS
        for cell in cells(path, "markdown")
        for line in IN_THE_PACKAGE.findall(text(cell))
        for name, numbers in CITATION.findall(line)
        for number in NUMBER.findall(numbers)
    }


def documented():
    """Every function, class and method of the package, by dotted name."""
    found = {}
    for module in pkgutil.walk_packages(tinyvae.__path__, "tinyvae."):
        if module.name.endswith("__main__"):
            continue
        try:
            inside = vars(importlib.import_module(module.name))
        except ModuleNotFoundError as error:  # of an extra that is not installed
            if error.name is None or error.name.partition(".")[0] in ("tinyvae", "numba", "numpy"):
                raise
            continue
        for name, what in inside.items():
            if getattr(what, "__module__", None) != module.name or not callable(what):
                continue
            found[f"{module.name}.{name}"] = inspect.getdoc(what) or ""
            if inspect.isclass(what):
                for member, method in vars(what).items():
                    found[f"{module.name}.{name}.{member}"] = inspect.getdoc(method) or ""
    return found


def test_equations_and_docstrings_point_at_each_other():
    docstrings = documented()
    said_there = {
        (name, number)
        for name, docstring in docstrings.items()
        for group in IN_A_DOCSTRING.findall(re.sub(r"\s+", " ", docstring))
        for number in NUMBER.findall(group)
    }
    said_here = cited_by_notebooks()
    known = {tag for path in NOTEBOOKS for tag in tags(path)}
    assert {name for name, _ in said_here} <= docstrings.keys()
    assert {number for _, number in said_here | said_there} <= known
    assert said_here == said_there


def test_the_copy_is_whole_and_overwrites_nothing(tmp_path):
    target = copy_notebooks(tmp_path / "lessons")
    expected = [path.name for path in [*notebooks(), one_page()]]
    assert sorted(path.name for path in target.iterdir()) == sorted(expected)
    with pytest.raises(WriteError, match="exists already"):
        copy_notebooks(target)
