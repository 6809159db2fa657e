"""What a run may be told, on the command line, in a call and in a file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from run_folders import OPTIONS

from tinyvae import runs
from tinyvae.errors import (
    FileFormatError,
    OptionError,
    TinyVAEError,
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


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"options": 3}', '{"options": {}, "data": 1}'),
        '{"options": {}, "data": {"image_shape": 28}}',
        '{"options": {}, "data": {"image_shape": [28, "x"]}}',
        '{"options": {}, "data": {"train": [1]}}',
        '{"options": {}, "tinyvae": 1}',
        "[" * 200_000,
        '{"options": ' + "[" * 100_000,
        '{"options": {"epochs": ' + "9" * 5000 + "}}",
        '{"options": {}, "data": {}}' + " " * (1 << 20),
    ],
    ids=lambda text: text[:40],
)
def test_a_damaged_config_is_a_file_error(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"config\.json"):
        runs.Config.read(folder / "config.json")


def test_a_wrong_option_in_a_config_names_the_file(folder):
    (folder / "config.json").write_text('{"options": {"epocs": 3}}')
    with pytest.raises(OptionError, match=r"config\.json: .*did you mean 'epochs'"):
        runs.Config.read(folder / "config.json")


def test_a_config_that_is_no_ordinary_file_is_refused(folder):
    os.mkfifo(folder / "config.json")
    for path in (folder / "config.json", Path("/dev/zero"), folder):
        with pytest.raises(UsageError, match="is not a file"):
            runs.Config.read(path)


def test_any_value_in_any_place_of_a_config_is_taken_or_a_documented_error(folder):
    """Wrong types and sizes everywhere; an error names the file."""
    path = folder / "config.json"
    whole = {
        "tinyvae": "0.1.0",
        "options": asdict(OPTIONS),
        "data": {"name": "x", "train": [5, 4], "test": [2, 4], "dtype": "f", "image_shape": [2, 2]},
    }
    refused = 0
    for part in ("options", "data"):
        for name in whole[part]:
            for value in (None, True, -1, 0, 2.5, "x", "", [], [[]], [None], {}, {"a": 1}, 10**40):
                changed = json.loads(json.dumps(whole))
                changed[part][name] = value
                path.write_text(json.dumps(changed))
                try:
                    runs.Config.read(path)
                    said = ""
                except TinyVAEError as error:
                    said = str(error)
                assert not said or "config.json" in said, (name, value)
                refused += bool(said)
    assert refused > 200
