import math

import pytest

from tinyvae import VAE
from tinyvae.model.likelihoods import LIKELIHOODS, likelihood_class
from tinyvae.training.starts import start_sigma


def make(name, sigma=None):
    return VAE(3, (), 1, likelihood=name, sigma=sigma, dtype="float64", backend="reference")


def test_a_learned_sigma_starts_at_half_the_spread_unless_it_was_chosen_or_moved():
    defaults = {name: likelihood_class(name).default_sigma for name in LIKELIHOODS}
    assert defaults == dict.fromkeys(LIKELIHOODS, 1.0) | {"gaussian_learned": None}
    learned = make("gaussian_learned").observation
    start_sigma(learned, 3.0)
    assert learned.sigma == pytest.approx(1.5, rel=1e-15)
    start_sigma(learned, 8.0)
    assert learned.sigma == pytest.approx(1.5, rel=1e-15), "it began already"
    for spread in (0.0, math.inf, math.nan):
        still = make("gaussian_learned").observation
        start_sigma(still, spread)
        assert still.sigma == 1.0
    for name, sigma in (("gaussian_learned", 1.0), ("gaussian", None), ("gaussian", 0.3)):
        chosen = make(name, sigma).observation
        start_sigma(chosen, 3.0)
        assert chosen.sigma == pytest.approx(sigma or 1.0)


@pytest.mark.parametrize("name", sorted(LIKELIHOODS.keys() - {"gaussian_learned"}))
def test_other_likelihoods_stay_as_they_are(name):
    vae = make(name)
    before = vae.parameters.values.copy()
    start_sigma(vae.observation, 3.0)
    assert (vae.parameters.values == before).all()
