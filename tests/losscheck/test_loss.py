from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
from exhibit import bce, bce_logits, kl

import tinyvae as tv
from tinyvae.losscheck import LossError


def loss(x, logits, mu, logvar):
    return bce_logits(x, logits).mean() + kl(mu, logvar).sum(1).mean()


def test_the_answer_to_the_question_asked_most():
    report = tv.check_loss(loss)
    assert report.formula == "loss = 1/784 x reconstruction + 1 x kl"
    assert report.coefficients == {"reconstruction": 1 / 784, "kl": 1.0}
    assert report.beta == 784.0
    assert report.readings == {"logits": "logits", "logvar": "logvar"}
    assert "averaged over the 784 values of x" in str(report)


def test_sizes_are_the_readers():
    report = tv.check_loss(loss, input_dim=100, latent_dim=3)
    assert report.beta == 100.0
    assert report.sizes["latent_dim"] == 3


def test_a_beta_that_is_meant_passes():
    def beta_vae(x, logits, mu, logvar):
        return np.mean(bce_logits(x, logits).sum(1) + 4.0 * kl(mu, logvar).sum(1))

    assert not tv.check_loss(beta_vae).passed
    report = tv.check_loss(beta_vae, beta=4.0)
    assert report.passed
    assert report.name == "beta-VAE with beta = 4"


@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0, 50.0])
def test_a_squared_error_of_any_weight_is_a_gaussian(weight):
    def gaussian(x, x_hat, mu, logvar):
        return np.mean(weight * ((x - x_hat) ** 2).sum(1) + kl(mu, logvar).sum(1))

    report = tv.check_loss(gaussian)
    assert report.passed
    assert report.sigma == pytest.approx(math.sqrt(0.5 / weight))


def test_what_an_argument_is_may_be_said():
    def unclear(a, b, c, d, scale=2.0):
        return bce(a, b).sum() + kl(c, d).sum()

    report = tv.check_loss(unclear, {"a": "x", "b": "probs", "c": "mu", "d": "logvar"})
    assert report.passed
    with pytest.raises(tv.TinyVAEError, match="did you mean 'logvar'"):
        tv.check_loss(unclear, {"a": "x", "b": "probs", "c": "mu", "d": "logva"})
    with pytest.raises(tv.TinyVAEError, match="'a' is none of the names known here"):
        tv.check_loss(unclear)


def test_a_name_that_lies_is_named_unless_the_reader_says_otherwise():
    def log_sigma(x, x_hat, mu, logvar):
        return np.mean(((x - x_hat) ** 2).sum(1) + kl(mu, 2 * logvar).sum(1))

    assert [f.code for f in tv.check_loss(log_sigma).findings] == ["name"]
    assert tv.check_loss(log_sigma, {"logvar": "log_sigma"}).passed


def test_unexplained_says_where_and_guesses_nothing():
    def quartic(x, x_hat, mu, logvar):
        return np.sum((x - x_hat) ** 4) + kl(mu, logvar).sum()

    report = tv.check_loss(quartic)
    assert [f.code for f in report.findings] == ["unexplained"]
    assert report.coefficients == {"kl": 128.0} or report.coefficients == {"kl": 1.0}
    assert report.residual > 0.01
    assert "x_hat[0, 0] =" in str(report)
    assert "something unexplained of x_hat" in report.formula
    assert report.beta is None


def test_digits_that_are_not_measured_are_not_simplified():
    odd = 1.0 / 784.0 * (1.0 + 1e-9)

    def almost(x, logits, mu, logvar):
        return odd * bce_logits(x, logits).sum(1).mean() + kl(mu, logvar).sum(1).mean()

    report = tv.check_loss(almost)
    assert "1/784" not in report.formula
    assert report.coefficients["reconstruction"] == pytest.approx(odd, rel=1e-12)


def test_noise_inside_is_averaged_and_said():
    """About one draw in twenty leaves more noise than can be told from a term: unexplained."""
    named = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)

        def noisy(x, logits, mu, logvar, rng=rng):
            kept = rng.random(logits.shape) < 0.9
            cross = (bce_logits(x, logits) * kept / 0.9).sum(1)
            return np.mean(cross + 0.5 * kl(mu, logvar).sum(1))

        report = tv.check_loss(noisy)
        assert any("draws random numbers" in note for note in report.notes)
        codes = [finding.code for finding in report.findings]
        assert codes in (["beta"], ["unexplained"])
        if codes == ["beta"]:
            assert report.beta == pytest.approx(0.5, rel=0.15)
            named += 1
    assert named >= 4


