"""Sound files of every kind, mutated by a seed; run by itself it tries 1,000 of each.

python tests/data/fuzzed.py [NUMBER [NAME ...]]
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from tinyvae.data import load_data, matlab, matlab_child
from tinyvae.errors import FileFormatError, TinyVAEError


def _written(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def sound_files():
    """Return one sound file of each kind: the name it gets, and its content."""
    import pandas as pd
    import scipy.io
    from PIL import Image

    rng = np.random.default_rng(7)
    x = rng.integers(0, 256, (12, 16), dtype=np.uint8)
    table = pd.DataFrame(x, columns=[f"pixel{i}" for i in range(16)]).assign(label=[*"abc"] * 4)
    text = table.to_csv(index=False).encode()
    picture = Image.fromarray(x)
    arrays = {"X": x, "y": np.arange(12) % 3, "names": np.array(["a", "b"])}
    mat = {"X": x, "y": np.arange(12.0) % 3, "info": {"a": 1}}
    idx = bytes([0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 4, 0, 0, 0, 4]) + x.tobytes()
    return {
        "x.npy": _written(lambda file: np.save(file, x)),
        "x.npz": _written(lambda file: np.savez_compressed(file, **arrays)),
        "x.idx": idx,
        "x.idx.gz": gzip.compress(idx),
        "x.csv": text,
        "x.csv.gz": gzip.compress(text),
        "x.amat": b"\n".join(b" ".join(b"%d" % n for n in row) for row in x) + b"\n",
        "x.mat": _written(lambda file: scipy.io.savemat(file, mat, do_compression=True)),
        "plain.mat": _written(lambda file: scipy.io.savemat(file, mat)),
        "x.parquet": _written(lambda file: table.to_parquet(file)),
        "folder/0.png": _written(lambda file: picture.save(file, "png")),
        "folder/0.jpg": _written(lambda file: picture.save(file, "jpeg")),
    }


def mutate(content, rng):
    """Return a content with a few bytes changed, moved, doubled, cut or made extreme."""
    damaged = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(damaged))) if damaged else 0
        size = int(rng.integers(1, 9))
        kind = rng.integers(7)
        if kind == 0:
            damaged[place : place + 1] = rng.bytes(1)
        elif kind == 1:
            damaged[place : place + size] = rng.bytes(size)
        elif kind == 2:
            del damaged[place : place + size]
        elif kind == 3:
            damaged[place:place] = damaged[place : place + 16 * size]
        elif kind == 4:
            extremes = (b"\x00", b"\xff", b"\x7f", b"\x80", b"-1", b"9" * 9, b"nan", b"\n", b",")
            extreme = extremes[rng.integers(len(extremes))]
            damaged[place : place + len(extreme)] = extreme
        elif kind == 5:
            del damaged[place:]
        else:
            damaged[place : place + 1] = bytes([damaged[place] ^ (1 << int(rng.integers(8)))]
                                               if place < len(damaged) else [0])  # fmt: skip
    return bytes(damaged)


def outcome(path):
    """Load a file and return what came of it; anything but a documented error goes through."""
    for option in ({}, {"label_column": "none"}):
        if option and not path.name.endswith((".csv", ".amat", ".gz", ".parquet")):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data = load_data(path.parent if path.parent.name == "folder" else path, **option)
            except TinyVAEError as error:
                result = type(error).__name__
                continue
        assert np.isfinite(data.train).all()
        assert np.isfinite(data.test).all()
        result = "read"
    return result


def fuzz(name, content, number, folder):
    """Try so many mutations of one file; return how often each thing came of them."""
    path = Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.name == "folder":
        for i in range(1, 4):
            (path.parent / f"{i}{path.suffix}").write_bytes(content)
    path.write_bytes(content)
    assert outcome(path) is not None
    counts = Counter()
    for seed in range(number):
        damaged = mutate(content, np.random.default_rng([seed, len(content)]))
        path.write_bytes(damaged)
        try:
            counts[outcome(path)] += 1
        except BaseException:
            print(f"{name}: mutation {seed} of {damaged[:60]!r}...", file=sys.stderr)
            raise
    return counts


def forked(path, folder):
    """Do as ``matlab._ask`` in a fork of this process, which is faster than a new one."""
    answer = Path(folder, "answer")
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            answer.write_text(json.dumps(matlab_child.members(str(path), Path(folder))))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not answer.exists() or not answer.read_text():
        CRASHES[status] += 1
        raise FileFormatError("crashed" if status else "an exception of SciPy's")
    return json.loads(answer.read_text())


CRASHES = Counter()

if __name__ == "__main__":
    matlab._ask = forked
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for name, content in sound_files().items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            counts = fuzz(name, content, number, folder)
        seconds = time.perf_counter() - started
        if CRASHES:
            print(f"{name:14} exit status of the child: {dict(CRASHES)}")
            CRASHES.clear()
        print(f"{name:14} {seconds:6.1f} s  {dict(counts.most_common())}", flush=True)
