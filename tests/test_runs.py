"""Runs on the disk: nothing overwritten, nothing lost, and a stopped run is the same run."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from tinyvae import plots, runs
from tinyvae.checkpoint import read_checkpoint
from tinyvae.data import load_data
from tinyvae.errors import (
    CheckpointError,
    FileFormatError,
    NonFiniteDataError,
    NonFiniteLossError,
    OptionError,
    ShapeError,
    SizeError,
    UsageError,
)
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.runs.naming import new_folder
from tinyvae.training import loop as training
from tinyvae.training import saving
from tinyvae.training.history import History

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
STEPS = 4 * 3  # 54 rows to train on


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, with 60 rows of 16 binary pixels."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(1).random((60, 16)) < 0.4
    np.save("mine.npy", pixels.astype(np.float32))
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out the pictures, which take the longest."""
    monkeypatch.setattr("tinyvae.runs.make.draw_pictures", lambda *arguments: [])


@pytest.fixture
def stop_after(monkeypatch):
    """Let the next runs be interrupted as by Ctrl-C, after the loop has looked so many times."""

    def prepare(looks):
        class Stop:
            def __init__(self):
                self.looked = 0

            def __enter__(self):
                return self

            def __exit__(self, *error):
                pass

            @property
            def requested(self):
                self.looked += 1
                return looks is not None and self.looked > looks

        monkeypatch.setattr(training, "StopRequest", Stop)

    return prepare


def state(folder):
    """Everything a checkpoint holds but the time it took."""
    arrays, metadata = read_checkpoint(folder / "model.npz")
    metadata["position"].pop("seconds")
    for row in metadata["history"]:
        row.pop("seconds")
    return {name: array.tobytes() for name, array in arrays.items()}, metadata


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Making ------------------------------------------------------------------------------------


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


def test_the_next_run_takes_the_next_number_and_touches_nothing(undrawn):
    first = runs.train(OPTIONS, progress=False)
    before = contents(first.folder)
    second = runs.train(replace(OPTIONS, seed=1), progress=False)
    third = runs.train(OPTIONS, progress=False)
    assert [r.folder.name for r in (first, second, third)] == ["mine", "mine-2", "mine-3"]
    assert contents(first.folder) == before


def test_many_at_once_never_share_a_folder():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_folder("same", None), range(40)))
    assert len(set(made)) == 40


def test_an_output_folder_must_be_new(folder, undrawn):
    (folder / "taken").mkdir()
    (folder / "taken" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="taken"):
        runs.train(OPTIONS, output="taken", progress=False)
    assert contents(folder / "taken") == {"thesis.txt": b"years of work"}
    assert runs.train(OPTIONS, output="deep/new", progress=False).folder.name == "new"


def test_bad_input_leaves_no_folder(folder):
    rows = np.ones((60, 16), np.float32)
    rows[7, 3] = np.nan
    np.save("nan.npy", rows)
    with pytest.raises(NonFiniteDataError, match="row 7, column 3"):
        runs.train(replace(OPTIONS, data="nan.npy"), progress=False)
    with pytest.raises(SizeError, match="batch_size=100"):
        runs.train(replace(OPTIONS, batch_size=100), progress=False)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(("dtype", "unit"), [(np.float32, 1.0), (np.uint8, 255.0)])
def test_the_untrained_decoder_knows_the_mean_of_the_data(undrawn, dtype, unit):
    np.save("mine.npy", np.load("mine.npy").astype(dtype))
    result = runs.train(replace(OPTIONS, epochs=0), progress=False)
    mean = load_data("mine.npy").train.mean(axis=0) / unit
    bias = result.vae.parameters["decoder.1.bias"]
    assert 1.0 / (1.0 + np.exp(-bias)) == pytest.approx(mean, rel=1e-5)


def test_the_same_config_gives_the_same_weights(undrawn):
    first = runs.train(OPTIONS, progress=False)
    again = runs.train(runs.Config.read(first.folder / "config.json").options, progress=False)
    other = runs.train(replace(OPTIONS, seed=1), progress=False)
    assert state(again.folder)[0] == state(first.folder)[0]
    assert state(other.folder)[0] != state(first.folder)[0]


# Stopping and going on ---------------------------------------------------------------------


@pytest.mark.parametrize("looks", [0, 1, 4, 7, STEPS + 3])
def test_an_interrupted_run_continues_bit_for_bit(stop_after, undrawn, monkeypatch, looks):
    sizes = []
    step = VAE.train_step

    def counted(vae, x, *arguments, **options):
        sizes.append(len(x))
        return step(vae, x, *arguments, **options)

    monkeypatch.setattr(VAE, "train_step", counted)
    whole = runs.train(OPTIONS, progress=False)
    assert len(sizes) == STEPS
    stop_after(looks)
    stopped = runs.train(OPTIONS, progress=False)
    assert stopped.interrupted
    assert not stopped.evaluations
    assert state(stopped.folder) != state(whole.folder)
    stop_after(None)
    resumed = runs.resume(stopped.folder, progress=False)
    assert not resumed.interrupted
    assert state(resumed.folder) == state(whole.folder)
    assert len(resumed.history) == OPTIONS.epochs
    assert len(sizes) == 2 * STEPS  # none left out, none done twice


def test_a_run_killed_before_its_first_checkpoint_starts_again(undrawn):
    whole = runs.train(OPTIONS, progress=False)
    killed = runs.train(OPTIONS, progress=False).folder
    for name in ("model.npz", "history.csv"):
        (killed / name).unlink()
    with pytest.raises(CheckpointError, match="--resume"):
        runs.sample(killed)
    assert state(runs.resume(killed, progress=False).folder) == state(whole.folder)


