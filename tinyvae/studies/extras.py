"""Libraries that only studies on several processors need, imported when they are used."""

from __future__ import annotations

from typing import Any

from tinyvae.data import extras
from tinyvae.errors import MissingPackageError


def need(module: str, extra: str, argument: str) -> Any:
    """Return a module, or say what to install, and what does without.

    Raises
    ------
    MissingPackageError
        If it is not there.
    """
    try:
        return extras.need(module, argument, does="needs", extra=extra)
    except MissingPackageError as problem:
        raise MissingPackageError(
            f"{problem} Without it, jobs=1 (--jobs 1) does one run after the other."
        ) from problem
