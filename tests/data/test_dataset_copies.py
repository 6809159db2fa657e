"""A data set is copied and sent to another process whole."""

from __future__ import annotations

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

from tinyvae.data import DataSet, load_data

ROWS = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)


def same(came, truth):
    for name in ("train", "test", "train_labels", "test_labels"):
        mine, yours = getattr(came, name), getattr(truth, name)
        assert (mine is None) == (yours is None), name
        if yours is not None:
            assert mine.dtype == yours.dtype, name
            np.testing.assert_array_equal(mine, yours)
    assert (came.name, came.image_shape) == (truth.name, truth.image_shape)


@pytest.fixture(params=["array", "bundled", "file", "mapped"])
def data(request, tmp_path):
    if request.param == "bundled":
        return load_data("digits")
    if request.param == "file":
        np.savez(tmp_path / "x.npz", x=ROWS, y=np.arange(12) % 3)
        return load_data(tmp_path / "x.npz")
    if request.param == "mapped":
        np.save(tmp_path / "x.npy", ROWS.reshape(12, 64))
        rows = np.load(tmp_path / "x.npy", mmap_mode="r")
        return DataSet("mapped", rows[:10], rows[10:], None, None, None)
    return load_data(ROWS)


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
def test_copies_and_pickles(data, protocol):
    for twin in (copy.copy(data), copy.deepcopy(data), pickle.loads(pickle.dumps(data, protocol))):
        same(twin, data)


def test_a_deep_copy_shares_nothing(data):
    twin = copy.deepcopy(data)
    assert not np.shares_memory(twin.train, data.train)


def test_to_another_process_and_back():
    data = load_data(ROWS)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        same(pool.apply(copy.deepcopy, (data,)), data)
