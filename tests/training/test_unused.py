"""Units that are not used: where they come from, what is said of them, and when nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_runs import GREY, REAL, make

from tinyvae import VAE, evaluate, fit
from tinyvae.training.loop import Training
from tinyvae.training.options import TrainingOptions
from tinyvae.training.unused import remark, remark_on_run


@pytest.fixture(scope="module")
def pinwheel():
    """Five bent arms, standardized: no direction has much more variance than another."""
    rng = np.random.default_rng(0)
    radius = 1.0 + 0.3 * rng.standard_normal(800)
    angle = 2.0 * np.pi * rng.integers(5, size=800) / 5 + 0.25 * np.exp(radius)
    angle += 0.1 * rng.standard_normal(800)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)


def trained(x, sigma=None, **options):
    vae = VAE(2, (32,), 2, likelihood="gaussian_learned", sigma=sigma, seed=5, backend="reference")
    fit(vae, x, progress=False, **options)
    return vae


def test_a_learned_sigma_that_starts_at_one_collapses_and_at_half_the_spread_does_not(pinwheel):
    before, now = trained(pinwheel, 1.0, epochs=60), trained(pinwheel, epochs=60)
    dead, alive = evaluate(before, pinwheel), evaluate(now, pinwheel)
    assert dead.kl < 0.05
    assert alive.kl > 1.0
    assert alive.active_units == 2
    assert alive.elbo > dead.elbo
    assert before.observation.sigma > 0.95 > 0.7 > now.observation.sigma


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_sigma_starts_in_the_units_of_the_data(pinwheel, scale):
    vae = trained(scale * pinwheel, epochs=0)
    assert vae.observation.sigma == pytest.approx(scale / 2.0, rel=1e-5)


def test_sigma_is_not_set_again(pinwheel):
    vae = trained(pinwheel, epochs=1)
    moved = vae.observation.sigma
    fit(vae, 10.0 * pinwheel, epochs=0, progress=False)
    assert vae.observation.sigma == moved


def test_resuming_finds_the_same_start(pinwheel, tmp_path):
    whole = trained(pinwheel, epochs=2)
    path = tmp_path / "model.npz"
    vae = trained(pinwheel, epochs=1, checkpoint=path)
    copy = VAE(**vae.config)
    fit(copy, pinwheel, epochs=2, checkpoint=path, resume=True, progress=False)
    np.testing.assert_array_equal(copy.parameters.values, whole.parameters.values)


def test_a_run_under_way_keeps_its_best_weights(pinwheel, tmp_path):
    path = tmp_path / "model.npz"
    vae = trained(pinwheel, epochs=1, checkpoint=path)
    again = Training(vae, pinwheel, None, TrainingOptions(epochs=1))
    again.restore(path)
    again.state.best[:] = again.state.good[:] = 7.0
    again.state.begin()
    assert (again.state.best == 7.0).all()
    assert (again.state.good == 7.0).all()


def test_a_blown_up_first_epoch_goes_back_to_the_same_start(pinwheel):
    vae = VAE(2, (32,), 2, likelihood="gaussian_learned", backend="reference")
    training = Training(vae, pinwheel, None, TrainingOptions())
    training.state.begin()
    for weights in (training.state.good, training.state.best):
        np.testing.assert_array_equal(weights, vae.parameters.values)


def test_fit_says_that_no_unit_is_active_and_what_to_try(pinwheel, capsys):
    vae = VAE(2, (32,), 2, likelihood="gaussian_learned", sigma=1.0, seed=5, backend="reference")
    fit(vae, pinwheel)
    said = capsys.readouterr().err
    assert "No latent unit is active: q(z|x) of each is nearly the prior" in said
    for way in ("no sigma, which then starts at half", "warmup_epochs=5", "free_bits=0.1"):
        assert way in said
    fit(vae, pinwheel, progress=False, epochs=1)
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_all_is_well(pinwheel, capsys):
    fit(VAE(2, (32,), 2, likelihood="gaussian_learned", seed=5, backend="reference"), pinwheel)
    assert "active" not in capsys.readouterr().err


@pytest.mark.parametrize(("active", "said"), [(0, "No latent"), (6, "Only 6 of 20"), (7, None)])
def test_fewer_than_a_third_are_few(active, said):
    vae = make()
    found = replace(evaluate(vae, GREY), mu_variance=np.repeat([1.0, 0.0], [active, 20 - active]))
    came = remark(found, vae, TrainingOptions(beta=4.0))
    assert came is None if said is None else came.startswith(said)
    if said:
        assert "sigma" not in came, "a Bernoulli has none"
        assert "beta=1, or warmup_epochs=5, or free_bits=0.1, or epochs=60" in came
        assert ("latent_dim=6" in came) == (active == 6)
    assert remark(replace(found, rows=1), vae, TrainingOptions()) is None


def test_advice_is_not_what_was_done_already():
    vae = VAE(4, (), 3, likelihood="gaussian", sigma=0.4, backend="reference")
    found = replace(evaluate(vae, REAL[:, :4]), mu_variance=np.zeros(3))
    options = TrainingOptions(warmup_epochs=3, free_bits=0.2)
    assert "Try sigma=0.1, or epochs=60." in remark(found, vae, options)
    options = TrainingOptions(objective="iwae", n_samples=3)
    assert "Try sigma=0.1, or epochs=60." in remark(found, vae, options)


def test_the_remark_on_a_run_looks_at_rows_from_everywhere(monkeypatch):
    from tinyvae.training import unused

    looked = []
    monkeypatch.setattr(unused, "evaluate", lambda vae, x, **_: looked.append(x) or _none(x))
    x = np.arange(9000.0).reshape(4500, 2)
    training = Training(
        VAE(2, (), 2, likelihood="gaussian", backend="reference"), x, None, TrainingOptions()
    )
    remark_on_run(training.state)
    assert len(looked[0]) == 1500
    np.testing.assert_array_equal(looked[0], x[::3])


def _none(x):
    return replace(
        evaluate(VAE(2, (), 2, likelihood="gaussian", backend="reference"), x[:4]),
        mu_variance=np.ones(2),
    )
