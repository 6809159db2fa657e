"""The latent kernels are the reference put together, on the rows they are given and no others."""

import numpy as np
import pytest

from tinyvae.ops import reference
from tinyvae.ops.latent_rows import importance_rows, latent_backward_rows, latent_forward_rows

ROWS, LATENT, SAMPLES = 5, 3, [1, 4]
START, STOP = 1, 4  # the first row and the last one belong to other threads


@pytest.fixture(params=SAMPLES)
def forward(request, rng):
    """Return what ``latent_forward_rows`` was given and what it made, by name."""
    samples = request.param
    posterior = rng.normal(scale=2.0, size=(ROWS, 2 * LATENT))
    posterior[2, LATENT:] = [9.0, -12.0, 0.0]  # where the bound of logvar bends
    noise = rng.standard_normal((ROWS * samples, LATENT))
    logvar, std, kl = np.full((3, ROWS, LATENT), np.nan)
    z, kl_of_row = np.full_like(noise, np.nan), np.full(ROWS, np.nan)
    latent_forward_rows(posterior, noise, logvar, std, z, kl, kl_of_row, samples, START, STOP)
    return {
        "samples": samples, "posterior": posterior, "noise": noise, "logvar": logvar, "std": std,
        "kl": kl, "z": z, "kl_of_row": kl_of_row,
    }  # fmt: skip


def mine(array, samples=1):
    return array[START * samples : STOP * samples]


def others(array, samples=1):
    return np.concatenate([array[: START * samples], array[STOP * samples :]])


def expected_forward(case):
    k = case["samples"]
    mu, raw = case["posterior"][:, :LATENT], case["posterior"][:, LATENT:]
    logvar = reference.bound_logvar_forward(raw)
    mus, logvars = (np.repeat(array, k, axis=0) for array in (mu, logvar))
    kl = reference.kl_forward(mu, logvar)
    return {
        "logvar": logvar,
        "std": np.exp(0.5 * logvar),
        "kl": kl,
        "kl_of_row": kl.sum(axis=1),
        "z": reference.reparameterize_forward(mus, logvars, case["noise"]),
    }


def test_forward_is_the_reference_on_its_rows(forward):
    for name, expected in expected_forward(forward).items():
        k = forward["samples"] if name == "z" else 1
        found = forward[name]
        np.testing.assert_allclose(mine(found, k), mine(expected, k), rtol=1e-12, err_msg=name)
        assert np.isnan(others(found, k)).all(), name


def weighed(case, reconstruction):
    k = case["samples"]
    log_w, weight = np.full((2, ROWS, k), np.nan)
    bound = np.full(ROWS, np.nan)
    importance_rows(
        reconstruction, case["logvar"], case["noise"], case["z"], log_w, weight, bound,
        np.empty(LATENT), START, STOP,
    )  # fmt: skip
    return log_w, weight, bound


def test_samples_are_weighed_like_the_reference(forward, rng):
    k = forward["samples"]
    reconstruction = rng.normal(900.0, 20.0, ROWS * k)  # exp(-900) is zero
    log_w, weight, bound = weighed(forward, reconstruction)
    truth = reference.log_weight_forward(
        reconstruction, np.repeat(forward["logvar"], k, axis=0), forward["noise"], forward["z"]
    ).reshape(ROWS, k)
    np.testing.assert_allclose(mine(log_w), mine(truth), rtol=1e-12)
    normalized = reference.importance_bound_backward(mine(truth))
    np.testing.assert_allclose(mine(weight), normalized, rtol=1e-9)
    np.testing.assert_allclose(mine(weight).sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(
        mine(bound), reference.importance_bound_forward(mine(truth)), rtol=1e-12
    )
    for found in (log_w, weight, bound):
        assert np.isnan(others(found)).all()


def expected_backward(case, objective, dz, weight, dkl):
    """Return dposterior from the formulas: every term of the objective written out."""
    k = case["samples"]
    mu, logvar = case["posterior"][:, :LATENT], case["logvar"]
    logvars, flat = np.repeat(logvar, k, axis=0), weight.reshape(-1)[:, None]
    noise, z, sigma = case["noise"], case["z"], np.exp(0.5 * logvars)
    entropy = np.zeros_like(z)
    if objective == "iwae":
        dz, entropy = dz + flat * z / ROWS, -0.5 * flat / ROWS + entropy
    elif objective != "elbo":
        dz = dz + flat * (z - noise / sigma) / ROWS
    if objective == "dreg":
        dz = dz * flat
    dlogvars = dz * noise * sigma / 2.0 + entropy
    dmu, dlogvar = (a.reshape(ROWS, k, LATENT).sum(axis=1) for a in (dz, dlogvars))
    if objective == "elbo":
        dmu, dlogvar = dmu + dkl * mu, dlogvar + dkl * np.expm1(logvar) / 2.0
    return np.hstack([dmu, dlogvar * (1.0 - (logvar / 10.0) ** 2)])


@pytest.mark.parametrize("objective", reference.OBJECTIVES)
def test_backward_is_every_term_of_the_objective(objective, forward, rng):
    k = forward["samples"]
    for name in ("logvar", "std", "z", "kl"):  # of the rows that others have done
        forward[name] = expected_forward(forward)[name]
    weight = rng.dirichlet(np.ones(k), ROWS) if k > 1 else rng.random((ROWS, 1))
    dz, dkl = rng.standard_normal((ROWS * k, LATENT)), rng.random(LATENT)
    expected = expected_backward(forward, objective, dz, weight, dkl)
    dposterior = np.full((ROWS, 2 * LATENT), np.nan)
    latent_backward_rows(
        reference.OBJECTIVES.index(objective), dz.copy(), forward["posterior"], forward["logvar"],
        forward["std"], forward["noise"], forward["z"], weight, 1.0 / ROWS, dkl, dposterior,
        START, STOP,
    )  # fmt: skip
    np.testing.assert_allclose(mine(dposterior), mine(expected), rtol=1e-11, atol=1e-14)
    assert np.isnan(others(dposterior)).all()
