"""The page's mathematics, web/vae.js, against Python's, in a real browser."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyvae.explorer.arrays import pack
from tinyvae.explorer.description import NAMES, describe_model, rounded
from tinyvae.ops.reference import ACTIVATIONS, LIKELIHOODS

RELATIVE = 1e-5
K = 3

COMPUTE = """([described, x, noise, label]) => {
  const model = tinyvae.buildModel(described);
  const rows = noise.map((row) => Float64Array.from(row));
  const found = tinyvae.forward(model, Float64Array.from(x), rows, label);
  const { mu, logvar } = found;
  const weigh = (row) => tinyvae.logImportanceWeight(model, x, mu, logvar, row, label);
  const logW = rows.map(weigh);
  const plain = (a) => Array.from(a);
  return {
    mu: plain(mu), logvar: plain(logvar), kl: found.kl,
    reconstructions: plain(found.reconstructions), reconstruction: found.reconstruction,
    elbo: found.elbo, logits: found.logits.map(plain), logW,
    mean: plain(tinyvae.mean(model, found.logits[0])), ...tinyvae.importanceWeighted(logW),
  };
}"""


@pytest.fixture
def compute(mathematics):
    """Run the page's mathematics on a model that is not the page's own."""

    def run(described, x, noise, label=0):
        question = [described, x.tolist(), noise.tolist(), label]
        return mathematics.evaluate(COMPUTE, question)

    return run


def truth(vae, x, noise, label=None):
    """Return what Python says about one x, from the model with the page's weights."""
    xs = np.tile(x, (K, 1))
    one = {} if label is None else {"labels": np.array([label])}
    all_of_them = {} if label is None else {"labels": np.full(K, label)}
    mu, logvar = vae.encode(x[None], **one)
    z = mu + np.exp(logvar / 2) * noise
    loss = vae.loss(xs, noise, **all_of_them)
    log_w = vae.log_importance_weights(xs, noise, **all_of_them)
    return {
        "mu": mu[0],
        "logvar": logvar[0],
        "kl": loss.kl,
        "reconstruction": loss.reconstruction,
        "reconstructions": [vae.loss(x[None], row[None], **one).reconstruction for row in noise],
        "elbo": -(loss.reconstruction + loss.kl),
        "logits": vae.decode(z, **all_of_them),
        "mean": vae.decode_mean(z, **all_of_them)[0],
        "logW": log_w,
        "bound": np.log(np.exp(log_w - log_w.max()).mean()) + log_w.max(),
    }