def test_the_same_seed_gives_the_same_report_and_global_states_stay():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = tv.check_loss(loss, seed=3), tv.check_loss(loss, seed=3)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert str(first) == str(second)
    assert first.residual == second.residual


REFUSED = [
    (lambda x, x_hat, mu, logvar: "loss", "returned the text 'loss'"),
    (lambda x, x_hat, mu, logvar: None, "returned None"),
    (lambda x, x_hat, mu, logvar: {}, "there is no number in it"),
    (lambda x, x_hat, mu, logvar: 1j * x.sum(), "complex128"),
    (lambda x, x_hat, mu, logvar: True, "bool"),
    (lambda x, x_hat, mu, logvar: x.T @ x, r"shape \(5, 5\) for a batch of 3"),
    (lambda x, x_hat, mu, logvar: 1 / 0, "ZeroDivisionError: division by zero"),
    (lambda x, x_hat, mu, logvar: np.nan * x.sum(), "NaN or infinite"),
    (lambda x, mu, logvar: x.sum(), ""),
    (lambda self, x, x_hat: 0.0, "method without its object"),
    ("loss", "but 'loss' came"),
    (max, "does not say what its arguments are called"),
]


@pytest.mark.parametrize(("function", "says"), REFUSED)
def test_refusals_say_what_came_and_what_to_do(function, says):
    if says:
        with pytest.raises(tv.TinyVAEError, match=says):
            tv.check_loss(function)
    else:
        assert not tv.check_loss(function).passed


def test_report_is_shown_as_text_html_and_json():
    report = tv.check_loss(loss, title="my <loss>")
    assert str(report).startswith("my <loss>: FAILED, beta-VAE with beta = 784 (reduction)")
    assert "my &lt;loss&gt;" in report._repr_html_()
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["passed"] is False
    assert plain["findings"][0]["code"] == report.findings[0].kind == "reduction"
    assert plain["sigma"] is None
    with pytest.raises(LossError, match="averaged over"):
        report.raise_if_failed()


def test_a_likelihood_alone_is_judged_alone():
    assert tv.check_loss(lambda x, logits: bce_logits(x, logits).sum(1)).passed
    report = tv.check_loss(lambda logits, x: -bce_logits(x, logits).sum(1))
    assert [f.code for f in report.findings] == ["sign"]


def test_values_per_example_are_averaged_over_the_batch():
    def each(x, logits, mu, logvar):
        return bce_logits(x, logits).sum(1) + kl(mu, logvar).sum(1)

    def together(x, logits, mu, logvar):
        return each(x, logits, mu, logvar).sum()

    says = "summed over the batch"
    assert not any(says in note for note in tv.check_loss(each).notes)
    assert any(says in note for note in tv.check_loss(together).notes)


def textbook(x, logits, mu, logvar):
    return np.mean(bce_logits(x, logits).sum(1) + kl(mu, logvar).sum(1))


def test_the_head_of_a_report_says_nothing_of_the_function():
    assert (
        tv.check_loss(textbook).to_dict()["notes"]
        == (tv.check_loss(textbook, title="the ELBO").to_dict()["notes"])
    )
    report = tv.check_loss(lambda *a: -textbook(*a), ["x", "logits", "mu", "logvar"], title="elbo")
    assert [f.code for f in report.findings] == ["sign"]


@pytest.mark.parametrize("pack", [dict, lambda **parts: list(parts.values())])
def test_parts_that_are_none_are_left_out(pack):
    def loss(x, logits, mu, logvar):
        return pack(extra=None, value=textbook(x, logits, mu, logvar))

    assert tv.check_loss(loss).passed


def test_a_key_without_jax_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)

    def loss(x, logits, mu, logvar, key):
        return textbook(x, logits, mu, logvar)

    with pytest.raises(tv.TinyVAEError, match=r"'key' is taken for a key of JAX.*arguments="):
        tv.check_loss(loss)
    assert tv.check_loss(loss, {"key": None}).passed


def test_a_sampler_that_writes_into_its_arguments_is_told_so():
    def sample(mu, logvar, noise):
        logvar *= 0.5
        return mu + np.exp(logvar) * noise

    report = tv.check_sampler(sample)
    assert report.passed
    assert any("writes into scale" in note for note in report.notes)
