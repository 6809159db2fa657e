"""Imports run downwards: between the layers of CONTRIBUTING's table, and without circles."""

import ast
import re
from pathlib import Path

import pytest

import tinyvae

PACKAGE = Path(tinyvae.__file__).parent
TABLE = PACKAGE.parent / "CONTRIBUTING.md"
ROOT = "tinyvae"


def modules():
    """Names of all modules, and their paths."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(name, source, known):
    """Names of the package's modules that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in known else node.module)
    return {module for module in found if module in known} - {name}


def graph():
    known = modules()
    return {
        name: imports_of(name, path.read_text(encoding="utf-8"), known)
        for name, path in known.items()
    }


def place_of(name):
    """The package or module of the top level that a module belongs to."""
    return name.split(".")[1] if "." in name else ROOT


def layers(text):
    """The number of the layer of every place, from the rows ``| 3 | `ops` `data` | ...``."""
    found = {}
    for number, places in re.findall(r"^\| (\d+) \| ([^|]+) \|", text, flags=re.MULTILINE):
        for place in re.findall(r"`(\w+)`", places):
            assert place not in found, f"{place} stands in two layers"
            found[place] = int(number)
    return found


def upward(edges, layer):
    """Imports that do not run to a lower layer, as pairs of names."""
    return [
        (name, other)
        for name, others in edges.items()
        for other in sorted(others)
        if place_of(name) != place_of(other) and layer[place_of(name)] <= layer[place_of(other)]
    ]


def circle(edges):
    """Modules that import each other, or an empty list."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        path.append(name)
        for other in sorted(edges[name]):
            if found := visit(other):
                return found
        path.pop()
        done.add(name)
        return []

    for name in edges:
        if found := visit(name):
            return found
    return []


@pytest.mark.skipif(not TABLE.is_file(), reason="not a checkout")
def test_every_place_has_a_layer_and_imports_only_lower_ones():
    edges, layer = graph(), layers(TABLE.read_text(encoding="utf-8"))
    assert {place_of(name) for name in edges} == set(layer)
    assert upward(edges, layer) == []


def test_no_module_imports_itself_through_others():
    # A package's face and lazy names of the top level are no circle: nothing below uses them.
    edges = {n: {o for o in others if o != ROOT} for n, others in graph().items()}
    assert circle(edges) == []


def test_nothing_below_imports_the_top_level():
    below = {name for name, others in graph().items() if ROOT in others}
    assert below <= {"tinyvae.__main__"}


def test_what_the_tests_would_catch():
    edges = {"tinyvae.ops.a": {"tinyvae.model.b"}, "tinyvae.model.b": {"tinyvae.ops.a"}}
    assert upward(edges, {"ops": 1, "model": 2}) == [("tinyvae.ops.a", "tinyvae.model.b")]
    assert circle(edges) == ["tinyvae.ops.a", "tinyvae.model.b"]
    known = {"tinyvae.ops", "tinyvae.ops.fast", "tinyvae.errors"}
    source = "from tinyvae.ops import fast, get_ops\ndef f():\n    import tinyvae.errors\n"
    assert imports_of("x", source, known) == {"tinyvae.ops.fast", "tinyvae.ops", "tinyvae.errors"}


def test_what_a_student_reads_stays_below_1300_lines():
    path = ["ops/reference.py"] + [
        f"model/{name}.py" for name in ("layers", "likelihoods", "objectives", "adam", "network")
    ]
    lines = sum(len((PACKAGE / name).read_text(encoding="utf-8").splitlines()) for name in path)
    assert lines < 1300
