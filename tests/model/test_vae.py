"""Encoding, dreaming and keeping; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae import errors
from tinyvae.checkpoint import read_checkpoint, write_checkpoint
from tinyvae.model import parameters
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE

# What it starts from


@pytest.mark.parametrize("likelihood", ["gaussian", "gaussian_learned"])
def test_sigma_is_one_unless_told_otherwise(likelihood, log_normal, rng):
    vae = VAE(3, (), 2, likelihood=likelihood, dtype="float64", backend="reference")
    assert vae.observation.sigma == 1.0
    # None: where a learned one starts is for the data to say.
    assert vae.config["sigma"] == {"gaussian": 1.0, "gaussian_learned": None}[likelihood]
    narrow = VAE(3, (), 2, likelihood=likelihood, sigma=0.25, dtype="float64", backend="reference")
    assert narrow.observation.sigma == pytest.approx(0.25, rel=1e-15)
    logits, x = rng.standard_normal((2, 4, 3))
    found = vae.observation.reconstruction(logits, x)
    np.testing.assert_allclose(found, -log_normal(x, logits, np.ones(3)), rtol=1e-13)


@pytest.mark.parametrize("n_classes", [None, 3])
def test_both_networks_start_from_draws_of_their_own(n_classes):
    made = {seed: VAE(40, (30,), 20, n_classes=n_classes, seed=seed) for seed in (0, 1)}
    found = []
    for net, widths in (("encoder", (40, 30, 40)), ("decoder", (20, 30, 40))):
        for i in range(2):
            name = f"{net}.{i}.weight"
            weight, bound = made[0].parameters[name], np.sqrt(6.0 / sum(widths[i : i + 2]))
            assert 0.98 * bound < np.abs(weight).max() <= bound * (1.0 + 1e-6)
            assert 0.8 < weight.std() * np.sqrt(3.0) / bound < 1.2
            assert (weight != made[1].parameters[name]).mean() > 0.99
            found.append((weight / bound).ravel()[:50])
    # The second layers have the same shape and other numbers; so do all beginnings.
    for i, one in enumerate(found):
        for other in found[:i]:
            assert np.abs(one - other).max() > 0.1


# What one does with it


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_shapes_and_meaning_of_encode_decode_reconstruct(likelihood, make_vae, make_x):
    vae, x = make_vae(likelihood=likelihood), make_x(likelihood)
    mu, logvar = vae.encode(x)
    assert mu.shape == logvar.shape == (9, 2)
    logits = vae.decode(mu)
    assert logits.shape == (9, 6)
    mean = vae.observation.mean(logits)
    np.testing.assert_array_equal(vae.decode_mean(mu), mean)
    np.testing.assert_array_equal(vae.reconstruct(x), mean)
    one = vae.encode(x[3:4])
    np.testing.assert_allclose(one[0][0], mu[3], rtol=1e-12)


def test_samples_are_the_decoded_prior(make_vae):
    vae = make_vae(latent_dim=3)
    noise = np.random.default_rng(7).standard_normal((50, 3))
    drawn = vae.sample(50, seed=7)
    np.testing.assert_array_equal(drawn, vae.decode_mean(noise))
    np.testing.assert_array_equal(vae.sample(50, seed=7), drawn)
    np.testing.assert_array_equal(vae.sample(50, noise=noise), drawn)
    assert (vae.sample(50, seed=8) != drawn).any()


def test_samples_of_a_label_are_decoded_with_it(make_vae):
    vae, noise = make_vae(n_classes=3, nudge=1.0), np.random.default_rng(7).standard_normal((6, 2))
    labels = np.array([2, 0, 1, 1, 0, 2])
    drawn = vae.sample(6, noise=noise, label=labels)
    np.testing.assert_array_equal(drawn, vae.decode_mean(noise, labels))
    np.testing.assert_array_equal(vae.sample(6, noise=noise, label=1)[2:4], drawn[2:4])
    assert (vae.sample(6, noise=noise, label=1)[:2] != drawn[:2]).any(axis=1).all()


def test_scale_multiplies_z(make_vae):
    vae = make_vae(latent_dim=3)
    noise = np.random.default_rng(7).standard_normal((8, 3))
    wide = vae.sample(8, scale=2.5, noise=noise)
    np.testing.assert_array_equal(wide, vae.decode_mean(2.5 * noise))
    still = vae.sample(8, scale=0.0, seed=7)
    np.testing.assert_array_equal(still, np.tile(vae.decode_mean(np.zeros((1, 3))), (8, 1)))


def test_drawn_samples_are_draws_around_the_means(make_vae, assert_mean):
    vae = make_vae(likelihood="bernoulli", nudge=1.0)
    drawn = vae.sample(40_000, scale=0.0, draw=True, seed=0)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert_mean(drawn, vae.sample(1, scale=0.0)[0])
    np.testing.assert_array_equal(drawn, vae.sample(40_000, scale=0.0, draw=True, seed=0))


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_set_output_mean_aims_the_untrained_decoder(likelihood):
    vae = VAE(6, (), 2, likelihood=likelihood, dtype="float64", backend="reference")
    mean = np.linspace(0.05, 0.95, 6)
    vae.set_output_mean(mean)
    np.testing.assert_allclose(vae.decode_mean(np.zeros((1, 2)))[0], mean, rtol=1e-12)
    with pytest.raises(errors.ShapeError, match="mean"):
        vae.set_output_mean(mean[:5])


# Keeping


def test_a_copy_is_independent(make_vae):
    vae = make_vae(likelihood="gaussian_learned")
    twin = vae.copy()
    np.testing.assert_array_equal(twin.parameters.values, vae.parameters.values)
    assert twin.config == vae.config
    twin.parameters.values[:] = 0.0
    assert vae.parameters.values.any()
    assert vae.copy(dtype="float32").parameters.values.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_what_is_saved_comes_back_bit_for_bit(dtype, likelihood, tmp_path, make_vae, make_x):
    vae = make_vae(
        dtype=dtype, likelihood=likelihood, decoder_hidden_dims=(4, 3), activation="tanh"
    )
    vae.save(tmp_path / "vae.npz")
    twin = VAE.load(tmp_path / "vae.npz")
    assert twin.config == vae.config
    assert twin.parameters.values.tobytes() == vae.parameters.values.tobytes()
    x = make_x(likelihood)
    np.testing.assert_array_equal(twin.reconstruct(x), vae.reconstruct(x))


LIES = [
    {"input_dim": 10**12},
    {"hidden_dims": [10**6, 10**6]},
    {"hidden_dims": [-5]},
    {"hidden_dims": "many"},
    {"hidden_dims": 5},
    {"latent_dim": 2.5},
    {"latent_dim": None},
    {"likelihood": "gaussian_learned"},
    {"likelihood": "uniform"},
    {"activation": "relo"},
    {"dtype": "float32"},
    {"dtype": "object"},
    {"backend": "cuda"},
    {"seed": -1},
    {"surprise": 1},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_file_that_lies_about_its_model_is_refused(lie, tmp_path, make_vae, monkeypatch):
    path, vae = tmp_path / "vae.npz", make_vae()
    write_checkpoint(path, {"values": vae.parameters.values}, {"model": vae.config | lie})
    reserved = []
    allocate = parameters.allocate

    def watched(size, dtype):
        reserved.append(size)
        return allocate(size, dtype)

    monkeypatch.setattr(parameters, "allocate", watched)
    with pytest.raises(errors.CheckpointError, match=r"vae\.npz"):
        VAE.load(path)
    assert all(size == vae.parameters.size for size in reserved)


def test_a_file_without_a_model_or_with_other_weights_is_refused(tmp_path, make_vae):
    path, vae = tmp_path / "vae.npz", make_vae()
    vae.save(path)
    arrays, metadata = read_checkpoint(path)
    for held, described in [
        ({"values": arrays["values"][:-1]}, metadata),
        ({"values": arrays["values"].reshape(1, -1)}, metadata),
        ({"values": arrays["values"].reshape(-1, 1)}, metadata),
        ({"weights": arrays["values"]}, metadata),
        (arrays, {}),
        (arrays, {"model": [1, 2]}),
    ]:
        kept = {k: v for k, v in described.items() if k == "model"}
        write_checkpoint(path, held, kept)
        with pytest.raises(errors.CheckpointError):
            VAE.load(path)


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda vae: vae.encode(np.zeros((3, 5))), errors.ShapeError, "x has 5 columns"),
        (lambda vae: vae.decode(np.zeros((3, 3))), errors.ShapeError, "z has 3 columns"),
        (lambda vae: vae.decode(np.full((3, 2), np.nan)), errors.NonFiniteDataError, "z holds nan"),
        (lambda vae: vae.sample(0), errors.SizeError, "n=0"),
        (lambda vae: vae.sample(2.5), errors.SizeError, "n=2.5"),
        (lambda vae: vae.sample(3, scale=-1.0), errors.SizeError, "scale=-1.0"),
        (lambda vae: vae.sample(3, scale=np.inf), errors.SizeError, "scale=inf"),
        (lambda vae: vae.sample(3, seed=-1), errors.SizeError, "seed=-1"),
        (lambda vae: vae.sample(3, noise=np.zeros((3, 4))), errors.ShapeError, "4 columns"),
        (lambda vae: vae.sample(3, noise=np.zeros((4, 2))), errors.ShapeError, "noise.* 4 "),
        (lambda vae: vae.log_likelihood(np.zeros((3, 6)), 0), errors.SizeError, "n_samples=0"),
        (lambda vae: vae.bounds(np.full((3, 6), 2.0), 5), errors.RangeError, "row 0, column 0"),
        (lambda vae: vae.copy(dtype="float31"), errors.OptionError, "did you mean"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, message, make_vae):
    with pytest.raises(error, match=message):
        call(make_vae())


@pytest.mark.parametrize("beta", [-1.0, np.nan, "one"])
def test_a_weight_of_the_kl_term_that_is_none_is_refused(beta, make_vae):
    vae, x, noise = make_vae(), np.zeros((2, 6)), np.zeros((2, 2))
    for call in (vae.loss, vae.loss_and_gradients):
        with pytest.raises(errors.SizeError, match="beta="):
            call(x, noise, beta)


def test_a_mean_or_a_posterior_that_does_not_fit_is_refused(make_vae):
    vae = make_vae()
    with pytest.raises(errors.NonFiniteDataError, match="mean"):
        vae.set_output_mean(np.full(6, np.nan))
    with pytest.raises(errors.ShapeError, match="posterior has 2 and 2 rows, and x 3"):
        vae.bounds(np.zeros((3, 6)), 2, posterior=(np.zeros((2, 2)), np.zeros((2, 2))))


def test_sigma_is_one_if_not_given():
    vae = VAE(3, (), 1, likelihood="gaussian", dtype="float64", backend="reference")
    given = VAE(3, (), 1, likelihood="gaussian", sigma=1.0, dtype="float64", backend="reference")
    x, noise = np.array([[0.5, -1.0, 2.0]]), np.zeros((1, 1))
    assert vae.config["sigma"] == 1.0
    assert vae.loss(x, noise) == given.loss(x, noise)
