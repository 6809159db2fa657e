"""A small run, trained once, of which every test that looks at one gets a copy of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tinyvae import runs
from tinyvae.checkpoint import read_checkpoint

OPTIONS = runs.RunOptions(
    data="mine.npy",
    hidden_dims=(8,),
    latent_dim=3,
    backend="reference",
    epochs=4,
    batch_size=20,
    warmup_epochs=2.0,
    learning_rate=0.01,
)
PLACE = Path("runs", "mine")


class Trained(NamedTuple):
    """What ``runs.train`` returned, and what it left, with the folder it was in."""

    place: Path
    result: runs.Result


def save_data(name="mine.npy", shape=(60, 16), dtype=np.float32):
    """Write binary pixels to a file in the current folder."""
    pixels = np.random.default_rng(1).random(shape) < 0.4
    np.save(name, pixels.astype(dtype))


@contextlib.contextmanager
def undrawn():
    """Leave out the pictures, which take the longest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tinyvae.runs.make.draw_pictures", lambda *arguments: [])
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The one run: no test may change what lies in its folder."""
    place, before = tmp_path_factory.mktemp("trained"), Path.cwd()
    os.chdir(place)
    try:
        save_data()
        with undrawn():
            return Trained(place, runs.train(OPTIONS, progress=False))
    finally:
        os.chdir(before)


@pytest.fixture
def run(folder, trained):
    """A copy of the one run in ``runs/mine``; return what ``runs.train`` returned of it."""
    shutil.copytree(trained.place / PLACE, folder / PLACE)
    config = folder / PLACE / "config.json"
    text = config.read_text().replace(str(trained.place.resolve()), str(folder.resolve()))
    config.write_text(text)
    vae = trained.result.vae.copy()
    return runs.Result(PLACE, vae, trained.result.history, False, None, trained.result.evaluations)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, with 60 rows of 16 binary pixels."""
    monkeypatch.chdir(tmp_path)
    save_data()
    return tmp_path


def state(folder):
    """Everything a checkpoint holds but the time it took."""
    arrays, metadata = read_checkpoint(Path(folder) / "model.npz")
    metadata["position"].pop("seconds")
    for row in metadata["history"]:
        row.pop("seconds")
    return {name: array.tobytes() for name, array in arrays.items()}, metadata


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def everything(study):
    """All that the runs of a study are, but for the seconds they took."""
    return {folder.name: state(folder) for folder in sorted(Path(study, "runs").iterdir())}
