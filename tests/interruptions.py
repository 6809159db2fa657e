"""Interrupts real training processes at random moments and sees whether anything was lost.

A tool, not a test: ``python tests/interruptions.py --backend reference`` trains once in peace.
Then it trains the same again and again in processes that it stops with SIGINT, kills with SIGKILL,
and kills while they write a checkpoint after every step, and lets the next process resume each
time.  Whenever such a run is done, its last checkpoint must be that of the peaceful one to the bit.
It exits with 1 if one is not.  Needs a POSIX system.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinyvae.checkpoint import read_checkpoint
from tinyvae.model.vae import VAE
from tinyvae.training.fit import fit
from tinyvae.training.saving import Saver

TIMEOUT = 600.0  # seconds until a process that does not end is a failure
STOPPED = 3  # exit status of a process that ended politely, before the last epoch
CUT_SHORT = 4  # exit status of one that SIGINT met just before its first step or after its last
OPTIONS = {
    "epochs": 20,
    "batch_size": 128,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup_epochs": 3.5,
    "patience": 15,
    "seed": 4,
}


class Way(NamedTuple):
    """A way to be interrupted, and how many seconds lie between checkpoints meanwhile."""

    name: str
    number: int
    every: float


WAYS = [
    Way("SIGINT", signal.SIGINT, 10.0),
    Way("SIGKILL", getattr(signal, "SIGKILL", 0), 0.1),
    Way("SIGKILL in a write", getattr(signal, "SIGKILL", 0), -1.0),
]


# The process that is interrupted


def train(path: Path, backend: str, threads: int, every: float) -> int:
    """Train from the start, or from the checkpoint if there is one; return the exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been born deaf to it
    Saver.EVERY_SECONDS = every
    if every < 0.0:
        slow_down_writing()
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (5000, 784), dtype=np.uint8)
    loaded = rng.integers(0, 256, (500, 784), dtype=np.uint8)
    vae = VAE(784, (32,), 4, backend=backend, threads=threads, seed=2)
    vae.loss(grey[:1], np.zeros((1, 4)))  # whatever is compiled or loaded late, is so now
    try:
        print("training", flush=True)
        history = fit(
            vae,
            grey,
            validation=loaded,
            checkpoint=path,
            resume=path.exists(),
            progress=False,
            **OPTIONS,
        )
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # too late to be of interest
    except KeyboardInterrupt:
        return CUT_SHORT
    return STOPPED if history.interrupted else 0


def slow_down_writing() -> None:
    """Make the moment longer in which a new checkpoint is written and not yet in place."""
    sync = os.fsync

    def slow_sync(handle: int) -> None:
        sync(handle)
        time.sleep(0.005)

    os.fsync = slow_sync


def start(path: Path, options: argparse.Namespace, every: float) -> subprocess.Popen[str]:
    """Start such a process and return it when its training begins."""
    command = [sys.executable, __file__, "--backend", options.backend]
    command += ["--threads", str(options.threads), "--train", str(path), "--every", str(every)]
    kept = {**os.environ, "OPENBLAS_NUM_THREADS": str(options.threads)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=kept)
    assert process.stdout is not None
    if process.stdout.readline() != "training\n":
        raise SystemExit(f"A process failed before its training began: exit {process.wait()}.")
    return process


# The interrupter


def place(path: Path) -> str:
    """Say how far a checkpoint is."""
    if not path.exists():
        return "none yet"
    metadata = read_checkpoint(path)[1]
    position, steps = metadata["position"], metadata["adam_steps"]
    return f"step {steps}: {position['epoch']} epochs and {position['step']} steps"


def everything(path: Path) -> dict[str, Any]:
    """Return all that a checkpoint holds, but for the seconds it took."""
    arrays, metadata = read_checkpoint(path)
    metadata["position"].pop("seconds")
    for row in metadata["history"]:
        row.pop("seconds")
    return metadata | {name: array.tobytes() for name, array in arrays.items()}


