"""``config.json``: read or refused in words, whatever it holds."""

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
