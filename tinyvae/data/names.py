"""Which array of an archive is what, by the names people give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tinyvae.errors import FileFormatError

# Keras', scikit-learn's, PyTorch's and MATLAB's habits, as they read in small letters alone.
_ROLES = {
    "train": (
        *("xtrain", "trainx", "train", "trainimages", "imagestrain", "traindata", "datatrain"),
        *("trainingimages", "x", "images", "image", "imgs", "img", "data", "features", "inputs"),
    ),
    "test": ("xtest", "testx", "test", "testimages", "imagestest", "testdata", "datatest"),
    "train_labels": (
        *("ytrain", "trainy", "trainlabels", "labelstrain", "traintargets", "targetstrain"),
        *("y", "labels", "label", "targets", "target", "classes", "class"),
    ),
    "test_labels": (
        *("ytest", "testy", "testlabels", "labelstest", "testtargets", "targetstest"),
        "testtarget",
    ),
}


class Member(NamedTuple):
    """What is known of a member of an archive before it is read.

    Its shape, whether it holds numbers, and whether it is an array at all.
    """

    shape: tuple[int, ...]
    numbers: bool
    array: bool = True


def choose(there: Mapping[str, Member], source: object) -> tuple[dict[str, str], list[str]]:
    """Return which name plays which role, and notes that say so.

    Names are compared without case and punctuation: ``X_train``, ``x-train`` and ``xTrain`` are
    one.  Where no name is known, the only array of numbers with two to four dimensions is taken.

    Raises
    ------
    FileFormatError
        If there is none, or several.
    """
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(list(there))}
    roles = {
        role: next((plain[word] for word in words if word in plain), None)
        for role, words in _ROLES.items()
    }
    chosen = {role: name for role, name in roles.items() if name is not None}
    notes = []
    if "train" not in chosen:
        pictures = [
            name
            for name, member in there.items()
            if member.numbers and 2 <= len(member.shape) <= 4 and name not in chosen.values()
        ]
        if len(pictures) != 1 and len(there) != 1:
            held = ", ".join(f"{name} {member.shape}" for name, member in there.items())
            raise FileFormatError(
                f"{source} holds the arrays {held or '(none)'}, and none is called x_train, x, "
                "images, data or another name that says it is the one to train on: save it again "
                "with that one as x."
            )
        chosen["train"] = pictures[0] if pictures else next(iter(there))
    for role, name in chosen.items():
        notes.append(f"{_SPOKEN[role]}: array {name!r}, {there[name].shape}")
    left = [name for name in there if name not in chosen.values()]
    if left:
        notes.append(f"Not used: {', '.join(left)}")
    return chosen, notes


_SPOKEN = {
    "train": "Data",
    "test": "Test data",
    "train_labels": "Labels",
    "test_labels": "Labels of the test data",
}
