"""The loss and its whole gradient, for every activation, likelihood and depth; and its door."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tinyvae import errors
from tinyvae.model.adam import Adam
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.objectives import Terms
from tinyvae.model.vae import VAE
from tinyvae.ops.reference import ACTIVATIONS

DEPTHS = {1: (7,), 2: (7, 6), 3: (7, 6, 5)}


def check_whole_gradient(vae, x, noise, beta, complex_step, assert_gradient):
    vae.loss_and_gradients(x, noise, beta)
    twin = vae.copy(dtype="complex128", backend="reference")

    def loss(values):
        twin.parameters.values[:] = values
        return twin.loss(x, noise, beta).loss

    truth = complex_step(loss, vae.parameters.values)
    for name in vae.parameters:
        assert_gradient(vae.parameters.gradient(name), vae.parameters.view(name, truth), name)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_gradient_is_exact(
    activation, likelihood, depth, rng, make_vae, make_x, complex_step, assert_gradient
):
    vae = make_vae(10, DEPTHS[depth], 3, activation=activation, likelihood=likelihood, sigma=0.7)
    x, noise = make_x(likelihood, input_dim=10), rng.standard_normal((9, 3))
    check_whole_gradient(vae, x, noise, 1.0, complex_step, assert_gradient)


@pytest.mark.parametrize("beta", [0.0, 0.3, 4.0])
@pytest.mark.parametrize("shape", [(1, 1, 1), (9, 3, 6), (2, 1, 5)])
def test_gradients_for_other_weights_of_the_kl_and_odd_shapes(
    beta, shape, rng, make_vae, make_x, complex_step, assert_gradient
):
    rows, latent_dim, input_dim = shape
    vae = make_vae(
        input_dim, (4,), latent_dim, decoder_hidden_dims=(), activation="tanh", nudge=0.5
    )
    vae.parameters["encoder.1.bias"][latent_dim:] = 6.0  # where the bound of logvar bends
    x = make_x("bernoulli", rows, input_dim)
    noise = rng.standard_normal((rows, latent_dim))
    check_whole_gradient(vae, x, noise, beta, complex_step, assert_gradient)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_loss_is_the_sum_of_its_terms_with_the_signs_of_the_docstring(
    likelihood, rng, make_vae, make_x, log_normal
):
    vae = make_vae(likelihood=likelihood, sigma=0.7)
    x, noise = make_x(likelihood), rng.standard_normal((9, 2))
    mu, logvar = vae.encode(x)
    logits = vae.decode(mu + np.exp(logvar / 2) * noise)
    reconstruction = np.mean(vae.observation.reconstruction(logits, x))
    if likelihood.startswith("gaussian"):
        direct = -log_normal(x, logits, np.full(6, vae.observation.sigma**2)).mean()
        assert reconstruction == pytest.approx(direct, rel=1e-13)
    kl = 0.5 * np.mean(np.sum(mu**2 + np.exp(logvar) - 1.0 - logvar, axis=1))
    for beta in (0.0, 1.0, 2.5):
        terms = vae.loss(x, noise, beta)
        assert terms.reconstruction == pytest.approx(reconstruction, rel=1e-13)
        assert terms.kl == pytest.approx(kl, rel=1e-13)
        assert terms.loss == pytest.approx(reconstruction + beta * kl, rel=1e-13)
        assert terms.elbo == pytest.approx(-reconstruction - kl, rel=1e-13)
        assert vae.loss_and_gradients(x, noise, beta) == terms
        assert all(isinstance(term, float) for term in terms)


def test_elbo_does_not_know_beta():
    assert Terms(loss=30.0, reconstruction=10.0, kl=5.0).elbo == -15.0


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_loss_is_a_mean_over_the_batch(likelihood, rng, make_vae, make_x):
    vae = make_vae(likelihood=likelihood)
    x, noise = make_x(likelihood), rng.standard_normal((9, 2))
    once = vae.loss_and_gradients(x, noise)
    gradients = vae.parameters.gradients.copy()
    twice = vae.loss_and_gradients(np.tile(x, (2, 1)), np.tile(noise, (2, 1)))
    np.testing.assert_allclose(twice, once, rtol=1e-13)
    np.testing.assert_allclose(vae.parameters.gradients, gradients, rtol=1e-11, atol=1e-15)
    rows = [vae.loss(x[i : i + 1], noise[i : i + 1]) for i in range(9)]
    np.testing.assert_allclose(np.mean(rows, axis=0), once, rtol=1e-13)


def test_encode_returns_what_the_sampler_and_the_kl_use(rng, make_vae, make_x):
    vae = make_vae(nudge=3.0)
    x, noise = make_x("bernoulli"), rng.standard_normal((9, 2))
    mu, logvar = vae.encode(x)
    values = vae.network.forward(x, noise)
    latent = values.latent
    np.testing.assert_array_equal(latent.mu, mu)
    np.testing.assert_array_equal(latent.logvar, logvar)
    np.testing.assert_array_equal(latent.z, mu + np.exp(0.5 * logvar) * noise)
    raw = values.encoder[-1][:, 2:]
    np.testing.assert_allclose(logvar, 10.0 * np.tanh(raw / 10.0), rtol=1e-14)
    assert np.abs(raw - logvar).max() > 0.1
    np.testing.assert_array_equal(vae.decode(latent.z), values.decoder[-1])


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_a_train_step_is_gradients_and_then_adam(beta, rng, make_vae, make_x):
    one, two = make_vae(), make_vae()
    adam_one, adam_two = (Adam(vae.parameters, 0.01, backend="reference") for vae in (one, two))
    for seed in range(5):
        x, noise = make_x("bernoulli", seed=seed), rng.standard_normal((9, 2))
        by_hand = one.loss_and_gradients(x, noise, beta)
        adam_one.step()
        assert two.train_step(x, noise, adam_two, beta) == by_hand
        np.testing.assert_array_equal(one.parameters.values, two.parameters.values)
    assert adam_two.step_count == 5


def test_uint8_is_divided_by_255(rng, make_vae):
    vae = make_vae(likelihood="continuous_bernoulli")
    grey, noise = rng.integers(0, 256, (9, 6), dtype=np.uint8), rng.standard_normal((9, 2))
    assert vae.loss(grey, noise) == vae.loss(grey / 255.0, noise)


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
@pytest.mark.parametrize("decoder", [None, (), (3, 2)])
def test_count_and_shapes_of_the_parameters(hidden, decoder):
    for likelihood in LIKELIHOODS:
        vae = VAE(
            6, hidden, 2, decoder_hidden_dims=decoder, likelihood=likelihood, backend="reference"
        )
        backward = hidden[::-1] if decoder is None else decoder
        widths = [[6, *hidden, 4], [2, *backward, 6]]
        for name, stack in zip(("encoder", "decoder"), widths, strict=True):
            for i, shape in enumerate(itertools.pairwise(stack)):
                assert vae.parameters[f"{name}.{i}.weight"].shape == shape
                assert vae.parameters[f"{name}.{i}.bias"].shape == shape[1:]
        assert vae.architecture.n_parameters == vae.parameters.size
        assert ("likelihood.log_sigma" in vae.parameters) == (likelihood == "gaussian_learned")
        twin = VAE(**vae.config)
        np.testing.assert_array_equal(twin.parameters.values, vae.parameters.values)


# Bad input


def nan_at(x, row, column, value=math.nan):
    x = x.copy()
    x[row, column] = value
    return x


X, NOISE = np.full((9, 6), 0.5), np.zeros((9, 2))
BAD_BATCHES = [
    (X[:, :5], NOISE, errors.ShapeError, "x has 5 columns, expected 6"),
    (X[0], NOISE, errors.ShapeError, "x has shape"),
    (X.astype(complex), NOISE, errors.DTypeError, "x holds complex128"),
    (X.astype(complex), NOISE, errors.DTypeError, "x holds complex128"),
    (X[:0], NOISE[:0], errors.EmptyDataError, "x has .*at least 1 row"),
    (nan_at(X, 4, 2), NOISE, errors.NonFiniteDataError, "x holds nan at row 4, column 2"),
    (nan_at(X, 8, 5, math.inf), NOISE, errors.NonFiniteDataError, "inf at row 8, column 5"),
    (nan_at(X, 3, 1, 1.5), NOISE, errors.RangeError, "x holds 1.5 at row 3, column 1"),
    (nan_at(X, 0, 0, -0.1), NOISE, errors.RangeError, "row 0, column 0"),
    (X, NOISE[:, :1], errors.ShapeError, "noise has 1 columns, expected 2"),
    (X, NOISE[:8], errors.ShapeError, "x has 9 rows and noise 8"),
    (X, nan_at(NOISE, 7, 1), errors.NonFiniteDataError, "noise holds nan at row 7, column 1"),
    (X, NOISE.astype(complex), errors.DTypeError, "noise holds complex128"),
]


@pytest.mark.parametrize(("x", "noise", "error", "message"), BAD_BATCHES)
def test_a_bad_batch_is_refused_by_name_and_changes_nothing(x, noise, error, message, make_vae):
    vae = make_vae()
    adam = Adam(vae.parameters, backend="reference")
    before = vae.parameters.values.copy()
    for call in (vae.loss, vae.loss_and_gradients, vae.log_importance_weights):
        with pytest.raises(error, match=message):
            call(x, noise)
    with pytest.raises(error, match=message):
        vae.train_step(x, noise, adam)
    np.testing.assert_array_equal(vae.parameters.values, before)
    assert not vae.parameters.gradients.any()
    assert adam.step_count == 0


BAD_ARGUMENTS = [
    ({"input_dim": 0}, errors.SizeError, "input_dim=0"),
    ({"input_dim": 6.0}, errors.SizeError, "input_dim=6.0"),
    ({"latent_dim": -2}, errors.SizeError, "latent_dim=-2"),
    ({"hidden_dims": (5, 0)}, errors.SizeError, r"hidden_dims\[1\]=0"),
    ({"hidden_dims": 5}, errors.SizeError, "hidden_dims=5"),
    ({"decoder_hidden_dims": (-1,)}, errors.SizeError, r"decoder_hidden_dims\[0\]=-1"),
    ({"activation": "relo"}, errors.OptionError, "did you mean 'relu'"),
    ({"likelihood": "gausian"}, errors.OptionError, "did you mean 'gaussian'"),
    ({"dtype": "float16"}, errors.OptionError, "did you mean 'float"),
    ({"dtype": "flot32"}, errors.OptionError, "did you mean 'float32'"),
    ({"backend": "referense"}, errors.OptionError, "did you mean 'reference'"),
    ({"sigma": 0.0}, errors.SizeError, "sigma=0.0"),
    ({"threads": 0}, errors.SizeError, "threads=0"),
    ({"seed": -1}, errors.SizeError, "seed=-1"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_by_name(changes, error, message):
    arguments = {"input_dim": 6, "hidden_dims": (5,), "latent_dim": 2, "backend": "reference"}
    with pytest.raises(error, match=message):
        VAE(**(arguments | changes))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "value", "first"),
    [
        ("decoder.1.weight", math.nan, r"'decoder.1.weight': nan at \(0, 0\)"),
        ("encoder.0.bias", math.inf, r"'encoder.0.bias': inf at \(0,\)"),
        ("decoder.1.bias", 1e200, "'reconstruction': inf"),
        ("encoder.1.weight", 1e308, "'output of encoder.1'"),
    ],
)
def test_a_loss_that_blows_up_names_the_first_array_and_leaves_the_weights(
    name, value, first, make_vae, make_x, rng
):
    vae = make_vae(likelihood="gaussian", nudge=0.0, activation="softplus")
    adam = Adam(vae.parameters, backend="reference")
    vae.parameters[name][:] = value
    before = vae.parameters.values.copy()
    with pytest.raises(errors.NonFiniteLossError, match=first):
        vae.train_step(make_x("gaussian"), rng.standard_normal((9, 2)), adam)
    np.testing.assert_array_equal(vae.parameters.values, before)
    assert adam.step_count == 0
    assert not adam.m.any()


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_of_several_arrays_the_first_in_the_order_of_computation_is_named(
    backend, make_vae, make_x
):
    vae = make_vae(backend=backend)
    names = ["encoder.0.weight", "encoder.1.bias", "decoder.0.weight", "decoder.1.bias"]
    for last in range(len(names), 0, -1):
        broken = vae.copy()
        for name in names[last - 1 :]:
            broken.parameters[name][...] = np.nan
        with pytest.raises(errors.NonFiniteLossError, match=f"{names[last - 1]}': nan"):
            broken.train_step(make_x("bernoulli"), np.zeros((9, 2)), Adam(broken.parameters))


def test_both_networks_start_with_weights_that_are_not_zero():
    vae = VAE(12, (10,), 3, seed=1)
    for name in ("encoder.0", "encoder.1", "decoder.0", "decoder.1"):
        weight = vae.parameters[f"{name}.weight"]
        assert 0.1 < weight.std() * np.sqrt(len(weight)) < 3.0
        assert not vae.parameters[f"{name}.bias"].any()


# Everything that can blow up, in the order in which a step computes it.
IN_ORDER = [
    ("'x': nan at \\(4, 1\\)", lambda vae, x, noise: x.__setitem__((slice(4, 7), 1), np.nan)),
    ("'noise': inf at \\(2, 0\\)", lambda vae, x, noise: noise.__setitem__((2, 0), np.inf)),
    (
        "'encoder.0.bias': inf at \\(3,\\)",
        lambda vae, x, noise: at(vae, "encoder.0.bias", 3, np.inf),
    ),
    (
        "'decoder.1.bias': nan at \\(1,\\)",
        lambda vae, x, noise: at(vae, "decoder.1.bias", 1, np.nan),
    ),
    (
        "'output of encoder.0'",
        lambda vae, x, noise: at(vae, "encoder.0.weight", slice(None), 1e308),
    ),
    (
        "'output of encoder.1'",
        lambda vae, x, noise: at(vae, "encoder.1.weight", slice(None), 1e308),
    ),
    ("'z': inf at \\(8, 1\\)", lambda vae, x, noise: noise.__setitem__((8, 1), 1.7e308)),
    (
        "'output of decoder.0'",
        lambda vae, x, noise: at(vae, "decoder.0.weight", slice(None), 1e308),
    ),
    (
        "'output of decoder.1'",
        lambda vae, x, noise: at(vae, "decoder.1.weight", slice(None), 1e308),
    ),
    ("'reconstruction'", lambda vae, x, noise: at(vae, "decoder.1.bias", slice(None), 1e200)),
    ("'kl'", lambda vae, x, noise: at(vae, "encoder.1.bias", 0, 1e200)),
]


def at(vae, name, index, value):
    vae.parameters[name][index] = value


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("first", range(len(IN_ORDER)))
@pytest.mark.parametrize("second", range(len(IN_ORDER)))
def test_of_two_arrays_that_blow_up_the_earlier_one_is_named(first, second, make_vae, make_x, rng):
    vae = make_vae(likelihood="gaussian", nudge=0.0, activation="softplus")
    vae.parameters["encoder.1.bias"][3] = 5.0  # a wide q, for z to overflow
    vae.parameters["decoder.0.weight"][:] = 0.0  # so that z's size alone overflows nothing
    x, noise = np.abs(make_x("gaussian")) + 1.0, rng.standard_normal((9, 2))
    for which in {first, second}:
        IN_ORDER[which][1](vae, x, noise)
    adam = Adam(vae.parameters, backend="reference")
    with pytest.raises(errors.NonFiniteLossError, match=IN_ORDER[min(first, second)][0]):
        vae.train_step(x, noise, adam, trusted=True)
