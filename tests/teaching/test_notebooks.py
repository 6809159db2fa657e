"""The notebooks keep their promises: results are checked, exercises whole, links point somewhere.

They are read here, not run; ``tests/solve_tutorials.py`` runs them.
"""

import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

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


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    return copy_notebooks(tmp_path_factory.mktemp("copied") / "lessons")


def test_the_copy_is_whole_and_overwrites_nothing(lessons):
    expected = {path.name for path in [*notebooks(), one_page()]}
    names = {path.name for path in lessons.iterdir()}
    assert names == expected | {"source", f"tinyvae-{tinyvae.__version__}-py3-none-any.whl"}
    with pytest.raises(WriteError, match="exists already"):
        copy_notebooks(lessons)


@pytest.mark.parametrize("place", ["where they are kept", "in the copy"])
def test_every_link_of_a_notebook_leads_to_a_file(place, lessons):
    followed = 0
    for path in notebooks():
        path = lessons / path.name if place == "in the copy" else path
        if path.suffix == ".ipynb":
            words = "".join(text(cell) for cell in cells(path, "markdown"))
        else:
            words = path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+\.(?:py|md|ipynb))[^)]*\)", words):
            assert (path.parent / target).is_file(), f"{path.name} links to {target}"
            followed += 1
    assert followed > 100


def test_the_first_cell_of_a_copy_installs_the_package_only_where_it_is_missing(lessons):
    (wheel,) = lessons.glob("*.whl")
    for path in lessons.glob("*.ipynb"):
        first, second = cells(path, "code")[:2]
        assert f"%pip install -q ./{wheel.name}" in text(first)
        assert text(second) == text(cells(NOTEBOOKS[int(path.name[:2])], "code")[0])
        ran = []
        source = text(first).replace("%pip", "ran.append(1) #")
        exec(source, {"ran": ran})
        assert ran == []  # it is installed here
        exec(source.replace('"tinyvae"', '"no_such_package"'), {"ran": ran})
        assert ran == [1]


def test_the_wheel_installs_and_has_what_is_needed(lessons, tmp_path):
    (wheel,) = lessons.glob("*.whl")
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", tmp_path, wheel)
    done = subprocess.run([sys.executable, *pip], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    script = "import tinyvae as tv; print(tv.__file__, tv.__version__, tv.load_data('digits'))"
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert list(tmp_path.glob("tinyvae-*.dist-info/licenses/LICENSE"))
    assert found.startswith(f"{tmp_path / 'tinyvae'}")
    assert "train (5000, 784)" in found


def test_what_is_not_installed_cannot_be_handed_out(tmp_path, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("tinyvae.teaching.wheel.distribution", missing)
    with pytest.raises(WriteError, match="pip install"):
        copy_notebooks(tmp_path / "lessons")


@each
def test_what_answers_a_prediction_is_out_of_sight(path):
    """The output before the answer is folded, in Jupyter and on the site.

    An output before that one may stand open: it is what the question is about.
    """
    found = cells(path)
    for start, cell in enumerate(found):
        if "predict" not in cell["metadata"]:
            continue
        which = cell["metadata"]["predict"]
        after = found[start + 1 :]
        (end, *_) = (i for i, c in enumerate(after) if "<summary>Answer</summary>" in text(c))
        assert not any("predict" in c["metadata"] for c in after[:end]), which
        outputs = [c for c in after[:end] if c["cell_type"] == "code" and c["outputs"]]
        for shown in outputs[-1:]:
            assert "hide-output" in shown["metadata"].get("tags", []), which
            assert shown["metadata"]["jupyter"]["outputs_hidden"] is True, which
