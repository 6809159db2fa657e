"""What a bug report says about the machine."""

from __future__ import annotations

import importlib.metadata
import sys

from tinyvae.ops.machine.about import about_machine
from tinyvae.ops.machine.jit import JIT_DISABLED, LANES
from tinyvae.ops.machine.workers import cores


def test_it_says_what_is_installed_and_what_runs(monkeypatch):
    monkeypatch.setenv("TINYVAE_DATA_DIR", "/somewhere")
    found = about_machine()
    assert found["Versions"]["python"] == sys.version.split()[0]
    for package in ("tinyvae", "numpy", "numba"):
        assert found["Versions"][package] == importlib.metadata.version(package)
    machine = found["Machine"]
    assert machine["vectors"] == (f"{LANES} float32" if LANES else "plain loops")
    assert machine["threads"] == str(cores())
    assert machine["compiled"].startswith("no" if JIT_DISABLED else "yes")
    assert found["Environment"]["TINYVAE_DATA_DIR"] == "/somewhere"


def test_threads_follow_the_environment_and_what_is_missing_is_left_out(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("tinyvae.ops.machine.about.PACKAGES", ("numpy", "nobody-has-this"))
    found = about_machine()
    assert found["Machine"]["threads"] == "1"
    assert list(found["Versions"]) == ["python", "numpy"]
