"""The figures of a report: parts that sum, bounds that hold, error bars that mean it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tinyvae import errors
from tinyvae.linear_gaussian import LinearGaussian
from tinyvae.model import evaluation
from tinyvae.model.evaluation import default_binarize, evaluate


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (1201, 6), dtype=np.uint8)


def test_the_terms_are_those_of_the_model(make_vae, make_x):
    vae, x = make_vae(nudge=0.5), make_x("bernoulli", 700)
    found = evaluate(vae, x, n_samples=3)
    mu, logvar = vae.encode(x)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1.0 - logvar)
    np.testing.assert_allclose(found.kl_per_dimension, kl.mean(axis=0), rtol=1e-12)
    assert found.kl == pytest.approx(kl.sum(axis=1).mean(), rel=1e-12)
    assert found.kl == pytest.approx(found.kl_per_dimension.sum(), rel=1e-12)
    assert found.elbo == pytest.approx(-found.reconstruction - found.kl, rel=1e-12)
    np.testing.assert_allclose(found.mu_variance, mu.var(axis=0), rtol=1e-12)
    assert (found.rows, found.n_samples) == (700, 3)


def test_the_reconstruction_and_elbo_are_those_of_the_exactly_solved_model(make_vae, rng):
    vae = make_vae(likelihood="gaussian", hidden_dims=(), activation="identity", sigma=0.8)
    values = vae.parameters
    values["encoder.0.weight"][:, 2:] = 0.0  # one logvar for all
    oracle = LinearGaussian(values["decoder.0.weight"], values["decoder.0.bias"], 0.8)
    x = oracle.sample(3000, rng)[0]
    found = evaluate(vae, x, n_samples=8)
    reconstruction, kl = oracle.elbo_terms(x, *vae.encode(x))
    one = np.array([vae.bounds(x, 8, seed=s).reconstruction.mean() for s in range(6)])
    error = one.std(ddof=1)  # of one such estimate
    assert abs(found.reconstruction - reconstruction.mean()) < 5.0 * error
    assert found.kl == pytest.approx(kl.mean(), rel=1e-12)
    assert found.elbo < found.bound < oracle.log_likelihood(x).mean() + 5.0 * error


def test_only_dimensions_whose_mean_moves_with_the_data_are_active(make_vae, make_x):
    vae, x = make_vae(latent_dim=5, hidden_dims=(), nudge=0.5), make_x("bernoulli", 400)
    head = vae.parameters["encoder.0.weight"]
    head[:, 1] = 0.0  # says the same of every example
    spread = vae.encode(x)[0].std(axis=0)
    head[:, [0, 2, 3, 4]] *= [0.9, 0.11, 0.09, 0.5] / spread[[0, 2, 3, 4]]
    found = evaluate(vae, x)
    np.testing.assert_allclose(found.mu_variance, [0.81, 0.0, 0.0121, 0.0081, 0.25], atol=1e-12)
    assert found.active_units == 3


def test_a_dimension_equal_to_the_prior_costs_nothing(make_vae, make_x):
    vae, x = make_vae(latent_dim=3, hidden_dims=(), nudge=0.5), make_x("bernoulli", 50)
    for column in (1, 4):  # mu and logvar of the second dimension
        vae.parameters["encoder.0.weight"][:, column] = 0.0
        vae.parameters["encoder.0.bias"][column] = 0.0
    found = evaluate(vae, x)
    assert found.kl_per_dimension[1] == 0.0
    assert np.all(found.kl_per_dimension[[0, 2]] > 0.0)
    assert found.mu_variance[1] == 0.0


def test_the_standard_error_is_the_spread_of_repeated_measurements(make_vae, make_x):
    vae = make_vae(nudge=0.5)
    found = [evaluate(vae, make_x("bernoulli", 100, seed=s), seed=s) for s in range(150)]
    spread = np.std([one.elbo for one in found], ddof=1)
    claimed = np.mean([one.elbo_error for one in found])
    assert abs(spread / claimed - 1.0) < 4.0 / np.sqrt(2 * 150)


def test_the_bound_is_estimated_from_the_same_samples(make_vae, make_x):
    vae, x = make_vae(nudge=1.0), make_x("bernoulli", 300)
    one, many = evaluate(vae, x), evaluate(vae, x, n_samples=60)
    assert one.bound is None
    assert many.bound > many.elbo
    # It is the importance-weighted bound, within the spread from one seed to the next.
    seeds = np.array([vae.log_likelihood(x, 60, seed=s).mean() for s in range(8)])
    assert abs(many.bound - seeds.mean()) < 5.0 * seeds.std(ddof=1)


def test_two_samples_are_enough_for_a_bound(make_vae, make_x):
    vae, x = make_vae(nudge=1.0), make_x("bernoulli", 300)
    found = evaluate(vae, x, n_samples=2)
    assert found.elbo < found.bound < evaluate(vae, x, n_samples=60).bound


def test_one_row_is_enough(make_vae, make_x):
    vae, x = make_vae(nudge=0.5), make_x("bernoulli", 1)
    found = evaluate(vae, x, n_samples=2)
    mu, logvar = vae.encode(x)
    assert found.rows == 1
    assert found.elbo_error == 0.0
    assert found.kl == pytest.approx(0.5 * (mu**2 + np.expm1(logvar) - logvar).sum(), rel=1e-12)
    assert not found.mu_variance.any()
    with pytest.raises(errors.EmptyDataError):
        evaluate(vae, x[:0])


def test_labels_stay_with_their_rows(make_vae, make_x, rng, monkeypatch):
    vae, x = make_vae(n_classes=3, nudge=1.0), make_x("bernoulli", 60)
    labels = rng.integers(0, 3, 60)
    monkeypatch.setattr(evaluation, "_ROWS", 7)
    found = evaluate(vae, x, labels=labels)
    mu, logvar = vae.encode(x, labels)
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar).sum(axis=1)
    assert found.kl == pytest.approx(kl.mean(), rel=1e-12)


def test_chunks_of_rows_do_not_change_what_is_exact(make_vae, make_x, monkeypatch):
    vae, x = make_vae(), make_x("bernoulli", 1201)
    whole = evaluate(vae, x, n_samples=2)
    monkeypatch.setattr(evaluation, "_ROWS", 97)
    chunked = evaluate(vae, x, n_samples=2)
    assert chunked.kl == pytest.approx(whole.kl, rel=1e-12)
    np.testing.assert_allclose(chunked.kl_per_dimension, whole.kl_per_dimension, rtol=1e-12)
    np.testing.assert_allclose(chunked.mu_variance, whole.mu_variance, rtol=1e-12)
    assert abs(chunked.elbo - whole.elbo) < 4.0 * whole.elbo_error


def test_a_seed_means_the_same_figures(make_vae, grey):
    vae = make_vae()
    one, two, other = (evaluate(vae, grey, n_samples=2, seed=s) for s in (1, 1, 2))
    assert (one.elbo, one.bound, one.elbo_error) == (two.elbo, two.bound, two.elbo_error)
    assert one.elbo != other.elbo


def test_evaluating_changes_nothing(make_vae, grey):
    vae = make_vae()
    values, gradients, pixels = vae.parameters.values.copy(), vae.parameters.gradients, grey.copy()
    evaluate(vae, grey, n_samples=2)
    np.testing.assert_array_equal(vae.parameters.values, values)
    assert not gradients.any()
    np.testing.assert_array_equal(grey, pixels)


def test_grey_pixels_under_a_bernoulli_are_binarized_unless_told_not_to(make_vae, grey):
    vae = make_vae(nudge=0.5)
    none = evaluate(vae, grey, binarize="none")
    direct = evaluate(vae, grey / 255.0, binarize="none")
    assert none.elbo == pytest.approx(direct.elbo, rel=1e-12)
    threshold = evaluate(vae, grey, binarize="threshold")
    black = evaluate(vae, (grey >= 128).astype(float), binarize="none")
    assert threshold.elbo == pytest.approx(black.elbo, rel=1e-12)
    assert evaluate(vae, grey).elbo == evaluate(vae, grey, binarize="stochastic").elbo
    assert default_binarize("bernoulli", None) == "stochastic"
    assert default_binarize("continuous_bernoulli", None) == "none"
    assert default_binarize("gaussian", None) == default_binarize("gaussian_learned", None)
    assert default_binarize("bernoulli", "threshold") == "threshold"


def test_bad_input_is_refused_by_name(make_vae):
    vae = make_vae()
    x = np.zeros((4, 6))
    with pytest.raises(errors.SizeError, match="n_samples=0"):
        evaluate(vae, x, n_samples=0)
    with pytest.raises(errors.SizeError, match="seed=-1"):
        evaluate(vae, x, seed=-1)
    with pytest.raises(errors.OptionError, match="did you mean 'threshold'"):
        evaluate(vae, x, binarize="treshold")
    with pytest.raises(errors.ShapeError, match="7 columns, expected 6"):
        evaluate(vae, np.zeros((4, 7)))
    x[2, 5] = np.nan
    with pytest.raises(errors.NonFiniteDataError, match="row 2, column 5"):
        evaluate(vae, x)


def test_two_samples_are_enough_for_a_bound_and_one_row_for_figures(make_vae, make_x):
    vae, x = make_vae(nudge=0.5), make_x("bernoulli", 40)
    assert evaluate(vae, x, n_samples=1).bound is None
    two = evaluate(vae, x, n_samples=2)
    assert two.bound is not None
    assert two.bound > two.elbo
    one = evaluate(vae, x[:1], n_samples=2)
    assert one.rows == 1
    assert one.kl == pytest.approx(vae.loss(x[:1], np.zeros((1, vae.latent_dim))).kl, rel=1e-12)


def test_an_evaluation_is_ready_for_json(make_vae, make_x):
    found = evaluate(make_vae(nudge=0.5), make_x("bernoulli", 20))
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["active_units"] == found.active_units
    assert plain["kl_per_dimension"] == found.kl_per_dimension.tolist()
    assert plain["bound"] is None
