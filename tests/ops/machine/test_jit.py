"""A stale kernel cannot be loaded, plain Python computes the same, and flags keep NaN alive."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvae.ops.machine import jit, kernel_cache

CALLED = """
from tinyvae.ops.machine.jit import kernel

@kernel()
def inner(x):
    return x + 1.0
"""
CALLER = """
from tinyvae.ops.called import inner
from tinyvae.ops.machine.jit import kernel

@kernel()
def outer(x):
    return inner(x)
"""
PROGRAM = (
    "from tinyvae.ops.caller import outer as f; print(f(1.0), sum(f.stats.cache_hits.values()))"
)


def run(code, folder=None, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def small_package(tmp_path):
    """A package of that name with two kernels in two files, one calling the other."""
    source = Path(jit.__file__).parents[2]
    kept = ("__init__.py", "errors.py", "ops/machine/__init__.py")
    parts = ("jit", "apart", "kernel_cache", "compile_turn", "file_lock")
    for name in (*kept, *(f"ops/machine/{part}.py" for part in parts)):
        target = tmp_path / "tinyvae" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((source / name).read_bytes())
    for name, text in (("__init__", ""), ("called", CALLED), ("caller", CALLER)):
        (tmp_path / "tinyvae" / "ops" / f"{name}.py").write_text(text)
    return tmp_path


@pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")
def test_an_edit_in_a_called_file_makes_its_callers_new(small_package):
    environment = {"NUMBA_CACHE_DIR": str(small_package / "cache"), "PYTHONPATH": ""}
    assert run(PROGRAM, small_package, **environment) == "2.0 0"
    assert run(PROGRAM, small_package, **environment) == "2.0 1"
    # called.py is not the file of the kernel that is called, nor is its time stamp.
    called = small_package / "tinyvae" / "ops" / "called.py"
    called.write_text(CALLED.replace("1.0", "2.0"))
    assert run(PROGRAM, small_package, **environment) == "3.0 0"


def test_the_vector_width_is_part_of_the_key(monkeypatch):
    before = jit.source_key()
    jit.source_key.cache_clear()
    monkeypatch.setattr(jit, "LANES", jit.LANES + 1)
    assert jit.source_key() != before
    jit.source_key.cache_clear()


TWO_STEPS = """
import numpy as np
from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
vae = VAE(9, (5, 4), 2, activation="softplus", dtype="float64", seed=1)
adam, rng = Adam(vae.parameters), np.random.default_rng(0)
for _ in range(2):
    terms = vae.train_step((rng.random((3, 9)) > 0.5) * 1.0, rng.standard_normal((3, 2)), adam)
print(repr(terms.loss), repr(float(vae.parameters.values.sum())))
"""


def test_plain_python_gives_the_same_numbers(capsys):
    exec(TWO_STEPS, {})
    compiled = capsys.readouterr().out
    plain = run(TWO_STEPS, NUMBA_DISABLE_JIT="1")
    np.testing.assert_allclose(
        [float(word) for word in compiled.split()],
        [float(word) for word in plain.split()],
        rtol=1e-12,
    )


@pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")
@pytest.mark.parametrize("flags", [jit.FASTMATH, jit.EXACT], ids=["fast", "exact"])
def test_no_flag_assumes_that_numbers_are_finite(flags, monkeypatch):
    monkeypatch.setattr(jit, "attach_cache", lambda *_: None)

    @jit.kernel(fastmath=flags)
    def kind(x):
        return (1 if x != x else 0) + (2 if abs(x) == math.inf else 0)

    assert [kind(x) for x in (1.0, math.nan, math.inf, -math.inf)] == [0, 1, 2, 2]


@pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")
def test_the_width_can_be_chosen_and_nonsense_is_refused(monkeypatch):
    for width in ("0", "4", "8", "16"):
        monkeypatch.setenv("TINYVAE_LANES", width)
        assert jit._lanes() == int(width)
    monkeypatch.delenv("TINYVAE_LANES")
    assert jit._lanes() == jit._native_lanes()
    for nonsense in ("5", "", "four"):
        monkeypatch.setenv("TINYVAE_LANES", nonsense)
        with pytest.raises(ValueError, match=r"TINYVAE_LANES='.*' must be"):
            jit._lanes()


def test_every_kernel_has_a_cache_of_ours():
    from tinyvae.ops import rows

    if not jit.JIT_DISABLED:
        assert isinstance(rows.total_of._cache, kernel_cache.KernelCache)
        assert isinstance(rows.activate_rows.compiled._cache, kernel_cache.KernelCache)
