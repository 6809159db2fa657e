"""Pictures of one kind refuse what belongs to another, with a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyvae import plots
from tinyvae.data import load_data
from tinyvae.errors import DTypeError, UsageError
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training.history import History

X = (np.random.default_rng(0).random((20, 64)) > 0.5).astype(np.float32)
VAE_ = VAE(64, (8,), 2, backend="reference")
DATA = load_data(X)
HISTORY = History([{"epoch": 1, "train_elbo": -1.0}])
FOUND = evaluate(VAE_, X)

WRONG = [
    (lambda: plots.plot_history(VAE_), "history must be a History, .* but a VAE came: plot_samp"),
    (lambda: plots.plot_history(DATA), "a DataSet came: plot_latent"),
    (lambda: plots.plot_history(FOUND), r"an Evaluation came: plot_kl\(evaluation.kl_per"),
    (lambda: plots.plot_history(X), "but an array came"),
    (lambda: plots.plot_history("history.csv"), "but a str came"),
    (lambda: plots.plot_history(3), "but an int came"),
    (lambda: plots.plot_history(None), "but None came"),
    (lambda: plots.plot_samples(HISTORY), r"vae must be a VAE, but a History came: plot_history\("),
    (lambda: plots.plot_samples(X), "vae must be a VAE, but an array came"),
    (lambda: plots.plot_scales("model.npz"), "vae must be a VAE, but a str came"),
    (lambda: plots.plot_grid(DATA), "vae must be a VAE, but a DataSet came"),
    (lambda: plots.plot_reconstructions(VAE_, DATA), "images must be .* but a DataSet came"),
    (lambda: plots.plot_reconstructions(X, VAE_), "vae must be a VAE, but an array came"),
    (lambda: plots.plot_latent(VAE_, None), "images must be an array .* but None came"),
    (lambda: plots.plot_latent(DATA, VAE_), "vae must be a VAE, but a DataSet came"),
    (lambda: plots.plot_interpolations(VAE_, DATA), "pairs must be .* but a DataSet came"),
    (lambda: plots.plot_traversals(VAE_, HISTORY), "x must be .* but a History came"),
    (lambda: plots.plot_kl(FOUND), "an Evaluation came: plot_kl"),
    (lambda: plots.plot_kl(HISTORY), "a History came: plot_history"),
    (lambda: plots.plot_kl(VAE_), "a VAE came"),
    (lambda: plots.save(VAE_, "x.png"), "figure must be a figure, but a VAE came"),
    (lambda: plots.save("x.png", VAE_), "figure must be a figure, but a str came"),
    (lambda: plots.save_all(VAE_, X, HISTORY, "x"), "data must be a DataSet, .* array came"),
    (lambda: plots.save_all(DATA, VAE_, HISTORY, "x"), "vae must be a VAE, but a DataSet came"),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_the_wrong_thing_is_named_with_what_draws_it(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message) as caught:
        call()
    assert str(caught.value).endswith(".")
    assert not list(Path().iterdir())


def test_a_column_of_words_is_no_curve():
    with pytest.raises(DTypeError, match="column 'train_elbo' holds more than numbers"):
        plots.plot_history({"train_elbo": ["low", "high"]})


def test_most_shown_bounds_tiles_and_pixels():
    from tinyvae.plots.images import MAX_PIXELS, MAX_TILES, most_shown

    for width in (1, 784, 10**6, 10**9):
        for scales in (1, 3, 5000):
            most = most_shown(width, scales)
            assert most >= 1
            assert most == 1 or (most * scales <= MAX_TILES and most * scales * width <= MAX_PIXELS)
