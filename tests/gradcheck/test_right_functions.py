"""400 right functions, 60 of them at kinks: none is called wrong, by any method."""

from __future__ import annotations

import pytest
from right_functions import AT_KINKS, CHAINS, random_chain

from tinyvae.gradcheck import check_gradients

METHODS = ("complex", "central", "directions")


def test_there_are_400():
    assert len(AT_KINKS) >= 60
    assert CHAINS + len(AT_KINKS) >= 400


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", AT_KINKS)
def test_every_gradient_at_a_kink_is_right(name, method):
    bent, x = AT_KINKS[name]
    report = check_gradients(bent.forward, bent.gradient, x, method=method)
    assert report.passed, report
    assert report.arrays[0].kinks


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("share", [-0.5, 1.5])
def test_no_gradient_beyond_is(method, share):
    for name, (bent, x) in list(AT_KINKS.items())[::6]:
        bent.share, kept = share, bent.share
        report = check_gradients(bent.forward, bent.gradient, x, method=method)
        bent.share = kept
        assert not report.passed, f"{name}\n{report}"


@pytest.mark.parametrize("ten", range(CHAINS // 10))
def test_right_chain_passes(ten):
    for seed in range(10 * ten, 10 * ten + 10):
        chain = random_chain(seed)
        gradient = chain.gradient if chain.loss else chain.backward
        for method in METHODS:
            report = check_gradients(chain.forward, gradient, chain.inputs, method=method)
            assert report.passed, f"{chain.names} {chain.loss} by {method}\n{report}"