def differences(path: Path, peaceful: dict[str, Any]) -> list[str]:
    """Return the names of what differs from the run in peace."""
    came = everything(path)
    return [name for name in peaceful | came if came.get(name) != peaceful.get(name)]


def interrupt(path: Path, way: Way, moment: float, options: argparse.Namespace) -> tuple[bool, str]:
    """Go on with a run and interrupt it after ``moment`` seconds; return (done, what happened)."""
    process = start(path, options, way.every)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(way.number)
    status = process.wait(TIMEOUT)
    torn = list(path.parent.glob(".*.tmp"))
    for file in torn:
        file.unlink()
    expected = {0: "done", STOPPED: "stopped", CUT_SHORT: "cut short", -signal.SIGKILL: "killed"}
    if status not in expected:
        raise SystemExit(f"A process ended with status {status}, interrupted by {way.name}.")
    # One that is met when nothing is left to do but to exit was not interrupted.
    done = path.exists() and read_checkpoint(path)[1]["position"]["epoch"] == OPTIONS["epochs"]
    return done, expected[status] + (" in mid-write" if torn else "")


def campaign(folder: Path, options: argparse.Namespace) -> bool:
    """Interrupt until every way had its turns; return whether nothing was ever lost."""
    peaceful, seconds = in_peace(folder / "peace.npz", options)
    rng = np.random.default_rng(options.seed)
    turns = [way for way in WAYS for _ in range(options.turns)]
    plan = [turns[i] for i in rng.permutation(len(turns))]
    print(f"{'turn':>4}  {'run':>3}  {'how':<18}  {'after':>7}  {'what':<20}  checkpoint")
    run, lost, path = 1, 0, folder / "run-1.npz"
    while plan:
        way, moment = plan[0], float(rng.uniform(0.0, options.share * seconds))
        done, what = interrupt(path, way, moment, options)
        turn = "-" if done else str(len(turns) - len(plan) + 1)
        print(
            f"{turn:>4}  {run:>3}  {way.name:<18}  {moment:>5.2f} s  {what:<20}  {place(path)}",
            flush=True,
        )
        if not done:
            plan.pop(0)
        if done or not plan:
            lost += not same(path, run, peaceful, options)
            run += 1
            path = folder / f"run-{run}.npz"
    print(f"{len(turns)} interruptions in {run - 1} runs; {lost} of these runs differ.")
    return lost == 0


def in_peace(path: Path, options: argparse.Namespace) -> tuple[dict[str, Any], float]:
    """Train without interruption; return what came of it and the seconds it took."""
    finish(path, options)  # once to warm every cache, once to take its time
    path.unlink()
    seconds = finish(path, options)
    print(f"{options.backend}: {place(path)}, in peace, took {seconds:.2f} s")
    return everything(path), seconds


def finish(path: Path, options: argparse.Namespace) -> float:
    process = start(path, options, 10.0)
    started = time.monotonic()
    if process.wait(TIMEOUT) != 0:
        raise SystemExit(f"A process failed in peace: exit {process.returncode}.")
    return time.monotonic() - started


def same(path: Path, run: int, peaceful: dict[str, Any], options: argparse.Namespace) -> bool:
    """Let a run end, and say whether it is the one in peace."""
    finish(path, options)
    wrong = differences(path, peaceful)
    print(f"      {run:>3}  {'DIFFERS in ' + ', '.join(wrong) if wrong else 'identical'}")
    return not wrong


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--backend", choices=["numba", "reference"], default="numba")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=10, help="interruptions of each kind")
    parser.add_argument("--share", type=float, default=0.5, help="of a run, at most, in one go")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--every", type=float, default=10.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.name != "posix":
        raise SystemExit("This tool needs POSIX signals.")
    if options.train is not None:
        return train(options.train, options.backend, options.threads, options.every)
    with tempfile.TemporaryDirectory() as folder:
        return 0 if campaign(Path(folder), options) else 1


if __name__ == "__main__":
    raise SystemExit(main())
