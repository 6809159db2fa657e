"""The mathematics: one list of operations, implemented twice.

``reference`` is plain NumPy, to be read and to judge; ``fast`` is Numba, to train with.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

from tinyvae.errors import check_option

BACKENDS = ("numba", "reference")


def get_ops(backend: str, threads: int | None = 1) -> ModuleType | SimpleNamespace:
    """Return the list of operations under the name of its implementation.

    Parameters
    ----------
    backend : str
        ``"numba"`` or ``"reference"``.
    threads : int or None
        How many threads the matrix products of the Numba backend may use; None: as many as the
        work deserves.

    Raises
    ------
    OptionError
        If the backend is not known.
    """
    if check_option("backend", backend, BACKENDS) == "reference":
        from tinyvae.ops import reference

        return reference
    from tinyvae.ops import fast

    return fast.with_threads(threads)
