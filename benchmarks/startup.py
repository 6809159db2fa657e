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
print(time.perf_counter() - started, time.process_time())
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


def _run(code: str, cache: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


def measure() -> dict[str, float]:
    """Return seconds, medians, and MiB.

    Those until a first step are of the clock for that step alone, and of the processor for all of a
    fresh process until then, imports included: a busy machine changes these less.
    """
    colds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as empty:
            colds.append(_run(FIRST_STEP, empty))
    with tempfile.TemporaryDirectory() as cache:
        (memory,) = _run(FIT, cache)
        _run(FIRST_STEP, cache)
        warms = [_run(FIRST_STEP, cache) for _ in range(5)]
    cold, cold_processor = map(statistics.median, zip(*colds, strict=True))
    warm, warm_processor = map(statistics.median, zip(*warms, strict=True))
    return {
        "import_seconds": statistics.median(_run(IMPORT, "")[0] for _ in range(7)),
        "first_step_cold_seconds": cold,
        "until_first_step_cold_processor_seconds": cold_processor,
        "first_step_warm_seconds": warm,
        "until_first_step_warm_processor_seconds": warm_processor,
        "w1_training_peak_mib": memory,
    }
