"""A copy of a model, of its optimizer, or of both at once, is whole and trains on as they do."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from tinyvae.model.adam import Adam
from tinyvae.model.parameters import Parameters
from tinyvae.model.vae import VAE

WAYS = {
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": lambda it, protocol=protocol: pickle.loads(pickle.dumps(it, protocol))
        for protocol in (2, pickle.HIGHEST_PROTOCOL)
    },
}


@pytest.fixture(params=[*WAYS, "cloudpickle"])
def twin_of(request):
    """Each way of making a copy."""
    if request.param != "cloudpickle":
        return WAYS[request.param]
    cloudpickle = pytest.importorskip("cloudpickle")
    return lambda it: pickle.loads(cloudpickle.dumps(it))


KINDS = [
    {"backend": backend, "n_classes": n_classes, "likelihood": likelihood}
    for backend in ("numba", "reference")
    for n_classes in (None, 3)
    for likelihood in ("bernoulli", "gaussian_learned")
]


def make(**options):
    vae = VAE(6, (5,), 2, seed=3, sigma=0.7, **options)
    return vae, Adam(vae.parameters, 0.01, backend=vae.backend)


def train(vae, adam, steps=3, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        x = (rng.random((4, 6)) > 0.5).astype(vae.dtype)
        noise = rng.standard_normal((4, 2)).astype(vae.dtype)
        labels = None if vae.n_classes is None else rng.integers(0, vae.n_classes, 4)
        vae.train_step(x, noise, adam, labels=labels)
    return vae


def assert_whole(parameters):
    """Every name is a view into the vectors."""
    for name in parameters:
        assert np.shares_memory(parameters[name], parameters.values), name
        assert np.shares_memory(parameters.gradient(name), parameters.gradients), name
        assert parameters[name].shape == parameters.shapes[name]


def assert_same_and_apart(one, other):
    assert other.values.tobytes() == one.values.tobytes()
    assert other.gradients.tobytes() == one.gradients.tobytes()
    assert not np.shares_memory(one.values, other.values)
    assert not np.shares_memory(one.gradients, other.gradients)
    assert other.values.dtype == one.values.dtype


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_parameters(dtype, twin_of):
    parameters = Parameters({"a.weight": (2, 3), "a.bias": (3,), "none": (0,)}, dtype)
    parameters.values[:] = np.arange(9)
    parameters.gradients[:] = -np.arange(9)
    twin = twin_of(parameters)
    assert list(twin) == list(parameters)
    assert twin.offsets == parameters.offsets
    assert_same_and_apart(parameters, twin)
    for name in ("a.weight", "a.bias"):
        assert np.shares_memory(twin[name], twin.values)
        assert np.shares_memory(twin.gradient(name), twin.gradients)
    twin["a.bias"][:] = 50.0
    assert twin.values[6] == 50.0
    assert parameters.values[6] == 6.0


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_model_trains_on_like_its_original(kind, twin_of):
    vae, adam = make(**kind)
    train(vae, adam)
    twin = twin_of(vae)
    assert twin.config == vae.config
    assert_same_and_apart(vae.parameters, twin.parameters)
    assert_whole(twin.parameters)
    if "likelihood.log_sigma" in twin.parameters:
        learned = twin.parameters["likelihood.log_sigma"]
        assert np.shares_memory(twin.observation.log_sigma, learned)
        assert twin.observation.sigma == vae.observation.sigma
    fresh = [Adam(model.parameters, 0.01, backend=model.backend) for model in (vae, twin)]
    train(vae, fresh[0], seed=1)
    before = twin.parameters.values.copy()
    train(twin, fresh[1], seed=1)
    assert (before != twin.parameters.values).any()
    assert twin.parameters.values.tobytes() == vae.parameters.values.tobytes()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_model_and_its_optimizer_stay_together(kind, twin_of):
    vae, adam = make(**kind)
    train(vae, adam)
    twin, optimizer = twin_of((vae, adam))
    assert optimizer.parameters is twin.parameters
    assert optimizer.step_count == adam.step_count == 3
    for vector in ("m", "v"):
        ours, theirs = getattr(adam, vector), getattr(optimizer, vector)
        assert ours.tobytes() == theirs.tobytes()
        assert not np.shares_memory(ours, theirs)
    train(vae, adam, seed=1)
    train(twin, optimizer, seed=1)
    assert twin.parameters.values.tobytes() == vae.parameters.values.tobytes()
    assert optimizer.v.tobytes() == adam.v.tobytes()


@pytest.mark.parametrize("backend", ["numba", "reference"])
def test_an_optimizer_alone_keeps_its_parameters(backend, twin_of):
    vae, adam = make(backend=backend)
    train(vae, adam)
    twin = twin_of(adam)
    assert_same_and_apart(adam.parameters, twin.parameters)
    assert_whole(twin.parameters)
    for optimizer in (adam, twin):
        optimizer.parameters.gradients[:] = 0.5
        optimizer.step()
    assert_same_and_apart(adam.parameters, twin.parameters)
    assert twin.step_count == 4


def test_a_shallow_copy_shares_no_weights_by_halves():
    """``copy.copy`` of a model is a model: whatever it shares, names and vector agree."""
    vae, _ = make(backend="reference")
    twin = copy.copy(vae)
    assert_whole(twin.parameters)
    assert twin.network.parameters is twin.parameters
    pair = copy.copy(vae.parameters)
    assert_whole(pair)
    np.testing.assert_array_equal(pair.values, vae.parameters.values)


PROGRAM = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
from test_pickling import train
pairs = pickle.load(sys.stdin.buffer)
for pair in pairs:
    train(*pair, seed=1)
pickle.dump(pairs, sys.stdout.buffer)
"""


def test_another_process_trains_on_and_sends_back():
    pairs = [make(**kind) for kind in KINDS[1:4]] + [make(backend="reference")]
    for pair in pairs:
        train(*pair)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, os.path.dirname(__file__)],
        input=pickle.dumps(pairs),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    for (vae, adam), (twin, optimizer) in zip(pairs, pickle.loads(done.stdout), strict=True):
        train(vae, adam, seed=1)
        assert twin.parameters.values.tobytes() == vae.parameters.values.tobytes()
        assert optimizer.parameters is twin.parameters
        for again in ((vae, adam), (twin, optimizer)):
            train(*again, seed=2)
        assert twin.parameters.values.tobytes() == vae.parameters.values.tobytes()
        assert optimizer.m.tobytes() == adam.m.tobytes()
