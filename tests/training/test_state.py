"""What a checkpoint of a run holds, how far a run may change, and what is not the same run."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from small_runs import GREY, LOADED, SCHEDULED, UNIT, everything, make, run, start

from tinyvae import errors
from tinyvae.checkpoint import read_checkpoint, write_checkpoint
from tinyvae.training import fit as training
from tinyvae.training.fit import Training, TrainingOptions


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """A checkpoint in mid-epoch."""
    path = tmp_path_factory.mktemp("half") / "model.npz"
    begun = start()
    begun._step(begun._order()[:16])
    begun.save(path)
    return path


# A longer run


@pytest.mark.parametrize("patience", [None, 9])
def test_a_finished_run_can_go_on(patience, tmp_path):
    path = tmp_path / "model.npz"
    options = {"schedule": "constant", "patience": patience}
    start(**options).run(path, progress=False)
    longer = start(path, epochs=5, **options)
    longer.run(path, progress=False)
    whole = start(epochs=5, **options)
    whole.run(progress=False)
    assert everything(longer) == everything(whole)
    assert len(whole.history) == 5


def test_a_run_back_at_its_best_weights_goes_on_from_its_last(monkeypatch, tmp_path):
    path = tmp_path / "model.npz"
    elbos = iter([-1.0, -2.0, -3.0, -4.0, -5.0] * 2)  # the first epoch is the best
    monkeypatch.setattr(
        training,
        "evaluate",
        lambda *_, **__: SimpleNamespace(reconstruction=1.0, kl=1.0, elbo=next(elbos)),
    )
    options = {"schedule": "constant", "patience": 9}
    start(**options).run(path, progress=False)
    longer = start(path, epochs=5, **options)
    longer.run(path, progress=False)
    whole = start(epochs=5, **options)
    whole.run(progress=False)
    assert everything(longer) == everything(whole)
    assert (longer.best != longer.vae.parameters.values).any()


def test_a_finished_run_stays_as_it_is(tmp_path):
    path = tmp_path / "model.npz"
    first = start()
    first.run(path, progress=False)
    before = path.read_bytes()
    for epochs in (3, 1):
        again = start(path, epochs=epochs)
        again.run(path if epochs == 3 else None, progress=False)
        assert everything(again) == everything(first)
    assert path.read_bytes() == before


def test_another_backend_may_go_on(half):
    other = start(half, backend="numba")
    other.run(progress=False)
    whole = start()
    whole.run(progress=False)
    np.testing.assert_allclose(other.vae.parameters.values, whole.vae.parameters.values, atol=1e-5)


# What is not the same run is refused, and nothing has changed then


def refused(begun, path, message):
    before = everything(begun)
    with pytest.raises(errors.CheckpointError, match=message) as caught:
        begun.restore(path)
    assert str(path) in str(caught.value)
    assert everything(begun) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 17}, "trained with batch_size=16, not 17"),
        ({"learning_rate": 0.02}, "learning_rate=0.01, not 0.02"),
        ({"schedule": "constant"}, "schedule='cosine', not 'constant'"),
        ({"beta": 2.0}, "beta=1.0, not 2.0"),
        ({"warmup_epochs": 0.0}, "warmup_epochs=1.5, not 0.0"),
        ({"binarize": "threshold"}, "binarize=None, not 'threshold'"),
        ({"patience": 3}, "patience=2, not 3"),
        ({"patience": None}, "patience=2, not None"),
        ({"seed": 1}, "seed=0, not 1"),
        ({"data": GREY[:49]}, r"train='\(50, 12\) of uint8, CRC-32 .*, not '\(49, 12\)"),
        ({"data": GREY[::-1]}, "train=.*CRC-32"),
        ({"data": (GREY / 255).astype(np.float32)}, "train=.* of float32"),
        ({"data": UNIT}, "train="),
        ({"validation": LOADED[:5]}, "validation="),
        ({"validation": None, "patience": None}, "patience=2, not None"),
    ],
    ids=str,
)
def test_other_options_or_data(changes, message, half):
    refused(start(**changes), half, message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 6}, "seed=5, not 6"),
        ({"dtype": "float64"}, "dtype='float32', not 'float64'"),
        ({"activation": "tanh"}, "activation='relu', not 'tanh'"),
        ({"likelihood": "continuous_bernoulli"}, "likelihood="),
        ({"decoder_hidden_dims": (8,)}, "decoder_hidden_dims="),
        ({"sigma": 2.0}, "sigma=1.0, not 2.0"),
    ],
    ids=str,
)
def test_another_model(changes, message, half):
    options = TrainingOptions(**SCHEDULED | {"binarize": "stochastic"})
    refused(Training(make(**changes), GREY, LOADED, options), half, message)


def test_the_same_data_elsewhere_are_the_same_data(half):
    wide = np.zeros((50, 24), np.uint8)
    wide[:, ::2] = GREY
    assert start(half, data=wide[:, ::2]).adam.step_count == 1
    assert start(half, data=GREY.copy(order="F")).adam.step_count == 1


def test_a_model_alone_is_no_run(tmp_path):
    make().save(tmp_path / "model.npz")
    refused(start(), tmp_path / "model.npz", "was not written by a training run")
    refused(start(), tmp_path / "nowhere.npz", "does not exist")
    with pytest.raises(errors.CheckpointError, match="does not exist"):
        run(checkpoint=tmp_path / "nowhere.npz", resume=True)


BAD = {
    "adam_steps": (-1, 1.5, None, "1"),
    "position": (None, [], {"epoch": -1}, {"step": 0.5}, {"surprise": 1}),
    "epoch_generator": ({}, None, {"bit_generator": "MT19937"}, {"bit_generator": "PCG64"}),
    "generator": ({}, [], "PCG64", {"bit_generator": "PCG64", "state": {"state": -1, "inc": 1}}),
    "history": (None, [1], 3, [[1, 2]]),
    "model": (None, {}),
    "training": (None, {}),
    "data": (None, {}),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD.items() for value in (*values, "missing")],
    ids=str,
)
def test_a_record_that_is_not_whole(name, value, half, tmp_path):
    arrays, metadata = read_checkpoint(half)
    metadata.pop(name) if value == "missing" else metadata.update({name: value})
    write_checkpoint(tmp_path / "model.npz", arrays, metadata)
    refused(start(), tmp_path / "model.npz", "model.npz")


@pytest.mark.parametrize("name", ["values", "adam.m", "adam.v", "best"])
def test_an_array_that_is_missing_or_other(name, half, tmp_path):
    arrays, metadata = read_checkpoint(half)
    kept = arrays.pop(name)
    for other in (None, kept[:-1], kept.astype(np.float64), kept.reshape(1, -1)):
        changed = arrays if other is None else {**arrays, name: other}
        write_checkpoint(tmp_path / "model.npz", changed, metadata)
        refused(start(), tmp_path / "model.npz", repr(name))
