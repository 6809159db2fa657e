"""A damaged, full or missing cache costs time and a line, never a result."""

from __future__ import annotations

import errno
import importlib.util
import logging
from pathlib import Path

import numba
import numpy as np
import pytest

from tinyvae.ops.machine import jit, kernel_cache
from tinyvae.ops.machine.kernel_cache import DamagedCacheError, seal, unseal

pytestmark = pytest.mark.skipif(jit.JIT_DISABLED, reason="nothing is compiled")
SOURCE = """
from tinyvae.ops.machine.jit import kernel

@kernel()
def double(x):
    return x + x
"""


@pytest.fixture
def load(tmp_path, monkeypatch, caplog):
    """Import the kernel as a new process would; return its result, cache hits, what was said."""
    (tmp_path / "kernels.py").write_text(SOURCE)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def fresh():
        kernel_cache.notice.cache_clear()
        caplog.clear()
        spec = importlib.util.spec_from_file_location("kernels", tmp_path / "kernels.py")
        module = importlib.util.module_from_spec(spec)
        with caplog.at_level(logging.WARNING, "tinyvae"):
            spec.loader.exec_module(module)
            result = module.double(21.0)
        return result, sum(module.double.stats.cache_hits.values()), caplog.messages[:]

    yield fresh
    kernel_cache.notice.cache_clear()


def files(tmp_path, suffix):
    return sorted((tmp_path / "cache").rglob(f"*.{suffix}"))


def test_a_second_process_finds_it_compiled(load):
    assert load() == (42.0, 0, [])
    assert load() == (42.0, 1, [])


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "cut", "a bit", "junk"])
def test_a_damaged_file_is_compiled_anew_and_said_once(load, tmp_path, suffix, damage):
    load()
    (path,) = files(tmp_path, suffix)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    path.write_bytes(
        {"empty": b"", "cut": whole[:-9], "a bit": bytes(flipped), "junk": b"junk" * 99}[damage]
    )
    result, hits, said = load()
    assert (result, hits) == (42.0, 0)
    (line,) = said
    assert "are damaged: compiling them anew" in line
    assert str(tmp_path / "cache") in line
    assert load() == (42.0, 1, []), "and the cache is whole again"


def test_nothing_that_was_changed_anywhere_is_unsealed(tmp_path):
    path, rng = tmp_path / "file", np.random.default_rng(0)
    whole = seal(rng.bytes(200))
    path.write_bytes(whole)
    assert seal(unseal(str(path))) == whole
    for _ in range(1000):
        damaged = bytearray(whole)
        first = int(rng.integers(len(whole)))
        kind = rng.integers(3)
        if kind == 0:
            damaged[first] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del damaged[first : first + int(rng.integers(1, 50))]
        else:
            damaged[first:first] = rng.bytes(int(rng.integers(1, 50)))
        path.write_bytes(damaged)
        with pytest.raises(DamagedCacheError, match="file"):
            unseal(str(path))


def test_a_full_disk_is_said_once_and_nothing_more(load, tmp_path, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    plain_open = open

    def full(path, mode="r", *arguments, **options):
        file = plain_open(path, mode, *arguments, **options)
        return Full(file) if "w" in mode and "cache" in str(path) else file

    monkeypatch.setattr("numba.core.caching.open", full, raising=False)
    result, hits, said = load()
    assert (result, hits) == (42.0, 0)
    (line,) = said
    assert "No space left on device" in line
    assert "NUMBA_CACHE_DIR" in line
    assert not [
        path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size
    ]


def test_what_cannot_be_read_is_compiled(load, monkeypatch):
    load()

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(kernel_cache, "unseal", refuse)
    result, hits, said = load()
    assert (result, hits) == (42.0, 0)
    assert any("Permission denied" in line for line in said)


def test_without_a_folder_one_line_names_the_variable(load, monkeypatch):
    def refuse(self):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", refuse)
    result, hits, said = load()
    assert (result, hits) == (42.0, 0)
    (line,) = said
    assert line.startswith("No folder can be written to keep compiled kernels in")
    assert "NUMBA_CACHE_DIR" in line


def test_another_version_of_numba_starts_anew_in_silence(load, tmp_path, monkeypatch):
    load()
    (path,) = files(tmp_path, "nbi")
    content = unseal(str(path))
    assert numba.__version__.encode() in content
    other = numba.__version__[:-1] + "~"
    path.write_bytes(seal(content.replace(numba.__version__.encode(), other.encode())))
    assert load() == (42.0, 0, [])
    assert load() == (42.0, 1, [])


def test_where_it_is_kept_is_where_it_was_told(load, tmp_path):
    load()
    assert len(files(tmp_path, "nbi")) == len(files(tmp_path, "nbc")) == 1
    assert not list(Path(tmp_path).glob("__pycache__/*.nb?"))
