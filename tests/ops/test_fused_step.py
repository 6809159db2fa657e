"""The fused step is loss_and_gradients followed by Adam, whatever the architecture."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import architectures, batch, objectives

from tinyvae.errors import NonFiniteLossError
from tinyvae.model.adam import Adam
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.training_step import FusedStep
from tinyvae.model.vae import VAE
from tinyvae.ops.machine import workers
from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.ops.reference import OBJECTIVES

TOLERANCE = {"float64": 1e-11, "float32": 2e-5}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(architectures, objectives, st.integers(1, 33), st.sampled_from([None, 1, 3]))
def test_one_call_does_what_two_do(architecture, objective, rows, samples):
    rng, tolerance = np.random.default_rng(rows), TOLERANCE[architecture["dtype"]]
    slow = VAE(**architecture, backend="numba", seed=2)
    slow.parameters.values[:] += 0.1 * rng.standard_normal(slow.parameters.size)
    fused = slow.copy()
    one, two = Adam(fused.parameters, 1e-2, epsilon=1e-3), Adam(slow.parameters, 1e-2, epsilon=1e-3)
    # A generous epsilon: m / sqrt(v) of a gradient that is all rounding would be noise of size one.
    for n in (rows, max(1, rows // 2), rows + 3):
        x, noise = batch(slow, n, rng, samples)
        labels = None if slow.n_classes is None else rng.integers(0, 3, n)
        terms = fused.train_step(x, noise, one, labels=labels, **objective)
        expected = slow.loss_and_gradients(x, noise, labels=labels, **objective)
        two.step()
        # The KL term is a small difference of numbers near one: absolute error, too.
        np.testing.assert_allclose(terms, expected, rtol=tolerance, atol=0.1 * tolerance)
    assert one.step_count == two.step_count == 3
    for ours, theirs in ((fused.parameters.values, slow.parameters.values), (one.m, two.m)):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, atol=tolerance * scale)


def test_the_whole_step_agrees_with_the_reference():
    rng = np.random.default_rng(0)
    fused = VAE(50, (31, 20), 4, activation="tanh", dtype="float64", seed=1)
    plain = fused.copy(backend="reference")
    one, two = Adam(fused.parameters), Adam(plain.parameters, backend="reference")
    for _ in range(20):
        x, noise = batch(fused, 17, rng)
        np.testing.assert_allclose(
            fused.train_step(x, noise, one), plain.train_step(x, noise, two), rtol=1e-10
        )
    np.testing.assert_allclose(fused.parameters.values, plain.parameters.values, atol=1e-9)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_any_number_of_threads_gives_the_same_bits(monkeypatch, likelihood):
    """Eight workers on whatever cores there are: they come in another order each time."""
    monkeypatch.setattr("tinyvae.ops.layout.MOST_THREADS", 8)
    monkeypatch.setattr(workers, "processors", lambda: 8)
    monkeypatch.setattr(workers, "_pool", workers._Pool())
    rng = np.random.default_rng(0)
    x = LIKELIHOODS[likelihood].example(rng, (96, 784)).astype(np.float32)
    noise = rng.standard_normal((96, 20), dtype=np.float32)
    weights = []
    for threads in (1, 2, 3, 8, 8):
        vae = VAE(784, (100,), 20, likelihood=likelihood, threads=threads)
        vae.parameters["decoder.1.weight"][:] *= 0.1  # a rate of exp(20) would blow up
        assert workers.threads_for(6e9, threads) == threads
        adam = Adam(vae.parameters)
        for _ in range(25 if likelihood == "bernoulli" else 4):
            vae.train_step(x, noise, adam)
        weights.append(vae.parameters.values)
    assert JIT_DISABLED or workers._pool.workers == 7
    for other in weights[1:]:
        np.testing.assert_array_equal(other, weights[0])


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_loss_is_the_same_bits_wherever_the_step_keeps_its_numbers(likelihood):
    """A resumed run may lay its memory out for another size of batch than the whole run did."""
    rng = np.random.default_rng(0)
    whole = VAE(12, (7,), 3, likelihood=likelihood, seed=5)
    x, noise = batch(whole, 16, rng)
    for n in (1, 2, 5):
        found = []
        for before in (n, 16):
            vae = whole.copy()
            adam = Adam(vae.parameters, 0.0)
            vae.train_step(x[:before], noise[:before], adam)
            found.append(vae.train_step(x[:n], noise[:n], adam))
        assert found[0] == found[1]


@pytest.mark.parametrize("backend", ["numba", "reference"])
def test_a_loss_that_is_not_finite_changes_nothing_and_is_named(backend):
    rng = np.random.default_rng(0)
    vae = VAE(12, (8,), 2, backend=backend)
    vae.parameters["decoder.0.weight"][1, 3] = np.inf
    before, adam = vae.parameters.values.copy(), Adam(vae.parameters, backend=backend)
    # Plain loops, with the compiler switched off, warn of what they meet on the way.
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteLossError, match=r"decoder\.0\.weight.*\(1, 3\)"),
    ):
        vae.train_step(*batch(vae, 5, rng), adam)
    np.testing.assert_array_equal(vae.parameters.values, before)
    assert adam.step_count == 0
    assert not adam.m.any()


def test_an_objective_that_the_kernel_does_not_know_stops_at_its_first_step():
    rng = np.random.default_rng(0)
    vae = VAE(6, (4,), 2, dtype="float64")
    before, x = vae.parameters.values.copy(), (rng.random((3, 6)) > 0.5) * 1.0
    unknown = SimpleNamespace(code=lambda: (len(OBJECTIVES), 1.0, -1.0))
    step = FusedStep(vae.architecture, vae.network)
    terms = step(x, rng.standard_normal((3, 2)), None, Adam(vae.parameters), unknown)
    assert np.isnan(terms.loss)
    np.testing.assert_array_equal(vae.parameters.values, before)
