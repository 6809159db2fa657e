"""A chunk of rows at a time gives what one call gives, bit for bit, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvae import errors
from tinyvae.model import codes
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.model.vae import VAE

ROWS = 23
#: Numbers of the widest layer, of 6: chunks of 1, 5 and 22 rows, and all at once.
CHUNKS = (6, 30, 132, 1 << 19)


def everything(vae, x, labels=None):
    """What every method that works in chunks returns."""
    noise = np.random.default_rng(1).standard_normal((ROWS, vae.latent_dim))
    return [
        *vae.encode(x, labels),
        vae.decode(noise, labels),
        vae.decode_mean(noise, labels),
        vae.reconstruct(x, labels),
        vae.sample(ROWS, seed=2, scale=1.5, label=labels),
        vae.sample(ROWS, seed=2, label=labels, draw=True),
        vae.sample(ROWS, noise=noise, label=labels, draw=True, seed=4),
    ]


@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_no_result_depends_on_the_chunk(
    make_vae, make_x, monkeypatch, likelihood, dtype, n_classes
):
    options = {"dtype": dtype, "backend": "numba", "likelihood": likelihood}
    vae, x = make_vae(n_classes=n_classes, **options), make_x(likelihood, ROWS)
    labels = None if n_classes is None else np.arange(ROWS) % n_classes
    found = []
    for numbers in CHUNKS:
        monkeypatch.setattr(codes, "CHUNK_NUMBERS", numbers)
        found.append(everything(vae, x, labels))
    for other in found[:-1]:
        for came, whole in zip(other, found[-1], strict=True):
            np.testing.assert_array_equal(came, whole)


def test_chunks_and_one_call_are_bit_identical_at_a_real_size(monkeypatch):
    rng = np.random.default_rng(0)
    vae = VAE(784, (400,), 20, seed=1)
    x = rng.integers(0, 256, (1500, 784), dtype=np.uint8)
    many = vae.encode(x), vae.reconstruct(x), vae.sample(1500, seed=1)
    monkeypatch.setattr(codes, "CHUNK_NUMBERS", 1 << 30)
    whole = vae.encode(x), vae.reconstruct(x), vae.sample(1500, seed=1)
    for came, expected in zip((*many[0], *many[1:]), (*whole[0], *whole[1:]), strict=True):
        np.testing.assert_array_equal(came, expected)


def test_the_reference_differs_by_no_more_than_its_matrix_products(make_vae, make_x, monkeypatch):
    vae, x = make_vae(), make_x("bernoulli", ROWS)
    whole = everything(vae, x)
    monkeypatch.setattr(codes, "CHUNK_NUMBERS", 30)
    for came, expected in zip(everything(vae, x), whole, strict=True):
        np.testing.assert_allclose(came, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    "stored",
    [
        np.uint8,
        np.int64,
        lambda x: (x > 127).astype(np.int64),
        lambda x: (x / 255).astype(np.float32),
        lambda x: x / 255 * (1 + 3e-16),
        lambda x: np.asfortranarray(x / 255),
        lambda x: x.astype(np.uint8).tolist(),
    ],
)
def test_numbers_mean_the_same_in_every_chunk(make_vae, monkeypatch, stored):
    vae = make_vae(likelihood="continuous_bernoulli", backend="numba", dtype="float64")
    # The first rows, alone, would be read as 0 and 1.
    x = np.arange(ROWS * 6).reshape(ROWS, 6) * 255.0 / (ROWS * 6 - 1)
    x[0] = [0, 1, 1, 0, 1, 0]
    x = stored(x.round()) if stored is not np.uint8 else x.round().astype(np.uint8)
    whole = vae.encode(x)
    monkeypatch.setattr(codes, "CHUNK_NUMBERS", 6)
    for came, expected in zip(vae.encode(x), whole, strict=True):
        np.testing.assert_array_equal(came, expected)


@pytest.mark.parametrize(
    ("likelihood", "wrong"),
    [("continuous_bernoulli", 1.5), ("gaussian", np.nan), ("poisson", 0.5), ("poisson", -1.0)],
)
def test_a_wrong_number_is_named_by_its_own_row(make_vae, monkeypatch, likelihood, wrong):
    monkeypatch.setattr(codes, "CHUNK_NUMBERS", 6)
    x = np.ones((ROWS, 6))
    x[17, 2] = wrong
    for method in ("encode", "reconstruct"):
        with pytest.raises(errors.DataError, match=r"x holds .* at row 17, column 2"):
            getattr(make_vae(likelihood=likelihood), method)(x)
    noise = np.zeros((ROWS, 2))
    noise[17, 1] = np.nan
    with pytest.raises(errors.DataError, match="noise holds nan at row 17, column 1"):
        make_vae().sample(ROWS, noise=noise)


def test_without_a_seed_every_sample_is_new_and_a_seed_gives_the_same_again(make_vae):
    vae = make_vae()
    assert (vae.sample(4) != vae.sample(4)).any()
    assert (vae.sample(4, draw=True, scale=0.0) != vae.sample(4, draw=True, scale=0.0)).any()
    for draw in (False, True):
        first = vae.sample(9, seed=3, draw=draw)
        np.testing.assert_array_equal(vae.sample(9, seed=3, draw=draw), first)
        np.testing.assert_array_equal(vae.sample(5, seed=3, draw=draw), first[:5])
        assert (vae.sample(9, seed=4, draw=draw) != first).any()


def test_draws_are_not_the_noise_again(make_vae):
    vae = make_vae(likelihood="gaussian", nudge=0.0, latent_dim=6)
    z = np.random.default_rng(3).standard_normal((500, 6))
    residual = vae.sample(500, seed=3, draw=True) - vae.sample(500, seed=3)
    correlation = np.corrcoef(residual.ravel(), z.ravel())[0, 1]
    assert abs(correlation) < 4.0 / np.sqrt(z.size)


_CHILD = """
import numpy as np
import tinyvae as tv

N = {rows}


def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def beside(call):
    call(3)  # compiles, or loads the kernels
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forget the peak
    before = status("VmRSS:")
    out = call(N)
    sizes = sum(a.nbytes for a in (out if isinstance(out, tuple) else (out,)))
    return status("VmHWM:") - before - sizes / 2**20


grey = np.random.default_rng(0).integers(0, 256, (N, 784), dtype=np.uint8)
floats = grey.astype(np.float64) / 255
counts = grey.astype(np.int64)
z = np.zeros((N, 20), np.float32)
bernoulli = tv.VAE(784, (40,), 20)
poisson = tv.VAE(784, (40,), 20, likelihood="poisson")
for call in (
    lambda n: bernoulli.encode(grey[:n]),
    lambda n: bernoulli.encode(floats[:n]),
    lambda n: bernoulli.decode(z[:n]),
    lambda n: bernoulli.sample(n, draw=True),
    lambda n: poisson.reconstruct(counts[:n]),
):
    print(beside(call))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
def test_memory_beside_input_and_output_does_not_grow_with_the_rows():
    rows = 15_000
    done = subprocess.run(
        [sys.executable, "-c", _CHILD.format(rows=rows)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    taken = [float(line) for line in done.stdout.split()]
    assert len(taken) == 5
    # Half of what one whole copy in float32 takes.
    assert max(taken) < rows * 784 * 4 / 2**20 / 2
