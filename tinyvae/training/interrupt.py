"""Ctrl-C as a polite request: finish the step, keep what was learned, then stop.

A second Ctrl-C interrupts at once, as ever.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class StopRequest:
    """While the block runs, the first Ctrl-C only sets ``requested``.

    It does nothing outside the main thread, where Python delivers no signals, nor where Ctrl-C is
    ignored (a background job) or belongs to a program that Python is embedded in.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None
        self._active = False

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGINT)
        in_main_thread = threading.current_thread() is threading.main_thread()
        self._active = in_main_thread and self._before not in (None, signal.SIG_IGN)
        if self._active:
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
