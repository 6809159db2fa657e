"""Kernels that stand apart: compiled once, called by symbol, and found again by a new process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import TypingError

from tinyvae.errors import SizeError
from tinyvae.ops import rows
from tinyvae.ops.machine import apart, jit

pytestmark = pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")

DOUBLES = """
from tinyvae.ops.machine.jit import kernel

@kernel(apart=True)
def double(x):
    for i in range(x.size):
        x[i] *= 2.0
"""
TWICE = """
from tinyvae.ops.doubles import double
from tinyvae.ops.machine.jit import kernel

@kernel()
def twice(x):
    double(x)
    double(x)
"""
PROGRAM = """
import numpy as np
from tinyvae.ops.doubles import double
from tinyvae.ops.twice import twice as f
x = np.ones(2)
f(x)
hits = [sum(k.stats.cache_hits.values()) for k in (f, double.compiled)]
misses = [sum(k.stats.cache_misses.values()) for k in (f, double.compiled)]
print(x.tolist(), hits, misses)
"""


def run(folder):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": ""},
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
    parts = ("jit", "apart", "kernel_cache", "compile_turn", "file_lock", "__init__")
    for name in ("__init__.py", "errors.py", *(f"ops/machine/{part}.py" for part in parts)):
        target = tmp_path / "tinyvae" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((source / name).read_bytes())
    for name, text in (("__init__", ""), ("doubles", DOUBLES), ("twice", TWICE)):
        (tmp_path / "tinyvae" / "ops" / f"{name}.py").write_text(text)
    return tmp_path


def test_a_new_process_loads_what_its_callers_need(small_package):
    assert run(small_package) == "[4.0, 4.0] [0, 0] [1, 1]"
    assert run(small_package) == "[4.0, 4.0] [1, 1] [0, 0]"


def test_a_caller_whose_kernel_is_gone_from_the_cache_has_it_compiled(small_package):
    run(small_package)
    for path in (small_package / "cache").rglob("doubles.double-*"):
        path.unlink()
    assert run(small_package) == "[4.0, 4.0] [1, 0] [0, 1]"


def test_an_edit_in_the_kernel_makes_its_callers_new(small_package):
    run(small_package)
    file = small_package / "tinyvae" / "ops" / "doubles.py"
    file.write_text(DOUBLES.replace("2.0", "3.0"))
    assert run(small_package) == "[9.0, 9.0] [0, 0] [1, 1]"


def test_callers_take_no_copy_and_share_one_kernel(monkeypatch):
    monkeypatch.setattr(jit, "attach_cache", lambda *_: None)
    rows.activate_rows.ask(1)

    @jit.kernel()
    def first(h):
        rows.activate_rows(h, 1, 0, len(h))

    @jit.kernel()
    def second(h):
        rows.activate_rows(h, 1, 0, len(h))

    h = np.array([[-1.0, 0.5]])
    expected = np.tanh(np.tanh(h))
    first(h)
    second(h)
    np.testing.assert_allclose(h, expected, rtol=1e-12)
    needed = [apart.needed_by(kernel.overloads[kernel.signatures[0]]) for kernel in (first, second)]
    assert needed[0] == needed[1]
    assert [function for function, _ in needed[0]] == [rows.activate_rows]
    code = "".join(first.inspect_llvm().values())
    assert "fmul" not in code  # the arithmetic stands elsewhere


def test_every_type_has_a_kernel_of_its_own():
    for dtype in (np.float32, np.float64):
        h = np.array([[-2.0, 3.0]], dtype)
        rows.activate_rows(h, 0, 0, 1)
        np.testing.assert_array_equal(h, [[0.0, 3.0]])
        assert h.dtype == dtype


def test_one_caller_may_call_it_with_two_types(monkeypatch):
    monkeypatch.setattr(jit, "attach_cache", lambda *_: None)
    rows.activate_rows.ask(0)

    @jit.kernel()
    def both(a, b):
        rows.activate_rows(a, 0, 0, 1)
        rows.activate_rows(b, 0, 0, 1)

    a, b = np.full((2, 8), -2.0, np.float32), np.full((2, 8), -3.0)
    both(a, b)
    for array, before in ((a, -2.0), (b, -3.0)):
        np.testing.assert_array_equal(array, [[0.0] * 8, [before] * 8])


def test_a_number_that_nobody_asked_for_is_refused_and_one_asked_for_later_is_found(monkeypatch):
    monkeypatch.setattr(jit, "attach_cache", lambda *_: None)

    @jit.kernel(apart=True, chosen="which")
    def put(x, which):
        if which == 0:
            x[0] = 5.0
        elif which == 1:
            x[0] = x.there_is_no_such_thing
        else:
            x[0] = 7.0

    @jit.kernel()
    def caller(x, which):
        put(x, which)

    x = np.zeros(1)
    jit.ask(put, 0)
    caller(x, 0)
    assert x == [5.0]
    for number in (2, -1, 8, 1 << 40):
        with pytest.raises(RuntimeError, match=r"put was called for a number that nobody"):
            caller(x, number)
    put.ask(2)
    caller(x, 2)
    assert x == [7.0]
    put(x, 0)  # from Python: asked for as it is called
    assert x == [5.0]
    for number in (-1, 8):
        with pytest.raises(SizeError, match=f"put was asked for number {number}, expected 0 to 7"):
            put.ask(number)
    with pytest.raises(TypingError, match="there_is_no_such_thing"):  # compiled for itself alone
        put.ask(1)


def test_a_kernel_that_waits_is_compiled_when_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(jit, "attach_cache", lambda *_: None)

    @jit.kernel(apart=True, waits=True)
    def put(x):
        x[0] = 5.0

    @jit.kernel()
    def caller(x, really):
        if really:
            put(x)

    x = np.zeros(1)
    caller(x, False)
    assert not put.compiled.overloads
    with pytest.raises(RuntimeError, match="put was called"):
        caller(x, True)
    jit.ask(put)
    caller(x, True)
    assert x == [5.0]


def test_what_a_kernel_raises_reaches_the_caller(monkeypatch):
    monkeypatch.setattr(jit, "attach_cache", lambda *_: None)

    @jit.kernel(apart=True)
    def refuse(x):
        if x > 1.0:
            raise ValueError("too large")

    @jit.kernel()
    def caller(x):
        refuse(x)
        return x

    assert caller(0.5) == 0.5
    with pytest.raises(ValueError, match="too large"):
        caller(2.0)
