"""What a newcomer waits for: the import, and the first step with a cold and a warm cache."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

IMPORT = """
import time
started = time.perf_counter()
import tinyvae
print(time.perf_counter() - started)
"""

FIRST_STEP = """
import time
import numpy as np
import tinyvae as tv
vae = tv.VAE(784, (400,), 20)
adam, rng = tv.Adam(vae.parameters), np.random.default_rng(0)
x = rng.random((128, 784), dtype=np.float32)
noise = rng.standard_normal((128, 20), dtype=np.float32)
started = time.perf_counter()
vae.train_step(x, noise, adam)
print(time.perf_counter() - started)
"""

FIT = """
import resource
import numpy as np
import tinyvae as tv
data = np.tile(tv.load_data("digits").train, (12, 1))
vae = tv.VAE(784, (400,), 20)
tv.fit(vae, data, epochs=1, progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _run(code: str, cache: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def measure() -> dict[str, float]:
    """Return seconds, medians, and MiB."""
    with tempfile.TemporaryDirectory() as empty:
        cold = _run(FIRST_STEP, empty)
        warm = statistics.median(_run(FIRST_STEP, empty) for _ in range(5))
        memory = _run(FIT, empty)
    imported = statistics.median(_run(IMPORT, "") for _ in range(7))
    return {
        "import_seconds": imported,
        "first_step_cold_seconds": cold,
        "first_step_warm_seconds": warm,
        "w1_training_peak_mib": memory,
    }
