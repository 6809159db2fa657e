"""Runs on the disk: found, read, and written by one process."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tinyvae import runs
from tinyvae.checkpoint import replace_file
from tinyvae.errors import (
    UsageError,
)


def test_a_missing_run_is_answered_with_the_nearest(run):
    with pytest.raises(UsageError, match=r"Did you mean runs.mine\?"):
        runs.info("runs/mien")
    with pytest.raises(UsageError, match="is not a run"):
        runs.info("runs")


def test_a_python_file_is_no_run(folder):
    (folder / "layer.py").write_text("")
    with pytest.raises(UsageError, match=r"tinyvae gradcheck layer\.py:forward,backward"):
        runs.info("layer.py")


@pytest.mark.parametrize("path", ["", "~nosuchuser/run"])
def test_what_is_no_path_is_no_run(path):
    with pytest.raises(UsageError, match="run="):
        runs.info(path)


def test_what_killed_writers_left_behind_is_swept(run, monkeypatch):
    monkeypatch.setattr("tinyvae.runs.make.draw_pictures", lambda *arguments: [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        for name in ("model.npz", "config.json", "history.csv", "kl.png", "old.png"):
            with pytest.raises(KeyboardInterrupt), replace_file(run.folder / name):
                pass
    left = {path.name.split(".")[1]: path for path in run.folder.glob(".*.tmp")}
    assert len(left) == 5
    os.utime(left["old"], (0, 0))
    runs.resume(run.folder, progress=False)
    assert list(run.folder.glob(".*.tmp")) == [left["kl"]], "a picture may just be being drawn"


def test_a_picture_shape_that_does_not_fit_is_none(run):
    found = runs.find_run(run.folder)
    for shape, expected in (([4, 4], (4, 4)), ([4, 5], None), (None, None)):
        config = replace(found.config, data={"image_shape": shape})
        assert replace(found, config=config).picture_shape(run.vae) == expected
