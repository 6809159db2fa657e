"""Every public door, called as people get it wrong: the answer names the argument, in words."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv

DATA = tv.load_data((np.random.default_rng(0).random((40, 64)) > 0.5).astype(np.float32))
X, Y = DATA.train, np.arange(len(DATA.train)) % 3
VAE_ = tv.VAE(64, (8,), 2, backend="reference")
TOLD = tv.VAE(64, (8,), 2, n_classes=3, backend="reference")
NOT_A_MODEL = "vae must be a VAE, but an array came"
A_NUMBER = "must be a finite number"

WRONG = {
    "a model and data the other way round": [
        (lambda: tv.fit(X, VAE_), NOT_A_MODEL),
        (lambda: tv.evaluate(X, VAE_), NOT_A_MODEL),
        (lambda: tv.class_bounds(X, TOLD), NOT_A_MODEL),
        (lambda: tv.explore(X, VAE_), NOT_A_MODEL),
        (lambda: tv.export.to_safetensors(X, "x"), NOT_A_MODEL),
        (lambda: tv.plots.plot_samples(X), NOT_A_MODEL),
        (lambda: tv.fit(None, X), "vae must be a VAE, but None came"),
        (lambda: tv.Adam(VAE_), r"parameters must be .*vae\.parameters, but a VAE came"),
    ],
    "a whole data set for its rows": [
        (lambda: tv.fit(VAE_, DATA), r"train is a whole DataSet: .*data\.train"),
        (lambda: tv.evaluate(VAE_, DATA), "data is a whole DataSet"),
        (lambda: tv.minibatches(DATA, 2, np.random.default_rng(0)), "images is a whole DataSet"),
        (lambda: VAE_.encode(DATA), "x is a whole DataSet"),
    ],
    "a name or nothing for an array": [
        (lambda: tv.fit(VAE_, "digits"), "train='digits' must be an array .*load_data"),
        (lambda: tv.evaluate(VAE_, None), "data=None must be an array"),
        (lambda: tv.load_data(None), "data=None must be an array"),
        (lambda: VAE_.decode(None), "z=None must be an array"),
    ],
    "a word or a truth value for a number": [
        (lambda: tv.VAE(64, likelihood="gaussian", sigma="1"), f"sigma='1' {A_NUMBER}"),
        (lambda: tv.Adam(VAE_.parameters, learning_rate=True), f"learning_rate=True {A_NUMBER}"),
        (lambda: VAE_.sample(2, scale="1"), f"scale='1' {A_NUMBER}"),
        (lambda: tv.load_data(X, scale_max="255"), f"scale_max='255' {A_NUMBER}"),
        (lambda: tv.LinearGaussian(np.ones((1, 2)), np.zeros(2), True), f"sigma=True {A_NUMBER}"),
        (lambda: tv.check_loss(max, beta="1"), f"beta='1' {A_NUMBER}"),
        (lambda: tv.fit(VAE_, X, beta=True), f"beta=True {A_NUMBER}"),
    ],
    "one value for several": [
        (lambda: tv.plots.plot_scales(VAE_, 1.0), "scales=1.0 must be a list"),
        (lambda: tv.plots.plot_scales(VAE_, "1"), "scales='1' must be a list"),
        (lambda: tv.plots.plot_traversals(VAE_, X[0], 1), "dimensions=1 must be a list"),
        (lambda: tv.runs.sample("m.npz", scales=0.5), "scales=0.5 must be a list"),
        (lambda: tv.runs.evaluate("m.npz", splits="test"), "splits='test' must be a list"),
        (lambda: tv.load_data(X, image_shape=8), "image_shape=8 must be a height and a width"),
        (lambda: VAE_.sample(2, noise=1.0), "noise has shape"),
        (lambda: VAE_.loss_and_gradients(X[:2], 1.0), "noise=1.0 is one number"),
    ],
    "several values in another way than a list": [
        (lambda: tv.study("s", latent_dim=(2, 3)), r"latent_dim=\(2, 3\): give .* as a list"),
        (lambda: tv.study("s", beta=np.ones(2)), "beta=.*: give .* as a list"),
        (lambda: tv.study("s", latent_dim=range(2)), "latent_dim=.*: give .* as a list"),
    ],
    "a word that is none of those known": [
        (lambda: tv.runs.evaluate("m.npz", splits=["tset"]), "did you mean 'test'"),
        (lambda: tv.explore(VAE_, X, binarize="stochastic"), "binarize='stochastic' is not known"),
    ],
    "no path": [
        (lambda: tv.load_data(""), "data='' is no path"),
        (lambda: tv.runs.info(None), "run must be a path, but None came"),
        (lambda: tv.study(5, seeds=1), "folder must be a path, but an int came"),
        (lambda: VAE_.save(None), "path must be a path, but None came"),
        (lambda: tv.fit(VAE_, X, checkpoint=5), "checkpoint must be a path, but an int came"),
        (lambda: tv.plots.save(tv.plots.plot_kl([1.0]), None), "path must be a path, but None"),
        (lambda: tv.History().to_tensorboard(None), "folder must be a path, but None came"),
    ],
    "what goes with something that is not there": [
        (lambda: tv.fit(TOLD, X, labels=Y, validation_labels=Y), "validation_labels were given"),
        (lambda: tv.fit(VAE_, X, labels=Y), "labels were given"),
        (lambda: tv.fit(VAE_, X, resume=True), "resume=True needs checkpoint="),
    ],
    "another kind of thing": [
        (lambda: tv.runs.train({"epochs": 1}), "options must be RunOptions, but a dict came"),
        (lambda: tv.plots.plot_kl([1.0], axes=tv.plots.plot_kl([1.0])), "axes must be the axes"),
        (lambda: tv.plots.plot_kl(["a"]), "kl_per_dimension holds <U1"),
        (lambda: tv.plots.plot_kl([1.0], active=[0.5]), "active holds float64"),
        (lambda: tv.plots.plot_latent(VAE_, X, Y, names=["a"]), "names has 1, but labels go from"),
        (lambda: tv.plots.plot_latent(VAE_, X, Y.astype(str), names="abc"), "these are words"),
        (lambda: VAE_.decode(np.zeros((2, 9))), "z has 9 columns, expected 2, .* latent_dim"),
    ],
}
CASES = [(kind, *case) for kind, cases in WRONG.items() for case in cases]


@pytest.mark.parametrize(("kind", "call", "says"), CASES, ids=[f"{k}, {s}" for k, _, s in CASES])
def test_the_answer_names_the_argument(kind, call, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    VAE_.save("m.npz")
    with pytest.raises(tv.TinyVAEError, match=says):
        call()
    assert [file.name for file in tmp_path.iterdir()] == ["m.npz"]


def test_shapes_of_pictures_may_come_from_numpy():
    assert tv.load_data(X, image_shape=np.array([4, 16])).image_shape == (4, 16)
