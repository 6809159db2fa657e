"""What cannot be trained with or on is refused before the first step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from small_runs import GREY, LOADED, REAL, UNIT, make, run

from tinyvae import errors
from tinyvae.checkpoint import read_checkpoint
from tinyvae.training.fit import TrainingOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": -1}, "epochs=-1"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"epochs": True}, "epochs=True"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": "16"}, "batch_size='16'"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": -1e-3}, "learning_rate=-0.001"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"learning_rate": math.inf}, "learning_rate=inf"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"beta": -0.1}, "beta=-0.1"),
        ({"beta": None}, "beta=None"),
        ({"warmup_epochs": -1}, "warmup_epochs=-1"),
        ({"binarize": "stocastic"}, "did you mean 'stochastic'"),
        ({"patience": 0}, "patience=0"),
        ({"seed": -1}, "seed=-1"),
        ({"batch_size": 51}, "batch_size=51 is larger than the data, 50 rows"),
        ({"patience": 3}, "patience=3 needs validation="),
        ({"resume": True}, "resume=True needs checkpoint="),
    ],
    ids=str,
)
def test_options_that_make_no_sense(options, message):
    vae = make()
    with pytest.raises(errors.UsageError) as caught:
        run(vae=vae, **options)
    assert message in str(caught.value)
    np.testing.assert_array_equal(vae.parameters.values, make().parameters.values)


def test_numbers_of_other_kinds_are_taken_and_kept(tmp_path):
    options = {
        "epochs": np.int64(2),
        "batch_size": np.uint8(16),
        "learning_rate": np.float32(0.25),
        "beta": 1,
        "warmup_epochs": np.float64(0.5),
        "patience": np.int32(9),
        "seed": np.int64(3),
    }
    run(checkpoint=tmp_path / "model.npz", validation=LOADED, **options)
    recorded = read_checkpoint(tmp_path / "model.npz")[1]["training"]
    assert recorded == options | {
        "schedule": "constant",
        "binarize": None,
        "objective": "elbo",
        "n_samples": 1,
        "free_bits": None,
    }
    assert TrainingOptions(beta=1) == TrainingOptions(beta=1.0)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (GREY[:0], errors.EmptyDataError, r"train has shape \(0, 12\), expected at least 2"),
        (GREY[:1], errors.EmptyDataError, r"train has shape \(1, 12\), expected at least 2"),
        (GREY[:, :11], errors.ShapeError, "train has 11 columns, expected 12"),
        (GREY.reshape(50, 3, 4), errors.ShapeError, "train has shape"),
        (GREY.astype(complex), errors.DTypeError, "train holds complex128"),
        (UNIT * np.nan, errors.NonFiniteDataError, "train holds nan at row 0, column 0"),
        (UNIT + 0.5, errors.RangeError, r"train holds 1\.\d+ at row 0"),
    ],
    ids=str,
)
def test_data_that_cannot_be_used(data, error, message):
    with pytest.raises(error, match=message):
        run(data)
    with pytest.raises(errors.DataError, match="validation"):
        run(validation=data if len(data) != 1 else REAL)


def test_what_is_binarized_must_lie_between_0_and_1():
    with pytest.raises(errors.RangeError, match="train holds"):
        run(REAL, vae=make(likelihood="gaussian"), binarize="stochastic")
    run(UNIT, vae=make(likelihood="gaussian"), binarize="stochastic")
