"""``tinyvae train``: what it prints, what it refuses, how it stops."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from command_line import TINY, bad, call, good, process
from typer.testing import CliRunner

from tinyvae import runs
from tinyvae.cli import app
from tinyvae.model import evaluation
from tinyvae.model.vae import VAE
from tinyvae.training import loop as training


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


def test_units_that_are_not_used_are_told_of_in_the_words_of_the_command_line(monkeypatch):
    assert "active:" not in good(f"train {TINY} --no-progress")
    monkeypatch.setattr(evaluation, "ACTIVE_THRESHOLD", 1e9)
    out = good(f"train {TINY} --no-progress")
    assert "\nNo latent unit is active: q(z|x) of each" in out
    assert "Try --warmup 1, or --free-bits 0.1, or --epochs" in out


def test_quiet_prints_nothing():
    done = CliRunner().invoke(app, f"train {TINY} --quiet".split())
    assert (done.exit_code, done.output) == (0, "")


def test_every_option_reaches_the_run():
    line = (
        "train --data mine.npy --data-dir . --scale-max 2 --image-shape none --split-seed 3 "
        "--hidden 8,6 --decoder-hidden none --latent-dim 3 "
        "--activation tanh --likelihood gaussian --sigma 0.5 --binarize none --beta 2 --warmup 1 "
        "--samples 2 --free-bits 0.1 "
        "--epochs 1 --batch-size 7 --learning-rate 0.01 --schedule constant --patience 3 --seed 5 "
        "--dtype float64 --backend reference --threads 1 --save-every 2 --output out --quiet"
    )
    good(line)
    options = runs.Config.read(runs.find_run("out").folder / "config.json").options
    assert (options.hidden_dims, options.decoder_hidden_dims) == ((8, 6), ())
    default = runs.RunOptions()
    # for tables and folders only, what goes with no beta, and what needs labels
    elsewhere = {"label_column", "image_size", "objective", "conditional"}
    for field in fields(default):
        if field.name not in elsewhere:
            assert getattr(options, field.name) != getattr(default, field.name), field.name


def test_a_table_and_a_folder_of_pictures_reach_the_run():
    rng = np.random.default_rng(0)
    lines = [",".join(map(str, [*row, row[0] % 2])) for row in rng.integers(0, 256, (60, 16))]
    Path("table.csv").write_text("\n".join(lines))
    picture = pytest.importorskip("PIL.Image")
    for i in range(60):
        folder = Path("pictures", "ab"[i % 2])
        folder.mkdir(parents=True, exist_ok=True)
        grey = rng.integers(0, 256, (6, 6), dtype=np.uint8)
        picture.fromarray(grey).save(folder / f"{i}.png")
    tiny = TINY.replace("--data mine.npy", "")
    out = good(f"train {tiny} --data table.csv --label-column -1 --no-progress --output t")
    assert "Labels: column 16" in out
    assert "Numbers: grey levels from 0 to 255, read as x / 255 (--scale-max" in out
    assert "by seed 0 (--split-seed)" in out
    out = good(f"train {tiny} --data pictures --image-size 4x4 --no-progress --output p")
    assert "Labels: the sub-folders, 2 in all" in out
    assert "brought to 4 x 4" in out
    for name, option in (("t", "label_column"), ("p", "image_size")):
        options = runs.Config.read(Path(name, "config.json")).options
        assert getattr(options, option) is not None
        good(f"evaluate {name} --no-progress")


def test_counts_and_grey_are_told_apart():
    x = np.random.default_rng(0).integers(0, 17, (60, 16))
    np.save("counts.npy", x)
    tiny = TINY.replace("mine.npy", "counts.npy")
    assert "--scale-max 16" in bad(f"train {tiny}", 1)
    out = good(f"train {tiny} --scale-max 16 --no-progress")
    assert "Numbers: divided by 16" in out
    np.save("counts.npy", x.astype(np.uint8))
    assert "at most 0.063" in good(f"train {tiny} --no-progress")
    assert "grey levels or numbers as they are" in bad(f"train {tiny} --likelihood gaussian", 1)
    out = good(f"train {tiny} --likelihood gaussian --scale-max 1 --no-progress")
    assert "divided by 1 " in out


def test_a_bound_of_many_samples_is_trained():
    good(f"train {TINY} --objective dreg --samples 3 --no-progress --output dreg")
    options = runs.Config.read(Path("dreg", "config.json")).options
    assert (options.objective, options.n_samples) == ("dreg", 3)
    assert "--beta" in bad(f"train {TINY} --objective iwae --beta 2", 2)
    assert "--warmup" in bad(f"train {TINY} --objective iwae --warmup 2", 2)


def test_explicit_options_override_a_config_even_with_a_default(run_path):
    default = runs.RunOptions()
    good(f"train --config {run_path}/config.json --latent-dim {default.latent_dim} --quiet")
    options = runs.Config.read(runs.find_run("runs/mine-2").folder / "config.json").options
    assert options.latent_dim == default.latent_dim != 3
    assert options.hidden_dims == (8,)


def test_a_config_runs_again_to_the_same_weights(run_path):
    good(f"train --config {run_path}/config.json --quiet")
    first, again = (VAE.load(f"{path}/model.npz") for path in (run_path, "runs/mine-2"))
    assert np.array_equal(first.parameters.values, again.parameters.values)


def test_resume_reaches_the_library(run_path):
    assert "Continuing in epoch 5 of 5" in good(f"train --resume {run_path} --epochs 5")
    assert "beta cannot change" in bad(f"train --resume {run_path} --beta 2", 2)
    assert "--output" in bad(f"train --resume {run_path} --output x", 2)


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
        ("--batch-size 100", "--batch-size 100 is larger than the data"),
        ("--batch-size 0", "--batch-size 0"),
        ("--latent-dim -2", "--latent-dim -2"),
        ("--hidden 8,0", "--hidden, number 2: 0"),
        ("--hidden 8,x", "--hidden '8,x'"),
        ("--epochs -1", "--epochs -1"),
        ("--epochs two", "--epochs"),
        ("--learning-rate 0", "--learning-rate 0.0"),
        ("--learning-rate nan", "--learning-rate nan"),
        ("--beta -1", "--beta -1.0"),
        ("--sigma 0", "--sigma 0.0"),
        ("--threads 0", "--threads 0"),
        ("--patience 0", "--patience 0"),
        ("--seed -1", "--seed -1"),
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
        ("one row", "has 1 rows"),
        ("empty", "(0, 16)"),
        ("truncated", "truncated"),
        ("huge", "639,999,999,936 bytes"),
        ("junk", "no table of numbers"),
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

    monkeypatch.setattr("requests.get", refuse)
    monkeypatch.setattr("pooch.os_cache", lambda name: folder / "cache")
    monkeypatch.delenv("TINYVAE_DATA_DIR", raising=False)
    status, _, err = call("train --data mnist --no-progress")
    assert status == 1
    assert "no route to host" in err
    assert "TINYVAE_DATA_DIR" in err


def test_no_room_for_a_folder_is_status_1():
    assert "--output" in bad(f"train {TINY} --output mine.npy/inside", 1)


def test_too_large_a_model_is_status_1():
    assert "beyond any memory" in bad(f"train {TINY} --hidden 1000000000000000000000", 1)


def test_a_loss_that_blows_up_is_status_1():
    err = bad(f"train {TINY} --learning-rate 1e30", 1)
    assert "Epoch 1, step 2" in err
    assert "tinyvae train --config" in err


def test_an_interrupted_training_is_status_130_and_says_how_to_go_on(monkeypatch):
    class Stop(training.StopRequest):
        def __init__(self):
            super().__init__()
            self.deadline = 0.0

    monkeypatch.setattr(training, "StopRequest", Stop)
    status, out, _ = call(f"train {TINY} --no-progress")
    assert status == 130
    assert "tinyvae train --resume runs/mine" in out


# In a process of its own


def until(stream, words):
    """Read until the words are there; return what was read."""
    seen = ""
    while words not in seen:
        letter = stream.read(1)
        assert letter, seen
        seen += letter
    return seen


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to whole consoles only")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_keeps_everything(folder, name):
    number = getattr(signal, name)
    # A child inherits that a signal is ignored, as where the tests run in the background.
    deaf = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    deaf += "signal.signal(signal.SIGTERM, signal.SIG_DFL)\nsignal.signal(signal.SIGHUP, 0)"
    line = f"train {TINY} --epochs 1000000 --schedule constant"
    training_run = process(line, before=deaf)
    until(training_run.stderr, "epoch 1/")  # something is shown, and the handler is there
    training_run.send_signal(number)
    out, err = training_run.communicate(timeout=60)
    assert training_run.returncode == 128 + number, err
    assert "tinyvae train --resume runs/mine" in out
    assert "Traceback" not in err
    assert "\r" not in err
    epochs = len(runs.info("runs/mine").history)
    out = good(f"train --resume runs/mine --epochs {epochs + 2} --no-progress")
    assert f"The run now ends after epoch {epochs + 2}, not 1000000." in out
    assert len(runs.info("runs/mine").history) == epochs + 2


@pytest.mark.skipif(os.name == "nt", reason="no such redirection")
@pytest.mark.parametrize("command", ["train {TINY} --quiet"])
def test_standard_error_may_be_closed(run_path, command):
    line = command.format(TINY=TINY, run=run_path)
    shell = f"exec {sys.executable} -m tinyvae {line} 2>&-"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
    assert done.returncode == (2 if "nosuch" in line else 0), done.stdout
    assert "Traceback" not in done.stdout


def test_numbers_of_epochs_beyond_reason_are_refused():
    assert "--epochs 1000" in (err := bad(f"train {TINY} --epochs 1{'0' * 400}", 2))
    assert "must be at most 9,007,199,254,740,992" in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--output", ""], "--output ''"),
        (["--output", "/"], "--output / exists already"),
        (["--output", "~nosuchuser/x"], "no user of that name"),
        (["--data", "~nosuchuser/x.npy"], "no user of that name"),
    ],
    ids=str,
)
def test_paths_that_are_none(words, expected):
    assert expected in bad(["train", *TINY.split(), *words], 2)


def test_without_threads_it_says_what_to_do(monkeypatch):
    def refuse(*arguments, **options):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(training, "evaluate", refuse)
    assert "--threads 1" in bad(f"train {TINY}", 1)
