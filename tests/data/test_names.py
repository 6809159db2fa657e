"""Arrays are found by the names people give; what is chosen and what is left is said."""

from __future__ import annotations

import pytest

from tinyvae.data.names import Member, choose
from tinyvae.errors import FileFormatError

PICTURES, VECTOR = Member((60, 28, 28), True), Member((60,), True)


@pytest.mark.parametrize("train", ["X", "x_train", "X-Train", "xTrain", "train_images", "imgs"])
@pytest.mark.parametrize("labels", ["y", "Y_train", "train_labels", "TARGET", "class"])
def test_case_and_punctuation_do_not_matter(train, labels):
    chosen, notes = choose({"ids": VECTOR, labels: VECTOR, train: PICTURES}, "f")
    assert chosen == {"train": train, "train_labels": labels}
    assert notes[-1] == "Not used: ids"


def test_a_test_set_comes_along():
    names = ["x_test", "y_test", "x_train", "y_train"]
    chosen, _ = choose(dict.fromkeys(names, PICTURES), "f")
    assert chosen == {
        "train": "x_train",
        "test": "x_test",
        "train_labels": "y_train",
        "test_labels": "y_test",
    }


def test_the_more_telling_name_wins():
    chosen, notes = choose({"data": PICTURES, "x_train": PICTURES}, "f")
    assert chosen["train"] == "x_train"
    assert "Not used: data" in notes


def test_the_only_matrix_is_taken():
    chosen, notes = choose({"ids": VECTOR, "faces": PICTURES, "who": Member((60, 2), False)}, "f")
    assert chosen == {"train": "faces"}
    assert notes[0] == "Data: array 'faces', (60, 28, 28)"


@pytest.mark.parametrize("there", [{}, {"a": PICTURES, "b": PICTURES}, {"a": VECTOR, "b": VECTOR}])
def test_no_guess_between_several(there):
    with pytest.raises(FileFormatError, match="none is called x_train"):
        choose(there, "f")
