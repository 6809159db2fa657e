"""``tinyvae.explore`` and its command: which file is written, how long it is, what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import tinyvae as tv
from tinyvae import runs
from tinyvae.cli import app
from tinyvae.errors import SizeError, UsageError
from tinyvae.explorer import explore_run

OPTIONS = runs.RunOptions(hidden_dims=(16,), latent_dim=2, backend="reference")


@pytest.fixture
def run(tmp_path):
    """A run's folder, as training leaves it, without the training."""
    folder = tmp_path / "small"
    folder.mkdir()
    facts = {"name": "digits", "image_shape": [28, 28]}
    runs.Config(OPTIONS, facts, "0").write(folder / "config.json")
    tv.VAE(784, **OPTIONS.model).save(folder / "model.npz")
    return folder


def test_a_page_of_the_usual_model_is_short(digits, tmp_path):
    vae = tv.VAE(784, (400,), 20)
    page = tv.explore(vae, digits, tmp_path / "w1.html")
    assert page.stat().st_size <= 2_200_000
    whole = tv.explore(vae, digits, tmp_path / "whole.html", precision="float32")
    assert whole.stat().st_size > page.stat().st_size + vae.parameters.size * 2


def test_a_page_of_a_plane_is_shorter(tmp_path):
    rows = np.random.default_rng(1).integers(0, 256, (1000, 64), dtype=np.uint8)
    vae = tv.VAE(64, (128,), 2, backend="reference")
    page = tv.explore(vae, rows, tmp_path / "plane.html", labels=np.arange(1000) % 10)
    assert page.stat().st_size <= 300_000


def test_nothing_is_overwritten(small_vae, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.zeros((4, 6))
    assert tv.explore(small_vae(), rows).name == "explore.html"
    assert tv.explore(small_vae(), rows).name == "explore-2.html"
    assert tv.explore(small_vae(), rows, "mine").name == "mine.html"
    with pytest.raises(UsageError, match=r"mine\.html exists already"):
        tv.explore(small_vae(), rows, "mine.html")


def test_the_same_call_gives_the_same_file(small_vae, tmp_path):
    rows = np.random.default_rng(3).random((9, 6))
    pages = [tv.explore(small_vae(), rows, tmp_path / name).read_bytes() for name in "ab"]
    assert pages[0] == pages[1]
    other = tv.explore(small_vae(), rows, tmp_path / "c", seed=1).read_bytes()
    assert other != pages[0]


def test_a_page_too_long_to_open_is_refused(small_vae, tmp_path, monkeypatch):
    monkeypatch.setattr("tinyvae.explorer.writing.LARGEST", 2**16)
    with pytest.raises(SizeError, match="narrower layers"):
        tv.explore(small_vae(), np.zeros((4, 6)), tmp_path / "page")
    assert list(tmp_path.iterdir()) == []


def test_a_run_has_its_page_made_again(run):
    page = explore_run(run, progress=False)
    assert page == run / "explore.html"
    assert explore_run(run, progress=False) == page
    text = page.read_text(encoding="utf-8")
    assert "<title>A VAE of digits (small)</title>" in text
    assert re.search(r"<h1>A VAE of digits</h1>\s*<p class=\"quiet\">Run: small</p>", text)


def test_the_command_names_the_file(run, tmp_path):
    output = str(tmp_path / "page.html")
    done = CliRunner().invoke(app, ["explore", str(run), "--output", output, "--no-progress"])
    assert done.exit_code == 0, done.output
    assert output in done.output.replace("\n", "")
    again = CliRunner().invoke(app, ["explore", str(run), "--output", output, "--no-progress"])
    assert again.exit_code == 2
    nowhere = CliRunner().invoke(app, ["explore", str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 2


def test_links_lead_to_the_tutorials_that_were_named(small_vae, tmp_path):
    page = tv.explore(small_vae(), np.zeros((4, 6)), tmp_path / "p", tutorials="../lessons/")
    assert '"tutorials":"../lessons/"' in page.read_text(encoding="utf-8")


def test_training_makes_the_page_and_names_it(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(1).random((60, 6)).astype(np.float32))
    words = f"train --data {tmp_path / 'rows.npy'} --likelihood gaussian --epochs 1 --hidden 4"
    words += f" --latent-dim 2 --batch-size 20 --backend reference --output {tmp_path / 'run'}"
    done = CliRunner().invoke(app, [*words.split(), "--no-progress"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "explore.html").is_file()
    assert "explore.html" in done.output


def test_a_run_told_classes_by_other_numbers_has_a_page(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", x=rng.random((60, 64)), y=np.arange(60) % 3 + 1)
    folder = tmp_path / "told"
    folder.mkdir()
    options = replace(OPTIONS, data=str(tmp_path / "mine.npz"), conditional=True)
    runs.Config(options, {"classes": ["1", "2", "3"]}, "0").write(folder / "config.json")
    tv.VAE(64, n_classes=3, **options.model).save(folder / "model.npz")
    assert '"kind_names":["1","2","3"]' in explore_run(folder).read_text()
