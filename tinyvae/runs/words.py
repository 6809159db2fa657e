"""What is said of a run: what is about to be trained, and what to do when numbers blew up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tinyvae.errors import NonFiniteLossError
from tinyvae.runs.folders import CONFIG, MODEL
from tinyvae.runs.prepare import Prepared

Say = Callable[[str], None]


def silent(line: str) -> None:
    """Take a line and say nothing."""


def announce(prepared: Prepared, folder: Path, say: Say) -> None:
    """Say what is about to be trained, and what is different if it had begun before."""
    state, data, epochs = prepared.training.state, prepared.data, prepared.options.epochs
    done = state.position.epoch
    say(f"{data.name}: {len(data.train):,} rows to train on, {len(data.test):,} to test on")
    for note in data.notes:
        say(f"  {note}")
    say(str(state.vae))
    for note in state.notes:
        say(note)
    if not state.unfinished:
        if not state.notes:
            say(f"{folder}: all {done} epochs are done")
        return
    say(f"{folder}: everything is kept there; Ctrl-C stops without loss")
    if done or state.position.step:
        say(f"Continuing in epoch {done + 1} of {epochs}")
    if state.vae.backend != "numba":
        return
    from tinyvae.ops.machine.jit import JIT_DISABLED

    if JIT_DISABLED:
        say(
            "NUMBA_DISABLE_JIT is set, so that nothing is compiled and a single step may take "
            "minutes: unset it, or use the reference backend (--backend reference)"
        )
    else:
        say("Loading the kernels; compiling them the first time takes about 5 seconds")


def with_advice(error: NonFiniteLossError, prepared: Prepared, folder: Path) -> NonFiniteLossError:
    """Return the error with what is kept, and with a command that may do better."""
    model, suspect = folder / MODEL, prepared.training.state.suspect()
    kept = "No checkpoint had been written yet."
    if model.exists():
        kept = f"The last good checkpoint is kept at {model} (see it with: tinyvae plot {folder})."
    if suspect == "data":
        return NonFiniteLossError(f"{error} {kept}")
    rate = prepared.options.learning_rate / 2
    what, option = {
        "beta": ("a beta of 1", "--beta 1"),
        "learning_rate": ("half the learning rate", f"--learning-rate {rate:g}"),
    }[suspect]
    return NonFiniteLossError(
        f"{error} {kept} To train anew with {what}: "
        f"tinyvae train --config {folder / CONFIG} {option}"
    )
