"""A stale kernel cannot be loaded, a cache is not a condition, and flags keep NaN alive."""

import json
import math
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from tinyvae.errors import SizeError
from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
from tinyvae.ops.machine import jit

needs_compiler = pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")

# One process for all of it: each stage imports the package anew, as a new process would.
STAGES = """
import json, os, sys
from pathlib import Path
import numpy as np
import numba.core.caching as caching

folder = sys.argv[1]
sys.path.insert(0, folder)

def stage():
    for name in [name for name in sys.modules if name.partition(".")[0] == "tinyvae"]:
        del sys.modules[name]
    from tinyvae.ops import rows
    assert rows.__file__.startswith(folder)
    h = np.array([[-2.0, 3.0]])
    rows.activate_rows(h, rows.SOFTPLUS, 0, 1)
    found.append([h.tolist(), sum(rows.activate_rows.stats.cache_hits.values())])

found = []
stage()
stage()
elementary = Path(folder, "tinyvae/ops/elementary.py")
source = elementary.read_text()
assert source.count("(c.zero if x < c.zero else x) + log1p(e)") == 1
elementary.write_text(source.replace("(c.zero if x < c.zero else x) + log1p(e)", "log1p(e)"))
stage()
os.environ["TINYVAE_LANES"] = sys.argv[2]
stage()

def read_only(self):
    raise OSError("read only")

caching._CacheLocator.ensure_cache_path = read_only
stage()
print(json.dumps(found))
"""

TRAINING = """
import sys
sys.path.insert(0, sys.argv[1])
from test_jit import trained
print(trained())
"""


def run(code, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """What each stage computed, and how many kernels it found in the cache."""
    folder, source = tmp_path_factory.mktemp("copied"), Path(jit.__file__).parents[2]
    for path in source.rglob("*.py"):
        target = folder / "tinyvae" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    other = "0" if jit.LANES else "4"
    found = run(STAGES, folder, other, NUMBA_CACHE_DIR=str(folder / "cache"))
    return dict(zip(("new", "again", "edited", "lanes", "no folder"), found, strict=True))


@needs_compiler
def test_an_edit_in_a_called_file_makes_its_callers_new(stages):
    softplus = [[math.log1p(math.exp(-2.0)), 3.0 + math.log1p(math.exp(-3.0))]]
    for stage, hits in (("new", 0), ("again", 1)):
        np.testing.assert_allclose(stages[stage][0], softplus, rtol=1e-15)
        assert stages[stage][1] == hits
    # elementary.py is not the file of the kernel that is called, nor is its time stamp.
    edited = [[softplus[0][0], softplus[0][1] - 3.0]]
    for stage in ("edited", "lanes"):
        np.testing.assert_allclose(stages[stage][0], edited, rtol=1e-13)
        assert stages[stage][1] == 0


@needs_compiler
def test_without_a_folder_to_write_to_it_compiles_anew(stages):
    assert stages["no folder"] == [stages["lanes"][0], 0]


def trained():
    """Return the loss and the sum of the weights after two steps."""
    vae = VAE(9, (5, 4), 2, activation="softplus", dtype="float64", seed=1)
    adam, rng = Adam(vae.parameters), np.random.default_rng(0)
    for _ in range(2):
        x = (rng.random((3, 9)) > 0.5) * 1.0
        terms = vae.train_step(x, rng.standard_normal((3, 2)), adam)
    return [terms.loss, float(vae.parameters.values.sum())]


def test_plain_python_gives_the_same_numbers():
    other = run(TRAINING, Path(__file__).parent, NUMBA_DISABLE_JIT=str(int(not jit.JIT_DISABLED)))
    np.testing.assert_allclose(trained(), other, rtol=1e-12)


@needs_compiler
@pytest.mark.parametrize("flags", [jit.FASTMATH, jit.EXACT], ids=["fastmath", "exact"])
def test_fastmath_never_assumes_finite_numbers(flags):
    def below(x, limit):
        return abs(x) < limit

    def same(x):
        return x == x

    finite, number = (jit.kernel(fastmath=flags)(function) for function in (below, same))
    for x in (math.nan, math.inf, -math.inf, 1.0):
        assert finite(x, math.inf) == math.isfinite(x)
        assert number(x) == (not math.isnan(x))


def lanes(monkeypatch, wanted, disabled=False):
    """Return what the module makes of the environment, as if it were imported in it."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", disabled)
    if wanted is None:
        monkeypatch.delenv("TINYVAE_LANES", raising=False)
    else:
        monkeypatch.setenv("TINYVAE_LANES", wanted)
    return runpy.run_path(jit.__file__)["LANES"]


def test_the_width_can_be_chosen_and_nonsense_is_refused(monkeypatch):
    assert [lanes(monkeypatch, wanted) for wanted in ("0", "4", "8", "16")] == [0, 4, 8, 16]
    assert lanes(monkeypatch, None) in (0, 4, 8, 16)
    assert lanes(monkeypatch, "8", disabled=True) == lanes(monkeypatch, None, disabled=True) == 0
    with pytest.raises(SizeError, match="TINYVAE_LANES='5' must be"):
        lanes(monkeypatch, "5")
