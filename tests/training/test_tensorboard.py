"""What TensorBoard reads is the history."""

from __future__ import annotations

import struct

import pytest
from small_runs import GREY, LOADED
from small_runs import run as train

from tinyvae.errors import MissingPackageError, WriteError
from tinyvae.training.history import History
from tinyvae.training.tensorboard import _WRITERS, tag_of


def scalars(folder):
    """Read an event file by its format: length, checksum, event, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    (path,) = folder.glob("events.out.tfevents.*")
    raw, found = path.read_bytes(), {}
    while raw:
        (length,) = struct.unpack("<Q", raw[:8])
        event = Event.FromString(raw[12 : 12 + length])
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
        raw = raw[16 + length :]
    return found


def test_every_column_is_a_curve(tmp_path):
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    _, history = train(GREY, validation=LOADED)
    history.to_tensorboard(tmp_path)
    found = scalars(tmp_path)
    assert set(found) == {tag_of(name) for name in history.columns if name != "epoch"}
    assert "validation/elbo" in found
    for name in history.columns[1:]:
        steps, values = zip(*found[tag_of(name)], strict=True)
        assert list(steps) == [1, 2, 3]
        assert values == pytest.approx(history[name], rel=1e-6)


def test_a_folder_that_cannot_be_is_named(tmp_path):
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="Cannot write to"):
        History([{"epoch": 1, "train_elbo": 0.0}]).to_tensorboard(tmp_path / "file" / "x")


def test_nothing_is_required_until_it_is_asked_for(monkeypatch, tmp_path):
    import sys

    for name in _WRITERS:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match=r"tinyvae\[tensorboard\]"):
        History().to_tensorboard(tmp_path)
