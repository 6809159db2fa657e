"""What a checkpoint of a run holds, how far a run may change, and what is not the same run."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest
from small_runs import GREY, LOADED, SCHEDULED, UNIT, everything, make, run, start

from tinyvae import errors
from tinyvae.checkpoint import read_checkpoint, write_checkpoint
from tinyvae.training import loop
from tinyvae.training import record as records
from tinyvae.training.fit import Training, TrainingOptions
from tinyvae.training.record import ADDED_LATER, MODEL_ADDED_LATER, save_state


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """A checkpoint in mid-epoch."""
    path = tmp_path_factory.mktemp("half") / "model.npz"
    begun = start()
    begun.steps(begun._order())
    save_state(begun.state, path)
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
    assert len(whole.state.history) == 5


def test_a_run_back_at_its_best_weights_goes_on_from_its_last(monkeypatch, tmp_path):
    path = tmp_path / "model.npz"
    elbos = iter([-1.0, -2.0, -3.0, -4.0, -5.0] * 2)  # the first epoch is the best
    monkeypatch.setattr(
        loop,
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
    assert (longer.state.best != longer.state.vae.parameters.values).any()


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
    np.testing.assert_allclose(
        other.state.vae.parameters.values, whole.state.vae.parameters.values, atol=1e-5
    )


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
    assert start(half, data=wide[:, ::2]).state.adam.step_count == 1
    assert start(half, data=GREY.copy(order="F")).state.adam.step_count == 1


def test_a_model_alone_is_no_run(tmp_path):
    make().save(tmp_path / "model.npz")
    refused(start(), tmp_path / "model.npz", "was not written by a training run")
    refused(start(), tmp_path / "nowhere.npz", "does not exist")
    with pytest.raises(errors.CheckpointError, match="does not exist"):
        run(checkpoint=tmp_path / "nowhere.npz", resume=True)


def edited(metadata, place, value):
    """Return the metadata with one field, however deep, replaced or left out."""
    changed = copy.deepcopy(metadata)
    *way, last = place
    inner = changed
    for name in way:
        inner = inner[name]
    if value == "missing":
        del inner[last]
    else:
        inner[last] = value
    return changed


def fields_of(record, way=()):
    """Return the path of every field of a record, mappings and lists included."""
    inner = record.items() if isinstance(record, dict) else enumerate(record)
    for name, value in inner:
        yield (*way, name)
        if isinstance(value, dict | list):
            yield from fields_of(value, (*way, name))


# What any field may be replaced with by an editor; few are what it was.
NONSENSE = ("missing", None, -1, 1.5, "1", [], {}, True, 10**400, "epoch", [[1]], {"a": {}}, -1e300)


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """A checkpoint in the middle of the second epoch."""
    path = tmp_path_factory.mktemp("late") / "model.npz"
    begun = start()
    for _ in range(4):
        begun.steps(begun._order())
    begun._close_epoch()
    begun.steps(begun._order())
    save_state(begun.state, path)
    return path


def test_every_field_edited_in_every_way_is_refused_or_the_same_run(late, tmp_path, monkeypatch):
    """Sound files with sound checksums: nothing but CheckpointError, and nothing has changed."""
    arrays, metadata = read_checkpoint(late)
    begun, refusals = start(), 0
    before = everything(begun)
    for place in fields_of({k: v for k, v in metadata.items() if k not in ("format", "version")}):
        for value in NONSENSE:
            record = edited(metadata, place, value)
            if record == metadata:
                continue
            monkeypatch.setattr(records, "read_checkpoint", lambda path, r=record: (arrays, r))
            said = ""
            try:
                begun.restore(late)
            except errors.CheckpointError as error:
                said = str(error)
            if said:
                assert str(late) in said, (place, value)
                assert everything(begun) == before, (place, value)
                refusals += 1
                continue
            # What is taken is a number in the place of another; the same fields, the same types.
            number = isinstance(value, int | float) or place == ("model", "threads")
            # What older runs did not write may be missing, and means what was done then.
            later = value == "missing" and place[-1] in ADDED_LATER | MODEL_ADDED_LATER
            assert number or later or place == ("position", "best_elbo"), (place, value)
            begun = start()
    assert refusals > 600


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("position", "epoch"), "missing", "position has no 'epoch'"),
        (("position", "epoch"), 0, "adam_steps=5, but the position says 1"),
        (("position", "step"), 5, "beyond an epoch of 4 steps"),
        (("position", "surprise"), 1, "'surprise' that is not known"),
        (("position", "sums"), [1.0], "must be a list of 3"),
        (("position", "best_elbo"), "high", r"best_elbo='high' must be a finite number"),
        (("position", "finished"), 0, "finished=0 must be true or false"),
        (("history", 0, "train_kl"), "missing", r"history\[0\] has no 'train_kl'"),
        (("history", 0, "validation_kl"), "missing", r"has no 'validation_kl'"),
        (("history", 0, "epoch"), 2, "is of epoch 2, not 1"),
        (("history",), [], "history has 0 rows after 1 epochs"),
        (("adam_steps",), 4, "adam_steps=4, but the position says 5"),
        (("generator", "state", "inc"), 2, "even increment"),
        (("generator", "bit_generator"), "MT19937", "Choose from: PCG64"),
        (("epoch_generator",), None, "epoch_generator must be named fields"),
        (("training", "epochs"), "three", "epochs='three' must be a whole number"),
        (("model",), None, "was not written by a training run"),
    ],
    ids=str,
)
def test_an_edited_record_is_named(place, value, message, late, tmp_path):
    arrays, metadata = read_checkpoint(late)
    write_checkpoint(tmp_path / "model.npz", arrays, edited(metadata, place, value))
    refused(start(), tmp_path / "model.npz", message)


@pytest.mark.parametrize("name", ["values", "adam.m", "adam.v", "best"])
def test_an_array_that_is_missing_or_other(name, half, tmp_path):
    arrays, metadata = read_checkpoint(half)
    kept = arrays.pop(name)
    for other in (None, kept[:-1], kept.astype(np.float64), kept.reshape(1, -1)):
        changed = arrays if other is None else {**arrays, name: other}
        write_checkpoint(tmp_path / "model.npz", changed, metadata)
        refused(start(), tmp_path / "model.npz", repr(name))


# What was different is said


def notes(path, **changes):
    return start(path, **changes).state.notes


def test_what_is_different_is_said(late):
    assert notes(late) == []
    longer, jump = notes(late, epochs=6)
    assert longer == "The run now ends after epoch 6, not 3."
    at = 1.25
    was, now = (0.005 * (1 + math.cos(math.pi * at / epochs)) for epochs in (3, 6))
    assert f"jumps from {was:.3g} to {now:.3g}" in jump
    (fewer,) = notes(late, epochs=0)
    assert fewer.startswith("1 epochs are done already, more than the 0 asked for")
    (other,) = notes(late, backend="numba")
    assert other.startswith("backend is numba now and was reference")


def test_a_constant_rate_does_not_jump(tmp_path):
    path, options = tmp_path / "model.npz", {"schedule": "constant", "patience": None}
    start(**options).run(path, progress=False)
    (note,) = notes(path, epochs=6, **options)
    assert "jumps" not in note


def test_early_stopping_is_said(monkeypatch, tmp_path):
    elbos = iter([-1.0, -2.0, -3.0])
    found = SimpleNamespace(reconstruction=1.0, kl=1.0)
    monkeypatch.setattr(
        loop, "evaluate", lambda *_, **__: SimpleNamespace(**vars(found), elbo=next(elbos))
    )
    path = tmp_path / "model.npz"
    start(epochs=9).run(path, progress=False)
    (note,) = notes(path, epochs=12)
    assert note.startswith("Early stopping ended this run after epoch 3: 2 epochs without")
