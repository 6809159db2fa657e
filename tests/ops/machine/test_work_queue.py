"""Every part is done once, by whoever is awake, and by the caller where nobody else is."""

import threading

import numpy as np
import pytest

from tinyvae.ops.machine.jit import JIT_DISABLED, kernel
from tinyvae.ops.machine.work_queue import (
    DONE,
    LEFT,
    PARTS,
    THREADS,
    WHOLE,
    in_parts,
    new_queue,
    serve,
)

needs_compiler = pytest.mark.skipif(JIT_DISABLED, reason="plain Python has one thread")


@kernel()
def add_step(part, parts, queue, totals, seen, step):
    if part == WHOLE:
        in_parts(queue, parts, add_step, (queue, totals, seen, step))
        return
    totals[part] += step
    seen[part] = parts


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_alone_the_caller_does_every_part_once(parts):
    totals, seen = np.zeros(parts), np.zeros(parts, np.int64)
    for _ in range(5):
        add_step(WHOLE, parts, new_queue(), totals, seen, 0.5)
    np.testing.assert_array_equal(totals, 2.5)
    np.testing.assert_array_equal(seen, parts)


@needs_compiler
@pytest.mark.parametrize("workers", [1, 3])
def test_with_helpers_too_every_part_is_done_once(workers):
    """Many short rounds: a part that is taken twice, or between two rounds, would be counted."""
    queue, parts, rounds = new_queue(), 5, 20_000
    totals, seen = np.zeros(parts), np.zeros(parts, np.int64)
    add_step(WHOLE, parts, queue, totals, seen, 1.0)
    serve(queue, 1, 1)
    queue[THREADS] = workers + 1
    threads = [
        threading.Thread(target=serve, args=(queue, number + 1, 200_000))
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    for _ in range(rounds):
        add_step(WHOLE, parts, queue, totals, seen, 1.0)
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(totals, rounds + 1)


@needs_compiler
def test_a_helper_beyond_the_wanted_number_leaves_the_work_to_others():
    queue, totals, seen = new_queue(), np.zeros(4), np.zeros(4, np.int64)
    add_step(WHOLE, 4, queue, totals, seen, 1.0)
    queue[[LEFT, DONE, PARTS]] = 4, 0, 4  # posted again, and nobody at it
    queue[THREADS] = 2
    serve(queue, 2, 1000)
    np.testing.assert_array_equal(queue[[LEFT, DONE]], (4, 0))
    np.testing.assert_array_equal(totals, 1.0)


def test_what_all_threads_write_lies_on_lines_of_its_own():
    queue = new_queue()
    lines = (queue.ctypes.data + queue.itemsize * np.array([LEFT, DONE, PARTS])) // 64
    assert len(set(lines)) == 3
    assert queue.ctypes.data % 64 == 0
