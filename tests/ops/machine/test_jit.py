"""A stale kernel cannot be loaded, a cache is not a condition, and flags keep NaN alive."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvae.ops.machine import jit

PROGRAM = """
import sys, numpy as np
sys.path.insert(0, {folder!r})
import tinyvae.ops.machine.jit as jit
assert jit.__file__.startswith({folder!r})
from tinyvae.ops import fast
from tinyvae.ops import rows
h = fast.activation_forward(np.array([[-2.0, 3.0]]), "relu")
print(h.tolist(), sum(rows.activate_rows.stats.cache_hits.values()))
"""


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def copied(tmp_path):
    """A copy of the package that a test may edit."""
    source = Path(jit.__file__).parents[2]
    for path in source.rglob("*.py"):
        target = tmp_path / "tinyvae" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")
def test_an_edit_in_a_called_file_makes_its_callers_new(copied):
    program = PROGRAM.format(folder=str(copied))
    cache = {"NUMBA_CACHE_DIR": str(copied / "cache")}
    assert run(program, **cache) == "[[0.0, 3.0]] 0"
    assert run(program, **cache) == "[[0.0, 3.0]] 1"
    # elementary.py is not the file of the kernel that is called, nor is its time stamp.
    elementary = copied / "tinyvae/ops/elementary.py"
    elementary.write_text(elementary.read_text() + "# changed\n")
    assert run(program, **cache) == "[[0.0, 3.0]] 0"
    other = "0" if jit.LANES else "4"
    assert run(program, **cache, TINYVAE_LANES=other) == "[[0.0, 3.0]] 0"


@pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")
def test_without_a_folder_to_write_to_it_compiles_anew(copied):
    blocked = copied / "blocked"
    blocked.write_text("a file where a folder should be")
    for path in (copied / "tinyvae").rglob("__pycache__"):
        path.rmdir()
    program = "import numba.core.caching as c; c._CacheLocator.ensure_cache_path = "
    program += "lambda self: (_ for _ in ()).throw(OSError('read only'))\n"
    assert run(program + PROGRAM.format(folder=str(copied))) == "[[0.0, 3.0]] 0"


def test_plain_python_gives_the_same_numbers(copied):
    program = """
import numpy as np
from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
vae = VAE(9, (5, 4), 2, activation="softplus", dtype="float64", seed=1)
adam, rng = Adam(vae.parameters), np.random.default_rng(0)
for _ in range(2):
    terms = vae.train_step((rng.random((3, 9)) > 0.5) * 1.0, rng.standard_normal((3, 2)), adam)
print(repr(terms.loss), repr(float(vae.parameters.values.sum())))
"""
    compiled, plain = run(program), run(program, NUMBA_DISABLE_JIT="1")
    np.testing.assert_allclose(
        [float(word) for word in compiled.split()],
        [float(word) for word in plain.split()],
        rtol=1e-12,
    )


def test_fastmath_never_assumes_finite_numbers():
    assert not {"nnan", "ninf", "fast"} & (jit.FASTMATH | jit.EXACT)


def test_the_width_can_be_chosen_and_nonsense_is_refused():
    code = "from tinyvae.ops.machine.jit import LANES; print(LANES)"
    assert run(code, TINYVAE_LANES="4", NUMBA_DISABLE_JIT="0") == "4"
    assert run(code, NUMBA_DISABLE_JIT="1") == "0"
    code = """
try:
    import tinyvae.ops.machine.jit
except ValueError as error:
    print(error)
"""
    assert "TINYVAE_LANES='5' must be" in run(code, TINYVAE_LANES="5", NUMBA_DISABLE_JIT="0")
