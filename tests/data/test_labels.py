"""Labels of every usual kind become whole numbers; others are dropped with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tinyvae.data.labels import usable_labels

TRUTH = [2, 0, 1, 2]
WORDS = ["dog", "ant", "cat", "dog"]


@pytest.mark.parametrize(
    "labels",
    [
        TRUTH,
        np.array(TRUTH, np.uint8),
        np.array(TRUTH, ">i8"),
        np.array(TRUTH, float),
        np.array(TRUTH)[:, None],
        np.array(TRUTH)[None],
        np.array(TRUTH, object),
        np.eye(3)[TRUTH],
        np.eye(3, dtype=np.uint8)[TRUTH].T,
        pd.Series(TRUTH),
    ],
)
def test_numbers(labels):
    found = usable_labels(labels, 4, None, None)
    assert found.train.tolist() == TRUTH
    assert found.train.dtype == np.int64
    assert found.names is found.complaint is None


@pytest.mark.parametrize(
    "labels",
    [
        WORDS,
        np.array(WORDS, object),
        np.array(WORDS, "S3"),
        pd.Categorical(WORDS),
        pd.Series(WORDS, dtype="category"),
        pd.Series(WORDS),
        [b"dog", b"ant", b"cat", b"dog"],
    ],
)
def test_words(labels):
    found = usable_labels(labels, 4, None, None)
    assert found.train.tolist() == TRUTH
    assert found.names == ("ant", "cat", "dog")


def test_true_and_false():
    assert usable_labels(np.array([True, False]), 2, None, None).train.tolist() == [1, 0]


def test_both_parts_share_their_names():
    found = usable_labels(["b", "a"], 2, ["c", "b"], 2)
    assert (found.train.tolist(), found.test.tolist()) == ([1, 0], [2, 1])
    assert found.names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("train", "test", "reason"),
    [
        ([0, 1, 2], None, "3 for 4 rows"),
        ([0.5, 1, 2, 3], None, "fractions"),
        ([np.nan, 1, 2, 3], None, "fractions or NaN"),
        ([{}, 1, 2, 3], None, "object"),
        (["a", 1, 2, 3], None, "are 4|object|<U"),
        (np.zeros((4, 3)), None, "not one-hot"),
        (np.zeros(4, complex), None, "complex128"),
        (np.zeros(4, "M8[s]"), None, "datetime64"),
        (np.ma.masked_array([0, 1, 2, 3], [0, 0, 1, 0]), None, "missing"),
        (np.array([0, 1, 2, 2**63], np.uint64), None, "64 bits"),
        ([0, 1, 2, 3], ["a", "b"], "different kinds"),
        (None, [0, 1], "only the test set"),
    ],
)
def test_what_cannot_be_used_is_said(train, test, reason):
    found = usable_labels(train, 4, test, 2)
    if reason != "are 4|object|<U":  # a list of words and numbers is a list of words to NumPy
        assert found.train is found.test is None
        assert reason in found.complaint
    else:
        assert found.names == ("1", "2", "3", "a")
