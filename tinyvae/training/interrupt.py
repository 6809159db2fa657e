"""A stop asked for politely: finish the step, keep what was learned, then stop.

Ctrl-C (SIGINT), SIGTERM (``kill``, a scheduler's time limit) and SIGHUP (a closed terminal) all ask
for it.  A second one stops at once, as ever.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Any, Self

#: Those of them that this system has.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class StopRequest:
    """While the block runs, the first signal only sets ``requested``.

    It does nothing outside the main thread, where Python delivers no signals, nor to a signal that
    is ignored (Ctrl-C in a background job, SIGHUP under ``nohup``) or belongs to a program that
    Python is embedded in.  A handler of the caller's own for SIGTERM or SIGHUP stays in charge.

    Attributes
    ----------
    signal : int or None
        The number of the signal that asked.
    deadline : float or None
        When a stop is asked for without a signal, by ``time.monotonic``.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.deadline: float | None = None
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal asked for a stop, or the time is up."""
        return self.signal is not None or (
            self.deadline is not None and time.monotonic() >= self.deadline
        )

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if _is_ours_to_take(number, before):
                    self._before[number] = before
                    signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _is_ours_to_take(number: int, before: Any) -> bool:
    if number == signal.SIGINT:
        return before not in (None, signal.SIG_IGN)
    return bool(before == signal.SIG_DFL)
