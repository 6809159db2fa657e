"""The loop does what one would do by hand, and nothing else; how it stops stands elsewhere."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from small_runs import GREY, LOADED, REAL, UNIT, make, run, without_seconds

from tinyvae.data import minibatches
from tinyvae.data.moments import spread_of
from tinyvae.model.adam import Adam
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training import loop as training
from tinyvae.training.starts import start_sigma


@pytest.fixture
def steps(monkeypatch):
    """Note what every step is given and what it returns."""
    seen, train_step = [], VAE.train_step

    def noting(self, x, noise, adam, beta=1.0, **options):
        terms = train_step(self, x, noise, adam, beta, **options)
        rate = adam.learning_rate
        seen.append(
            SimpleNamespace(x=x.copy(), noise=noise.copy(), beta=beta, rate=rate, **terms._asdict())
        )
        return terms

    monkeypatch.setattr(VAE, "train_step", noting)
    return seen


# The same by hand


def by_hand(vae, data, binarize, seed=0, *, fused=False):
    adam = Adam(vae.parameters, learning_rate=0.01, backend=vae.backend)
    rng = np.random.default_rng(seed)
    start_sigma(vae.observation, spread_of(data))  # where a learned sigma starts
    for _ in range(3):
        for x in minibatches(data, 16, rng, binarize=binarize, dtype=vae.dtype):
            noise = rng.standard_normal((len(x), vae.latent_dim), dtype=vae.dtype)
            if fused:
                vae.train_step(x, noise, adam, beta=0.7)
            else:
                vae.loss_and_gradients(x, noise, beta=0.7)
                adam.step()
    return vae.parameters.values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("likelihood", "data", "binarize"),
    [
        ("bernoulli", GREY, "stochastic"),
        ("bernoulli", UNIT, "stochastic"),
        ("bernoulli", GREY, "threshold"),
        ("bernoulli", GREY, "none"),
        ("continuous_bernoulli", UNIT, "none"),
        ("gaussian", REAL, "none"),
        ("gaussian_learned", REAL, "none"),
    ],
)
def test_the_loop_by_hand_gives_the_same_bits(likelihood, data, binarize, dtype):
    vae, twin = (make(likelihood=likelihood, dtype=dtype) for _ in range(2))
    given = None if binarize in ("stochastic", "none") and likelihood != "bernoulli" else binarize
    run(data, vae=vae, beta=0.7, binarize=given)
    np.testing.assert_array_equal(vae.parameters.values, by_hand(twin, data, binarize))


@pytest.mark.parametrize(("fused", "tolerance"), [(True, 0.0), (False, 1e-5)])
def test_the_loop_by_hand_with_numba(fused, tolerance):
    vae, twin = (make(backend="numba") for _ in range(2))
    run(vae=vae, beta=0.7)
    expected = by_hand(twin, GREY, "stochastic", fused=fused)
    np.testing.assert_allclose(vae.parameters.values, expected, rtol=0.0, atol=tolerance)


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_a_seed_says_it_all(backend):
    def train(seed):
        vae, history = run(vae=make(backend=backend), seed=seed, validation=LOADED)
        return vae.parameters.values, without_seconds(history)

    (first, rows), (second, same_rows), (other, _) = train(1), train(1), train(2)
    np.testing.assert_array_equal(first, second)
    assert rows == same_rows
    assert np.abs(first - other).max() > 1e-3


# Batches and rows


def test_every_row_once_an_epoch_in_another_order(steps):
    data = np.eye(12, dtype=np.uint8)[np.arange(50) % 12] * np.uint8(255)
    run(data, epochs=2, binarize="none")
    sizes = [len(step.x) for step in steps]
    assert sizes == [16, 16, 16, 2] * 2
    passes = [np.concatenate([step.x for step in steps[i : i + 4]]) for i in (0, 4)]
    for one in passes:
        np.testing.assert_array_equal(one.sum(axis=0), data.astype(float).sum(axis=0) / 255)
    assert (passes[0] != passes[1]).any()
    noise = np.concatenate([step.noise for step in steps])
    assert len(np.unique(noise)) == noise.size


@pytest.mark.parametrize("size", [1, 16, 49, 50])
def test_a_row_of_history_is_a_mean_over_examples(size, steps):
    _, history = run(epochs=2, batch_size=size, beta=0.5, validation=LOADED)
    count = -(-50 // size)
    assert len(steps) == 2 * count
    for epoch, row in enumerate(history):
        part = steps[epoch * count : (epoch + 1) * count]
        rows = [len(step.x) for step in part]
        assert sum(rows) == 50
        for name in ("loss", "reconstruction", "kl"):
            mean = np.average([getattr(step, name) for step in part], weights=rows)
            assert row[f"train_{name}"] == pytest.approx(mean, rel=1e-12)
        assert row["epoch"] == epoch + 1
        assert row["train_elbo"] == -(row["train_reconstruction"] + row["train_kl"])
        assert row["beta"] == 0.5
    assert history["seconds"] == sorted(history["seconds"])


def test_training_lowers_the_loss():
    _, history = run(epochs=40, validation=LOADED)
    assert history["train_loss"][-1] < history["train_loss"][0] - 0.3
    assert history["validation_elbo"][-1] > history["validation_elbo"][0]


def test_no_epochs_are_no_training(tmp_path):
    vae, history = run(epochs=0, checkpoint=tmp_path / "model.npz", patience=1, validation=LOADED)
    assert len(history) == 0
    assert not history.interrupted
    np.testing.assert_array_equal(vae.parameters.values, make().parameters.values)
    np.testing.assert_array_equal(
        VAE.load(tmp_path / "model.npz").parameters.values, vae.parameters.values
    )


# Schedules


def test_the_weight_of_the_kl_rises_step_by_step(steps):
    _, history = run(epochs=4, beta=3.0, warmup_epochs=2.5)
    expected = [3.0 * min(1.0, i / (4 * 2.5)) for i in range(16)]
    np.testing.assert_allclose([step.beta for step in steps], expected, rtol=1e-14)
    assert steps[0].beta == 0.0
    assert {step.beta for step in steps[10:]} == {3.0}
    np.testing.assert_allclose(history["beta"], [1.2, 2.4, 3.0, 3.0], rtol=1e-14)


def test_the_rate_falls_along_a_cosine_step_by_step(steps):
    _, history = run(epochs=4, schedule="cosine")
    expected = [0.005 * (1.0 + math.cos(math.pi * i / 16)) for i in range(16)]
    np.testing.assert_allclose([step.rate for step in steps], expected, rtol=1e-14)
    half = 0.005 * math.sqrt(0.5)
    np.testing.assert_allclose(
        history["learning_rate"], [0.005 + half, 0.005, 0.005 - half, 0.0], atol=1e-17
    )


def test_without_schedules_nothing_changes(steps):
    run(beta=0.25)
    assert {(step.rate, step.beta) for step in steps} == {(0.01, 0.25)}


# Validation


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_validation_never_disturbs_training(backend):
    vae, history = run(vae=make(backend=backend))
    watched, seen = run(vae=make(backend=backend), validation=LOADED)
    np.testing.assert_array_equal(vae.parameters.values, watched.parameters.values)
    for row, other in zip(without_seconds(history), without_seconds(seen), strict=True):
        assert other.items() > row.items()


def test_validation_is_evaluate_after_the_epoch():
    vae, history = run(validation=LOADED, seed=7)
    found = evaluate(vae, LOADED, seed=8)
    last = history.rows[-1]
    assert last["validation_elbo"] == found.elbo
    assert last["validation_reconstruction"] == found.reconstruction
    assert last["validation_kl"] == found.kl
    same = run(vae=vae, learning_rate=1e-30, validation=LOADED, seed=7)[1]
    assert len(set(same["validation_elbo"])) == 1


@pytest.fixture
def script(monkeypatch):
    """Let the validation say what it is told to; keep the weights it saw."""

    def install(*elbos):
        lines, seen = iter(elbos), []

        def say(vae, data, **options):
            seen.append(vae.parameters.values.copy())
            return SimpleNamespace(reconstruction=1.0, kl=1.0, elbo=next(lines))

        monkeypatch.setattr(training, "evaluate", say)
        return seen

    return install


@pytest.mark.parametrize(
    ("elbos", "patience", "epochs", "best"),
    [
        ((-9.0, -8.0, -8.5, -8.2), 2, 4, 1),
        ((-9.0, -8.0, -8.0, -8.0), 2, 4, 1),
        ((-9.0, -9.5, -8.0, -8.5, -7.0, -9.0), 2, 6, 4),
        ((-1.0, -2.0), 1, 2, 0),
        ((-6.0, -5.0, -4.0, -3.0, -2.0, -1.0), 1, 6, 5),
        ((-1.0, -2.0, -2.0, -2.0, -2.0, -2.0), 6, 6, 0),
    ],
)
def test_early_stopping_goes_back_to_the_best(elbos, patience, epochs, best, script, tmp_path):
    seen, path = script(*elbos), tmp_path / "model.npz"
    vae, history = run(epochs=6, patience=patience, validation=LOADED, checkpoint=path)
    assert history["validation_elbo"] == list(elbos[:epochs])
    assert len(seen) == epochs
    assert not history.interrupted
    np.testing.assert_array_equal(vae.parameters.values, seen[best])
    np.testing.assert_array_equal(VAE.load(path).parameters.values, seen[best])
    script()
    options = {"epochs": epochs, "patience": patience, "validation": LOADED}
    again, _ = run(checkpoint=path, resume=True, **options)
    np.testing.assert_array_equal(again.parameters.values, seen[best])


def test_without_patience_the_last_weights_stay(script):
    seen = script(-1.0, -2.0, -3.0)
    vae, _ = run(validation=LOADED)
    np.testing.assert_array_equal(vae.parameters.values, seen[-1])


def test_early_stopping_in_earnest():
    vae, history = run(GREY[:16], epochs=300, learning_rate=0.05, patience=5, validation=LOADED)
    assert len(history) < 300
    elbos = history["validation_elbo"]
    assert elbos.index(max(elbos)) == len(elbos) - 6
    assert evaluate(vae, LOADED, seed=1).elbo == max(elbos)
