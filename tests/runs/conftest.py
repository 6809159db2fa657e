"""Every test of a run is in a folder of its own, with data and a copy of the one run."""

from __future__ import annotations

import pytest
import run_folders
from run_folders import folder, run, trained  # noqa: F401

from tinyvae.training import loop


@pytest.fixture
def undrawn():
    """Leave out the pictures, which take the longest."""
    with run_folders.undrawn():
        yield


@pytest.fixture
def stop_after(monkeypatch):
    """Let the next runs be interrupted as by Ctrl-C, after the loop has looked so many times."""

    def prepare(looks):
        class Stop:
            signal = None

            def __init__(self):
                self.looked = 0

            def __enter__(self):
                return self

            def __exit__(self, *error):
                pass

            @property
            def requested(self):
                self.looked += 1
                return looks is not None and self.looked > looks

        monkeypatch.setattr(loop, "StopRequest", Stop)

    return prepare
