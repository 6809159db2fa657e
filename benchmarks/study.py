"""What a study costs: 100 small runs one by one and at once, cold starts, and what Dask adds.

Times are of the wall and of the processor, the children's included: on a shared machine only the
latter means much.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_STUDY = """
import json, os, resource, sys, time
from tinyvae.studies import study

if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    options["hidden_dims"] = tuple(options["hidden_dims"])
    started = time.perf_counter()
    found = study(sys.argv[2], **options)
    wall = time.perf_counter() - started
    from joblib.externals.loky import get_reusable_executor
    if options.get("jobs", 1) > 1 and "scheduler" not in options:
        get_reusable_executor().shutdown(wait=True)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(use.ru_utime + use.ru_stime for use in used)
    print(json.dumps({"wall": wall, "processor": processor}))
"""

_FIRST_STEP = """
import json, resource
import numpy as np
import tinyvae as tv
vae = tv.VAE(784, (400,), 20)
rng = np.random.default_rng(0)
x = rng.random((128, 784), dtype=np.float32)
vae.train_step(x, rng.standard_normal((128, 20), dtype=np.float32), tv.Adam(vae.parameters))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps(used.ru_utime + used.ru_stime))
"""


def _conduct(folder: str, options: dict[str, object]) -> dict[str, float]:
    code = Path(folder).parent / "conduct.py"
    code.write_text(_STUDY)
    command = [sys.executable, str(code), json.dumps(options), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _same(one: Path, other: Path) -> bool:
    """Return whether two studies have the same numbers to the bit."""
    return (one / "table.csv").read_bytes() == (other / "table.csv").read_bytes()


def speed(runs: int, epochs: int, rounds: int, jobs: int) -> dict[str, object]:
    """Time a study of small runs in interleaved rounds: one by one, in processes, on Dask."""
    small = {"hidden_dims": (64,), "latent_dim": 2, "eval_samples": 1, "epochs": epochs}
    small |= {"seeds": runs}
    means: dict[str, dict[str, object]] = {
        "one by one": {"jobs": 1},
        f"{jobs} processes": {"jobs": jobs},
        f"Dask, {jobs} workers": {"jobs": jobs, "scheduler": "local"},
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in means}
    same = True
    for i in range(rounds):
        with tempfile.TemporaryDirectory() as room:
            for name, how in list(means.items())[:: 1 if i % 2 == 0 else -1]:
                found[name].append(_conduct(str(Path(room, name.replace(" ", "-"))), small | how))
            studies = [Path(room, name.replace(" ", "-")) for name in means]
            same &= all(_same(studies[0], other) for other in studies[1:])
    return {"runs": runs, "epochs": epochs, "same_bits": same, "rounds": found}


def _processes(count: int, cache: str) -> list[float]:
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _FIRST_STEP], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(count)
    ]
    return [json.loads(child.communicate()[0]) for child in children]


def cold_start() -> dict[str, object]:
    """Return processor seconds until the first step: alone and two at once, cold and warm."""
    with tempfile.TemporaryDirectory() as alone, tempfile.TemporaryDirectory() as two:
        return {
            "one, cold": _processes(1, alone),
            "one, warm": _processes(1, alone),
            "two at once, cold": _processes(2, two),
        }


def costs() -> dict[str, dict[str, float]]:
    """Return what Dask adds to a study, in seconds of the wall and of one processor.

    The scheduler and the client share this process, so that the latter is what bounds a cluster.
    """
    import numpy as np
    from distributed import Client, LocalCluster

    found: dict[str, dict[str, float]] = {}

    def timed(name: str, times: int, action: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        action()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        found[name] = {"wall": wall / times, "processor": processor / times}

    checkpoint = os.urandom(8_000_000)  # of 784-400-20-400-784 with Adam's memory
    data = np.zeros((60_000, 784), np.uint8)
    started = time.perf_counter()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.submit(_import_all).result()
        found["start of two workers"] = {"wall": time.perf_counter() - started}
        started_cpu = client.submit(_start_seconds).result()
        found["start of a worker"] = {"processor": started_cpu}
        many = [b"x" * 1000] * 1000
        timed("a task", 1000, lambda: client.gather(client.map(_size, many, pure=False)))
        timed(
            "a checkpoint there and back",
            10,
            lambda: [client.submit(_echo, checkpoint, pure=False).result() for _ in range(10)],
        )
        timed("47 MB to a worker", 2, lambda: client.scatter(data, broadcast=True, hash=False))
    return found


def _start_seconds() -> float:
    """Return what this process has used of the processor until it could begin a run."""
    import tinyvae.studies.work  # noqa: F401

    return time.process_time()


def _size(content: bytes) -> int:
    return len(content)


def _echo(content: bytes) -> bytes:
    return content


def _import_all() -> None:
    import tinyvae.studies.work  # noqa: F401


def _speed_table(found: dict[str, object]) -> str:
    timed = found["rounds"]
    base = timed["one by one"]
    lines = [
        f"{found['runs']} runs of {found['epochs']} epochs, {len(base)} rounds; "
        f"same bits: {found['same_bits']}",
        "",
        "| | wall, s | processor, s | times as fast (range) | processor / one by one's |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, rows in timed.items():
        wall, processor = (statistics.median(r[k] for r in rows) for k in ("wall", "processor"))
        faster = [b["wall"] / r["wall"] for b, r in zip(base, rows, strict=True)]
        more = statistics.median(
            r["processor"] / b["processor"] for b, r in zip(base, rows, strict=True)
        )
        middle = f"{statistics.median(faster):.2f} ({min(faster):.2f} to {max(faster):.2f})"
        lines.append(f"| {name} | {wall:.1f} | {processor:.1f} | {middle} | {more:.2f} |")
    return "\n".join(lines)


def main(output: Path, runs: int, epochs: int, rounds: int, jobs: int) -> None:
    """Measure, print a table, and keep the numbers."""
    with tempfile.TemporaryDirectory() as room:  # warm the cache of kernels
        _conduct(str(Path(room, "warm")), {"hidden_dims": (64,), "latent_dim": 2, "epochs": 1})
    found: dict[str, object] = {"speed": speed(runs, epochs, rounds, jobs)}
    print(_speed_table(found["speed"]), flush=True)
    found["cold"] = cold_start()
    print("Processor seconds until the first step of 784-400-20:", json.dumps(found["cold"]))
    found["dask"] = costs()
    print("Dask's costs, s:", json.dumps(found["dask"]))
    output.mkdir(parents=True, exist_ok=True)
    (output / "study.json").write_text(json.dumps(found, indent=2))
