"""Nothing of a step lies where something else does, and every view is the matrix it says."""

import numpy as np
import pytest

from tinyvae.model.vae import VAE
from tinyvae.ops import layout as at
from tinyvae.ops import matmul
from tinyvae.ops.layout import Network, make_layout, parameters_of
from tinyvae.ops.machine import jit
from tinyvae.ops.machine.views import matrix_at, vector_at

ENCODER, DECODER, CLASSES = (7, 5, 6), (3, 9, 7), 4


def offsets_of(vae):
    """Where each layer's arrays begin, as the fused step is told."""
    names = [f"{net}.{i}" for net in ("encoder", "decoder") for i in range(2)]
    kinds = ("weight", "bias", "label_weight")
    found = vae.parameters.offsets
    return names, [tuple(found.get(f"{n}.{k}", at.NO_LABEL) for k in kinds) for n in names]


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_no_two_arrays_share_a_number(batch, samples):
    network = Network(ENCODER, DECODER, [(0, 0, -1)] * 4, 200, 0, 0)
    layout = make_layout(network, batch, samples, np.dtype("float32"))
    pieces = [
        (layer[place], batch * layer[at.SAMPLES] * layer[at.FAN_OUT])
        for layer in layout.layers
        for place in (at.OUTPUT, at.GRADIENT)
    ]
    sizes = {
        **dict.fromkeys([at.LOGVAR, at.STD, at.KL], batch * 3),
        **dict.fromkeys([at.Z, at.DZ], batch * samples * 3),
        **dict.fromkeys([at.RECONSTRUCTION, at.DLOG_SIGMA, at.LOG_W], batch * samples),
        at.IMPORTANCE: batch * samples,
        at.DKL: 3,
        at.BOUND: batch,
        at.KL_OF_ROW: batch,
    }
    pieces += [(layout.offsets[which], size) for which, size in sizes.items()]
    first, size = layout.offsets[at.GRADIENTS], layout.offsets[at.GRADIENT_SIZE]
    assert size == max(matmul.UPDATE_ROWS, 200) * 9  # for the widest output of a layer
    pieces += [(first + thread * size, size) for thread in range(at.MOST_THREADS)]
    pieces.sort()
    ends = [start + length for start, length in pieces]
    assert pieces[0][0] == 0
    assert all(end == start for end, (start, _) in zip(ends[:-1], pieces[1:], strict=True))
    assert ends[-1] == layout.workspace.size


@jit.kernel()
def _parameters_of(values, layer, n_classes):
    found = parameters_of(values, layer, (n_classes,))
    return found.weight, found.bias, found.label_weight


def test_views_are_the_models_arrays():
    vae = VAE(12, (7,), 3, n_classes=CLASSES, seed=0)
    vae.parameters.values[:] = np.arange(vae.parameters.size)
    names, offsets = offsets_of(vae)
    network = Network((12, 7, 6), (3, 7, 12), offsets, CLASSES, 0, 0)
    layers, values = make_layout(network, 2, 1, np.dtype("float32")).layers, vae.parameters.values
    for name, layer in zip(names, layers, strict=True):
        found = _parameters_of(values, layer, CLASSES)
        kinds = ("weight", "bias", "label_weight")[: 3 if name.endswith(".0") else 2]
        for kind, array in zip(kinds, found, strict=False):
            np.testing.assert_array_equal(array, vae.parameters[f"{name}.{kind}"])


@jit.kernel()
def _write(vector):
    view, row = matrix_at(vector, 5, 2, 3), vector_at(vector, 1, 2)
    view[1, 2], row[1] = 7.0, 9.0
    return view[0, 1] + row[0]


def test_a_view_is_the_vector_itself():
    vector = np.arange(12.0)
    assert _write(vector) == 6.0 + 1.0
    expected = np.arange(12.0)
    expected[[10, 2]] = 7.0, 9.0
    np.testing.assert_array_equal(vector, expected)
