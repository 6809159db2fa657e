"""The processors a process may use: its affinity, and the quotas of its control groups."""

from __future__ import annotations

import os

import pytest

from tinyvae.ops.machine import quota
from tinyvae.ops.machine.quota import processors

UNLIMITED = 8


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Write the files of a system of eight processors."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    monkeypatch.setattr(quota, "_MOUNTED", mounted)
    monkeypatch.setattr(quota, "_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(UNLIMITED)), raising=False)

    def write(membership, files):
        (tmp_path / "cgroup").write_text(membership)
        for name, text in files.items():
            (mounted / name).parent.mkdir(parents=True, exist_ok=True)
            (mounted / name).write_text(text)

    quota.quota.cache_clear()
    yield write
    quota.quota.cache_clear()


def cfs(folder, allowed):
    return {f"{folder}/cpu.cfs_quota_us": str(allowed), f"{folder}/cpu.cfs_period_us": "100000"}


V1 = "2:cpuacct:/job\n1:cpu:/job/part\n"
BOTH = "1:cpu,cpuacct:/job\n0::/"


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/", {"cpu.max": "150000 100000\n"}, 1),
        ("0::/", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/", {"cpu.max": "20000 100000\n"}, 1),
        ("0::/", {"cpu.max": "max 100000\n"}, UNLIMITED),
        ("0::/", {"cpu.max": "9900000 100000\n"}, UNLIMITED),
        ("0::/", {"cpu.max": ""}, UNLIMITED),
        ("0::/a/b", {"a/b/cpu.max": "200000 100000", "a/cpu.max": "max 100000"}, 2),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, 2),
        ("0::/of/the/host", {"cpu.max": "400000 100000"}, 4),
        (V1, cfs("cpu/job/part", 200_000), 2),
        (V1, cfs("cpu/job", 300_000), 3),
        (V1, cfs("cpu/job", -1), UNLIMITED),
        (V1, cfs("cpu", 200_000), 2),
        (BOTH, cfs("cpu/job", 400_000), 4),
        ("", {"cpu.max": "200000 100000"}, 2),
        ("", cfs("cpu", 200_000), 2),
        ("nonsense\n\n", {}, UNLIMITED),
        ("0::/", {"cpu.max": "100000 0"}, UNLIMITED),
    ],
)  # fmt: skip
def test_the_smallest_quota_decides(groups, membership, files, expected):
    groups(membership, files)
    assert processors() == expected


def test_affinity_decides_where_no_group_does(groups, monkeypatch):
    groups("0::/", {})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert processors() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert processors() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1


def test_a_system_without_groups_has_no_quota(groups, tmp_path, monkeypatch):
    monkeypatch.setattr(quota, "_MOUNTED", tmp_path / "none")
    monkeypatch.setattr(quota, "_GROUPS", tmp_path / "none")
    assert quota.quota() == 0
    assert processors() == UNLIMITED
