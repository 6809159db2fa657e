"""A model through safetensors and back is the same model, to the last bit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tinyvae.errors import CheckpointError, NonFiniteDataError
from tinyvae.export import from_safetensors, to_safetensors
from tinyvae.ops.reference import LIKELIHOODS

library = pytest.importorskip("safetensors.numpy", reason="the extra safetensors is not installed")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_there_and_back_to_the_bit(likelihood, n_classes, dtype, make_vae, tmp_path):
    vae = make_vae(likelihood=likelihood, n_classes=n_classes, dtype=dtype, sigma=0.3)
    vae.parameters.values[:3] = [-0.0, 5e-324 if dtype == "float64" else 1e-45, 1 / 3]
    back = from_safetensors(to_safetensors(vae, tmp_path / "m.safetensors"))
    assert back.parameters.values.tobytes() == vae.parameters.values.tobytes()
    assert back.config == vae.config


def test_names_and_metadata_are_there_for_others(make_vae, tmp_path):
    vae = make_vae()
    path = to_safetensors(vae, tmp_path / "m.safetensors", notes={"data": "mine"})
    assert set(library.load_file(path)) == set(vae.parameters)
    head = path.read_bytes()
    header = json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])
    assert header["__metadata__"]["data"] == "mine"
    assert header["__metadata__"]["likelihood"] == "bernoulli"


def test_another_backend_may_read_it(make_vae, tmp_path):
    path = to_safetensors(make_vae(), tmp_path / "m.safetensors")
    assert from_safetensors(path, backend="numba").backend == "numba"


def damaged(path, how):
    raw = bytearray(path.read_bytes())
    arrays = library.load_file(path)
    config = {"model": json.dumps({})}
    if how == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif how == "junk":
        path.write_bytes(b"junk" * 10)
    elif how == "no model":
        path.write_bytes(library.save(arrays))
    elif how == "no description":
        path.write_bytes(library.save(arrays, metadata=config))
    elif how == "an array less":
        kept = {name: array for name, array in arrays.items() if name != "decoder.1.bias"}
        path.write_bytes(library.save(kept, metadata=header_of(raw)))
    elif how == "another shape":
        arrays["decoder.1.bias"] = np.zeros(3)
        path.write_bytes(library.save(arrays, metadata=header_of(raw)))
    elif how == "NaN":
        arrays["decoder.1.bias"][:] = np.nan
        path.write_bytes(library.save(arrays, metadata=header_of(raw)))


def header_of(raw):
    return json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]


@pytest.mark.parametrize(
    "how",
    ["cut", "junk", "no model", "no description", "an array less", "another shape", "NaN"],
)
def test_damage_is_named(how, make_vae, tmp_path):
    path = to_safetensors(make_vae(), tmp_path / "m.safetensors")
    damaged(path, how)
    with pytest.raises(CheckpointError, match=r"m\.safetensors"):
        from_safetensors(path)


def test_no_file_and_no_finite_weights(make_vae, tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        from_safetensors(tmp_path / "none.safetensors")
    vae = make_vae()
    vae.parameters.values[4] = np.inf
    with pytest.raises(NonFiniteDataError):
        to_safetensors(vae, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []
