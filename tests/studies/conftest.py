"""Every study of the tests is small, and in a folder of its own with 60 rows of 16 pixels."""

from __future__ import annotations

import pytest
from run_folders import folder  # noqa: F401

from tinyvae import runs
from tinyvae.studies import study


@pytest.fixture
def small():
    """Options of a run that takes a few hundredths of a second."""
    return {
        "data": "mine.npy",
        "hidden_dims": (8,),
        "backend": "reference",
        "epochs": 3,
        "batch_size": 20,
        "learning_rate": 0.01,
    }


@pytest.fixture
def conduct(small):
    """Do a small study; more options override those of ``small``."""

    def call(place, **options):
        own = {"jobs": 1, "eval_samples": 3} | options
        return study(place, **small | own)

    return call


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out the pictures, which take the longest."""
    monkeypatch.setattr("tinyvae.studies.conduct.draw", lambda *arguments: [])


@pytest.fixture
def options(small):
    return runs.RunOptions(**small)
