"""Every test of the command line is in a folder of its own; training there draws no pictures."""

from __future__ import annotations

import pytest
from run_folders import PLACE, folder, run, trained, undrawn  # noqa: F401


@pytest.fixture(autouse=True)
def plain_surroundings(folder, monkeypatch):  # noqa: F811
    """A wide terminal, no debugging, no pictures."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("TINYVAE_DEBUG", raising=False)
    with undrawn():
        yield


@pytest.fixture
def run_path(run):  # noqa: F811
    return PLACE.as_posix()
