"""A run is made and gone on with: nothing lost, and a stopped run is the same run."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import fields, replace

import numpy as np
import pytest
from run_folders import OPTIONS, contents, state

from tinyvae import runs
from tinyvae.data import load_data
from tinyvae.errors import (
    CheckpointError,
    NonFiniteDataError,
    NonFiniteLossError,
    OptionError,
    SizeError,
    UsageError,
    WriteError,
)
from tinyvae.model import evaluation
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training import loop, saving
from tinyvae.training.history import History

STEPS = 4 * 3  # 54 rows to train on


def test_a_run_leaves_model_history_config_and_pictures(folder):
    said = []
    result = runs.train(OPTIONS, progress=False, say=said.append)
    assert result.folder.resolve() == folder / "runs" / "mine"
    assert {"model.npz", "history.csv", "config.json"} <= set(contents(result.folder))
    assert result.pictures
    assert all(path.parent == result.folder and path.is_file() for path in result.pictures)
    assert any("not known to be images" in line for line in said)
    loaded = VAE.load(result.folder / "model.npz")
    assert np.array_equal(loaded.parameters.values, result.vae.parameters.values)
    assert History.from_csv(result.folder / "history.csv").rows == result.history.rows
    data = load_data("mine.npy")
    for split in ("train", "test"):
        found = evaluate(loaded, getattr(data, split))
        assert result.evaluations[split].elbo == pytest.approx(found.elbo, rel=1e-12)


def test_rows_that_are_images_are_drawn(undrawn):
    np.save("square.npy", (np.random.default_rng(1).random((60, 8, 8)) < 0.4))
    result = runs.train(replace(OPTIONS, data="square.npy", epochs=1), progress=False)
    before = contents(result.folder)
    said = []
    pictures = runs.plot(result.folder, progress=False, say=said.append)
    assert {"history", "samples", "reconstructions", "grid"} <= {path.stem for path in pictures}
    after = contents(result.folder)
    assert all(after.pop(path.name).startswith(b"\x89PNG") for path in pictures)
    assert after == before
    assert not said


def test_config_is_complete(undrawn):
    result = runs.train(OPTIONS, progress=False)
    content = json.loads((result.folder / "config.json").read_text())
    assert set(content["options"]) == {field.name for field in fields(runs.RunOptions)}
    assert content["data"]["train"] == [54, 16]
    read = runs.Config.read(result.folder / "config.json").options
    assert read == replace(OPTIONS, data=str((result.folder / "../../mine.npy").resolve()))


def test_bad_input_leaves_no_folder(folder):
    rows = np.ones((60, 16), np.float32)
    rows[7, 3] = np.nan
    np.save("nan.npy", rows)
    with pytest.raises(NonFiniteDataError, match="row 7, column 3"):
        runs.train(replace(OPTIONS, data="nan.npy"), progress=False)
    with pytest.raises(SizeError, match="batch_size=100"):
        runs.train(replace(OPTIONS, batch_size=100), progress=False)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(("dtype", "unit"), [(np.float32, 1.0), (np.uint8, 1.0)])
def test_the_untrained_decoder_knows_the_mean_of_the_data(undrawn, dtype, unit):
    np.save("mine.npy", np.load("mine.npy").astype(dtype))
    result = runs.train(replace(OPTIONS, epochs=0), progress=False)
    mean = load_data("mine.npy").train.mean(axis=0) / unit
    bias = result.vae.parameters["decoder.1.bias"]
    assert 1.0 / (1.0 + np.exp(-bias)) == pytest.approx(mean, rel=1e-5)


def notes(x, **changes):
    np.save("mine.npy", x)
    options = replace(OPTIONS, likelihood="gaussian_learned", epochs=0, **changes)
    lines = []
    result = runs.train(options, progress=False, say=lines.append)
    return result, "\n".join(lines)


def test_where_a_learned_sigma_starts_is_said(undrawn, rng):
    x = 3.0 * rng.standard_normal((60, 16))
    result, said = notes(x)
    spread = np.sqrt(load_data("mine.npy").train.var(axis=0).mean())
    assert result.vae.observation.sigma == pytest.approx(spread / 2.0, rel=1e-5)
    assert f"sigma: starts at {spread / 2.0:.3g}, half the spread of the data (--sigma)" in said
    result, said = notes(x, sigma=0.2)
    assert result.vae.observation.sigma == pytest.approx(0.2)
    assert "sigma: starts" not in said


def test_columns_in_units_of_their_own_are_told_of(undrawn, rng):
    x = rng.standard_normal((60, 16))
    assert "Columns:" not in notes(x)[1]
    x[:, 3] *= 50.0
    assert "standard deviations from" in notes(x)[1]
    assert "Columns:" not in notes(x, image_shape="4x4")[1]
    x[:, 3] = 7.0
    assert "Columns:" not in notes(x)[1], "a constant column has no unit"


def test_a_run_that_hardly_uses_its_units_is_told_what_to_try(undrawn, monkeypatch):
    assert runs.train(OPTIONS, progress=False).remark is None
    monkeypatch.setattr(evaluation, "ACTIVE_THRESHOLD", 1e9)
    found = runs.train(OPTIONS, progress=False).remark
    assert found.startswith("No latent unit is active")
    assert "free_bits=0.1" in found
    assert runs.train(replace(OPTIONS, epochs=0), progress=False).remark is None


def test_the_same_config_gives_the_same_weights(undrawn, run):
    first = run
    again = runs.train(runs.Config.read(first.folder / "config.json").options, progress=False)
    other = runs.train(replace(OPTIONS, seed=1), progress=False)
    assert state(again.folder)[0] == state(first.folder)[0]
    assert state(other.folder)[0] != state(first.folder)[0]


@pytest.mark.parametrize("looks", [0, 1, 4, 7, STEPS + 3])
def test_an_interrupted_run_continues_bit_for_bit(stop_after, undrawn, monkeypatch, trained, looks):
    sizes = []
    step = VAE.train_step

    def counted(vae, x, *arguments, **options):
        sizes.append(len(x))
        return step(vae, x, *arguments, **options)

    monkeypatch.setattr(VAE, "train_step", counted)
    whole = trained.place / trained.result.folder
    stop_after(looks)
    stopped = runs.train(OPTIONS, progress=False)
    assert stopped.interrupted
    assert not stopped.evaluations
    assert state(stopped.folder) != state(whole)
    stop_after(None)
    resumed = runs.resume(stopped.folder, progress=False)
    assert not resumed.interrupted
    assert state(resumed.folder) == state(whole)
    assert len(resumed.history) == OPTIONS.epochs
    assert len(sizes) == STEPS  # none left out, none done twice


def test_a_run_killed_before_its_first_checkpoint_starts_again(undrawn, run, trained):
    killed = run.folder
    for name in ("model.npz", "history.csv"):
        (killed / name).unlink()
    with pytest.raises(CheckpointError, match="--resume"):
        runs.sample(killed)
    resumed = runs.resume(killed, progress=False)
    assert state(resumed.folder) == state(trained.place / trained.result.folder)


def test_config_is_written_before_the_first_step(folder, monkeypatch):
    def fail(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Training, "run", fail)
    with pytest.raises(KeyboardInterrupt):
        runs.train(OPTIONS, progress=False)
    assert list(contents(folder / "runs" / "mine")) == ["config.json"]


def test_resuming_a_finished_run_changes_no_weight(undrawn, run):
    done = run
    before = state(done.folder)
    said = []
    runs.resume(done.folder, progress=False, say=said.append)
    assert state(done.folder) == before
    assert any("all 4 epochs are done" in line for line in said)


def test_a_run_may_go_on_for_longer_and_remembers_it(undrawn, run):
    done = run
    longer = runs.resume(done.folder, {"epochs": 6}, progress=False)
    assert len(longer.history) == 6
    assert runs.Config.read(done.folder / "config.json").options.epochs == 6


def test_what_makes_another_run_is_refused(undrawn, run):
    done = run
    with pytest.raises(UsageError, match="beta cannot change"):
        runs.resume(done.folder, {"beta": 2.0}, progress=False)
    with pytest.raises(OptionError, match="did you mean 'epochs'"):
        runs.resume(done.folder, {"epoch": 2}, progress=False)
    runs.resume(done.folder, {"beta": 1.0}, progress=False)


def test_changed_data_are_noticed(undrawn, run):
    done = run
    rows = np.load("mine.npy")
    np.save("moved.npy", rows)
    rows[3, 5] = 1.0 - rows[3, 5]
    np.save("mine.npy", rows)
    with pytest.raises(CheckpointError, match="CRC"):
        runs.resume(done.folder, progress=False)
    runs.resume(done.folder, {"data": "moved.npy"}, progress=False)
    assert runs.Config.read(done.folder / "config.json").options.data.endswith("moved.npy")


def test_a_loss_that_blows_up_keeps_the_last_good_checkpoint(monkeypatch):
    monkeypatch.setattr(saving.Saver, "EVERY_SECONDS", 0.0)
    with pytest.raises(NonFiniteLossError) as caught:
        runs.train(replace(OPTIONS, learning_rate=1e15, activation="identity"), progress=False)
    message = str(caught.value)
    assert "Epoch 1, step" in message
    assert "runs/mine/model.npz" in message.replace("\\", "/")
    assert "--learning-rate 5e+14" in message
    assert np.isfinite(VAE.load("runs/mine/model.npz").parameters.values).all()


# What is said


def said_of(call, *arguments):
    lines = []
    call(*arguments, progress=False, say=lines.append)
    return lines


def test_resuming_says_what_is_different(undrawn, run):
    lines = said_of(runs.resume, run.folder, {"epochs": 6})
    assert "The run now ends after epoch 6, not 4." in lines
    assert any("learning rate jumps from 0 to" in line for line in lines)
    lines = said_of(runs.resume, run.folder, {"epochs": 3})
    assert any(line.startswith("6 epochs are done already, more") for line in lines)
    assert not any("everything is kept there" in line for line in lines)


def test_early_stopping_is_said_where_it_ended_a_run(undrawn):
    options = replace(OPTIONS, epochs=50, patience=1, learning_rate=0.5)
    stopped = runs.train(options, progress=False)
    assert len(stopped.history) < 50
    lines = said_of(runs.resume, stopped.folder)
    assert any(line.startswith("Early stopping ended this run after epoch") for line in lines)
    assert not any("epochs are done" in line for line in lines)


def test_without_a_compiler_it_is_said_before_the_first_step(undrawn, monkeypatch):
    VAE(2, (), 1)  # the kernels' modules are imported as they are
    monkeypatch.setattr("tinyvae.ops.machine.jit.JIT_DISABLED", True)
    monkeypatch.setattr(loop.Training, "run", lambda *_, **__: 1 / 0)
    for epochs, expected in ((4, True), (0, False)):
        options, lines = replace(OPTIONS, backend="numba", epochs=epochs), []
        with pytest.raises(ZeroDivisionError):
            runs.train(options, progress=False, say=lines.append)
        assert any("a single step may take minutes" in line for line in lines) == expected


def test_checkpoints_are_kept_and_can_be_looked_at(undrawn):
    result = runs.train(replace(OPTIONS, save_every=2), progress=False)
    kept = sorted(path.name for path in result.folder.glob("model-*"))
    assert kept == ["model-epoch-0002.npz", "model-epoch-0004.npz"]
    assert len(runs.info(result.folder / kept[0]).history) == 2
    assert runs.evaluate(result.folder / kept[1], progress=False)["test"].elbo == (
        result.evaluations["test"].elbo
    )


def test_what_stops_the_drawing_leaves_the_model_and_says_so(monkeypatch):
    def press(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyvae.runs.make.draw_pictures", press)
    with pytest.raises(KeyboardInterrupt, match=r"model is kept, whole: runs.mine.model\.npz"):
        runs.train(OPTIONS, progress=False)
    assert len(runs.info("runs/mine").history) == OPTIONS.epochs


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"beta": 1e308}, "--beta 1"),
        ({"learning_rate": 1e15, "activation": "identity"}, "--learning-rate 5e+14"),
    ],
    ids=str,
)
def test_a_loss_that_blows_up_names_the_likely_cause(undrawn, changes, advice):
    with pytest.raises(NonFiniteLossError) as caught:
        runs.train(replace(OPTIONS, **changes), progress=False)
    assert str(caught.value).endswith(advice)
    assert ("learning rate" in str(caught.value)) == ("beta" not in changes)


# A folder that does not stay where it was


def in_mid_run(monkeypatch, happen):
    """Let something happen before the second of many checkpoints."""
    monkeypatch.setattr(saving.Saver, "EVERY_SECONDS", -1.0)
    write, seen = saving.Saver._write, []

    def watched(saver, path):
        seen.append(path)
        if len(seen) == 2:
            happen()
        write(saver, path)

    monkeypatch.setattr(saving.Saver, "_write", watched)


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_folder_that_goes_away_is_written_again_whole(how, undrawn, monkeypatch, trained):
    def go():
        if how == "moved":
            os.rename("runs/mine", "runs/elsewhere")
        else:
            shutil.rmtree("runs/mine")

    in_mid_run(monkeypatch, go)
    lines = said_of(runs.train, OPTIONS)
    assert any("it is written again, whole" in line for line in lines)
    assert set(contents("runs/mine")) == {"model.npz", "config.json", "history.csv"}
    assert state("runs/mine") == state(trained.place / trained.result.folder)
    monkeypatch.undo()


def test_another_run_in_its_place_is_not_overwritten(undrawn, monkeypatch, folder, trained):
    def replaced():
        os.rename("runs/mine", "runs/elsewhere")
        shutil.copytree(trained.place / trained.result.folder, "runs/mine")

    in_mid_run(monkeypatch, replaced)
    with pytest.raises(WriteError, match="another run stands in its place"):
        runs.train(replace(OPTIONS, seed=9), progress=False)
    expected = state(trained.place / trained.result.folder)
    monkeypatch.undo()
    assert state(folder / "runs" / "mine") == expected
