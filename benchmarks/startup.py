"""What a newcomer waits for: a fresh process, from its start to the end of its first step of W1.

Each contender gets a process of its own and does the same: import, make the network, take one
step.  Seconds on the clock and of the processors are those of the whole process, the interpreter's
start included.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

IMPORT = "import tinyvae"

TINYVAE = """
import numpy as np
import tinyvae as tv
vae = tv.VAE(784, (400,), 20)
adam, rng = tv.Adam(vae.parameters), np.random.default_rng(0)
x = rng.random((128, 784), dtype=np.float32)
vae.train_step(x, rng.standard_normal((128, 20), dtype=np.float32), adam)
"""

LOOP = """
import numpy as np
import tinyvae as tv
digits = tv.load_data("digits")
vae = tv.VAE(784, (400,), 20)
adam, rng = tv.Adam(vae.parameters), np.random.default_rng(0)
for x in tv.minibatches(digits.train, 128, rng, binarize="stochastic"):
    vae.train_step(x, rng.standard_normal((len(x), 20), dtype=np.float32), adam)
    break
"""

OTHER = """
from benchmarks.contenders.{module} import make
from benchmarks.workloads import WORKLOADS
contender = make(WORKLOADS["W1"], 2, {variant!r})
contender.losses()
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

#: Name, code, and whether its cache of kernels is empty.
PROCESSES = {
    "import tinyvae": (IMPORT, False),
    "tinyvae, empty cache": (TINYVAE, True),
    "tinyvae, warm cache": (TINYVAE, False),
    "tinyvae's loop on digits, empty cache": (LOOP, True),
    "tinyvae's loop on digits, warm cache": (LOOP, False),
    "JAX jit": (OTHER.format(module="jax_", variant="jit"), False),
    "PyTorch eager": (OTHER.format(module="torch_", variant="eager"), False),
}


class Took(NamedTuple):
    """Seconds of one process."""

    clock: float
    processor: float


def _run(code: str, cache: str) -> tuple[Took, str]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    clock, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(clock, used), done.stdout


def measure(names: list[str], rounds: int) -> dict[str, list[Took]]:
    """Return what every process of that name took, in interleaved rounds."""
    took: dict[str, list[Took]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as warm:
        for name in names:
            _run(PROCESSES[name][0], warm)  # fills the caches, the file system's too
        for i in range(rounds):
            for name in names if i % 2 == 0 else names[::-1]:
                code, cold = PROCESSES[name]
                with tempfile.TemporaryDirectory() as empty:
                    took[name].append(_run(code, empty if cold else warm)[0])
    return took


def peak_of_training() -> float:
    """Return the peak memory of an epoch of ``fit`` on 60,000 images of uint8, in MiB."""
    with tempfile.TemporaryDirectory() as empty:
        return float(_run(FIT, empty)[1])


def table(took: dict[str, list[Took]]) -> str:
    """Return medians and ranges as a table."""
    lines = ["| a fresh process | seconds on the clock | of processors |", "| --- | --- | --- |"]
    for name, times in took.items():
        cells = [
            f"{statistics.median(column):.2f} ({min(column):.2f} to {max(column):.2f})"
            for column in zip(*times, strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
