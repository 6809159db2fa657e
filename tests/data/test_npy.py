""".npy and .npz files: plain numbers come back, everything else is refused, nothing unpickled."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyvae.data import load_data
from tinyvae.data.npy import npz_members, read_npy, read_npz
from tinyvae.errors import DTypeError, FileFormatError, TinyVAEError


def npy_bytes(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), **options)
    return buffer.getvalue()


def header_bytes(shape, descr="<f4", fortran_order=False):
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": fortran_order, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("dtype", ["u1", "?", "<f4", ">f4", "<f8", ">i2", "<f2", "<i8"])
@pytest.mark.parametrize("shape", [(6,), (4, 3), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_round_trip(tmp_path, dtype, shape, order):
    array = np.asarray(np.arange(np.prod(shape)).reshape(shape), dtype=dtype, order=order)
    (tmp_path / "x.npy").write_bytes(npy_bytes(array))
    np.savez(tmp_path / "stored.npz", x=array, other=array)
    np.savez_compressed(tmp_path / "packed.npz", x=array)
    for read in (
        read_npy(tmp_path / "x.npy"),
        read_npz(tmp_path / "stored.npz", ["x"])["x"],
        read_npz(tmp_path / "packed.npz", ["x"])["x"],
    ):
        np.testing.assert_array_equal(read, array)
        assert read.dtype == np.dtype(dtype).newbyteorder("=")
        assert read.flags.c_contiguous
        assert read.flags.writeable
    assert list(npz_members(tmp_path / "stored.npz")) == ["x", "other"]


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_header_versions(tmp_path, version):
    (tmp_path / "x.npy").write_bytes(npy_bytes(np.eye(3), version=version))
    np.testing.assert_array_equal(read_npy(tmp_path / "x.npy"), np.eye(3))


GOOD = npy_bytes(np.arange(12, dtype=np.float32).reshape(3, 4))
STRUCTURED = np.zeros(3, dtype=[("a", "f4")])

BAD_NPY = [
    (b"", FileFormatError, "starts with nothing"),
    (b"\x93NUMPY", FileFormatError, "no .npy file of version 1 or 2"),
    (b"\x93NUMPY\x01\x00", FileFormatError, "no sound .npy header"),
    (GOOD[:40], FileFormatError, "no sound .npy header"),
    (b"\x93NUMPY\x09\x00" + GOOD[8:], FileFormatError, "no .npy file of version 1 or 2"),
    (b"\x93NUMPY\x02\x00" + GOOD[8:], FileFormatError, "it claims 662,372,470 bytes"),
    (GOOD.replace(b"'shape'", b"'shpae'"), FileFormatError, "no sound .npy header"),
    (GOOD[:-1], FileFormatError, "promises 48 bytes .* 47 follow"),
    (GOOD + b"\0", FileFormatError, "promises 48 bytes .* 49 follow"),
    (header_bytes((25_000, 1_000_000)), FileFormatError, "promises 100,000,000,000 bytes"),
    (header_bytes((-3, -4)) + bytes(48), FileFormatError, "shape"),
    (npy_bytes(np.array([{}, None]), allow_pickle=True), DTypeError, "Python objects"),
    (npy_bytes(np.array(["a", "b"])), DTypeError, "<U1"),
    (npy_bytes(np.zeros(2, complex)), DTypeError, "complex128"),
    (npy_bytes(STRUCTURED), DTypeError, "'a'"),
]


@pytest.mark.parametrize(("content", "error", "words"), BAD_NPY)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_damage_is_named(tmp_path, kind, content, error, words):
    path = tmp_path / f"bad.{kind}"
    if kind == "npy":
        path.write_bytes(content)
    else:
        zipped(path, {"x": content})
    tracemalloc.start()
    with pytest.raises(error, match=words) as caught:
        read_npy(path) if kind == "npy" else read_npz(path, ["x"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "bad." in str(caught.value)
    assert peak < 4 << 20


def test_arrays_not_asked_for_are_not_read(tmp_path):
    path = zipped(tmp_path / "x.npz", {"good": GOOD, "bad": GOOD[:-1]})
    assert read_npz(path, ["good"])["good"].shape == (3, 4)
    with pytest.raises(FileFormatError, match="array 'bad'"):
        read_npz(path, ["good", "bad"])


def test_an_archive_that_is_none_or_is_damaged_is_named(tmp_path):
    whole = zipped(tmp_path / "whole.npz", {"x": GOOD}, zipfile.ZIP_STORED).read_bytes()
    flipped = bytearray(whole)
    flipped[len("x.npy") + 30 + 100] ^= 1
    for name, content in {
        "cut.npz": whole[:-30],
        "text.npz": b"no archive",
        "flipped.npz": flipped,
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileFormatError, match=name):
            read_npz(tmp_path / name, ["x"])


def test_a_member_claiming_more_than_the_file_can_hold_is_refused(tmp_path):
    path = zipped(tmp_path / "x.npz", {"x": header_bytes((25_000, 1_000_000)) + bytes(1000)})
    content = path.read_bytes()
    size = (len(header_bytes((25_000, 1_000_000))) + 1000).to_bytes(4, "little")
    assert content.count(size) >= 2
    path.write_bytes(content.replace(size, (0xFFFFFFF0).to_bytes(4, "little")))
    with pytest.raises(FileFormatError, match="more than the file can hold"):
        read_npz(path, ["x"])


def test_other_packings_are_refused(tmp_path):
    path = zipped(tmp_path / "x.npz", {"x": GOOD}, zipfile.ZIP_LZMA)
    with pytest.raises(FileFormatError, match="packed in a way"):
        read_npz(path, ["x"])


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", ">f4"])
def test_large_files_are_mapped_and_never_written(tmp_path, monkeypatch, dtype):
    x = np.random.default_rng(0).integers(0, 200, (500, 64)).astype(dtype)
    path = tmp_path / "x.npy"
    np.save(path, x)
    before = path.read_bytes()
    monkeypatch.setattr("tinyvae.data.npy.MAP_FROM", len(before))
    array = read_npy(path)
    mapped = array.base is not None and isinstance(array.base, np.memmap)
    assert mapped == np.dtype(dtype).isnative
    np.testing.assert_array_equal(array, x)
    data = load_data(path)
    whole = np.concatenate([data.train, data.test])
    np.testing.assert_array_equal(np.sort(whole, 0), np.sort(x, 0))
    data.train[:] = 0
    assert path.read_bytes() == before
    path.write_bytes(before[:-1])
    with pytest.raises(FileFormatError, match="follow"):
        read_npy(path)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_damage_raises_anything_else(tmp_path, data):
    path = tmp_path / "fuzzed"
    archive = data.draw(st.booleans())
    content = bytearray(zipped(path, {"x": GOOD}).read_bytes() if archive else GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut] if cut % 2 else content)
    try:
        read_npz(path, npz_members(path)) if archive else read_npy(path)
    except TinyVAEError:
        return
