"""Starts contenders, holds them to the same losses, and times them in interleaved rounds."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

from benchmarks.contenders import CONTENDERS

FLOORS = ("OpenBLAS products", "FMA peak")
LOSS_TOLERANCE = 2e-4


class DisagreementError(Exception):
    """A contender does not compute the same loss, so its time would mean nothing."""


class Child:
    """A contender's process."""

    def __init__(self, name: str, workload: str, threads: int) -> None:
        pools = ("OMP", "OPENBLAS", "MKL", "NUMBA")
        environment = os.environ | {f"{pool}_NUM_THREADS": str(threads) for pool in pools}
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        cpus = ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0))[:threads])
        command = ["taskset", "-c", cpus, sys.executable, "-m", "benchmarks.worker"]
        self.name = name
        self.process = subprocess.Popen(
            [*command, name, workload, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def ask(self, line: str):
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} died; its words stand above.")
        return json.loads(answer)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass
class Timing:
    """What one workload took on so many threads."""

    workload: str
    threads: int
    rounds: dict[str, list[float]] = field(default_factory=dict)  # microseconds a step
    memory: dict[str, float] = field(default_factory=dict)  # MiB

    def median(self, name: str) -> float:
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, of: str = "tinyvae") -> tuple[float, float, float]:
        """Median, smallest and largest of the per-round ratios name / of."""
        ratios = [a / b for a, b in zip(self.rounds[name], self.rounds[of], strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def check(children: list[Child]) -> None:
    """Raise unless all agree on the loss of a batch, before and after a step of Adam on it."""
    found = {child.name: child.ask("check") for child in children}
    judged = {name: losses for name, losses in found.items() if name not in FLOORS}
    expected = judged["tinyvae"]
    for name, losses in judged.items():
        for ours, theirs in zip(expected, losses, strict=True):
            if abs(ours - theirs) > LOSS_TOLERANCE * abs(ours):
                raise DisagreementError(f"{name} has losses {losses}, tinyvae {expected}")


def time_workload(
    workload: str, threads: int, names: list[str], rounds: int, seconds: float
) -> Timing:
    """Time contenders on a workload, one after the other, ``rounds`` times over."""
    children = [Child(name, workload, threads) for name in names]
    timing = Timing(workload, threads, {name: [] for name in names})
    try:
        check(children)
        for child in children:
            child.ask(f"run {seconds}")  # warm-up: compilation, pages, clocks
        for i in range(rounds):
            order = children if i % 2 == 0 else children[::-1]
            for child in order:
                timing.rounds[child.name].append(child.ask(f"run {seconds}"))
        for child in children:
            timing.memory[child.name] = child.ask("memory")
    finally:
        for child in children:
            child.close()
    return timing


def available() -> list[str]:
    """Return the contenders whose library is installed."""
    from importlib.util import find_spec

    needs = {"torch_": "torch", "jax_": "jax"}
    return [
        name
        for name, (module, _) in CONTENDERS.items()
        if module not in needs or find_spec(needs[module]) is not None
    ]
