"""``tinyvae export``."""

from __future__ import annotations

import pytest
from command_line import bad, good


@pytest.mark.parametrize(
    ("to", "library", "names"),
    [
        ("onnx", "onnx", ["model-encoder.onnx", "model-decoder.onnx", "model-sampler.onnx"]),
        ("torch", "torch", ["model.pt", "model_torch.py"]),
        ("safetensors", "safetensors", ["model.safetensors"]),
        ("html", "json", ["explore.html"]),
    ],
)
def test_every_format_lists_its_files(to, library, names, run_path, folder):
    pytest.importorskip(library, reason=f"the extra {library} is not installed")
    listed = good(f"export {run_path} --to {to}").splitlines()
    assert [line.rpartition("/")[2] for line in listed] == names
    assert all((folder / line).stat().st_size for line in listed)


def test_what_makes_no_sense_is_refused(run_path):
    assert "--to onx is not known; did you mean 'onnx'" in bad(f"export {run_path} --to onx", 2)
    assert "--to" in bad(f"export {run_path}", 2)
    text = bad(f"export {run_path} --to onnx --data mine.npy", 2)
    assert "leave --data and --data-dir out" in text


def test_a_library_that_is_not_there_is_named(run_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "pip install 'tinyvae[onnx]'" in bad(f"export {run_path} --to onnx", 1)
