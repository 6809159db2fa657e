from __future__ import annotations

import numpy as np
import pytest

from tinyvae.gradcheck import check_gradients
from tinyvae.gradcheck.model import check_model, make_data
from tinyvae.gradcheck.operations import check_operations
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE
from tinyvae.ops import reference

ARCHITECTURES = {
    "one layer": {"hidden_dims": (5,)},
    "no hidden layer": {"hidden_dims": (), "latent_dim": 1},
    "deep tanh": {"hidden_dims": (5, 4), "activation": "tanh"},
    "lopsided softplus": {
        "hidden_dims": (6,), "decoder_hidden_dims": (3, 4), "activation": "softplus",
    },
    "sigmoid": {"hidden_dims": (4,), "latent_dim": 3, "activation": "sigmoid"},
}  # fmt: skip


def build(seed=0, nudge=0.2, **options):
    small = {"input_dim": 6, "hidden_dims": (5,), "latent_dim": 2, "dtype": "float64"}
    vae = VAE(**(small | {"seed": seed} | options))
    noise = np.random.default_rng(seed + 1).standard_normal(vae.parameters.size)
    vae.parameters.values[:] += nudge * noise
    if vae.likelihood == "poisson":  # rates are exponentials of what the decoder says
        vae.parameters[f"decoder.{vae.network.decoder.depth - 1}.weight"][:] *= 0.1
    return vae


@pytest.mark.parametrize("backend", ["reference", "numba"])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_complex_step_proves_every_array(name, likelihood, backend):
    vae = build(likelihood=likelihood, backend=backend, **ARCHITECTURES[name])
    for beta in (0.0, 1.0, 4.0):
        report = check_model(vae, beta=beta, beyond=False)
        assert report.passed, report
        for array in report.arrays:
            assert array.method == "complex step"
            assert array.checked == array.size
            assert array.error <= 1e-14, report
            assert array.worst.error <= 1e-10, report


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_central_differences_agree_within_their_own_error(name, likelihood):
    vae = build(likelihood=likelihood, backend="reference", **ARCHITECTURES[name])
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((8, vae.latent_dim))
    assert vae.loss(make_data(vae, 8, rng), noise).loss < 50
    report = check_model(vae, method="central", beyond=False)
    assert report.passed, report
    for array in report.arrays:
        assert array.error <= 3.0 * array.attainable
        assert array.error <= 1e-8


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_every_operation_is_right(backend):
    report = check_operations(backend)
    assert report.passed, report
    assert all(a.error <= 1e-14 and a.worst.error <= 1e-10 for a in report.arrays), report
    assert not [a for a in report.arrays if a.verdict == "skipped"]


def test_float32_model_is_copied_and_said_so():
    vae = build(dtype="float32", backend="reference")
    before = vae.parameters.values.copy()
    report = check_gradients(vae)
    assert report.passed, report
    assert "float32 model was copied to float64" in str(report)
    assert vae.parameters.values.dtype == np.float32
    assert np.array_equal(before, vae.parameters.values)


def test_data_and_files_are_taken(tmp_path):
    vae = build(backend="reference")
    vae.save(tmp_path / "vae.npz")
    bytes_ = np.random.default_rng(3).integers(0, 2, (20, 6)).astype(np.uint8) * 255
    assert check_model(tmp_path / "vae.npz", bytes_).passed
    assert check_gradients(vae, bytes_ / 255.0).passed


def test_large_model_is_crossed_by_directions_where_entries_are_few():
    vae = build(input_dim=100, hidden_dims=(60,), backend="reference")
    assert check_model(vae, beyond=False).arrays[0].coverage == "all 6,000"
    report = check_model(vae, beyond=False, entries=25)
    assert report.passed
    assert report.arrays[0].coverage == "25 of 6,000 + 3 directions"
    assert check_model(vae, method="directions", beyond=False).arrays[0].checked == 0


