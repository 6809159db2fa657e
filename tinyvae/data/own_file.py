"""A reader's own Python file: run, and its functions found.

Loading a file runs it: this is for the reader's own code.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tinyvae.errors import UsageError, unknown_option


def load_file(path: Path) -> ModuleType:
    """Run a Python file, which may import its neighbours, and return what it made.

    Raises
    ------
    UsageError
        If there is no such file, or it cannot be run.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}; give the path of a Python file.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def own_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the functions that a file itself defines, by name; none that begin with ``_``."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and not name.startswith("_")
        and value.__module__ == module.__name__
    }


def find_function(module: ModuleType, name: str) -> Callable[..., Any]:
    """Return what a file calls by this name.

    Raises
    ------
    OptionError
        If it is nothing that can be called; with the functions that there are.
    """
    found = getattr(module, name, None)
    if not callable(found):
        raise unknown_option("function", name, list(own_functions(module)))
    return found  # type: ignore[no-any-return]
