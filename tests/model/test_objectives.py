"""Every objective's gradient against the complex step, and what is true of the estimators."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tinyvae.errors import DTypeError, OptionError, RangeError, ShapeError, SizeError, UsageError
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.objectives import Elbo, make_objective
from tinyvae.model.vae import VAE
from tinyvae.ops import reference
from tinyvae.ops.reference import OBJECTIVES

ROWS, LATENT = 5, 2


@pytest.fixture
def case(rng, make_vae, make_x):
    """A model, a batch, noise of K samples a row, and labels where the model has classes."""

    def build(likelihood, samples, n_classes=None, **options):
        vae = make_vae(likelihood=likelihood, sigma=0.7, n_classes=n_classes, nudge=0.3, **options)
        x, noise = make_x(likelihood, ROWS), rng.standard_normal((ROWS, samples, LATENT))
        labels = None if n_classes is None else rng.integers(0, n_classes, ROWS)
        return vae, x, noise, labels

    return build


def log_w(vae, x, noise, labels, held=None):
    """log p(x, z) - log q(z given x), (batch, K), from densities; q's parameters held or not."""
    mu, logvar = vae.encode(x, labels)
    z = mu[:, None] + np.exp(0.5 * logvar)[:, None] * noise
    k = noise.shape[1]
    repeated = None if labels is None else np.repeat(labels, k)
    logits = vae.network.decoder.forward(z.reshape(-1, LATENT), repeated)[-1]
    minus_log_p = vae.observation.reconstruction(logits, np.repeat(x, k, axis=0)).reshape(-1, k)
    mu_q, logvar_q = (mu, logvar) if held is None else held
    square = (z - mu_q[:, None]) ** 2 * np.exp(-logvar_q)[:, None]
    log_q = -0.5 * (square + logvar_q[:, None]).sum(axis=2)
    return -0.5 * (z**2).sum(axis=2) - log_q - minus_log_p


def surrogate(vae, x, noise, labels, estimator):
    """Return a function of the model whose derivative the estimator is, by its definition."""
    held = vae.encode(x, labels)
    weights = reference.importance_bound_backward(log_w(vae, x, noise, labels))

    def bound(twin):
        return -reference.importance_bound_forward(log_w(twin, x, noise, labels)).mean()

    def path(twin, power):
        return -(weights**power * log_w(twin, x, noise, labels, held)).sum(axis=1).mean()

    if estimator == "iwae":
        return bound, bound
    return bound, lambda twin: path(twin, 1 if estimator == "stl" else 2)


@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize("samples", [1, 3, 8])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("estimator", ["iwae", "stl", "dreg"])
def test_importance_weighted_gradients_are_their_definitions(
    estimator, likelihood, samples, n_classes, case, complex_step, assert_gradient
):
    vae, x, noise, labels = case(likelihood, samples, n_classes, activation="tanh")
    vae.loss_and_gradients(x, noise, objective=estimator, labels=labels)
    twin = vae.copy(dtype="complex128", backend="reference")

    def differentiate(function):
        def loss(values):
            twin.parameters.values[:] = values
            return function(twin)

        return complex_step(loss, vae.parameters.values)

    decoder, encoder = map(differentiate, surrogate(vae, x, noise, labels, estimator))
    for name in vae.parameters:
        truth = encoder if name.startswith("encoder") else decoder
        assert_gradient(vae.parameters.gradient(name), vae.parameters.view(name, truth), name)


