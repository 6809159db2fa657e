"""A model in PyTorch has the same numbers; a foreign one becomes ours, or is refused with why."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinyvae.errors import ShapeError, UsageError
from tinyvae.export import from_torch, to_torch
from tinyvae.export.pytorch import EXAMPLE, ConversionError, measure
from tinyvae.ops.reference import ACTIVATIONS, LIKELIHOODS, kl_forward

torch = pytest.importorskip("torch", reason="the extra torch is not installed")

TOLERANCE = {"float32": 1e-6, "float64": 1e-13}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    ("activation", "likelihood", "n_classes"),
    [
        (activation, likelihood, (None, 3)[i % 2])
        for i, (activation, likelihood) in enumerate(itertools.product(ACTIVATIONS, LIKELIHOODS))
    ],
)
def test_a_module_has_the_same_numbers_and_comes_back_to_the_bit(
    activation, likelihood, n_classes, dtype, make_vae, make_x, rng
):
    vae = make_vae(
        6, (5, 4), activation=activation, likelihood=likelihood, n_classes=n_classes, dtype=dtype
    )
    module = to_torch(vae)
    labels = None if n_classes is None else rng.integers(0, 3, 9)
    x, z = make_x(likelihood).astype(dtype), rng.standard_normal((9, 2)).astype(dtype)
    ys = None if labels is None else torch.from_numpy(labels)
    with torch.no_grad():
        mu, logvar = module.encode(torch.from_numpy(x), ys)
        logits, *_ = module(torch.from_numpy(x), torch.from_numpy(z), ys)
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for came, truth in zip((mu, logvar), vae.encode(x, labels), strict=True):
        assert_allclose(came.numpy(), truth, **tolerance)
    latent = mu.numpy() + np.exp(logvar.numpy() / 2) * z
    assert_allclose(logits.numpy(), vae.decode(latent, labels), **tolerance)
    back = from_torch(module)
    assert_array_equal(back.parameters.values, vae.parameters.values)
    assert back.config == vae.config


def test_layers_without_hidden_ones(make_vae, make_x):
    vae = make_vae(6, (), n_classes=3)
    x, labels = make_x("bernoulli"), np.arange(9) % 3
    mu, _ = to_torch(vae).encode(torch.from_numpy(x), torch.from_numpy(labels))
    assert_allclose(mu.detach().numpy(), vae.encode(x, labels)[0], rtol=1e-12)


def test_the_module_can_be_trained_and_shares_no_memory(make_vae, make_x):
    vae = make_vae(likelihood="gaussian_learned")
    before = vae.parameters.values.copy()
    module = to_torch(vae)
    assert sum(p.numel() for p in module.parameters()) == vae.parameters.size
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 1.0
    assert_array_equal(vae.parameters.values, before)


def test_labels_go_with_a_conditional_model_only(make_vae):
    x, labels = torch.zeros((2, 6), dtype=torch.float64), torch.tensor([0, 1])
    for n_classes, given in ((None, labels), (3, None)):
        with pytest.raises(ValueError, match="labels go with a conditional model"):
            to_torch(make_vae(n_classes=n_classes)).encode(x, given)


# The layout of PyTorch's example -------------------------------------------------------------


def example(hidden=8, input_dim=6, latent=2, spread=1.0):
    """A module with the example's layers and random weights, logvar and all."""
    torch.manual_seed(3)
    layers = dict(zip(EXAMPLE, [(input_dim, hidden), (hidden, latent), (hidden, latent),
                                (latent, hidden), (hidden, input_dim)], strict=True))  # fmt: skip
    module = torch.nn.Module()
    for name, widths in layers.items():
        setattr(module, name, torch.nn.Linear(*widths, dtype=torch.float64))
    with torch.no_grad():
        module.fc22.weight *= spread
        module.fc22.bias *= spread
    return module


def numbers(module, x, noise):
    """What the example computes: relu, an unbounded logvar, logits before its sigmoid."""
    with torch.no_grad():
        h = torch.relu(module.fc1(torch.from_numpy(x)))
        mu, logvar = module.fc21(h), module.fc22(h)
        z = mu + torch.exp(0.5 * logvar) * torch.from_numpy(noise)
        logits = module.fc4(torch.relu(module.fc3(z)))
    return mu.numpy(), logvar.numpy(), z.numpy(), logits.numpy()


@pytest.mark.parametrize("as_state", [False, True])
def test_all_but_the_logvar_of_the_example_is_exact(as_state, make_x, rng):
    module, x = example(), make_x("bernoulli")
    source = module.state_dict() if as_state else module
    vae = from_torch(source, x, tolerance=1.0)
    mu, raw, z, logits = numbers(module, x, rng.standard_normal((9, 2)))
    assert_allclose(vae.encode(x)[0], mu, rtol=1e-12, atol=1e-14)
    assert_allclose(vae.encode(x)[1], 10 * np.tanh(raw / 10), rtol=1e-12, atol=1e-14)
    assert_allclose(vae.decode(z), logits, rtol=1e-12, atol=1e-13)


def test_the_difference_is_told_and_is_the_true_one(make_x):
    module, x = example(spread=12.0), make_x("bernoulli")
    noise = np.random.default_rng(0).standard_normal((9, 2))
    mu, raw, _, _ = numbers(module, x, noise)
    gap = np.abs(raw - 10 * np.tanh(raw / 10)).max()
    assert gap > 0.05
    elbo = []
    for logvar in (10 * np.tanh(raw / 10), raw):
        z = torch.from_numpy(mu + np.exp(logvar / 2) * noise)
        logits = module.fc4(torch.relu(module.fc3(z))).detach().numpy()
        loss = np.logaddexp(0, logits) - x * logits
        elbo.append(-(loss.sum(axis=1) + kl_forward(mu, logvar).sum(axis=1)).mean())
    with pytest.raises(ConversionError) as refused:
        from_torch(module, x)
    assert f"logvar differs by up to {gap:.3g}" in str(refused.value)
    assert f"{elbo[0] - elbo[1]:+.3g} nats" in str(refused.value)
    offered = float(re.search(r"tolerance=([\d.e-]+)", str(refused.value)).group(1))
    vae = from_torch(module, x, tolerance=offered)
    assert measure(vae, x).logvar == pytest.approx(gap)
    with pytest.raises(ConversionError):
        from_torch(module, x, tolerance=0.9 * gap)


def test_without_data_nothing_is_taken(make_x):
    with pytest.raises(UsageError, match="Pass data= to see how large"):
        from_torch(example())
    with pytest.raises(UsageError, match="expected a module of to_torch, or the layers fc1"):
        from_torch({"fc1.weight": torch.zeros(3, 3)}, make_x("bernoulli"))
    broken = example()
    broken.fc4 = torch.nn.Linear(8, 7, dtype=torch.float64)
    with pytest.raises(ShapeError, match="do not fit together"):
        from_torch(broken, make_x("bernoulli"), tolerance=1.0)


def test_a_logvar_that_is_zero_everywhere_is_exact(make_x):
    vae = from_torch(example(spread=0.0), make_x("bernoulli"))
    assert (vae.encode(make_x("bernoulli"))[1] == 0).all()
