"""Two processes that start cold compile a kernel once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tinyvae.ops.machine import compile_turn
from tinyvae.ops.machine.compile_turn import CompileTurn
from tinyvae.ops.machine.jit import JIT_DISABLED

KERNEL = """
import sys, time
from pathlib import Path
from numba import types
from tinyvae.ops.machine.jit import kernel

@kernel()
def inner(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i] - i
    return total

@kernel()
def outer(x):
    return inner(x) + inner(x[1:])

if __name__ == "__main__":
    here = Path(sys.argv[1])
    (here / f"ready-{sys.argv[2]}").touch()
    while len(list(here.glob("ready-*"))) < 2:
        time.sleep(0.001)
    outer.compile((types.float32[::1],))
    print(sum(outer.stats.cache_misses.values()))
"""


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_two_processes_that_start_cold_compile_once(tmp_path):
    file = tmp_path / "kernels_of_a_test.py"
    file.write_text(KERNEL)
    command = [sys.executable, str(file), str(tmp_path)]
    both = [
        subprocess.Popen([*command, str(i)], stdout=subprocess.PIPE, text=True) for i in range(2)
    ]
    misses = [int(process.communicate(timeout=60)[0]) for process in both]
    assert sorted(misses) == [0, 1]


def test_a_turn_is_taken_once_however_deep(tmp_path, monkeypatch):
    monkeypatch.setattr(compile_turn, "MOST_SECONDS", 0.05)
    ours, theirs = CompileTurn(), CompileTurn()
    with ours.scope():
        assert not ours.take(str(tmp_path))
        with ours.scope():
            assert not ours.take(str(tmp_path))
        with theirs.scope():
            assert theirs.take(str(tmp_path))  # still ours, when the inner scope has ended
    with theirs.scope():
        assert not theirs.take(str(tmp_path))


def test_a_turn_is_given_back_where_compiling_fails(tmp_path):
    ours, theirs = CompileTurn(), CompileTurn()

    def fail():
        with ours.scope():
            ours.take(str(tmp_path))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with theirs.scope():
        assert not theirs.take(str(tmp_path))


def test_without_a_scope_or_a_folder_nothing_is_locked(tmp_path):
    turn = CompileTurn()
    assert not turn.take(str(tmp_path))
    (tmp_path / "file").touch()
    with turn.scope():
        assert not turn.take(str(tmp_path / "file"))
    assert not list(tmp_path.glob(".*"))