@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize("samples", [1, 3, 8])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("options", [{"beta": 0.5}, {"free_bits": 0.3}], ids=str)
def test_the_elbos_gradient_is_exact(
    options, likelihood, samples, n_classes, case, complex_step, assert_gradient
):
    vae, x, noise, labels = case(likelihood, samples, n_classes, activation="tanh")
    if "free_bits" in options:  # some dimensions above, some below
        kl = vae.network.forward(x, noise.reshape(-1, LATENT), labels).latent.kl.mean(axis=0)
        options = {"free_bits": float(kl.mean())}
        assert kl.min() < kl.mean() < kl.max()
    vae.loss_and_gradients(x, noise, labels=labels, **options)
    twin = vae.copy(dtype="complex128", backend="reference")

    def loss(values):
        twin.parameters.values[:] = values
        return twin.loss(x, noise, labels=labels, **options).loss

    truth = complex_step(loss, vae.parameters.values)
    for name in vae.parameters:
        assert_gradient(vae.parameters.gradient(name), vae.parameters.view(name, truth), name)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_labels_are_one_more_input_one_hot(objective, rng, make_vae, make_x):
    """The same numbers as a model without labels whose inputs are [x, one_hot(y)]."""
    vae = make_vae(n_classes=3, nudge=0.3)
    x, noise, labels = make_x("bernoulli"), rng.standard_normal((9, 2, 2)), rng.integers(0, 3, 9)
    one_hot = np.eye(3)[labels]
    values = vae.network.encoder.forward(x, labels)
    wide = np.vstack([vae.parameters["encoder.0.weight"], vae.parameters["encoder.0.label_weight"]])
    pre = np.hstack([x, one_hot]) @ wide + vae.parameters["encoder.0.bias"]
    np.testing.assert_allclose(values[1], np.maximum(pre, 0.0), rtol=1e-13, atol=1e-15)
    vae.loss_and_gradients(x, noise, objective=objective, labels=labels)
    dwide = vae.parameters.gradient("encoder.0.label_weight")
    dbias = vae.parameters.gradient("encoder.0.bias")
    np.testing.assert_allclose(dwide.sum(axis=0), dbias, rtol=1e-12)  # each row has one label


# What the papers say of the estimators -----------------------------------------------------


def test_with_the_exact_posterior_every_weight_is_log_p_and_path_gradients_vanish(rng):
    # One latent dimension, so that the posterior is of the encoder's family.
    weight, sigma = np.array([[1.2], [0.4], [-0.7]]), 0.6
    vae = VAE(
        3, (), 1, activation="identity", likelihood="gaussian", sigma=sigma, dtype="float64",
        backend="reference",
    )  # fmt: skip
    variance = 1.0 / (1.0 + (weight**2).sum() / sigma**2)
    vae.parameters["decoder.0.weight"][:] = weight.T
    vae.parameters["encoder.0.weight"][:, :1] = variance * weight / sigma**2
    vae.parameters["encoder.0.weight"][:, 1:] = 0.0
    vae.parameters["encoder.0.bias"][1] = 10.0 * np.arctanh(np.log(variance) / 10.0)
    x = rng.standard_normal((6, 3))
    noise = rng.standard_normal((6, 4, 1))
    covariance = weight @ weight.T + sigma**2 * np.eye(3)
    log_p = -0.5 * (
        np.einsum("ni,ij,nj->n", x, np.linalg.inv(covariance), x)
        + np.linalg.slogdet(2.0 * np.pi * covariance)[1]
    )
    found = vae.log_importance_weights(x, noise)
    np.testing.assert_allclose(found, np.repeat(log_p[:, None], 4, axis=1), rtol=1e-12)
    sizes = {}
    for objective in OBJECTIVES:
        vae.loss_and_gradients(x, noise, objective=objective)
        sizes[objective] = np.abs(vae.parameters.gradient("encoder.0.weight")).max()
    assert sizes["stl"] < 1e-14
    assert sizes["dreg"] < 1e-14
    assert sizes["iwae"] > 1e-3


def gradients(vae, x, objective, samples, draws, rng):
    """Return the encoder's gradient for many draws of noise, one row a draw."""
    found = []
    for _ in range(draws):
        vae.loss_and_gradients(
            x, rng.standard_normal((len(x), samples, LATENT)), objective=objective
        )
        found.append(vae.parameters.gradients[: vae.parameters.offsets["decoder.0.weight"]].copy())
    return np.array(found)


def test_dreg_has_the_mean_of_iwae_and_less_variance(rng, make_vae, make_x):
    vae, x = make_vae(nudge=0.3, activation="tanh"), make_x("bernoulli", 2)
    iwae, dreg = (gradients(vae, x, name, 5, 2000, rng) for name in ("iwae", "dreg"))
    error = np.sqrt((iwae.var(axis=0) + dreg.var(axis=0)) / len(iwae))
    difference = iwae.mean(axis=0) - dreg.mean(axis=0)
    assert np.all(np.abs(difference) <= 4.5 * error)  # 47 entries; both are zero where x is
    assert dreg.var(axis=0).sum() < 0.7 * iwae.var(axis=0).sum()


