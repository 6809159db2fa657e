"""A run goes out as files that stand on their own."""

from __future__ import annotations

import runpy

import numpy as np
import pytest
from run_folders import PLACE, folder, run, trained  # noqa: F401

from tinyvae.errors import OptionError, UsageError
from tinyvae.export import export_run


def test_safetensors_of_a_run(run):  # noqa: F811
    pytest.importorskip("safetensors", reason="the extra safetensors is not installed")
    from tinyvae.export import from_safetensors

    (path,) = export_run(PLACE, "safetensors")
    assert path == PLACE / "model.safetensors"
    back = from_safetensors(path)
    assert back.parameters.values.tobytes() == run.vae.parameters.values.tobytes()
    assert back.config == run.vae.config
    assert export_run(PLACE, "safetensors") == [path]  # made again


def test_onnx_of_a_run_says_what_the_data_were(run):  # noqa: F811
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    paths = export_run(PLACE, "onnx", output="out/mine")
    assert [path.name for path in paths] == [
        "mine-encoder.onnx",
        "mine-decoder.onnx",
        "mine-sampler.onnx",
    ]
    known = {entry.key: entry.value for entry in onnx.load(paths[0]).metadata_props}
    assert known["data"] == "mine"
    assert known["data stored as"] == "float32"
    with pytest.raises(UsageError, match="exists already"):
        export_run(PLACE, "onnx", output="out/mine")


def test_torch_of_a_run_needs_no_tinyvae(run):  # noqa: F811
    torch = pytest.importorskip("torch", reason="the extra torch is not installed")
    weights, source = export_run(PLACE, "torch")
    assert "tinyvae" not in [
        line.split()[1].partition(".")[0]
        for line in source.read_text().splitlines()
        if line.startswith(("import ", "from "))
    ]
    module = runpy.run_path(str(source))["load"]()
    x = np.load("mine.npy")[:5]
    mu = module.encode(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(mu, run.vae.encode(x)[0], rtol=1e-5, atol=1e-6)
    about = torch.load(weights, weights_only=True)["about"]
    assert about["likelihood"] == "bernoulli"


def test_unknown_formats_and_runs_are_refused(run):  # noqa: F811
    with pytest.raises(OptionError, match="to='onx' is not known; did you mean 'onnx'"):
        export_run(PLACE, "onx")
    with pytest.raises(UsageError, match="does not exist"):
        export_run("nosuch", "onnx")
