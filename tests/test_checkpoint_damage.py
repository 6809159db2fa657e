"""Checkpoints from anywhere, damaged or made to deceive: refused by name, before they cost."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinyvae.checkpoint import read_checkpoint, write_checkpoint
from tinyvae.errors import CheckpointError

ARRAYS = {
    "values": np.linspace(-1.0, 1.0, 37, dtype=np.float32),
    "adam.m": np.array([5e-324, -0.0, np.finfo(np.float64).max, 0.1]),
}
METADATA = {"words": "naïve", "numbers": [0.1, None, True]}


@pytest.fixture
def path(tmp_path):
    """A whole checkpoint."""
    path = tmp_path / "model.npz"
    write_checkpoint(path, ARRAYS, METADATA)
    return path


def read_or_refuse(path):
    """Return what was read, or None after a proper refusal."""
    try:
        return read_checkpoint(path)
    except CheckpointError:
        return None


def test_truncated_anywhere(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 29), *range(len(whole) - 60, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"model\.npz is not a whole tinyvae checkpoint"):
            read_checkpoint(path)


def test_a_flipped_bit_anywhere_is_noticed_or_harmless(tmp_path):
    """A bit in every byte of a small file: never other numbers, other metadata."""
    path = tmp_path / "model.npz"
    arrays = {"values": np.arange(1.0, 6.0), "adam.m": np.arange(3, dtype=np.float32)}
    write_checkpoint(path, arrays, {"a": 1})
    whole = path.read_bytes()
    truth = read_checkpoint(path)
    noticed = 0
    for place, bit in enumerate(np.random.default_rng(1).integers(8, size=len(whole))):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(bit)
        path.write_bytes(damaged)
        came = read_or_refuse(path)
        noticed += came is None
        if came is not None:
            assert came[1] == truth[1], (place, bit)
            for name, array in came[0].items():
                assert array.tobytes() == truth[0][name].tobytes(), (place, bit)
                assert array.dtype == truth[0][name].dtype
                assert array.shape == truth[0][name].shape
    assert noticed > sum(array.nbytes for array in arrays.values())


def test_many_bytes_overwritten(path):
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        start = int(rng.integers(len(whole)))
        end = min(len(whole), start + int(rng.integers(1, 200)))
        damaged[start:end] = rng.bytes(end - start)
        path.write_bytes(damaged)
        came = read_or_refuse(path)
        if came is not None:
            assert all(a.tobytes() == ARRAYS[name].tobytes() for name, a in came[0].items())
            assert came[1].items() >= METADATA.items()


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 1000, bytes(10_000), b"PK\5\6" * 6])
def test_no_archive_at_all(content, path):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not a whole tinyvae checkpoint"):
        read_checkpoint(path)


def test_missing_a_folder_or_beneath_a_file(path):
    with pytest.raises(CheckpointError, match="nowhere does not exist"):
        read_checkpoint(path.parent / "nowhere")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(path.parent)
    with pytest.raises(CheckpointError, match=r"cannot be read|does not exist"):
        read_checkpoint(path / "model.npz")


# Files made to deceive: sound archives with sound checksums


def header(shape, descr="<f8", fortran=False):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    return raw_header(text.encode())


def raw_header(text, version=b"\x01\x00"):
    width = 2 if version == b"\x01\x00" else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text


def metadata_member(**changes):
    text = json.dumps({"format": "tinyvae checkpoint", "version": 1, **changes}).encode()
    return header((len(text),), "|u1") + text


def forge(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in {"metadata.npy": metadata_member(), **members}.items():
            archive.writestr(name, content)


def refused(path, message="not a whole", peak=2 << 20):
    """Refused by name and reason, before more than ``peak`` bytes were ever reserved."""
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=message) as caught:
            read_checkpoint(path)
        assert tracemalloc.get_traced_memory()[1] < peak
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)


def test_the_forger_can_make_a_whole_one(path):
    """Else the tests below would prove nothing."""
    forge(path, {"values.npy": header((2,)) + np.arange(2.0).tobytes()})
    np.testing.assert_array_equal(read_checkpoint(path)[0]["values"], [0.0, 1.0])


@pytest.mark.parametrize(
    "shape",
    [(100 * 2**30 // 8,), (2**62,), (10**30,), (3,), (1,), (2, 2), (-2, -1), (-2,), (0, 10**30)],
)
def test_a_header_that_promises_what_is_not_there(shape, path):
    forge(path, {"values.npy": header(shape) + bytes(16)})
    refused(path, "'values'|whole")


@pytest.mark.parametrize("field", ["file_size", "compress_size", "both"])
def test_an_archive_that_promises_100_gigabytes(field, path):
    member = header((100 * 2**30 // 8,)) + bytes(16)
    forge(path, {"values.npy": member})
    content = path.read_bytes()
    entry = content.rindex(b"PK\x01\x02")
    compressed, plain = content[entry + 20 : entry + 24], content[entry + 24 : entry + 28]
    huge = (2**32 - 2).to_bytes(4, "little")
    sizes = {
        "file_size": compressed + huge,
        "compress_size": huge + plain,
        "both": huge + huge,
    }[field]
    path.write_bytes(content[: entry + 20] + sizes + content[entry + 28 :])
    refused(path, "promises|compressed")


def test_members_that_share_their_bytes_promise_more_than_there_is(path, monkeypatch):
    forge(path, {"values.npy": header((2,)) + bytes(16)})
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
    copies = []
    for i in range(1000):
        with zipfile.ZipFile(path) as archive:
            copies.append(archive.infolist()[-1])
        copies[-1].filename = f"v{i}.npy"
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda self: listed + copies)
    refused(path, "promises", peak=8 << 20)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_bomb(compression, path):
    forge(path, {"values.npy": header((2**22,)) + bytes(2**25)}, compression)
    assert path.stat().st_size < 100_000
    refused(path, "compressed")


@pytest.mark.parametrize("name", ["values.npy", "values"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name(name, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.npy", metadata_member())
        archive.writestr("values.npy", header((1,)) + bytes(8))
        archive.writestr(name, header((1,)) + bytes(8))
    refused(path, "two arrays of one name")


def test_an_encrypted_member(path):
    forge(path, {"values.npy": header((2,)) + bytes(16)})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refused(path, "encrypted|not a whole")


class Trap:
    """Unpickled, it would touch a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("descr", ["|O", [("a", "|O")], [("a", "<f8"), ("b", "<f8")]])