def test_with_one_sample_iwae_and_stl_have_the_mean_of_the_elbo(rng, make_vae, make_x):
    vae, x = make_vae(nudge=0.3, activation="tanh"), make_x("bernoulli", 2)
    elbo, *others = (gradients(vae, x, name, 1, 2000, rng) for name in ("elbo", "iwae", "stl"))
    for found in others:
        error = np.sqrt((elbo.var(axis=0) + found.var(axis=0)) / len(elbo))
        assert np.all(np.abs(elbo.mean(axis=0) - found.mean(axis=0)) <= 4.5 * error)
        assert not np.allclose(found.var(axis=0), elbo.var(axis=0), rtol=0.1)


def test_bounds_do_not_fall_with_more_samples(rng, make_vae, make_x):
    vae, x = make_vae(nudge=0.3), make_x("bernoulli")
    noise = rng.standard_normal((9, 50 * 200, 2))
    log_weights = vae.log_importance_weights(x, noise)
    means = [
        reference.importance_bound_forward(log_weights.reshape(-1, k)).mean() for k in (1, 5, 50)
    ]
    assert means[0] < means[1] < means[2]


# Options -----------------------------------------------------------------------------------


def test_samples_of_the_elbo_are_averaged(rng, make_vae, make_x):
    vae, x, noise = make_vae(), make_x("bernoulli"), rng.standard_normal((9, 3, 2))
    one_by_one = [vae.loss(x, noise[:, k]) for k in range(3)]
    np.testing.assert_allclose(vae.loss(x, noise), np.mean(one_by_one, axis=0), rtol=1e-13)


@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_free_bits_charge_the_larger_of_the_threshold_and_the_mean_kl(beta, rng, make_vae, make_x):
    vae, x = make_vae(latent_dim=4, nudge=0.6), make_x("bernoulli")
    noise, (mu, logvar) = rng.standard_normal((9, 4)), vae.encode(x)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1.0 - logvar).mean(axis=0)
    plain = vae.loss(x, noise, beta)
    for threshold in (0.0, float(np.median(kl)), 9.0):
        terms = vae.loss(x, noise, beta, free_bits=threshold)
        assert terms[1:] == plain[1:]  # what is reported is not what is charged
        charged = np.maximum(threshold, kl).sum()
        assert terms.loss == pytest.approx(plain.reconstruction + beta * charged, rel=1e-12)


def test_what_cannot_be_combined_is_refused(rng, make_vae, make_x):
    vae, x, noise = make_vae(), make_x("bernoulli"), rng.standard_normal((9, 2))
    for options, error, words in (
        ({"objective": "iwea"}, OptionError, "did you mean 'iwae'"),
        ({"objective": "iwae", "beta": 0.5}, UsageError, "beta=0.5"),
        ({"objective": "dreg", "free_bits": 0.5}, UsageError, "free_bits=0.5"),
        ({"free_bits": -1.0}, SizeError, "free_bits"),
        ({"labels": np.zeros(9, int)}, UsageError, "n_classes"),
    ):
        with pytest.raises(error, match=words):
            vae.loss(x, noise, **options)
    assert make_objective("elbo") == Elbo(1.0, None)


def test_labels_are_checked(rng, make_vae, make_x):
    vae, x, noise = make_vae(n_classes=3), make_x("bernoulli"), rng.standard_normal((9, 2))
    for labels, error, words in (
        (None, UsageError, "needs labels="),
        (np.zeros(8, int), ShapeError, r"expected \(9,\)"),
        (np.full(9, 3), RangeError, "3 at row 0"),
        (np.arange(9) % 3 - 1, RangeError, "-1 at row 0"),
        (np.full(9, 0.5), DTypeError, "float64, expected whole numbers"),
    ):
        with pytest.raises(error, match=words):
            vae.loss(x, noise, labels=labels)
    assert vae.loss(x, noise, labels=np.ones(9)) == vae.loss(x, noise, labels=1)


@pytest.mark.parametrize("shape", list(itertools.product([(9, 0, 2), (8, 2), (9, 3, 3)])), ids=str)
def test_noise_of_the_wrong_shape_is_refused(shape, make_vae, make_x):
    with pytest.raises(ValueError, match="noise"):
        make_vae().loss(make_x("bernoulli"), np.zeros(shape[0]))
