"""``python -m tinyvae`` is ``tinyvae``."""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    """Run the command line, whose import may be interrupted, too."""
    try:
        if not threads_may_start(os.cpu_count() or 1):
            # OpenBLAS, which comes with NumPy, interrupts a program in which it cannot.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from tinyvae.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


def threads_may_start(processors: int) -> bool:
    """Return whether the system lets a program have a thread for each processor but one."""
    enough, started = threading.Event(), []
    try:
        for _ in range(processors - 1):
            thread = threading.Thread(target=enough.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return False
    finally:
        enough.set()
        for thread in started:
            thread.join()
    return True


if __name__ == "__main__":
    main()
