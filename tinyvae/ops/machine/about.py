"""What a report of a bug or of a speed has to say about the machine."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

#: In the order in which they are told; those that are not installed are left out.
PACKAGES = (
    "tinyvae",
    "numpy",
    "numba",
    "llvmlite",
    "matplotlib",
    "scipy",
    "pandas",
    "joblib",
    "distributed",
    "scikit-learn",
)
SETTINGS = (
    "OMP_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMBA_CACHE_DIR",
    "NUMBA_DISABLE_JIT",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "TINYVAE_LANES",
    "TINYVAE_DATA_DIR",
)


def about_machine() -> dict[str, dict[str, str]]:
    """Return, by title, what this machine is: versions, processor, cache, settings.

    Returns
    -------
    dict of str to dict
        ``"Versions"``, ``"Machine"`` and, where any is set, ``"Environment"``.
    """
    found = {"Versions": _versions(), "Machine": _machine()}
    given = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    return found | ({"Environment": given} if given else {})


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, str]:
    import llvmlite.binding as llvm

    from tinyvae.ops.machine.jit import JIT_DISABLED, LANES
    from tinyvae.ops.machine.quota import processors
    from tinyvae.ops.machine.work_queue import serve
    from tinyvae.ops.machine.workers import cores

    where = getattr(getattr(serve, "_cache", None), "cache_path", None)
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": llvm.get_host_cpu_name(),
        "vectors": f"{LANES} float32" if LANES else "plain loops",
        "processors": str(processors()),
        "threads": str(cores()),
        "compiled": "no, NUMBA_DISABLE_JIT is set" if JIT_DISABLED else "yes",
        "kernels kept in": str(where) if where else "nowhere: every start compiles them",
    }
