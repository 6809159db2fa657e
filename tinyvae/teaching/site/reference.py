"""Sources of the reference: one page a module, filled from the docstrings when it is built."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from pathlib import Path

PACKAGE = Path(__file__).parents[2]
MODULE = """{module}
{line}

.. automodule:: {module}
   :members:
   :ignore-module-all:
   :show-inheritance:
   :member-order: bysource
"""
INDEX = """Reference
=========

What ``import tinyvae as tv`` offers:

.. list-table::
   :widths: 25 75

{rows}

Everything, module by module; :py:mod:`tinyvae.ops.reference` is the mathematics in plain NumPy.
"""
ROW = """   * - :py:obj:`tv.{name} <{target}>`
     - {summary}
"""
CONTENTS = """
.. toctree::
   :maxdepth: 1

{}
"""


def modules() -> list[str]:
    """Return the names of all public modules; the command line describes itself."""
    found = pkgutil.walk_packages([str(PACKAGE)], "tinyvae.")
    names = [module.name for module in found if not module.name.startswith("tinyvae.cli")]
    return [n for n in names if not any(part.startswith("_") for part in n.split("."))]


def source_of(module: str) -> str:
    """Return the text of a module."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(module)
    return Path(found.origin).read_text(encoding="utf-8")


def stage_reference(sources: Path) -> None:
    """Write a source for every module, and their index, into a folder of sources."""
    folder = sources / "reference"
    folder.mkdir()
    names = modules()
    for name in names:
        page = MODULE.format(module=name, line="=" * len(name))
        inside = [n for n in names if n.rpartition(".")[0] == name]
        page += CONTENTS.format("\n".join(f"   {n}" for n in inside)) if inside else ""
        (folder / f"{name}.rst").write_text(page, encoding="utf-8")
    top = [n for n in names if n.count(".") == 1]
    index = INDEX.format(rows="".join(_rows()))
    index += CONTENTS.format("\n".join(f"   {n}" for n in top))
    (folder / "index.rst").write_text(index, encoding="utf-8")


def _rows() -> list[str]:
    """Return a row for every name at the top of the package: where it leads, and what it does."""
    package = importlib.import_module("tinyvae")
    rows = []
    for name in sorted(package.__all__, key=str.lower):
        found = getattr(package, name)
        if name.startswith("_"):
            continue
        home = getattr(found, "__module__", None)
        target = found.__name__ if inspect.ismodule(found) else f"{home}.{found.__qualname__}"
        summary = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split())
        rows.append(ROW.format(name=name, target=target, summary=summary))
    return rows
