"""Helpers are at work at the same time, come back from sleep, and a fork starts afresh."""

import os
import sys
import threading
import time

import numpy as np
import pytest

from tinyvae.ops.machine import workers as threads_module
from tinyvae.ops.machine.jit import JIT_DISABLED, kernel
from tinyvae.ops.machine.kernel_cache import notice
from tinyvae.ops.machine.vectors import address
from tinyvae.ops.machine.work_queue import WHOLE, _now, _rest, in_parts
from tinyvae.ops.machine.workers import cores, processors, run_shared, threads_for

needs_two = pytest.mark.skipif(JIT_DISABLED or cores() < 2, reason="needs two threads at once")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@kernel()
def meet(part, parts, queue, here, met):
    """Say that this part has begun, and wait a while for the other one."""
    if part == WHOLE:
        in_parts(queue, parts, meet, (queue, here, met))
        return
    here[part] = 1
    for _ in range(500_000):
        _rest()
        if _now(address(here), 0) + _now(address(here), 1) == 2:
            met[part] = 1
            return


@kernel()
def count(part, parts, queue, totals):
    if part == WHOLE:
        in_parts(queue, parts, count, (queue, totals))
        return
    totals[part] += 1


@kernel()
def linger(part, parts, queue, here, done, left_alone):
    """Part 0 takes its time; part 1 is over as soon as someone has begun part 0."""
    if part == WHOLE:
        in_parts(queue, parts, linger, (queue, here, done, left_alone))
        return
    here[part] = 1
    for _ in range(200_000):
        _rest()
        if part == 1 and _now(address(here), 0) == 1:
            left_alone[0] = 1 - _now(address(done), 0)
            break
    done[part] = 1


def together(tries=300):
    """Return whether two parts of a call ran at the same time, in some of a few calls."""
    for _ in range(tries):
        met = np.zeros(2, np.int64)
        run_shared(meet, 2, np.zeros(2, np.int64), met)
        if met.all():
            return True
    return False


@needs_two
def test_two_parts_run_at_once_and_again_after_a_sleep():
    assert together()
    time.sleep(0.2)
    assert together()


@needs_two
def test_the_caller_waits_for_parts_that_others_have_begun():
    shared = 0
    for _ in range(300):
        done, left_alone = np.zeros(2, np.int64), np.zeros(1, np.int64)
        run_shared(linger, 2, np.zeros(2, np.int64), done, left_alone)
        assert done.all()
        shared += left_alone[0]  # part 1 was over when part 0 had only begun
        if shared == 20:
            return
    assert shared, "no worker ever took a part, so that nothing was waited for"


def test_a_helper_about_to_sleep_hears_of_new_work(monkeypatch):
    """A call that comes while the worker still looks at the queue keeps it awake for that work."""
    pool, looked, twice = threads_module._Pool(), [], threading.Event()

    def serve(queue, number, looks):
        if queue is not pool.queue:
            return  # a worker of another test, going to sleep
        looked.append(number)
        if len(looked) == 1:
            pool.wake(2)
        else:
            twice.set()

    monkeypatch.setattr(threads_module, "serve", serve)
    pool.wake(2)
    assert twice.wait(20)
    time.sleep(0.05)
    assert looked == [1, 1]  # and then it sleeps


def test_one_thread_needs_no_helper(monkeypatch):
    fresh = threads_module._Pool()
    monkeypatch.setattr(threads_module, "_pool", fresh)
    totals = np.zeros(1, np.int64)
    run_shared(count, 1, totals)
    assert totals[0] == 1
    assert fresh.workers == 0


def test_two_callers_take_turns():
    totals = np.zeros((2, 2), np.int64)
    run_shared(count, 2, np.zeros(2, np.int64))
    if not JIT_DISABLED:
        assert [thread.name for thread in threading.enumerate()].count("tinyvae") >= 1

    def call(mine):
        for _ in range(200):
            run_shared(count, 2, mine)

    callers = [threading.Thread(target=call, args=(mine,)) for mine in totals]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    np.testing.assert_array_equal(totals, 200)


@forks
@needs_two
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    if "jax" in sys.modules:
        pytest.skip("JAX, which another test imported, does not fork")
    assert together()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os._exit(0 if together() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads_follow_the_work():
    assert threads_for(0, None) == 1
    assert threads_for(1e6, 8) == 1
    assert threads_for(1e12, 1) == 1
    assert threads_for(1e12, 10**6) == processors()
    assert threads_for(1e12, None) == cores() <= processors()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 8),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"NUMBA_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"NUMBA_NUM_THREADS": "100"}, 8),
        ({"OMP_NUM_THREADS": "0", "NUMBA_NUM_THREADS": "many"}, 8),
    ],
    ids=str,
)
def test_the_environment_limits_threads_unless_their_number_is_given(
    variables, expected, monkeypatch
):
    monkeypatch.setattr(threads_module, "processors", lambda: 8)
    monkeypatch.setattr(threads_module, "JIT_DISABLED", False)
    for name in threads_module.LIMITS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cores() == threads_for(1e12, None) == expected
    assert threads_for(1e12, 6) == 6
    assert threads_for(1e12, 60) == 8


def test_where_no_thread_can_be_started_the_caller_does_all_the_work(monkeypatch, caplog):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads_module, "_pool", threads_module._Pool())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    notice.cache_clear()
    totals = np.zeros(4, np.int64)
    for _ in range(3):
        run_shared(count, 4, totals)
    np.testing.assert_array_equal(totals, 3)
    assert [record.message for record in caplog.records] == [
        "No more threads may be started here (ulimit -u, or a container's limit): the work goes on "
        "with 1 thread, with the same results."
    ]


def test_workers_that_did_start_go_on_working(monkeypatch):
    start, started = threading.Thread.start, []

    def once(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    fresh = threads_module._Pool()
    monkeypatch.setattr(threads_module, "_pool", fresh)
    monkeypatch.setattr(threading.Thread, "start", once)
    totals = np.zeros(4, np.int64)
    run_shared(count, 4, totals)
    np.testing.assert_array_equal(totals, 1)
    assert fresh.workers == 1
    assert JIT_DISABLED or together()
