"""How many processors this process may use: its affinity, and the quota of the groups it is in.

A container limits its processes by a quota of time, which ``os.cpu_count`` does not know.  Linux
has two ways to write it down, control groups of version 2 (``cpu.max``) and of version 1
(``cpu.cfs_quota_us``); a group is limited by those above it, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_GROUPS = Path("/proc/self/cgroup")
_MOUNTED = Path("/sys/fs/cgroup")


def processors() -> int:
    """Return how many processors this process may run on, a container's quota included."""
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    else:
        found = os.cpu_count() or 1
    return min(found, quota() or found)


@cache
def quota() -> int:
    """Return the whole processors that the quotas allow, 0 where there is none; looked up once."""
    return min(_quotas(), default=0)


def _quotas() -> Iterator[int]:
    """Yield the whole processors, at least one, that each group allows which has a limit."""
    for folder in _folders():
        for read in (_version_2, _version_1):
            try:
                allowed, period = read(folder)
                if allowed > 0 and period > 0:
                    yield max(1, allowed // period)
            except (OSError, ValueError):  # no such file, or "max": no limit
                continue


def _folders() -> Iterator[Path]:
    """Yield the folders of this process's groups and of those above them.

    In a container the path may be that of the host, and not there; its own group is mounted on top.
    """
    try:
        lines = _GROUPS.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    groups = [line.split(":", 2) for line in ("::/", ":cpu:/", *lines)]
    for _, controllers, path in (group for group in groups if len(group) == 3):
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = _MOUNTED / "cpu" if controllers else _MOUNTED
        group = top / path.lstrip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def _version_2(folder: Path) -> tuple[int, int]:
    allowed, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    return int(allowed), int(period)


def _version_1(folder: Path) -> tuple[int, int]:
    allowed, period = (
        int((folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii"))
        for name in ("quota", "period")
    )
    return allowed, period
