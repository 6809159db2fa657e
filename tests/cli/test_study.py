"""``tinyvae study``: options with several values."""

from __future__ import annotations

import csv
import json
from dataclasses import fields

import pytest
from command_line import bad, call, good

from tinyvae.cli.study import study
from tinyvae.runs import RunOptions

SMALL = "--data mine.npy --backend reference --hidden 8 --epochs 2 --batch-size 20 --jobs 1"


@pytest.fixture(autouse=True)
def undrawn_study(monkeypatch):
    monkeypatch.setattr("tinyvae.studies.conduct.draw", lambda *arguments: [])


def test_every_option_of_a_run_can_be_given():
    assert set(study.__annotations__) >= {field.name for field in fields(RunOptions)}
    out = good("study --help")
    for flag in ("--latent-dim", "--hidden", "--decoder-hidden", "--beta", "--scheduler"):
        assert flag in out


def test_values_with_commas_vary(folder):
    out = good(f"study s {SMALL} --latent-dim 2,3 --beta 0.5,1 --free-bits none,0.1 --seeds 2")
    assert "16 runs, 0 of them done before" in out
    assert "[16/16]" in out
    with open("s/table.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["latent_dim"] for row in rows} == {"2", "3"}
    assert {row["free_bits"] for row in rows} == {"", "0.1"}
    assert "latent_dim  beta  free_bits  runs" in out
    again = good("study s --jobs 1")
    assert "16 runs, 16 of them done before" in again


def test_widths_are_given_several_times(folder):
    good(f"study s {SMALL} --hidden 4,4 --hidden none --latent-dim 2")
    options = json.loads((folder / "s" / "study.json").read_text())
    assert options["settings"] == {"hidden_dims": [[8], [4, 4], []]}
    assert options["options"]["latent_dim"] == 2


def test_a_failed_run_is_status_1_and_named(folder):
    status, out, err = call(f"study s {SMALL} --learning-rate 0.01,1e30")
    assert status == 1
    assert "0 of 1 (1 failed)" in out
    assert err.startswith("learning-rate-1e+30_seed-0 failed: NonFiniteLossError: Epoch 1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--latent-dim 2,x", "--latent-dim 'x' must be a whole number"),
        ("--beta 1,,2", "--beta '' must be a number"),
        ("--beta 1,1", "--beta [1.0, 1.0] names 1.0 twice"),
        ("--latent-dim 0,2", "--latent-dim 0 must be"),
        ("--seeds 0", "--seeds 0 must be"),
        ("--jobs 0", "--jobs 0 must be"),
        ("--hidden 4;4", "--hidden '4;4' must be widths"),
        ("--activation relu,rele", "did you mean 'relu'"),
        ("", "is no study yet"),
    ],
)
def test_what_it_refuses_in_the_words_of_the_command_line(words, expected):
    assert expected in bad(f"study s {words}", 2)
