"""What the page is told of a model."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from tinyvae.errors import OptionError
from tinyvae.explorer.description import NAMES, describe_model, rounded
from tinyvae.model.vae import VAE


def test_the_arrays_lie_in_the_weights_in_order(small_vae):
    vae = small_vae(likelihood="gaussian_learned")
    described = json.loads(json.dumps(describe_model(vae, "float32")))
    values = np.frombuffer(base64.b64decode(described["weights"]["base64"]), "<f4")
    start = 0
    for entry in described["arrays"]:
        size = int(np.prod(entry["shape"]))
        own = values[start : start + size].reshape(entry["shape"])
        np.testing.assert_array_equal(own, vae.parameters[entry["name"]].astype(np.float32))
        start += size
    assert start == len(values) == vae.parameters.size
    assert described["encoder_layers"] == described["decoder_layers"] == 2


def test_a_rounded_model_is_another_one(small_vae):
    vae = small_vae()
    before = vae.parameters.values.copy()
    twin = rounded(vae, "float16")
    np.testing.assert_array_equal(twin.parameters.values, before.astype(np.float16))
    np.testing.assert_array_equal(vae.parameters.values, before)
    assert describe_model(vae, "float16")["n_classes"] == 0


def test_an_unknown_precision_is_refused(small_vae):
    with pytest.raises(OptionError, match="float61"):
        describe_model(small_vae(), "float61")


def test_names_of_arrays_that_not_every_model_has_are_the_models_own():
    vae = VAE(4, (3,), 2, n_classes=3, likelihood="gaussian_learned", backend="reference")
    assert set(NAMES.values()) <= set(vae.parameters)
    described = describe_model(vae, "float32")
    shapes = {array["name"]: array["shape"] for array in described["arrays"]}
    assert shapes[NAMES["encoder"]] == shapes[NAMES["decoder"]] == [3, 3]
    assert described["n_classes"] == 3
