"""Subnormal numbers become zero inside a training step, and nowhere else."""

import numpy as np
import pytest

from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
from tinyvae.ops.machine.jit import kernel
from tinyvae.ops.machine.subnormals import HAS_MODE, flush_subnormals, restore_mode

TINY = np.finfo(np.float32).tiny
pytestmark = pytest.mark.skipif(not HAS_MODE, reason="this processor has no such mode")


@kernel()
def halves(a, flushed, ordinary):
    mode = flush_subnormals()
    for i in range(a.size):
        flushed[i] = a[i] * a.dtype.type(0.5)
    restore_mode(mode)
    for i in range(a.size):
        ordinary[i] = a[i] * a.dtype.type(0.5)


def test_the_mode_holds_between_the_two_calls_and_not_after():
    a = np.full(40, TINY, np.float32)
    flushed, ordinary = np.empty_like(a), np.empty_like(a)
    halves(a, flushed, ordinary)
    assert not flushed.any()
    assert (ordinary == TINY / 2).all()
    assert np.float32(TINY) / np.float32(2) > 0  # and this thread's Python is as it was


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fused", [True, False])
def test_a_weight_without_a_gradient_costs_no_subnormal_steps(threads, fused):
    """A pixel that stays black: m of its weights shrinks by a tenth a step, down to zero."""
    vae = VAE(784, (64,), 2, threads=threads, seed=0)
    adam, rng = Adam(vae.parameters), np.random.default_rng(0)
    adam.m[:] = 1e-37
    x = (rng.random((64, 784)) > 0.5).astype(np.float32)
    x[:, :28] = 0.0
    black = slice(0, 28 * 64)  # rows of the first weight
    for _ in range(60):
        noise = rng.standard_normal((64, 2), dtype=np.float32)
        if fused:
            vae.train_step(x, noise, adam)
        else:
            vae.loss_and_gradients(x, noise)
            adam.step()
        assert not ((adam.m != 0) & (np.abs(adam.m) < TINY)).any()
    assert not adam.m[black].any()
    assert adam.m[28 * 64 :].any()
    x, noise = x[:1], noise[:1]
    vae.train_step(x, noise, adam)
    assert np.float32(TINY) / np.float32(2) > 0
