from __future__ import annotations

import pytest

from tinyvae.losscheck.powers import fit_powers

SIZES = [
    {"batch": b, "input_dim": d, "latent_dim": k}
    for b, d, k in [(3, 5, 2), (7, 5, 2), (3, 11, 2), (3, 5, 4), (5, 11, 3), (4, 784, 20)]
]
TOLD = {"batch": 128, "input_dim": 784, "latent_dim": 20}


@pytest.mark.parametrize("powers", [(0, 0, 0), (1, -1, 0), (0, 0, -1), (-1, 0, 1), (0.5, 0, 0)])
@pytest.mark.parametrize("factor", [1.0, -0.5, 0.00025])
def test_exponents_are_fitted(powers, factor):
    b, d, k = powers
    weights = [factor * s["batch"] ** b * s["input_dim"] ** d * s["latent_dim"] ** k for s in SIZES]
    law = fit_powers(weights, SIZES, [1e-13] * len(SIZES))
    assert law.is_power
    assert law.factor == pytest.approx(factor, rel=1e-12)
    assert [law.power(n) for n in ("batch", "input_dim", "latent_dim")] == list(powers)
    assert law.at(TOLD) == pytest.approx(factor * 128**b * 784**d * 20**k)


def test_what_is_no_power_is_not_called_one():
    weights = [1.0 + 1.0 / s["input_dim"] for s in SIZES]
    assert not fit_powers(weights, SIZES, [1e-13] * len(SIZES)).is_power


def test_spelled_at_sizes_and_by_symbols():
    law = fit_powers([0.5 / s["input_dim"] for s in SIZES], SIZES, [1e-13] * len(SIZES))
    assert law.spell(TOLD) == "0.5/784"
    assert law.symbols() == "1/2 / input_dim"
