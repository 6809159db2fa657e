"""The reader's function raised: kept apart from errors of ours, and told in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tinyvae.errors import UsageError


class CallFailed(Exception):
    """The reader's function raised; ``cause`` is what, ``title`` whose, ``calls`` at which call."""

    def __init__(self, cause: Exception, title: str, calls: int) -> None:
        super().__init__(str(cause))
        self.cause, self.title, self.calls = cause, title, calls

    @property
    def said(self) -> str:
        """The type and the first line of what was raised."""
        lines = str(self.cause).strip().splitlines()
        return f"{type(self.cause).__name__}: {(lines[0] if lines else '')[:200].rstrip('.')}."


@contextmanager
def plain_words() -> Iterator[None]:
    """Turn a failure at a call that nobody expected to fail into a refusal.

    Calls that are tried out are caught where they are tried.
    """
    try:
        yield
    except CallFailed as error:
        raise UsageError(
            f"{error.title} raised {error.said} That was its call {error.calls} here, and calls "
            "like it went well: it fails for some values among ordinary ones, or by chance."
        ) from error.cause
