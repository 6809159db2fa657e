"""The bug museum's pieces are right, and each of its tools sees what it is for."""

import numpy as np
import pytest

from tinyvae.ops import reference
from tinyvae.teaching.museum import RIGHT, TOOLS, train
from tinyvae.teaching.museum.training import WIDTHS, _begin, _loss_and_gradients


def wrong_kl(mu, logvar):
    return 2 * reference.kl_forward(mu, logvar).sum(axis=1)


WRONG = {
    "gradients": {"linear_layer_backward": lambda dh, x, w, b: (dh @ w.T, x.T @ dh, 2 * dh.sum(0))},
    "moments": {"draw_noise": lambda rng, n, k: np.tile(rng.standard_normal(k), (n, 1))},
    "KL by drawing": {"kl": wrong_kl},
    "exact model": {"kl": wrong_kl},
    "step size": {"adam": lambda w, g, m, v, t, rate=0.1: (w - 2 * rate * np.sign(g), m, v)},
    "loss": {"kl": wrong_kl},
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_passes_what_is_right_and_objects_to_what_is_wrong(name):
    assert not TOOLS[name](RIGHT)
    assert TOOLS[name](RIGHT | WRONG[name])


def test_the_trained_networks_gradient_is_the_slope_of_its_loss():
    rng = np.random.default_rng(0)
    x = (rng.random((5, 784)) < 0.5).astype(float)
    noise = rng.standard_normal((5, 10))
    w = {name: array + 0.1 * rng.standard_normal(array.shape)
         for name, array in _begin(rng, x).items()}  # fmt: skip
    gradients = _loss_and_gradients(RIGHT, w, x, noise)[1]
    assert gradients.keys() == w.keys()
    assert len(w) == 2 * len(WIDTHS)
    for name, array in w.items():
        step = 1e-5 * rng.standard_normal(array.shape)
        ahead, behind = (
            _loss_and_gradients(RIGHT, w | {name: array + sign * step}, x, noise)[0]
            for sign in (1, -1)
        )
        np.testing.assert_allclose((gradients[name] * step).sum(), (ahead - behind) / 2, rtol=1e-6)


def test_training_lowers_the_loss_and_a_bug_is_put_in():
    right, doubled = train({}, epochs=2), train({"kl": wrong_kl}, epochs=2)
    assert right.losses[1] < right.losses[0] - 5
    assert right.samples.shape == right.reconstructions.shape == (8, 784)
    assert doubled.losses[0] > right.losses[0]
    np.testing.assert_array_equal(right.losses, train({}, epochs=2).losses)
