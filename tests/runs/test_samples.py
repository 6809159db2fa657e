"""Samples as numbers and as a picture, many or few."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from run_folders import contents

from tinyvae import plots, runs
from tinyvae.errors import SizeError, UsageError
from tinyvae.model import codes
from tinyvae.model.vae import VAE


def test_samples_are_the_models_own_with_the_same_noise_for_every_scale(run):
    one = runs.sample(run.folder, 5, scales=[0.5], seed=3)
    several = runs.sample(run.folder, 5, scales=[0.5, 2.0], seed=3)
    expected = [run.vae.sample(5, scale=scale, seed=3) for scale in (0.5, 2.0)]
    assert np.array_equal(np.load(one.array), expected[0])
    assert np.array_equal(np.load(several.array), expected)
    assert (one.array.name, several.array.name) == ("sample.npy", "sample-2.npy")
    assert one.picture is None


@pytest.mark.parametrize("scales", [[1.0], [0.5, 1.0]])
@pytest.mark.parametrize("draw", [True, False])
def test_samples_of_images_are_drawn(monkeypatch, scales, draw):
    figures = []
    save = plots.save
    monkeypatch.setattr(plots, "save", lambda f, path: figures.append(f) or save(f, path))
    VAE(64, (8,), 2, backend="reference").save("lone.npz")
    written = runs.sample("lone.npz", 4, scales=scales, draw=draw, output="dreams.png")
    assert written.picture.read_bytes().startswith(b"\x89PNG")
    array = np.load("dreams.npy")
    assert (set(np.unique(array)) == {0.0, 1.0}) == draw
    shown = np.ma.compressed(np.ma.masked_invalid(figures[0].axes[0].images[0].get_array()))
    assert np.array_equal(np.sort(shown), np.sort(array.ravel()))


def test_samples_overwrite_nothing(run, folder):
    (folder / "dreams.npy").write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"dreams\.npy"):
        runs.sample(run.folder, output="dreams")
    assert (folder / "dreams.npy").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "arguments", [{"n": 0}, {"scales": []}, {"scales": [-1.0]}, {"scales": [np.nan]}, {"seed": -1}]
)
def test_bad_sample_arguments(run, arguments):
    with pytest.raises(SizeError):
        runs.sample(run.folder, **arguments)


def lone(rows=64):
    vae = VAE(rows, (8,), 2, backend="reference")
    vae.save("lone.npz")
    return vae


@pytest.mark.parametrize("draw", [True, False])
def test_many_are_those_of_the_model(monkeypatch, draw):
    vae = lone()
    expected = [vae.sample(20, scale=scale, seed=3, draw=draw) for scale in (0.5, 1.0)]
    monkeypatch.setattr(codes, "CHUNK_NUMBERS", 7 * 64)
    sizes = [len(chunk) for chunk in vae.samples(20)]
    assert sizes == [7, 7, 6]
    written = runs.sample("lone.npz", 20, scales=[0.5, 1.0], seed=3, draw=draw, output="many")
    came = np.load(written.array)
    assert came.dtype == np.float32
    if draw:
        np.testing.assert_array_equal(came, expected)
        assert len(np.unique(came[0], axis=0)) > 10, "no chunk is like another"
    else:
        np.testing.assert_allclose(came, expected, atol=1e-6)


def test_a_picture_shows_the_first_of_many(monkeypatch):
    figures = []
    save = plots.save
    monkeypatch.setattr(plots, "save", lambda f, path: figures.append(f) or save(f, path))
    monkeypatch.setattr("tinyvae.plots.images.MAX_TILES", 12)
    lone()
    one = runs.sample("lone.npz", 50)
    several = runs.sample("lone.npz", 50, scales=[0.5, 1.0, 2.0])
    assert (one.shown, several.shown) == (12, 4)
    for written, figure in zip((one, several), figures, strict=True):
        axes = figure.axes[0]
        array = np.load(written.array).reshape(-1, 50, 64)[:, : written.shown]
        shown = np.ma.compressed(np.ma.masked_invalid(axes.images[0].get_array()))
        assert np.array_equal(np.sort(shown), np.sort(array.ravel()))
        assert f"the first {written.shown} of 50" in axes.get_title()


@pytest.mark.parametrize("n", [10**12, 10**21, 10**400], ids=["12", "21", "400"])
def test_absurd_numbers_are_refused_before_anything_is_made(folder, n):
    lone()
    before = contents(folder)
    with pytest.raises(SizeError, match=r"would take .* GB, and .* has room for|at most"):
        runs.sample("lone.npz", n)
    assert contents(folder) == before


@pytest.mark.parametrize("scale", [1e40, 1e300])
def test_a_scale_that_overflows_is_refused(folder, scale):
    lone()
    before = contents(folder)
    with pytest.raises(SizeError, match="so large that the decoder overflows"):
        runs.sample("lone.npz", scales=[1.0, scale])
    assert contents(folder) == before


def test_two_at_once_write_two_pairs(folder):
    lone()
    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(lambda seed: runs.sample("lone.npz", 4, seed=seed), range(6)))
    assert len({w.array for w in written}) == len({w.picture for w in written}) == 6
    vae = VAE.load("lone.npz")
    for seed, w in enumerate(written):
        assert np.array_equal(np.load(w.array), vae.sample(4, seed=seed))
        assert w.picture.stat().st_size
