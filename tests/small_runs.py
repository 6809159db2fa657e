"""A small model, small data and a short run, for all tests of training."""

from __future__ import annotations

import numpy as np

from tinyvae.model.vae import VAE
from tinyvae.training.fit import Training, TrainingOptions, fit

GREY = np.random.default_rng(1).integers(0, 256, (50, 12), dtype=np.uint8)
LOADED = np.random.default_rng(2).integers(0, 256, (17, 12), dtype=np.uint8)
REAL = np.random.default_rng(3).standard_normal((50, 12)).astype(np.float32)
UNIT = np.random.default_rng(4).random((50, 12))

STEPS = 12  # of the run below, 4 an epoch
SCHEDULED = {
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 0.01,
    "warmup_epochs": 1.5,
    "schedule": "cosine",
    "patience": 2,
}


def make(**options):
    return VAE(12, (7,), 3, **{"backend": "reference", "seed": 5} | options)


def run(data=GREY, *, vae=None, **options):
    """Train a fresh model and return it with its history."""
    vae = vae or make()
    settings = {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, "progress": False}
    return vae, fit(vae, data, **settings | options)


def without_seconds(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def start(path=None, *, backend="reference", data=GREY, validation=LOADED, **options):
    """Return a run, taken up again from a file if there is one."""
    vae = make(backend=backend)
    begun = Training(vae, data, validation, TrainingOptions(**SCHEDULED | options))
    if path is not None and path.exists():
        vae.parameters.values[:] = np.nan  # nothing of the fresh model may survive
        begun.restore(path)
    return begun


def everything(run):
    """Return all that a run is, but for the seconds it took."""
    state = run.state
    return {
        "values": state.vae.parameters.values.tobytes(),
        "best": state.best.tobytes(),
        "m": state.adam.m.tobytes(),
        "v": state.adam.v.tobytes(),
        "steps": state.adam.step_count,
        "position": vars(state.position) | {"seconds": 0.0},
        "history": without_seconds(state.history),
        "generator": state.rng.bit_generator.state,
    }
