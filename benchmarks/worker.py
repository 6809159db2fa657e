"""One contender in a process of its own, obeying lines on standard input.

``check`` answers with its losses, ``run SECONDS`` with microseconds a step, ``memory`` with the
peak resident size in MiB, ``quit`` ends.  Every answer is one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS


def timed(contender, seconds: float) -> float:
    """Return microseconds a step, over about so many seconds."""
    steps = 100
    while True:
        started = time.perf_counter()
        done = contender.run(steps)
        elapsed = time.perf_counter() - started
        if elapsed >= 0.7 * seconds:
            return 1e6 * elapsed / done
        steps = max(2 * steps, int(steps * seconds / max(elapsed, 1e-6)) // 100 * 100)


def main() -> None:
    name, workload, threads = sys.argv[1], WORKLOADS[sys.argv[2]], int(sys.argv[3])
    module, variant = CONTENDERS[name]
    contender = importlib.import_module(f"benchmarks.contenders.{module}").make(
        workload, threads, variant
    )
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = None
        if command == "check":
            answer = contender.losses()
        elif command == "run":
            answer = timed(contender, float(arguments[0]))
        elif command == "memory":
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        elif command == "quit":
            return
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
