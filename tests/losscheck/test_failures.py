"""A function that fails at a later call is refused in words, whoever called it."""

from __future__ import annotations

import numpy as np
import pytest
from exhibit import bce_logits, kl

import tinyvae as tv
from tinyvae.losscheck import examine


class BadDay:
    """Raises at the calls from the nth on."""

    def __init__(self, n: int) -> None:
        self.n, self.calls = n, 0

    def __call__(self, value):
        self.calls += 1
        if self.calls >= self.n:
            raise ValueError("a bad day\nand more of it")
        return value


def failing_loss(bad):
    def loss(x, logits, mu, logvar):
        return bad(np.mean(bce_logits(x, logits).sum(1) + kl(mu, logvar).sum(1)))

    return tv.check_loss, loss


def failing_kl(bad):
    def divergence(mu, logvar):
        return bad(kl(mu, logvar).sum(1))

    return tv.check_kl, divergence


def failing_sampler(bad):
    def sample(mu, logvar, rng):
        return bad(mu + np.exp(0.5 * logvar) * rng.standard_normal(mu.shape))

    return tv.check_sampler, sample


def failing_objective(bad):
    def elbo(x, encode, decode):
        mu, logvar = encode(x)
        return bad(np.mean(((x - decode(mu)) ** 2).sum(1) + kl(mu, logvar).sum(1)))

    return tv.check_loss, elbo


@pytest.mark.parametrize(
    ("make", "at"),
    [(failing_loss, 60), (failing_kl, 60), (failing_sampler, 3), (failing_objective, 60)],
    ids=["loss", "kl", "sampler", "objective"],
)
def test_a_failure_at_a_later_call_is_told_in_words(make, at):
    check, function = make(BadDay(at))
    says = rf"{function.__name__} raised ValueError: a bad day\. .*call \d+"
    with pytest.raises(tv.TinyVAEError, match=says) as caught:
        check(function)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_function_that_takes_no_ordinary_mu_says_why():
    def picky(x, logits, mu, logvar):
        if np.abs(mu).max() > 3.0:
            raise ValueError("mu is too large")
        return np.mean(bce_logits(x, logits).sum(1) + kl(mu, logvar).sum(1))

    with pytest.raises(tv.TinyVAEError, match="mu is too large"):
        tv.check_loss(picky)


def test_a_loss_that_fails_at_every_shape_is_told_in_words(monkeypatch):
    bad = BadDay(10**9)
    check, loss = failing_loss(bad)
    measure = examine.measure

    def late(*arguments):
        bad.n = 0
        return measure(*arguments)

    monkeypatch.setattr(examine, "measure", late)
    with pytest.raises(tv.TinyVAEError, match=r"raised ValueError: a bad day\."):
        check(loss)
