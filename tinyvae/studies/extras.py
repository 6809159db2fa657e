"""Libraries that only studies on several processors need, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from tinyvae.errors import MissingPackageError


def need(module: str, extra: str, argument: str) -> Any:
    """Return a module, or say what to install.

    Raises
    ------
    MissingPackageError
        If it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        raise MissingPackageError(
            f"{argument} needs {module}, which is not installed: pip install 'tinyvae[{extra}]'. "
            "Without it, jobs=1 (--jobs 1) does one run after the other."
        ) from problem
