"""Exported graphs give the model's numbers in onnxruntime, for any batch, and say what they are."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tinyvae.errors import OptionError, WriteError
from tinyvae.export import to_onnx
from tinyvae.model.vae import VAE
from tinyvae.ops.reference import ACTIVATIONS, LIKELIHOODS

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

TOLERANCE = {"float32": 1e-6, "float64": 1e-13}


def run(vae, folder, part, **inputs):
    path = to_onnx(vae, folder / f"{part}.onnx", part)
    session = runtime.InferenceSession(str(path))
    feed = {k: v if k == "labels" else np.asarray(v, vae.dtype) for k, v in inputs.items()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


def assert_same(came, truth, dtype):
    assert came.dtype == dtype
    assert came.shape == np.shape(truth)
    assert_allclose(came, truth, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    ("activation", "likelihood", "n_classes"),
    [
        (activation, likelihood, (None, 3)[i % 2])
        for i, (activation, likelihood) in enumerate(itertools.product(ACTIVATIONS, LIKELIHOODS))
    ],
)
def test_every_part_gives_the_models_numbers(
    activation, likelihood, n_classes, dtype, make_vae, make_x, rng, tmp_path
):
    vae = make_vae(
        6, (5, 4), activation=activation, likelihood=likelihood, n_classes=n_classes, dtype=dtype
    )
    labels = {} if n_classes is None else {"labels": rng.integers(0, 3, 9)}
    x, z = make_x(likelihood), rng.standard_normal((9, 2))
    found = run(vae, tmp_path, "encoder", x=x, **labels)
    for name, truth in zip(("mu", "logvar"), vae.encode(x, **labels), strict=True):
        assert_same(found[name], truth, dtype)
    found = run(vae, tmp_path, "decoder", z=z, **labels)
    assert_same(found["logits"], vae.decode(z, **labels), dtype)
    assert_same(found["mean"], vae.decode_mean(z, **labels), dtype)
    found = run(vae, tmp_path, "sampler", noise=z, scale=0.7, **labels)
    label = {"label": labels["labels"]} if labels else {}
    assert_same(found["mean"], vae.sample(9, noise=z, scale=0.7, **label), dtype)
    if likelihood.startswith("gaussian"):
        assert_same(found["sigma"], [vae.observation.sigma], dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_mean_of_the_continuous_bernoulli_holds_for_all_logits(dtype, tmp_path):
    vae = VAE(1, (), 1, likelihood="continuous_bernoulli", dtype=dtype, backend="reference")
    vae.parameters["decoder.0.weight"][:], vae.parameters["decoder.0.bias"][:] = 1.0, 0.0
    near = np.array([0.0, 1e-8, 0.1, 1.999, 2.0, 2.001, 30.0, 200.0])
    z = np.concatenate([near, -near])[:, None]
    with np.errstate(under="ignore"):
        assert_same(run(vae, tmp_path, "decoder", z=z)["mean"], vae.decode_mean(z), dtype)


def test_large_numbers_go_through_softplus(tmp_path):
    vae = VAE(1, (2,), 1, activation="softplus", dtype="float64", backend="reference")
    x = np.array([[0.0], [1.0]])
    vae.parameters["encoder.0.weight"][:] = [[900.0, -900.0]]
    assert_same(run(vae, tmp_path, "encoder", x=x)["mu"], vae.encode(x)[0], "float64")


@pytest.mark.parametrize("rows", [1, 2, 130])
def test_a_batch_may_have_any_number_of_rows(rows, make_vae, rng, tmp_path):
    vae, x = make_vae(), rng.integers(0, 2, (rows, 6)).astype(float)
    assert_same(run(vae, tmp_path, "encoder", x=x)["mu"], vae.encode(x)[0], "float64")


def test_the_file_says_what_one_must_know(make_vae, tmp_path):
    vae = make_vae(likelihood="poisson", dtype="float32")
    model = onnx.load(to_onnx(vae, tmp_path / "m.onnx", "decoder", notes={"data": "mine"}))
    known = {entry.key: entry.value for entry in model.metadata_props}
    assert known["likelihood"] == "poisson"
    assert known["data"] == "mine"
    assert known["mean"] == "E[x given z] = exp(logits)"
    assert "not scaled" in known["scaling"]
    assert VAE(**json.loads(known["model"])).config == vae.config
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_what_cannot_be_exported_is_refused(make_vae, tmp_path):
    with pytest.raises(OptionError, match="part='encode' is not known; did you mean 'encoder'"):
        to_onnx(make_vae(), tmp_path / "m.onnx", "encode")
    with pytest.raises(OptionError, match="gradient checks"):
        to_onnx(make_vae(dtype="complex128"), tmp_path / "m.onnx")
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        to_onnx(make_vae(), tmp_path / "file" / "m.onnx")
