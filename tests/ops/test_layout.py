"""Nothing of a step lies where something else does, and every view is the matrix it says."""

import numpy as np
import pytest

from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
from tinyvae.ops import matmul
from tinyvae.ops.layout import (
    FAN_OUT,
    GRADIENT,
    MOST_THREADS,
    OUTPUT,
    bias_of,
    make_layout,
    matrix_at,
    weight_of,
)


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_no_two_arrays_share_a_number(batch):
    encoder, decoder = (7, 5, 6), (3, 9, 7)
    layout = make_layout(encoder, decoder, 0, [(0, 0)] * 4, batch, np.dtype("float32"))
    pieces = [
        (layer[place], batch * layer[FAN_OUT])
        for layer in layout.layers
        for place in (OUTPUT, GRADIENT)
    ]
    pieces += [(start, batch * 3) for start in layout.latent[:3]]
    rooms, size = layout.latent[3:]
    assert size == matmul.UPDATE_ROWS * 9  # for the widest output of a layer
    pieces += [(rooms + thread * size, size) for thread in range(MOST_THREADS)]
    pieces.sort()
    ends = [start + length for start, length in pieces]
    assert pieces[0][0] == 0
    assert all(end == start for end, (start, _) in zip(ends[:-1], pieces[1:], strict=True))
    assert ends[-1] == layout.workspace.size


def test_views_are_the_models_arrays():
    vae = VAE(12, (7,), 3, seed=0)
    x, noise = np.zeros((2, 12), np.float32), np.zeros((2, 3), np.float32)
    vae.train_step(x, noise, Adam(vae.parameters))
    layers, values = vae._fused._layout.layers, vae.parameters.values
    names = ["encoder.0", "encoder.1", "decoder.0", "decoder.1"]
    for name, layer in zip(names, layers, strict=True):
        np.testing.assert_array_equal(weight_of(values, layer), vae.parameters[f"{name}.weight"])
        np.testing.assert_array_equal(bias_of(values, layer), vae.parameters[f"{name}.bias"])
    view = matrix_at(values, 5, 2, 3)
    np.testing.assert_array_equal(view, values[5:11].reshape(2, 3))
    assert np.shares_memory(view, values)