def test_a_pickle_is_never_opened(descr, path):
    trap = path.parent / "sprung"
    poison = pickle.dumps(np.array([Trap(trap)], dtype=object))
    forge(path, {"values.npy": header((len(poison) // 8,), descr) + poison})
    refused(path, "plain numbers")
    forge(path, {"values.npy": poison})
    refused(path)
    assert not trap.exists()
    pickle.loads(poison)
    assert trap.exists(), "the trap would not have worked"


@pytest.mark.parametrize("descr", ["<U4", "|S8", "<M8[s]", "|V8", "|V0", "<U0"])
def test_other_than_plain_numbers(descr, path):
    forge(path, {"values.npy": header((1,), descr) + bytes(8)})
    refused(path, "plain numbers|says")


def test_fortran_order_is_never_misread(path):
    truth = np.arange(6.0).reshape(2, 3)
    forge(path, {"values.npy": header((2, 3), fortran=True) + truth.T.tobytes()})
    np.testing.assert_array_equal(read_checkpoint(path)[0]["values"], truth)


def test_other_versions(path):
    for version in (b"\x03\x00", b"\x09\x00"):
        text = repr({"descr": "<f8", "fortran_order": False, "shape": (1,)}).encode()
        forge(path, {"values.npy": raw_header(text, version) + bytes(8)})
        refused(path, "version")


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are of POSIX")
def test_pipes_and_devices_are_refused_at_once(path):
    pipe = path.parent / "pipe.npz"
    os.mkfifo(pipe)
    refused(pipe, "cannot be read: it is a pipe")
    for device in ("/dev/zero", "/dev/null", "/dev/urandom"):
        refused(Path(device), "cannot be read: it is a device")
    refused(path.parent, "cannot be read: it is a folder")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1, 2]",
        b"{'descr': '<f8'}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,)}",
        b"{'descr': '<f8', 'fortran_order': 2, 'shape': (1,)}",
        b"{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': ('<f8', ('<f8',)), 'fortran_order': False, 'shape': (1,)}",
        b"__import__('os').mkdir('sprung')",
        b"'" * 3,
        b"(" * 500,
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1," * 20_000 + b")}",
        b"1" * 20_000,
        b"\xff\x00" * 40,
        b"if True:\n  x\n y",
    ],
    ids=lambda text: text[:20].decode("latin-1"),
)
def test_headers_that_are_no_headers(text, path, monkeypatch):
    monkeypatch.chdir(path.parent)
    forge(path, {"values.npy": raw_header(text) + bytes(8)})
    refused(path, "not a whole")
    assert os.listdir() == [path.name]


@pytest.mark.parametrize("content", [b"", b"\x93NUM", b"\x93NUMPY\x01\x00\xff", b"junk" * 10])
def test_members_that_are_no_arrays(content, path):
    forge(path, {"values.npy": content})
    refused(path, "not a whole")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, complex(np.nan, 0.0), np.float32("nan")])
def test_nan_and_infinity(bad, path):
    array = np.array([1.0, bad], dtype=np.asarray(bad).dtype)
    forge(path, {"values.npy": header((2,), array.dtype.str) + array.tobytes()})
    refused(path, "'values' holds NaN or infinity")


# Metadata


def test_no_metadata(path):
    np.savez(path, values=np.ones(2))
    refused(path, "no metadata")


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[]", b"null", b'"tinyvae checkpoint"', b"{}", b'{"format": "other"}'),
        *(b"\xff", b"[" * 200_000, b"1" * 5000, b'{"format": 1' + b"0" * 5000 + b"}"),
    ],
    ids=lambda text: text[:20].decode("latin-1"),
)
def test_metadata_that_are_none(text, path):
    forge(path, {"metadata.npy": header((len(text),), "|u1") + text})
    refused(path, "not a whole", peak=8 << 20)


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_another_version(version, path):
    forge(path, {"metadata.npy": metadata_member(version=version)})
    refused(path, r"has format version .*; this tinyvae reads version 1\. Install the version")
