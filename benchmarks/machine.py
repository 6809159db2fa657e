"""On what it was measured: processor, cores, versions."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version


def describe() -> dict[str, object]:
    """Return the machine and the versions of everything that was timed."""
    versions = {}
    for package in ("tinyvae", "numpy", "numba", "llvmlite", "torch", "jax", "jaxlib"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    import llvmlite.binding as llvm

    return {
        "processor": llvm.get_host_cpu_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": sys.version.split()[0],
        "versions": versions,
    }