def agree(came, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(came[name], value, rtol=RELATIVE, atol=1e-9, err_msg=name)


@pytest.fixture
def draws():
    rng = np.random.default_rng(8)

    def draw(likelihood, width, latent):
        x = rng.random(width) if "bernoulli" in likelihood else 2 * rng.standard_normal(width)
        x = np.round(x) if likelihood == "bernoulli" else x
        x = rng.poisson(3.0, width) if likelihood == "poisson" else x
        return x.astype(np.float32).astype(np.float64), rng.standard_normal((K, latent))

    return draw


def test_the_page_knows_every_likelihood_and_activation(mathematics):
    for name, known in (("ACTIVATIONS", ACTIVATIONS), ("LIKELIHOODS", LIKELIHOODS)):
        assert set(mathematics.evaluate(f"Object.keys(tinyvae.{name})")) == set(known)


EVERY = [(likelihood, activation) for likelihood in LIKELIHOODS for activation in ACTIVATIONS]


def test_every_likelihood_with_every_activation(compute, small_vae, draws):
    for likelihood, activation in EVERY:
        for classes, label in ((None, None), (3, 2)):
            vae = small_vae(
                likelihood=likelihood, activation=activation, sigma=0.7, n_classes=classes
            )
            x, noise = draws(likelihood, 6, 2)
            came = compute(describe_model(vae, "float16"), x, noise, label or 0)
            agree(came, truth(rounded(vae, "float16"), x, noise, label))


def test_the_lines_of_numpy_compute_the_same(mathematics, small_vae, draws):
    for likelihood, activation in EVERY:
        vae = small_vae(likelihood=likelihood, activation=activation, sigma=0.7, n_classes=3)
        x, noise = draws(likelihood, 6, 2)
        question = [describe_model(vae, "float32"), NAMES]
        ask = "([described, names]) => tinyvae.numpyLines(tinyvae.buildModel(described), names)"
        twin = rounded(vae, "float32")
        known = {"np": np, "math": math, "p": twin.parameters, "x": x, "noise": noise, "label": 1}
        for lines in mathematics.evaluate(ask, question).values():
            exec(lines, known)
        expected = truth(twin, x, noise, 1)
        agree(
            {name: known[name] for name in ("kl", "reconstruction", "elbo")}
            | {"logW": known["log_w"], "bound": known["log_p"]},
            {name: expected[name] for name in ("kl", "reconstruction", "elbo", "logW", "bound")},
        )


@pytest.mark.parametrize(
    "shape", [(6, (), 2), (1, (3,), 1), (9, (8, 7), 4), (5, (4,), 30)], ids=str
)
def test_depth_and_width_do_not_matter(compute, small_vae, draws, shape):
    vae = small_vae(*shape, decoder_hidden_dims=(3,))
    x, noise = draws("bernoulli", shape[0], shape[2])
    came = compute(describe_model(vae, "float32"), x, noise)
    agree(came, truth(rounded(vae, "float32"), x, noise))


def test_large_logits_lose_nothing(compute, small_vae, draws):
    for likelihood in ("bernoulli", "continuous_bernoulli"):
        for nudge in (1e-7, 30.0):
            vae = small_vae(likelihood=likelihood, nudge=nudge)
            x, noise = draws(likelihood, 6, 2)
            came = compute(describe_model(vae, "float32"), x, noise)
            agree(came, truth(rounded(vae, "float32"), x, noise))


def test_poisson_keeps_log_x_factorial(compute, small_vae):
    vae = small_vae(likelihood="gaussian")
    vae.parameters["encoder.0.weight"][:] *= 1e-3  # or exp(logits) would drown all the rest
    rng = np.random.default_rng(1)
    x, noise = np.array([0.0, 1.0, 2.0, 15.0, 16.0, 400.0]), rng.standard_normal((K, 2))
    came = compute(describe_model(vae, "float16") | {"likelihood": "poisson"}, x, noise)
    logits = np.array(came["logits"])
    np.testing.assert_allclose(
        logits, truth(rounded(vae, "float16"), x, noise)["logits"], rtol=RELATIVE
    )
    factorials = np.array([math.lgamma(value + 1.0) for value in x])
    expected = (np.exp(logits) - x * logits + factorials).sum(axis=1)
    assert np.abs(logits).max() < 5.0
    np.testing.assert_allclose(came["reconstructions"], expected, rtol=1e-10)
    np.testing.assert_allclose(came["mean"], np.exp(logits[0]), rtol=RELATIVE)


@pytest.mark.parametrize("hidden", [(5,), ()], ids=["hidden", "linear"])
def test_a_label_is_a_row_added_before_the_first_activation(compute, small_vae, draws, hidden):
    vae = small_vae(hidden_dims=hidden, likelihood="continuous_bernoulli", n_classes=4)
    x, noise = draws("continuous_bernoulli", 6, 2)
    for label in range(4):
        came = compute(describe_model(vae, "float32"), x, noise, label)
        agree(came, truth(rounded(vae, "float32"), x, noise, label))


def test_the_bound_tells_its_error_and_how_many_samples_count(mathematics):
    log_w = np.random.default_rng(3).normal(-900.0, 1.0, 400)
    w = np.exp(log_w - log_w.max())
    came = mathematics.evaluate("(logW) => tinyvae.importanceWeighted(logW)", log_w.tolist())
    error = w.std(ddof=1) / np.sqrt(len(w)) / w.mean()
    np.testing.assert_allclose(came["bound"], np.log(w.mean()) + log_w.max(), rtol=1e-12)
    np.testing.assert_allclose(came["error"], error, rtol=1e-9)
    np.testing.assert_allclose(came["effective"], w.sum() ** 2 / (w * w).sum(), rtol=1e-9)


def test_every_half_is_read_as_numpy_reads_it(mathematics):
    bits = np.arange(65536, dtype=np.uint16)
    vae_like = pack(bits.view(np.float16)[np.isfinite(bits.view(np.float16))], "float16")
    mathematics.evaluate("(packed) => { window.found = tinyvae.unpack(packed); }", vae_like)
    came = np.array(mathematics.evaluate("Array.from(window.found)"))
    expected = bits.view(np.float16).astype(np.float64)
    np.testing.assert_array_equal(came, expected[np.isfinite(expected)])
