"""Libraries that only some of us need, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from tinyvae.errors import MissingPackageError

_INSTALLED_AS = {"PIL": "pillow"}


def need(module: str, source: object, *, does: str = "is read with", extra: str = "data") -> Any:
    """Return a module, or say what to install.

    Parameters
    ----------
    module : str
        Its name, as it is imported.
    source : object
        What needs it, such as a file that is read with it; ``does`` says how.
    extra : str
        The extra of tinyvae that installs it.

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
            f"{source} {does} {package}, which is not installed: pip install 'tinyvae[{extra}]'."
        ) from problem
