"""``fit``: names that are nearly right, what is called once an epoch, what is kept."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from small_runs import GREY, LOADED, make, run, without_seconds

from tinyvae import errors
from tinyvae.data import gather_batch
from tinyvae.errors import CheckpointError
from tinyvae.model.adam import Adam
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training.fit import fit
from tinyvae.training.options import CALLED_ELSEWHERE, TrainingOptions


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("lr", "learning_rate"), ("learning_rte", "learning_rate"), ("epoch", "epochs")),
        *(("n_epochs", "epochs"), ("batchsize", "batch_size"), ("random_state", "seed")),
        *(("early_stopping", "patience"), ("callbacks", "callback"), ("verbose", "progress")),
        *(("val", "validation"), ("Beta", "beta"), ("kl_weight", "beta"), ("warmup", "warmup_ep")),
    ],
)
def test_a_name_that_is_nearly_right_gets_the_right_one(name, meant):
    vae = make()
    with pytest.raises(errors.OptionError, match=f"did you mean '{meant}") as caught:
        run(vae=vae, **{name: 0.01})
    for valid in ("epochs", "learning_rate", "validation", "checkpoint", "save_every", "callback"):
        assert f" {valid}" in str(caught.value)
    np.testing.assert_array_equal(vae.parameters.values, make().parameters.values)


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(errors.OptionError, match=r"no argument 'xyzzy'\. Choose from: epochs, "):
        run(xyzzy=1)


def test_no_name_elsewhere_is_a_name_here():
    elsewhere = [name for names in CALLED_ELSEWHERE.values() for name in names]
    assert len(set(elsewhere)) == len(elsewhere)
    assert not set(elsewhere) & {*CALLED_ELSEWHERE, *TrainingOptions.SCHEMA}


def test_the_callback_gets_every_row_once():
    seen, rates = [], []
    vae, twin = make(), make()

    def look(row):
        seen.append(row)
        rates.append(row.pop("learning_rate"))
        row["train_loss"] = 0.0

    history = fit(vae, GREY, epochs=3, batch_size=16, callback=look, progress=False)
    assert [row["epoch"] for row in seen] == [1, 2, 3]
    assert rates == history["learning_rate"], "the history has rows of its own"
    assert min(history["train_loss"]) > 0.0
    other = fit(twin, GREY, epochs=3, batch_size=16, progress=False)
    assert without_seconds(other) == without_seconds(history)
    np.testing.assert_array_equal(vae.parameters.values, twin.parameters.values)


def test_what_a_callback_raises_ends_the_run_and_resuming_goes_on(tmp_path):
    path, whole = tmp_path / "model.npz", run(epochs=4, validation=LOADED)[0]

    def stop(row):
        if row["epoch"] == 2:
            raise RuntimeError("enough")

    options = {"epochs": 4, "validation": LOADED, "checkpoint": path}
    with pytest.raises(RuntimeError, match="enough"):
        run(callback=stop, save_every=2, **options)
    (tmp_path / "model-epoch-0002.npz").rename(path)
    resumed, history = run(resume=True, **options)
    assert len(history) == 4
    np.testing.assert_array_equal(resumed.parameters.values, whole.parameters.values)


def test_kept_checkpoints_are_those_of_their_epochs(tmp_path):
    path = tmp_path / "model.npz"
    run(epochs=5, checkpoint=path, save_every=2)
    names = ["model-epoch-0002.npz", "model-epoch-0004.npz", "model.npz"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    for epochs in (2, 4):
        expected = run(epochs=epochs)[0].parameters.values
        kept = VAE.load(tmp_path / f"model-epoch-{epochs:04d}.npz")
        np.testing.assert_array_equal(kept.parameters.values, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"callback": 3}, "callback=3 must be a function"),
        ({"save_every": 2}, "save_every=2 needs checkpoint="),
        ({"save_every": 0, "checkpoint": "model.npz"}, "save_every=0"),
        ({"epochs": 10**400}, "must be at most"),
        ({"learning_rate": 10**400}, "too large for a float"),
        ({"beta": True}, "must be a finite number"),
    ],
    ids=str,
)
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(errors.UsageError, match=message):
        run(**options)


def test_what_is_different_on_resuming_is_told(tmp_path, capsys):
    path = tmp_path / "model.npz"
    run(epochs=2, checkpoint=path)
    run(epochs=3, checkpoint=path, resume=True, progress=True)
    assert "The run now ends after epoch 3, not 2." in capsys.readouterr().err


def test_what_killed_writers_left_behind_is_swept(tmp_path):
    path = tmp_path / "model.npz"
    run(epochs=1, checkpoint=path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            run(epochs=1, checkpoint=path)
        with pytest.raises(KeyboardInterrupt):
            run(epochs=1, checkpoint=tmp_path / "model.npz.other")
    assert len(list(tmp_path.glob(".*.tmp"))) == 2
    run(epochs=1, checkpoint=path)
    (left,) = tmp_path.glob(".*.tmp")
    assert left.name.startswith(".model.npz.other."), "another file's writer may be at work"


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize(
    "options", [{"objective": "dreg", "n_samples": 3}, {"free_bits": 0.2, "n_samples": 2}], ids=str
)
def test_objectives_and_labels_reach_the_step_and_resume(options, backend, tmp_path):
    """The loop by hand, and a run stopped after an epoch and taken up again: the same weights."""
    rng = np.random.default_rng(0)
    x, y = (rng.random((40, 6)) > 0.5).astype(float), rng.integers(0, 3, 40)
    make = partial(VAE, 6, (5,), 2, n_classes=3, dtype="float64", backend=backend, seed=1)
    fitted, hand, resumed = make(), make(), make()
    options = options | {"batch_size": 16, "seed": 4, "progress": False}
    fit(fitted, x, labels=y, epochs=2, **options)

    adam, rng = Adam(hand.parameters, 1e-3, backend=backend), np.random.default_rng(4)
    objective = {k: v for k, v in options.items() if k in ("objective", "free_bits")}
    for _ in range(2):
        order = rng.permutation(40)
        for start in range(0, 40, 16):
            index = order[start : start + 16]
            batch = gather_batch(x, index, rng, dtype="float64")
            noise = rng.standard_normal((len(index), options["n_samples"], 2))
            hand.train_step(batch, noise, adam, labels=y[index], **objective)
    np.testing.assert_array_equal(fitted.parameters.values, hand.parameters.values)

    path = tmp_path / "model.npz"
    fit(resumed, x, labels=y, epochs=1, checkpoint=path, **options)
    with pytest.raises(CheckpointError, match="labels"):
        fit(make(), x, labels=y[::-1], epochs=2, checkpoint=path, resume=True, **options)
    again = make()
    fit(again, x, labels=y, epochs=2, checkpoint=path, resume=True, **options)
    np.testing.assert_array_equal(again.parameters.values, hand.parameters.values)


@pytest.mark.parametrize("free_bits", [None, 0.05, 0.2, 0.5])
def test_free_bits_keep_alive_what_collapses_without_them(free_bits):
    """No direction of the data varies as much as sigma**2 = 4: the optimum ignores z."""
    rng = np.random.default_rng(0)
    deviations = np.sqrt([1.6, 1.5, 1.4, 0.5, 0.5, 0.5, 0.5, 0.5])
    x = rng.standard_normal((600, 8)) * deviations
    vae = VAE(8, (), 3, likelihood="gaussian", sigma=2.0, dtype="float64", backend="reference")
    options = {"epochs": 60, "batch_size": 100, "learning_rate": 0.01, "progress": False}
    fit(vae, x, free_bits=free_bits, **options)
    found = evaluate(vae, x)
    if free_bits is None:
        assert found.active_units == 0
        assert found.kl < 0.001
    else:
        assert found.active_units == 3
        assert np.all(found.kl_per_dimension > 0.8 * free_bits)
        assert np.all(found.kl_per_dimension < 1.05 * free_bits)
