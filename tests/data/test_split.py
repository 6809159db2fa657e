"""The test set is drawn by a seed, class by class, and moves few rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyvae.data.split import MOST, split_rows


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 300), st.integers(0, 9), st.integers(1, 12), st.booleans())
def test_every_row_is_in_one_part_and_classes_keep_their_shares(n, seed, kinds, labelled):
    labels = np.random.default_rng(seed).integers(0, kinds, n) if labelled else None
    train, test, stratified = split_rows(n, labels, seed)
    assert sorted([*train, *test]) == list(range(n))
    assert (np.diff(test) > 0).all()
    assert len(test) == max(1, n // 10) or (stratified and 1 <= len(test) < max(1, n // 10))
    moved = train != np.arange(len(train))
    assert moved.sum() <= len(test)
    assert (train[moved] >= len(train)).all()
    if stratified:
        sizes = np.bincount(labels, minlength=kinds)
        held = np.bincount(labels[test], minlength=kinds)
        assert (np.abs(held - len(test) * sizes / n) < 1 + 1e-9).all() or (sizes < 2).any()
        assert (held[sizes == 1] == 0).all()


def test_labels_that_are_all_different_do_not_decide():
    train, test, stratified = split_rows(50, np.arange(50), 0)
    assert not stratified
    assert (len(train), len(test)) == (45, 5)


def test_the_seed_decides():
    parts = [split_rows(100, None, seed)[1] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(parts[0], parts[1])
    assert not np.array_equal(parts[0], parts[2])


def test_every_row_has_the_same_chance():
    counts = np.zeros(20)
    for seed in range(2000):
        counts[split_rows(20, np.repeat([0, 1], 10), seed)[1]] += 1
    expected = 2000 * 0.1
    assert np.abs(counts - expected).max() < 4.5 * np.sqrt(expected)


@pytest.mark.parametrize("n", [99_999, 100_000, 400_000])
def test_a_large_set_gives_at_most_ten_thousand(n):
    assert len(split_rows(n, None, 0)[1]) == min(n // 10, MOST)
