"""Every part is done once, errors come back, and a fork starts afresh."""

import os
import sys
import threading

import numpy as np
import pytest

from tinyvae.ops.threads import cores, run_parts, threads_for


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_every_part_is_done_exactly_once(parts):
    done = np.zeros(parts, int)

    def kernel(part, of, step):
        assert of == parts
        done[part] += step

    for _ in range(5):
        run_parts(kernel, parts, 2)
    np.testing.assert_array_equal(done, 10)


def test_the_first_part_runs_on_the_caller_and_the_others_beside_it():
    names = [None] * 3
    meet = threading.Barrier(3, timeout=20)

    def kernel(part, parts):
        meet.wait()  # passes only if all three run at once
        names[part] = threading.current_thread()

    run_parts(kernel, 3)
    assert names[0] is threading.current_thread()
    assert len(set(names)) == 3


@pytest.mark.parametrize("culprit", [0, 1])
def test_an_error_in_any_part_reaches_the_caller_and_leaves_the_pool_sound(culprit):
    def kernel(part, parts):
        if part == culprit:
            raise ValueError("in a part")

    with pytest.raises(ValueError, match="in a part"):
        run_parts(kernel, 2)
    run_parts(lambda part, parts: None, 2)


def test_two_callers_take_turns():
    totals = np.zeros(4, int)

    def kernel(part, parts, place):
        totals[place + part] += 1

    def call(place):
        for _ in range(200):
            run_parts(kernel, 2, place)

    callers = [threading.Thread(target=call, args=(place,)) for place in (0, 2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    np.testing.assert_array_equal(totals, 200)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    run_parts(lambda part, parts: None, 2)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        done = []
        run_parts(lambda part, parts: done.append(part), 2)
        os._exit(len(done))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_threads_follow_the_work():
    assert threads_for(0, None) == 1
    assert threads_for(1e6, 8) == 1
    assert threads_for(1e12, 1) == 1
    assert threads_for(1e12, 10**6) == threads_for(1e12, None) <= cores()
