"""What is shown while a run goes on: a bar in a terminal, lines in a file or a pipe, or nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from typing import Any, Self, TextIO

from tqdm import tqdm

#: A line at least so often, in seconds, and where a run has many epochs at most so often.
EVERY_SECONDS = 10.0
#: The first epochs, up to this many, get a line each; later ones if they take a second or more.
EACH_ITS_LINE = 200
_LONG_EPOCH = 1.0


class Progress:
    """What the loop tells, shown to nobody; ``Bar`` and ``Lines`` show it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    def describe(self, text: str) -> None:
        """Say what is being done."""

    def step(self, count: int = 1) -> None:
        """Count steps."""

    def row(self, row: Mapping[str, float]) -> None:
        """Show the losses of an epoch that is done."""


def progress_for(wanted: bool, *, total: int, done: int) -> Progress:
    """Return what suits standard error: a bar, lines, or nothing.

    Parameters
    ----------
    wanted : bool
    total, done : int
        Steps.
    """
    stream = _stream()
    if not wanted or stream is None:
        return Progress()
    return Bar(stream, total, done) if bars_suit(stream) else Lines(stream, total, done)


def shows_bars() -> bool:
    """Return whether standard error is where a bar may be drawn."""
    stream = _stream()
    return stream is not None and bars_suit(stream)


def bars_suit(stream: TextIO) -> bool:
    """Return whether carriage returns move a cursor there: in a terminal, or in a notebook."""
    if type(stream).__module__.partition(".")[0] == "ipykernel":
        return True
    try:
        return stream.isatty()
    except (AttributeError, ValueError, OSError):
        return False


def tell(line: str) -> None:
    """Write a line to standard error, if there is one."""
    stream = _stream()
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=stream, flush=True)


def _stream() -> TextIO | None:
    """Return standard error, or None where it is closed, as in a program without a console."""
    stream = sys.stderr
    return None if stream is None or getattr(stream, "closed", False) else stream


def summary(row: Mapping[str, float]) -> str:
    """Return the terms of an epoch in nats, those of the validation data where there are any."""
    which = "validation" if "validation_elbo" in row else "train"
    terms = [f"{name} {row[f'{which}_{name}']:.2f}" for name in ("reconstruction", "kl", "elbo")]
    return f"{which}: " + ", ".join(terms) + " nats"


class Bar(Progress):
    """A bar of steps."""

    def __init__(self, stream: TextIO, total: int, done: int) -> None:
        self._bar: Any = tqdm(total=total, initial=done, unit="step", file=stream)
        self._text = ""

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def describe(self, text: str) -> None:
        """Say what is being done."""
        if text != self._text:
            self._bar.set_description(text, refresh=not self._text)
            self._text = text

    def step(self, count: int = 1) -> None:
        """Count steps."""
        self._bar.update(count)

    def row(self, row: Mapping[str, float]) -> None:
        """Show the losses of an epoch that is done."""
        self._bar.set_postfix_str(summary(row))


class Lines(Progress):
    """One line an epoch and in long epochs one every ten seconds, without carriage returns.

    Where more than ``EACH_ITS_LINE`` epochs take less than a second each, one every ten seconds.
    """

    def __init__(self, stream: TextIO, total: int, done: int) -> None:
        self._stream, self._total, self._done = stream, total, done
        self._text, self._last, self._epoch_began = "", time.monotonic(), time.monotonic()
        self._rows = 0

    def describe(self, text: str) -> None:
        """Say what is being done."""
        if not self._text and not text.startswith("epoch"):
            self._write(text)
        self._text = text

    def step(self, count: int = 1) -> None:
        """Count steps."""
        self._done += count
        if time.monotonic() - self._last > EVERY_SECONDS:
            self._write(f"{self._text}, {self._steps()}")

    def row(self, row: Mapping[str, float]) -> None:
        """Show the losses of an epoch that is done."""
        now = time.monotonic()
        each = self._rows < EACH_ITS_LINE or now - self._epoch_began >= _LONG_EPOCH
        last = self._done == self._total
        if each or last or now - self._last > EVERY_SECONDS:
            self._write(f"{self._text}: {summary(row)}")
            self._rows += 1
        self._epoch_began = now

    def _steps(self) -> str:
        return f"step {self._done:,} of {self._total:,}"

    def _write(self, line: str) -> None:
        self._last = time.monotonic()
        # A reader that is gone (a closed terminal or pipe) is no reason to stop training.
        with contextlib.suppress(OSError, ValueError):
            print(line, file=self._stream, flush=True)
