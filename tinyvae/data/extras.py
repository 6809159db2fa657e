"""Libraries that only some readers need, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from tinyvae.errors import MissingPackageError

_INSTALLED_AS = {"PIL": "pillow"}


def need(module: str, source: object) -> Any:
    """Return a module, or say what to install.

    Raises
    ------
    MissingPackageError
        If it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        top = module.partition(".")[0]
        package = _INSTALLED_AS.get(top, top)
        raise MissingPackageError(
            f"{source} is read with {package}, which is not installed: pip install 'tinyvae[data]'."
        ) from problem