def test_forgotten_kl_is_named(monkeypatch):
    def nothing(mu, logvar):
        return 0.0 * mu, 0.0 * logvar

    vae = build(backend="reference")
    monkeypatch.setattr(reference, "kl_backward", nothing)
    report = check_model(vae, beta=3.0, beyond=False)
    for path in (report.arrays[:8], report.arrays[8:]):
        assert [a.verdict for a in path] == ["wrong"] * 4 + ["ok"] * 4
    assert "The gradient lacks the kl term" in str(report)


LOST_PATHS = {
    "reconstruction's path through mu": (
        "reparameterize_backward",
        lambda dz, logvar, noise: (0 * dz, 0.5 * dz * noise * np.exp(0.5 * logvar)),
    ),
    "reconstruction's path through logvar": (
        "reparameterize_backward", lambda dz, logvar, noise: (dz, 0 * dz),
    ),
    "kl's path through mu": (
        "kl_backward", lambda mu, logvar: (0 * mu, 0.5 * np.expm1(logvar)),
    ),
    "kl's path through logvar": ("kl_backward", lambda mu, logvar: (mu, 0 * mu)),
}  # fmt: skip


@pytest.mark.parametrize("method", ["complex", "central", "directions"])
@pytest.mark.parametrize("path", LOST_PATHS)
def test_forgotten_path_is_named(path, method, monkeypatch):
    vae = build(backend="reference", input_dim=4, hidden_dims=(3,))
    monkeypatch.setattr(reference, *LOST_PATHS[path])
    report = check_model(vae, beta=3.0, method=method, beyond=False)
    assert [f.saw for f in report.findings] == [f"The gradient lacks the {path}."], report
    assert all("encoder" in name for name in report.findings[0].arrays)
    assert sum(name.startswith("train_step: ") for name in report.findings[0].arrays) >= 1


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_gradient_that_trains_is_checked_by_itself(backend, monkeypatch):
    vae = build(backend=backend)
    step = VAE.train_step

    def slips(self, x, noise, adam, *arguments, **options):
        terms = step(self, x, noise, adam, *arguments, **options)
        self.parameters.view("encoder.1.weight", adam.m)[:, 2:] *= 2.0
        return terms

    monkeypatch.setattr(VAE, "train_step", slips)
    report = check_gradients(vae, beta=0.5)
    wrong = [a.name for a in report.arrays if a.verdict == "wrong"]
    assert wrong == ["train_step: encoder.1.weight"]
    assert not report.passed


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_claims_hold_for_a_right_model(backend):
    for likelihood in LIKELIHOODS:
        report = check_model(build(likelihood=likelihood, backend=backend, dtype="float32"))
        assert len(report.claims) == 6
        assert all(c.passed for c in report.claims), report


def test_sampling_with_the_variance_passes_the_gradient_check_and_fails_the_claims(monkeypatch):
    monkeypatch.setattr(
        reference, "reparameterize_forward", lambda mu, logvar, noise: mu + np.exp(logvar) * noise
    )
    monkeypatch.setattr(
        reference,
        "reparameterize_backward",
        lambda dz, logvar, noise: (dz, dz * noise * np.exp(logvar)),
    )
    report = check_model(build(backend="reference", nudge=0.5))
    assert all(a.verdict == "ok" for a in report.arrays)
    failed = {c.name for c in report.claims if not c.passed}
    assert "the sampler's variance is exp(logvar)" in failed
    assert "the KL term is that of what is sampled" in failed
    assert not report.passed
    assert "FAILS: the sampler's variance" in str(report)


def test_kl_of_another_distribution_fails_the_claims(monkeypatch):
    monkeypatch.setattr(
        reference, "kl_forward", lambda mu, logvar: 0.5 * (mu**2 + np.exp(logvar / 2) - 1 - logvar)
    )
    monkeypatch.setattr(
        reference, "kl_backward", lambda mu, logvar: (mu, 0.5 * (0.5 * np.exp(logvar / 2) - 1))
    )
    report = check_model(build(backend="reference", nudge=0.5))
    assert all(a.verdict == "ok" for a in report.arrays)
    failed = {c.name for c in report.claims if not c.passed}
    assert failed == {"the KL term is that of what is sampled", "the mean log weight is the ELBO"}
