"""idx files: every type code comes back, and a lying or damaged file is refused, cheaply."""

from __future__ import annotations

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyvae.data.idx import parse_idx, read_idx
from tinyvae.errors import FileFormatError

CODES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}


def idx_bytes(array, code=0x08):
    big_endian = array.astype(np.dtype(CODES[code]).newbyteorder(">"))
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + big_endian.tobytes()


def written(path, content, packed=False):
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (0, 3)])
@pytest.mark.parametrize("packed", [False, True])
def test_round_trip(tmp_path, code, shape, packed):
    array = np.arange(np.prod(shape)).reshape(shape).astype(CODES[code])
    read = read_idx(written(tmp_path / "x", idx_bytes(array, code), packed))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.dtype(CODES[code])
    assert read.dtype.isnative
    assert read.flags.c_contiguous
    assert read.flags.writeable


GOOD = idx_bytes(np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing"),
        (b"\0\0\x08", "not an idx file"),
        (b"\x01" + GOOD[1:], "01 00 08 03"),
        (b"\0\0\x0a" + GOOD[3:], "type code 0x0a"),
        (b"\0\0\x08\0", "0 dimensions"),
        (b"\0\0\x08\x09" + GOOD[4:], "9 dimensions"),
        (GOOD[:9], "within its idx header"),
        (GOOD[:16], "promises 40"),
        (GOOD[:-1], "promises 40"),
        (GOOD + b"\0", "more bytes follow"),
        (GOOD + bytes(100), "more bytes follow"),
    ],
)
def test_damage_is_named(tmp_path, content, words, packed):
    with pytest.raises(FileFormatError, match=words) as caught:
        read_idx(written(tmp_path / "bad.idx", content, packed))
    assert "bad.idx" in str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("rows", [10**8, 2**32 - 1])
def test_a_header_promising_100_gb_is_refused_before_allocating(tmp_path, packed, rows):
    content = b"\0\0\x08\x03" + struct.pack(">3I", rows, 32, 32) + bytes(5000)
    path = written(tmp_path / "huge", content, packed)
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="promises"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_well_packed_file_allocates_no_more_than_arrives(tmp_path):
    # 4 MB of zeros pack to about 4 kB, so a promise of 4 MB is believed, and then not kept.
    promise = b"\0\0\x08\x01" + struct.pack(">I", 4_000_000)
    path = written(tmp_path / "short.gz", promise + bytes(3_999_999), packed=True)
    with pytest.raises(FileFormatError, match="only 4,000,007 are there"):
        read_idx(path)


def test_a_damaged_gzip_file_is_named(tmp_path):
    packed = bytearray(gzip.compress(GOOD))
    for name, content in {
        "cut": packed[:-9],
        "crc": packed[:-8] + bytes(8),
        "stream": packed[:12] + bytes([packed[12] ^ 0xFF]) + packed[13:],
        "tail": packed + b"garbage",
    }.items():
        with pytest.raises(FileFormatError, match=name):
            read_idx(written(tmp_path / name, content))


def test_what_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"absent.* could not be read"):
        read_idx(tmp_path / "absent")


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_damage_raises_anything_else(tmp_path, data):
    content = bytearray(gzip.compress(GOOD, mtime=0) if data.draw(st.booleans()) else GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        array = read_idx(written(tmp_path / "fuzzed", content[:cut] if cut % 2 else content))
    except FileFormatError:
        return
    assert 1 <= array.ndim <= 4


def test_bytes_at_hand_are_read_the_same():
    np.testing.assert_array_equal(parse_idx(GOOD, "bytes"), np.arange(24).reshape(2, 3, 4))
    with pytest.raises(FileFormatError, match=r"bytes: .* only 39"):
        parse_idx(GOOD[:-1], "bytes")
