"""How a kernel is compiled, and why a stale one cannot be loaded from the cache.

Numba's cache looks at the file a function stands in and not at the files of the functions it
calls, so an edit in one kernel file would leave old machine code of its callers alive.  Every
kernel of tinyvae therefore carries one more thing in its cache key: a digest of all sources in
this folder and of the vector width frozen into them.  Other packages' caches are not touched.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding as llvm
from numba import config, njit

from tinyvae.errors import SizeError
from tinyvae.ops.machine.apart import Apart, Chosen
from tinyvae.ops.machine.kernel_cache import attach_cache

F = TypeVar("F", bound=Callable[..., Any])

# Named one by one: nnan and ninf would let LLVM delete the checks for NaN and infinity.  Even so,
# reassoc with nsz folds Numba's isfinite (x - x) to true: compare with infinity instead.
FASTMATH = frozenset({"contract", "reassoc", "nsz", "arcp", "afn"})
# For code whose rounding is its meaning (exp, log, compensated sums): fuse, never reorder.
EXACT = frozenset({"contract"})

JIT_DISABLED = bool(config.DISABLE_JIT)


def _native_lanes() -> int:
    """Return how many float32 fit a vector register here, 0 where only plain loops can run."""
    if JIT_DISABLED:
        return 0
    if config.CPU_NAME == "generic" and not config.CPU_FEATURES:
        return 0
    wanted = config.CPU_FEATURES
    if wanted is None:
        features = {name for name, there in llvm.get_host_cpu_features().items() if there}
    else:
        features = {word[1:] for word in wanted.split(",") if word.startswith("+")}
    if "avx512f" in features:
        return 16
    if {"avx2", "fma"} <= features:
        return 8
    return 4 if "neon" in features else 0


def _lanes() -> int:
    override = os.environ.get("TINYVAE_LANES")
    if override is None or JIT_DISABLED:
        return _native_lanes()
    if override not in {"0", "4", "8", "16"}:
        raise SizeError(
            f"TINYVAE_LANES={override!r} must be 0 (plain loops), 4, 8 or 16 float32 a vector; "
            "unset it to use what the processor has."
        )
    return int(override)


#: float32 numbers in one vector register; float64 has half as many.  0 means plain loops.
LANES = _lanes()


@cache
def source_key() -> str:
    """Digest of every kernel source and of the vector width: part of every cache key."""
    digest = hashlib.sha256(f"lanes={LANES}".encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ask(function: Callable[..., Any], number: int = 0) -> None:
    """Have a kernel that waits ready, or one that chooses for that number; see ``apart.py``."""
    if not JIT_DISABLED:
        function.ask(number)  # type: ignore[attr-defined]


def kernel(
    *,
    fastmath: frozenset[str] = FASTMATH,
    forceinline: bool = False,
    inline: bool = False,
    borrows: bool = False,
    apart: bool = False,
    chosen: str | None = None,
    waits: bool = False,
) -> Callable[[F], F]:
    """Compile a function with Numba, lazily, cached, without the global interpreter lock.

    Parameters
    ----------
    fastmath : frozenset of str
        LLVM's flags by name; never ``nnan`` or ``ninf``.
    forceinline : bool
        Whether LLVM must place the body inside its callers (for small functions in hot loops).
    inline : bool
        Whether Numba must, before LLVM sees it: the body takes the callers' flags, and is compiled
        with them only.  What is compiled on its own is optimized again inside each caller.
    borrows : bool
        Whether the function and all it calls allocate nothing and keep no array beyond the call.
        Numba then counts no references, which is a third of the code of a kernel of many arrays.

    apart : bool
        Whether callers call it by its address instead of taking a copy; see ``apart.py``.
    chosen : str or None
        Of a kernel that stands apart, the argument that chooses what it does: each number is
        compiled by itself, when it is asked for.
    waits : bool
        Whether a kernel that stands apart is compiled only when it is asked for.

    Returns
    -------
    callable
        The decorator.
    """

    def compiled(function: Any, only_inside: bool) -> Any:
        made = njit(
            fastmath=set(fastmath),
            forceinline=forceinline,
            inline="always" if inline else "never",
            error_model="numpy",
            nogil=True,
            no_cpython_wrapper=only_inside,
            no_cfunc_wrapper=True,
            _nrt=not borrows,
            **({"pipeline_class": Chosen} if chosen and only_inside else {}),
        )(function)
        if not (JIT_DISABLED or forceinline or inline):
            attach_cache(made, function, source_key)
        return made

    def decorate(function: F) -> F:
        if not apart or JIT_DISABLED:
            return compiled(function, only_inside=False)  # type: ignore[no-any-return]
        dispatcher = compiled(function, only_inside=True)
        for_python = partial(compiled, only_inside=False)
        return Apart(dispatcher, for_python, chosen, waits)  # type: ignore[return-value]

    return decorate
