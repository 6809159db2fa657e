"""What a run may be told, on the command line, in a call and in a file."""

from __future__ import annotations

import pytest
from run_folders import OPTIONS

from tinyvae.errors import (
    UsageError,
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"hidden_dims": 400}, "hidden_dims=400 must be a list"),
        ({"hidden_dims": "400"}, "hidden_dims='400' must be a list"),
        ({"epochs": 10**400}, "must be at most"),
        ({"z_dim": 2}, "did you mean 'latent_dim'"),
        ({"save_every": 0}, "save_every=0"),
        ({"latent_dims": 2}, "did you mean 'latent_dim'"),
        ({"learning_rate": "0.001"}, "must be a finite number above 0"),
        ({"beta": True}, "must be a finite number"),
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
