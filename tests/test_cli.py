"""The command line: what it prints, how it fails, and with which exit status."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tinyvae import runs
from tinyvae.cli import app
from tinyvae.cli.text import table
from tinyvae.model.vae import VAE
from tinyvae.training import loop as training

TINY = "--data mine.npy --backend reference --hidden 8 --latent-dim 3 --epochs 2 --batch-size 20"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, with 60 rows of 16 binary pixels; training draws no pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("TINYVAE_DEBUG", raising=False)
    monkeypatch.setattr("tinyvae.runs.make.draw_pictures", lambda *arguments: [])
    pixels = np.random.default_rng(1).random((60, 16)) < 0.4
    np.save("mine.npy", pixels.astype(np.float32))
    return tmp_path


def call(line):
    """Run a command in this process; return (exit status, standard output, standard error)."""
    done = CliRunner().invoke(app, line.split())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def good(line):
    status, out, err = call(line)
    assert status == 0, err
    return out


def bad(line, status):
    """Run a command that must fail as one paragraph; return it."""
    came, _, err = call(f"{line} --no-progress" if line.startswith("train") else line)
    assert came == status, err
    assert err.startswith(("Error: ", "Usage: ")), err
    assert "Traceback" not in err
    if err.startswith("Error: "):
        assert err.count("\n") == 1
    return err


@pytest.fixture
def run(folder):
    good(f"train {TINY} --no-progress")
    return "runs/mine"


# Doing -------------------------------------------------------------------------------------


def test_train_prints_what_was_found():
    out = good(f"train {TINY} --no-progress")
    for row in ("ELBO", "reconstruction", "KL", "active units"):
        assert re.search(rf"^ *{row} +\S+", out, re.MULTILINE)
    elbo, reconstruction, kl = (
        np.array(re.search(rf"{row} +(\S+) +(\S+)", out).groups(), float)
        for row in ("ELBO", "reconstruction", "KL")
    )
    assert elbo == pytest.approx(-(reconstruction + kl), abs=0.02)
    assert "VAE(16-8-3-8-16, relu, bernoulli, float32, reference" in out


def test_quiet_prints_nothing():
    done = CliRunner().invoke(app, f"train {TINY} --quiet".split())
    assert (done.exit_code, done.output) == (0, "")


def test_every_option_reaches_the_run():
    line = (
        "train --data mine.npy --data-dir . --hidden 8,6 --decoder-hidden none --latent-dim 3 "
        "--activation tanh --likelihood gaussian --sigma 0.5 --binarize none --beta 2 --warmup 1 "
        "--epochs 1 --batch-size 7 --learning-rate 0.01 --schedule constant --patience 3 --seed 5 "
        "--dtype float64 --backend reference --threads 1 --output out --quiet"
    )
    good(line)
    options = runs.Config.read(runs.find_run("out").folder / "config.json").options
    assert (options.hidden_dims, options.decoder_hidden_dims) == ((8, 6), ())
    default = runs.RunOptions()
    for field in fields(default):
        assert getattr(options, field.name) != getattr(default, field.name), field.name


def test_explicit_options_override_a_config_even_with_a_default(run):
    default = runs.RunOptions()
    good(f"train --config {run}/config.json --latent-dim {default.latent_dim} --quiet")
    options = runs.Config.read(runs.find_run("runs/mine-2").folder / "config.json").options
    assert options.latent_dim == default.latent_dim != 3
    assert options.hidden_dims == (8,)


def test_a_config_runs_again_to_the_same_weights(run):
    good(f"train --config {run}/config.json --quiet")
    first, again = (VAE.load(f"{path}/model.npz") for path in (run, "runs/mine-2"))
    assert np.array_equal(first.parameters.values, again.parameters.values)


def test_resume_reaches_the_library(run):
    assert "Continuing in epoch 3 of 3" in good(f"train --resume {run} --epochs 3")
    assert "beta cannot change" in bad(f"train --resume {run} --beta 2", 2)
    assert "--output" in bad(f"train --resume {run} --output x", 2)


def test_sample_writes_what_it_says(run, folder):
    out = good(f"sample {run} --n 5 --scale 0.5 --scale 2 --seed 3")
    assert np.load(out.splitlines()[0]).shape == (2, 5, 16)
    assert "no picture" in out
    VAE(64, (8,), 2, backend="reference").save("lone.npz")
    assert good("sample lone.npz --n 4 --draw --output dreams").split() == [
        "dreams.npy",
        "dreams.png",
    ]
    assert "dreams.npy exists already" in bad("sample lone.npz --output dreams", 2)


def test_plot_lists_the_pictures(run, folder):
    listed = good(f"plot {run} --no-progress").splitlines()
    pictures = [line for line in listed if line.endswith(".png")]
    assert pictures
    assert all((folder / path).is_file() for path in pictures)


def test_evaluate_as_a_table_and_as_json(run):
    out = good(f"evaluate {run} --samples 3 --no-progress")
    assert "bound of log p(x), K = 3" in out
    found = json.loads(good(f"evaluate {run} --samples 3 --json --no-progress"))
    assert found["test"]["kl"] == pytest.approx(sum(found["test"]["kl_per_dimension"]))
    assert f"{found['train']['bound']:.2f}" in out
    assert set(json.loads(good(f"evaluate {run} --split test --json"))) == {"test"}


def test_info_says_what_a_run_is(run):
    out = good(f"info {run}")
    for words in ("latent_dim           3", "encoder.0.weight", "After 2 epochs", "beta"):
        assert words in out


# Help --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", "train", "sample", "plot", "evaluate", "info"])
def test_help_has_examples(command):
    assert "tinyvae" in good(f"{command} --help").partition("Options")[0]


def test_help_shows_the_defaults_of_the_library():
    out = good("train --help")
    default = runs.RunOptions()
    assert f"[default: {default.epochs}]" in out
    assert f"[default: {default.schedule}]" in out


def test_misspelt_names_are_answered_with_near_ones():
    assert "--epochs" in bad("train --epoch 3", 2)
    assert "train" in bad("trian", 2)


# Failing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--data digts", "did you mean 'digits'"),
        ("--data nosuch.npy", "nosuch.npy does not exist"),
        ("--activation rleu", "did you mean 'relu'"),
        ("--likelihood bernouli", "did you mean 'bernoulli'"),
        ("--backend nmba", "did you mean 'numba'"),
        ("--dtype float16", "did you mean 'float64'"),
        ("--schedule cosin", "did you mean 'cosine'"),
        ("--binarize stocastic", "did you mean 'stochastic'"),
        ("--batch-size 100", "batch_size=100 is larger than the data"),
        ("--batch-size 0", "batch_size=0"),
        ("--latent-dim -2", "latent_dim=-2"),
        ("--hidden 8,0", "hidden_dims[1]=0"),
        ("--hidden 8,x", "--hidden '8,x'"),
        ("--epochs -1", "epochs=-1"),
        ("--epochs two", "--epochs"),
        ("--learning-rate 0", "learning_rate=0.0"),
        ("--learning-rate nan", "learning_rate=nan"),
        ("--beta -1", "beta=-1.0"),
        ("--sigma 0", "sigma=0.0"),
        ("--threads 0", "threads=0"),
        ("--patience 0", "patience=0"),
        ("--seed -1", "seed=-1"),
        ("--resume nosuch", "nosuch does not exist"),
        ("--config nosuch.json", "nosuch.json is not a file"),
        ("--output mine.npy", "exists already"),
    ],
)
def test_wrong_usage_is_status_2(folder, option, expected):
    assert expected in bad(f"train {TINY} {option}", 2)
    assert not (folder / "runs").exists()


def damage_data(kind):
    bad, raw, rows = Path("bad.npy"), Path("mine.npy").read_bytes(), np.load("mine.npy")
    broken = {
        "truncated": raw[:-10],
        "huge": raw.replace(b"(60, 16), }        ", b"(9999999999, 16), }"),
        "junk": b"junk",
    }
    numbers = {"nan": np.nan, "infinity": np.inf, "range": 2.0}
    if kind in broken:
        bad.write_bytes(broken[kind])
    elif kind in numbers:
        rows[7, 3] = numbers[kind]
        np.save(bad, rows)
    else:
        np.save(bad, {"one row": rows[:1], "empty": rows[:0], "words": rows.astype(str)}[kind])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("one row", "(1, 16)"),
        ("empty", "(0, 16)"),
        ("truncated", "truncated"),
        ("huge", "639,999,999,936 bytes"),
        ("junk", "no .npy, .npz or idx file"),
        ("words", "bad.npy"),
        ("nan", "row 7, column 3"),
        ("infinity", "row 7, column 3"),
        ("range", "row 7, column 3"),
    ],
)
def test_unusable_data_are_status_1(folder, kind, expected):
    damage_data(kind)
    assert expected in bad(f"train {TINY} --data bad.npy", 1)
    assert not (folder / "runs").exists()


def test_without_network_and_data_it_says_what_to_do(folder, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", refuse)
    monkeypatch.setattr("pooch.os_cache", lambda name: folder / "cache")
    monkeypatch.delenv("TINYVAE_DATA_DIR", raising=False)
    status, _, err = call("train --data mnist --no-progress")
    assert status == 1
    assert "no route to host" in err
    assert "TINYVAE_DATA_DIR" in err


@pytest.mark.parametrize("damage", ["truncated", "tampered", "junk"])
def test_a_damaged_checkpoint_is_status_1(run, folder, damage):
    path = folder / run / "model.npz"
    raw = bytearray(path.read_bytes())
    if damage == "truncated":
        raw = raw[: len(raw) // 2]
    elif damage == "tampered":
        raw[len(raw) // 2] ^= 1
    else:
        raw = bytearray(b"junk")
    path.write_bytes(raw)
    for command in ("info", "sample", "plot", "evaluate", "train --resume"):
        assert "model.npz" in bad(f"{command} {run}", 1)
    assert path.read_bytes() == raw


def test_a_full_disk_is_status_1_and_loses_nothing(run, folder, monkeypatch):
    before = (folder / run / "model.npz").read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in bad(f"train --resume {run} --epochs 3", 1)
    assert "No space left on device" in bad(f"sample {run}", 1)
    assert (folder / run / "model.npz").read_bytes() == before
    assert not list((folder / run).glob(".*"))


def test_no_room_for_a_folder_is_status_1():
    assert "--output" in bad(f"train {TINY} --output mine.npy/inside", 1)


def test_too_large_a_model_is_status_1():
    assert "not enough memory" in bad(f"train {TINY} --hidden 1000000000000000000000", 1)


def test_a_loss_that_blows_up_is_status_1():
    err = bad(f"train {TINY} --learning-rate 1e30", 1)
    assert "Epoch 1, step 2" in err
    assert "tinyvae train --config" in err


def test_debug_shows_where_it_arose(monkeypatch):
    monkeypatch.setenv("TINYVAE_DEBUG", "1")
    done = CliRunner().invoke(app, ["info", "nosuch"])
    assert isinstance(done.exception, runs.folders.UsageError)


def test_an_interrupted_training_is_status_130_and_says_how_to_go_on(monkeypatch):
    class Stop(training.StopRequest):
        def __init__(self):
            super().__init__()
            self.requested = True

    monkeypatch.setattr(training, "StopRequest", Stop)
    status, out, _ = call(f"train {TINY} --no-progress")
    assert status == 130
    assert "tinyvae train --resume runs/mine" in out


def test_an_interruption_elsewhere_is_status_130(monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "info", interrupt)
    assert call("info runs/mine") == (130, "", "Interrupted.\n")


# In a process of its own -------------------------------------------------------------------


def process(line, **options):
    command = [sys.executable, "-m", "tinyvae", *line.split()]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_python_m_tinyvae():
    done = process("info nosuch")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out, err) == (2, "", "Error: nosuch does not exist.\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to whole consoles only")
def test_ctrl_c_keeps_everything(folder):
    # A child inherits that SIGINT is ignored, as it is where the tests run in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        training_run = process(f"train {TINY} --epochs 1000000 --schedule constant")
    finally:
        signal.signal(signal.SIGINT, before)
    seen = ""
    while "epoch 1/" not in seen:  # the bar is there, and so is the handler
        letter = training_run.stderr.read(1)
        assert letter, seen
        seen += letter
    training_run.send_signal(signal.SIGINT)
    out, err = training_run.communicate(timeout=60)
    assert training_run.returncode == 130, err
    assert "tinyvae train --resume runs/mine" in out
    assert "Traceback" not in err
    epochs = len(runs.info("runs/mine").history)
    assert "Continuing" in good(f"train --resume runs/mine --epochs {epochs + 2} --no-progress")
    assert len(runs.info("runs/mine").history) == epochs + 2


def test_a_table_lines_up():
    assert table([["name", "a"], ["x", "10.5"]]) == "name     a\nx     10.5"
