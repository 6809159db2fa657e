"""Looking at a run: numbers and facts."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from run_folders import OPTIONS

from tinyvae import runs
from tinyvae.checkpoint import read_checkpoint, write_checkpoint
from tinyvae.data import load_data
from tinyvae.errors import (
    CheckpointError,
    ShapeError,
    UsageError,
)
from tinyvae.model.evaluation import evaluate


def test_evaluation_is_that_of_the_library(run):
    found = runs.evaluate(run.folder, n_samples=4, seed=2, progress=False)
    expected = evaluate(run.vae, load_data("mine.npy").test, n_samples=4, seed=2)
    assert asdict(found["test"]).keys() == asdict(expected).keys()
    assert found["test"].bound == expected.bound
    assert found["test"].elbo == expected.elbo
    assert runs.evaluate(run.folder, splits=["test"], progress=False).keys() == {"test"}


def test_evaluation_uses_the_binarization_of_the_training(undrawn):
    np.save("grey.npy", np.random.default_rng(0).random((60, 16), dtype=np.float32))
    grey = runs.train(replace(OPTIONS, data="grey.npy", binarize="threshold"), progress=False)
    found = runs.evaluate(grey.folder, progress=False)["test"]
    expected = evaluate(grey.vae, load_data("grey.npy").test, binarize="threshold")
    assert found.elbo == expected.elbo == grey.evaluations["test"].elbo


def test_a_lone_model_needs_its_data_named(run, folder):
    run.vae.save("lone.npz")
    with pytest.raises(UsageError, match="--data"):
        runs.evaluate("lone.npz", progress=False)
    found = runs.evaluate("lone.npz", data="mine.npy", progress=False)
    assert found["test"].elbo == run.evaluations["test"].elbo
    with pytest.raises(UsageError, match=r"config\.json"):
        runs.resume("lone.npz", progress=False)


def test_data_of_another_width_are_refused(run):
    np.save("wide.npy", np.zeros((60, 17), np.float32))
    with pytest.raises(ShapeError, match="17 columns"):
        runs.evaluate(run.folder, data="wide.npy", progress=False)


def test_info_says_what_the_model_is(run):
    found = runs.info(run.folder)
    assert sum(np.prod(shape) for shape in found.shapes.values()) == run.vae.parameters.size
    assert found.model == run.vae.config
    assert found.training["warmup_epochs"] == 2.0
    assert found.history.rows == run.history.rows
    assert runs.info(run.folder / "model.npz").data == found.data


def test_other_data_than_those_of_the_training_are_named(run):
    def said(**options):
        lines = []
        runs.evaluate(run.folder, progress=False, say=lines.append, **options)
        return lines

    assert said() == []
    rows = np.load("mine.npy")
    np.save("same.npy", rows)
    assert said(data="same.npy") == []
    rows[3, 5] = 1.0 - rows[3, 5]
    np.save("other.npy", rows)
    (line,) = said(data="other.npy")
    assert line.startswith("These are not the data that")
    np.save("mine.npy", rows)
    (line,) = said()
    assert "mine.npy has other rows than it had then" in line
    run.vae.save("lone.npz")
    lines = []
    runs.evaluate("lone.npz", data="other.npy", progress=False, say=lines.append)
    assert lines == [], "nothing is known of a lone model's data"


@pytest.mark.parametrize(
    ("name", "value"),
    [("history", [1]), ("history", 3), ("training", []), ("training", {"epochs": "x"})],
    ids=str,
)
def test_an_edited_record_is_a_checkpoint_error(run, name, value):
    arrays, metadata = read_checkpoint(run.folder / "model.npz")
    write_checkpoint(run.folder / "model.npz", arrays, metadata | {name: value})
    for look in (runs.info, runs.sample):
        with pytest.raises(CheckpointError, match=r"model\.npz does not describe a training run"):
            look(run.folder)