def test_config_is_written_before_the_first_step(folder, monkeypatch):
    def fail(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Training, "run", fail)
    with pytest.raises(KeyboardInterrupt):
        runs.train(OPTIONS, progress=False)
    assert list(contents(folder / "runs" / "mine")) == ["config.json"]


def test_resuming_a_finished_run_changes_no_weight(undrawn):
    done = runs.train(OPTIONS, progress=False)
    before = state(done.folder)
    said = []
    runs.resume(done.folder, progress=False, say=said.append)
    assert state(done.folder) == before
    assert any("all 4 epochs are done" in line for line in said)


def test_a_run_may_go_on_for_longer_and_remembers_it(undrawn):
    done = runs.train(OPTIONS, progress=False)
    longer = runs.resume(done.folder, {"epochs": 6}, progress=False)
    assert len(longer.history) == 6
    assert runs.Config.read(done.folder / "config.json").options.epochs == 6


def test_what_makes_another_run_is_refused(undrawn):
    done = runs.train(OPTIONS, progress=False)
    with pytest.raises(UsageError, match="beta cannot change"):
        runs.resume(done.folder, {"beta": 2.0}, progress=False)
    with pytest.raises(OptionError, match="did you mean 'epochs'"):
        runs.resume(done.folder, {"epoch": 2}, progress=False)
    runs.resume(done.folder, {"beta": 1.0}, progress=False)


def test_changed_data_are_noticed(undrawn):
    done = runs.train(OPTIONS, progress=False)
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


# Looking -----------------------------------------------------------------------------------


@pytest.fixture
def run(undrawn):
    return runs.train(OPTIONS, progress=False)


def test_samples_are_the_models_own_with_the_same_noise_for_every_scale(run):
    one = runs.sample(run.folder, 5, scales=[0.5], seed=3)
    several = runs.sample(run.folder, 5, scales=[0.5, 2.0], seed=3)
    expected = [run.vae.sample(5, scale=scale, seed=3) for scale in (0.5, 2.0)]
    assert np.array_equal(np.load(one.array), expected[0])
    assert np.array_equal(np.load(several.array), expected)
    assert (one.array.name, several.array.name) == ("sample.npy", "sample-2.npy")
    assert one.picture is None


@pytest.mark.parametrize("scales", [[1.0], [0.5, 1.0]])
@pytest.mark.parametrize("draw", [True, False])
def test_samples_of_images_are_drawn(monkeypatch, scales, draw):
    figures = []
    save = plots.save
    monkeypatch.setattr(plots, "save", lambda f, path: figures.append(f) or save(f, path))
    VAE(64, (8,), 2, backend="reference").save("lone.npz")
    written = runs.sample("lone.npz", 4, scales=scales, draw=draw, output="dreams.png")
    assert written.picture.read_bytes().startswith(b"\x89PNG")
    array = np.load("dreams.npy")
    assert (set(np.unique(array)) == {0.0, 1.0}) == draw
    shown = np.ma.compressed(np.ma.masked_invalid(figures[0].axes[0].images[0].get_array()))
    assert np.array_equal(np.sort(shown), np.sort(array.ravel()))


def test_samples_overwrite_nothing(run, folder):
    (folder / "dreams.npy").write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"dreams\.npy"):
        runs.sample(run.folder, output="dreams")
    assert (folder / "dreams.npy").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "arguments", [{"n": 0}, {"scales": []}, {"scales": [-1.0]}, {"scales": [np.nan]}, {"seed": -1}]
)
def test_bad_sample_arguments(run, arguments):
    with pytest.raises(SizeError):
        runs.sample(run.folder, **arguments)


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


def test_a_missing_run_is_answered_with_the_nearest(run):
    with pytest.raises(UsageError, match=r"Did you mean runs.mine\?"):
        runs.info("runs/mien")
    with pytest.raises(UsageError, match="is not a run"):
        runs.info("runs")


# Options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"latent_dims": 2}, "did you mean 'latent_dim'"),
        ({"learning_rate": "0.001"}, "must be a number"),
        ({"beta": True}, "must be a number"),
        ({"data": 7}, "must be a word"),
        ({"data": None}, "must be a word"),
        ({"hidden_dims": [8, 0]}, r"hidden_dims\[1\]=0"),
        ({"decoder_hidden_dims": [0]}, r"decoder_hidden_dims\[0\]=0"),
        ({"latent_dim": 2.0}, "latent_dim"),
        ({"epochs": -1}, "epochs"),
        ({"sigma": 0.0}, "sigma"),
        ({"threads": 0}, "threads"),
        ({"dtype": "float16"}, "did you mean 'float64'"),
    ],
)
def test_options_are_checked_before_any_data_are_loaded(changes, expected):
    with pytest.raises(UsageError, match=expected):
        OPTIONS.changed(changes)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"options": 3}', '{"options": {}, "data": 1}'])
def test_a_damaged_config_is_a_file_error(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"config\.json"):
        runs.Config.read(folder / "config.json")


def test_a_wrong_option_in_a_config_names_the_file(folder):
    (folder / "config.json").write_text('{"options": {"epocs": 3}}')
    with pytest.raises(OptionError, match=r"config\.json: .*did you mean 'epochs'"):
        runs.Config.read(folder / "config.json")
