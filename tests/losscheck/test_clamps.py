"""Clamps are found on each side, with the number where it bites; those far out are notes."""

from __future__ import annotations

import numpy as np
import pytest
from exhibit import bce, bce_logits, kl, sigmoid

import tinyvae as tv
from tinyvae.losscheck.clamps import Sides, harms


def of_probability(held):
    def loss(x, x_hat, mu, logvar):
        return np.mean(bce(x, held(x_hat)).sum(1) + kl(mu, logvar).sum(1))

    return loss


def of_mean(held):
    def loss(x, x_hat, mu, logvar):
        return np.mean(((x - held(x_hat)) ** 2).sum(1) + kl(mu, logvar).sum(1))

    return loss


def of_logits(held):
    def loss(x, logits, mu, logvar):
        return np.mean(bce_logits(x, held(logits)).sum(1) + kl(mu, logvar).sum(1))

    return loss


def of_sigmoid(held):
    def loss(x, logits, mu, logvar):
        return np.mean(bce(x, held(sigmoid(logits))).sum(1) + kl(mu, logvar).sum(1))

    return loss


def of_logvar(held):
    def loss(x, logits, mu, logvar):
        return np.mean(bce_logits(x, logits).sum(1) + kl(mu, held(logvar)).sum(1))

    return loss


def of_mu(held):
    def loss(x, logits, mu, logvar):
        return np.mean(bce_logits(x, logits).sum(1) + kl(held(mu), logvar).sum(1))

    return loss


def of_sigma(held):
    def loss(x, logits, mu, sigma):
        return np.mean(bce_logits(x, logits).sum(1) + kl(mu, 2 * np.log(held(sigma))).sum(1))

    return loss


def between(low, high):
    return lambda a: np.clip(a, low, high)


def at_least(low):
    return lambda a: np.maximum(a, low)


def at_most(high):
    return lambda a: np.minimum(a, high)


NAMED = [
    (of_probability(between(0.1, 0.9)), "x_hat is clamped to [0.1, 0.9]"),
    (of_probability(between(0.1, 0.8)), "x_hat is clamped to [0.1, 0.8]"),
    (of_probability(between(0.05, 1 - 1e-7)), "x_hat is clamped to at least 0.05"),
    (of_probability(at_most(0.7)), "x_hat is clamped to at most 0.7"),
    (of_mean(between(0.1, 0.8)), "x_hat is clamped to [0.1, 0.8]"),
    (of_mean(between(-1.0, 0.5)), "x_hat is clamped to [-1, 1/2]"),
    (of_logits(between(-1.0, 2.0)), "logits is clamped to [-1, 2]"),
    (of_sigmoid(between(0.1, 0.8)), "(a probability of 0.1), 1.386 (a probability of 0.8)]"),
    (of_logvar(between(-1.0, 0.5)), "logvar is clamped to [-1, 1/2]"),
    (of_logvar(at_least(-0.5)), "logvar is clamped to at least -1/2"),
    (of_mu(between(-2.0, 2.0)), "mu is clamped to [-2, 2]"),
    (of_sigma(at_least(0.5)), "sigma is clamped to at least 1/2"),
]


@pytest.mark.parametrize(("loss", "says"), NAMED, ids=[says for _, says in NAMED])
def test_a_clamp_that_training_meets_is_named_with_its_sides(loss, says):
    report = tv.check_loss(loss)
    assert [f.code for f in report.findings] == ["clamp"], report
    assert says in report.findings[0].saw
    assert report.beta == pytest.approx(1.0)


NOTED = [
    (of_mean(between(0.0, 1.0)), "x_hat is clamped to [0, 1]"),
    (of_mean(between(-1.0, 1.0)), "x_hat is clamped to [-1, 1]"),
    (of_mean(between(-6.0, 7.0)), "Where x_hat is about 7.01 or above"),
    (of_mean(between(-6.0, 7.0)), "Where x_hat is about -6.01 or below"),
    (of_logits(between(-10.0, 5.0)), "logits is about -10 or below with x = 1"),
    (of_sigma(at_least(1e-6)), "Where sigma is about 9.7"),
]


@pytest.mark.parametrize(("loss", "says"), NOTED, ids=[says for _, says in NOTED])
def test_a_clamp_far_out_is_noted_and_passes(loss, says):
    report = tv.check_loss(loss)
    assert report.passed, report
    assert any(says in note for note in report.notes), report


def test_a_small_width_is_held_from_below():
    notes = " ".join(tv.check_loss(of_sigma(at_least(1e-6))).notes)
    assert "e-07 or below, it is held back" in notes


def test_a_clamp_of_a_kl_alone():
    report = tv.check_kl(lambda mu, logvar: kl(mu, np.clip(logvar, -1.0, 0.3)).sum(1))
    assert "logvar is clamped to [-1, 0.3]" in report.findings[0].saw


def test_what_is_no_clamp_stays_unexplained():
    def squashed(x, x_hat, mu, logvar):
        return np.mean(((x - 0.5 - 0.3 * np.tanh(x_hat)) ** 4).sum(1) + kl(mu, logvar).sum(1))

    assert "unexplained" in [f.code for f in tv.check_loss(squashed).findings]


@pytest.mark.parametrize(
    ("reading", "sides", "expected"),
    [
        ("probability", Sides(1e-7, 1 - 1e-7), False),
        ("probability", Sides(1e-3, 1.0), True),
        ("probability", Sides(-np.inf, 0.99), True),
        ("mean", Sides(0.0, 1.0), False),
        ("logits", Sides(-4.5, np.inf), False),
        ("logits", Sides(-np.inf, 3.0), True),
        ("logvar", Sides(-3.0, np.inf), True),
        ("sigma", Sides(1e-3, np.inf), False),
        ("sigma", Sides(0.05, np.inf), False),
        ("sigma", Sides(0.2, np.inf), True),
        ("variance", Sides(0.01, np.inf), False),
        ("variance", Sides(0.03, np.inf), True),
    ],
)
def test_how_far_out_is_far_enough(reading, sides, expected):
    assert harms(reading, sides) is expected
