"""A stop asked for politely: finish the step, keep what was learned, then stop.

Ctrl-C (SIGINT), SIGTERM (``kill``, a scheduler's time limit) and SIGHUP (a closed terminal) all ask
for it.  A second one stops at once, as ever.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
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
    requested : bool
    signal : int or None
        The number of the signal that asked.
    """

    def __init__(self) -> None:
        self.requested = False
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if _is_ours_to_take(number, before):
                    self._before[number] = before
                    signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.requested:
            self.requested, self.signal = True, number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _is_ours_to_take(number: int, before: Any) -> bool:
    if number == signal.SIGINT:
        return before not in (None, signal.SIG_IGN)
    return bool(before == signal.SIG_DFL)
