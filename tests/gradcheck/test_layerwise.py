"""Steps at pre-activations measure every entry that steps at single weights do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import architectures

from tinyvae.gradcheck import layerwise, model, procedure
from tinyvae.gradcheck.differences import COMPLEX_STEP
from tinyvae.gradcheck.layerwise import Layerwise
from tinyvae.gradcheck.model import check_model, make_data
from tinyvae.model.layers import DenseNetwork
from tinyvae.model.objectives import make_objective
from tinyvae.model.vae import VAE

LOSSES = [
    {"name": "elbo", "beta": 0.7},
    {"name": "elbo", "free_bits": 0.05},
    {"name": "iwae"},
    {"name": "dreg"},
]


def batch(vae, rows, samples, rng):
    labels = None if vae.n_classes is None else rng.integers(0, vae.n_classes, rows)
    return make_data(vae, rows, rng), rng.standard_normal((rows * samples, vae.latent_dim)), labels


def entry_by_entry(vae, x, noise, labels, objective):
    """Im L / step, with a whole forward pass for every entry of every array."""
    twin = vae.copy(dtype="complex128", backend="reference")
    slopes = {}
    for name in twin.parameters:
        flat = twin.parameters[name].reshape(-1)
        found = np.empty(flat.size)
        for i in range(flat.size):
            before = flat[i]
            flat[i] += 1j * COMPLEX_STEP
            values = twin.network.forward(x, noise, labels)
            found[i] = np.imag(objective.forward(twin.network.ops, values.latent)) / COMPLEX_STEP
            flat[i] = before
        slopes[name] = found.reshape(twin.parameters[name].shape)
    return slopes


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    architectures.filter(lambda a: a["input_dim"] * sum(a["hidden_dims"], 1) < 200),
    st.sampled_from(LOSSES),
    st.integers(1, 4),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 1 << 21]),
)
def test_they_are_the_slopes_of_single_entries(architecture, loss, rows, samples, numbers):
    rng = np.random.default_rng(rows)
    vae = VAE(**architecture | {"dtype": "float64", "threads": 1}, seed=2)
    vae.parameters.values[:] += 0.05 * rng.standard_normal(vae.parameters.size)
    x, noise, labels = batch(vae, rows, samples, rng)
    objective = make_objective(**loss)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layerwise, "CHUNK_NUMBERS", numbers)
        steps = Layerwise(vae, x, noise, labels, objective)
        found = steps.slopes()
    expected = entry_by_entry(vae, x, noise, labels, objective)
    assert found.keys() == expected.keys()
    for name, slopes in expected.items():
        scale = max(float(np.abs(slopes).max()), 1e-6)
        np.testing.assert_allclose(found[name], slopes, rtol=0, atol=1e-11 * scale, err_msg=name)
    widths = vae.network.encoder.widths[1:], vae.network.decoder.widths[1:]
    learned = vae.likelihood == "gaussian_learned"
    assert steps.steps == rows * sum(widths[0]) + rows * samples * sum(widths[1]) + learned


@pytest.fixture
def few(monkeypatch):
    """Let models of a few hundred entries be large ones."""
    for module in (model, procedure):
        monkeypatch.setattr(module, "EVERY_ENTRY", 100)


def large(**options):
    return VAE(20, (9,), 3, dtype="float64", backend="reference", **options)


@pytest.mark.parametrize("options", [{}, {"likelihood": "gaussian_learned"}, {"n_classes": 3}])
def test_every_entry_of_a_large_model_is_checked(few, options):
    vae = large(**options)
    labels = {"labels": np.arange(8) % 3} if options.get("n_classes") else {}
    x = make_data(vae, 8, np.random.default_rng(0))
    report = check_model(vae, x, beyond=False, **labels)
    assert report.passed
    assert all(a.checked == a.size and a.method == "complex step" for a in report.arrays)
    some = check_model(vae, x, beyond=False, entries=7, **labels)
    assert some.passed
    assert max(a.checked for a in some.arrays) == 7


def test_one_wrong_entry_of_thousands_is_found(few, monkeypatch):
    backward = DenseNetwork.backward

    def slips(self, *arguments, **options):
        out = backward(self, *arguments, **options)
        if self.name == "decoder":
            self.parameters.gradient("decoder.1.weight")[5, 17] *= 1.001
        return out

    monkeypatch.setattr(DenseNetwork, "backward", slips)
    report = check_model(large(), beyond=False)
    wrong = [a for a in report.arrays if a.verdict == "wrong"]
    assert [a.name for a in wrong] == ["decoder.1.weight", "train_step: decoder.1.weight"]
    assert all(a.worst.index == (5, 17) for a in wrong)


def test_what_a_direction_does_not_confirm_is_not_used(few, monkeypatch):
    """Where a forward pass is not what this assumes, entries are sampled as before."""
    slopes = Layerwise.slopes

    def off(self):
        found = slopes(self)
        found["encoder.1.weight"][2, 2] += 1e-4 * np.abs(found["encoder.1.weight"]).max()
        return found

    monkeypatch.setattr(Layerwise, "slopes", off)
    report = check_model(large(), beyond=False)
    assert report.passed
    assert all(a.checked <= 25 for a in report.arrays)
