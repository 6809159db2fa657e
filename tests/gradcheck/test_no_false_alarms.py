"""Right gradients pass.  ``TINYVAE_EXAMPLES=4 pytest`` on this file tries four times as many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from right_functions import LAYERS, LOSSES, Chain

from tinyvae.gradcheck import check_gradients
from tinyvae.gradcheck.model import check_model
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE
from tinyvae.ops.reference import ACTIVATIONS

TIMES = int(os.environ.get("TINYVAE_EXAMPLES", "1"))
RELAXED = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@st.composite
def chains(draw):
    names = draw(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=5))
    widths = draw(st.lists(st.integers(1, 4), min_size=7, max_size=7))
    scale = 10.0 ** draw(st.integers(-3, 1))
    loss = draw(st.sampled_from([None, *LOSSES]))
    return Chain(names, widths, scale, loss, draw(st.integers(0, 2**31)))


def check(chain, **options):
    gradient = chain.gradient if chain.loss else chain.backward
    report = check_gradients(chain.forward, gradient, chain.inputs, **options)
    assert report.passed, f"{chain.names} {chain.loss}\n{report}"
    return report


@settings(max_examples=200 * TIMES, **RELAXED)
@given(chains())
def test_complex_step_never_cries_wolf(chain):
    check(chain)


@settings(max_examples=200 * TIMES, **RELAXED)
@given(chains())
def test_central_differences_never_cry_wolf(chain):
    check(chain, method="central")


@settings(max_examples=150 * TIMES, **RELAXED)
@given(chains(), st.sampled_from([0, 1, 2]))
def test_random_directions_never_cry_wolf(chain, seed):
    check(chain, method="directions", seed=seed)


@st.composite
def models(draw):
    widths = st.lists(st.integers(1, 6), max_size=3)
    return VAE(
        input_dim=draw(st.integers(1, 8)),
        hidden_dims=draw(widths),
        decoder_hidden_dims=draw(widths),
        latent_dim=draw(st.integers(1, 4)),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        likelihood=draw(st.sampled_from(list(LIKELIHOODS))),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        backend="reference",
        seed=draw(st.integers(0, 2**31)),
    )


@settings(max_examples=30 * TIMES, **RELAXED)
@given(models(), st.sampled_from([0.0, 0.5, 4.0]), st.sampled_from(["complex", "central"]))
def test_right_models_pass(vae, beta, method):
    report = check_model(vae, beta=beta, method=method, entries=6)
    assert report.passed, report
