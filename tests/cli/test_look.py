"""``tinyvae sample``, ``plot``, ``evaluate`` and ``info``."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import bad, call, good

from tinyvae.model.vae import VAE


def test_sample_writes_what_it_says(run_path, folder):
    out = good(f"sample {run_path} --n 5 --scale 0.5 --scale 2 --seed 3")
    assert np.load(out.splitlines()[0]).shape == (2, 5, 16)
    assert "no picture" in out
    VAE(64, (8,), 2, backend="reference").save("lone.npz")
    assert good("sample lone.npz --n 4 --draw --output dreams").split() == [
        "dreams.npy",
        "dreams.png",
    ]
    assert "dreams.npy exists already" in bad("sample lone.npz --output dreams", 2)


def test_a_conditional_run_from_train_to_sample(folder):
    x = (np.random.default_rng(1).random((60, 16)) < 0.4).astype(np.float32)
    np.savez("told.npz", x=x, y=np.arange(60) % 3)
    small = "--hidden 8 --latent-dim 2 --backend reference --epochs 1 --no-progress"
    good(f"train --data told.npz --conditional --output told {small}")
    out = good("sample told --n 6")
    assert "Every class in turn, from one z each round: 0, 1, 2 (--label draws only one)." in out
    assert "Every class" not in good("sample told --n 6 --label 2 --output two")
    vae = VAE.load("told/model.npz")
    np.testing.assert_array_equal(np.load("two.npy"), vae.sample(6, label=2, seed=0))
    assert "Error: --label 9 is no class of this model. Choose from: 0, 1, 2." in bad(
        "sample told --label 9", 2
    )
    table = good("evaluate told --samples 4 --split test --no-progress")
    assert "bound of log p(x|y), K = 4" in table
    assert "bound of log p(x), 4 of each class" in table
    found = json.loads(good("evaluate told --samples 4 --json --no-progress"))["test"]
    assert f"{found['log_likelihood']:.2f}" in table
    assert f"{found['accuracy']:.1%}" in table
    assert "n_classes" in good("info told")
    assert "--conditional needs labels" in bad(f"train --data mine.npy --conditional {small}", 2)


def test_plot_lists_the_pictures(run_path, folder):
    listed = good(f"plot {run_path} --no-progress").splitlines()
    pictures = [line for line in listed if line.endswith(".png")]
    assert pictures
    assert all((folder / path).is_file() for path in pictures)


def test_evaluate_as_a_table_and_as_json(run_path):
    out = good(f"evaluate {run_path} --samples 3 --no-progress")
    assert "bound of log p(x), K = 3" in out
    found = json.loads(good(f"evaluate {run_path} --samples 3 --json --no-progress"))
    assert found["test"]["kl"] == pytest.approx(sum(found["test"]["kl_per_dimension"]))
    assert f"{found['train']['bound']:.2f}" in out
    assert set(json.loads(good(f"evaluate {run_path} --split test --json"))) == {"test"}


def test_info_says_what_a_run_is(run_path):
    out = good(f"info {run_path}")
    for words in ("latent_dim           3", "encoder.0.weight", "After 4 epochs", "beta"):
        assert words in out


def test_a_capped_picture_says_so(monkeypatch):
    monkeypatch.setattr("tinyvae.plots.images.MAX_TILES", 3)
    VAE(64, (8,), 2, backend="reference").save("lone.npz")
    out = good("sample lone.npz --n 5 --output dreams")
    assert out.splitlines()[-1] == "The picture shows the first 3 of 5 for each scale."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--n", "1" + "0" * 21], "--n 1000000000000000000000 would take"),
        (["--scale", "1e40"], "--scale 1e+40 is so large"),
        (["--output", "/"], "--output / names no file"),
        (["--output", ""], "--output ''"),
        (["--n", "0"], "--n 0 must be"),
    ],
    ids=str,
)
def test_samples_that_cannot_be(run_path, words, expected):
    assert expected in bad(["sample", run_path, *words], 2)


def test_evaluate_says_on_standard_error_that_the_data_are_others(run_path):
    np.save("other.npy", 1.0 - np.load("mine.npy"))
    status, out, err = call(f"evaluate {run_path} --data other.npy --json --no-progress")
    assert status == 0
    assert set(json.loads(out)) == {"train", "test"}
    assert err.startswith("These are not the data that")


def test_info_without_a_run_tells_about_the_machine():
    out = good("info")
    assert all(
        word in out for word in ("Versions", "numba", "Machine", "vectors", "kernels kept in")
    )
