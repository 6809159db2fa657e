"""Dense layers stacked: hidden layers with one activation, a linear layer at the end.

A network holds no numbers of its own, only names into ``Parameters``.  With labels its first layer
has a ``label_weight`` besides: one learned row for each class, added to the pre-activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.model.parameters import Parameters

Array = NDArray[Any]


def layer_shapes(
    name: str, widths: Sequence[int], n_classes: int | None = None
) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the arrays of a network whose layers have these widths."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
        shapes[f"{name}.{i}.weight"] = (fan_in, fan_out)
        shapes[f"{name}.{i}.bias"] = (fan_out,)
        if i == 0 and n_classes is not None:
            shapes[f"{name}.0.label_weight"] = (n_classes, fan_out)
    return shapes


class DenseNetwork:
    """A stack ``x -> h_1 -> ... -> output`` of dense layers.

    Parameters
    ----------
    name : str
        Prefix of its arrays in ``parameters``: ``"encoder.0.weight"`` and so on.
    widths : sequence of int
        From the input's width to the output's.
    activation : str
        Of every layer but the last, which is linear.
    parameters : Parameters
        Holds the arrays named by ``layer_shapes(name, widths)``.
    ops : module
        The operations, from ``tinyvae.ops.get_ops``.
    """

    def __init__(
        self,
        name: str,
        widths: Sequence[int],
        activation: str,
        parameters: Parameters,
        ops: ModuleType | SimpleNamespace,
    ) -> None:
        self.name = name
        self.widths = tuple(widths)
        self.depth = len(widths) - 1
        self.parameters = parameters
        self.ops = ops
        self.activations = [activation] * (self.depth - 1) + ["identity"]

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw weights from U(-s, s) with s = sqrt(6 / (fan_in + fan_out)).

        Biases are zero.  Label weights are drawn from N(0, 1), so that a label moves the first
        pre-activation of 784-400-20 two to three times as far as the pixels, or z, do.  Where they
        start at zero, z learns what the label could have told it, and the decoder goes on
        listening to z (measured in tutorial 14).  They are drawn last: the network's other weights
        are the same with and without labels, and only what is drawn after it differs.

        Glorot and Bengio (2010), equation 16.  Drawn in float64 whatever the dtype, so that a
        seed means the same model in both.

        Tutorial 02, equation (2.22).
        """
        for i, (fan_in, fan_out) in enumerate(pairwise(self.widths)):
            bound = np.sqrt(6.0 / (fan_in + fan_out))
            self.parameters[f"{self.name}.{i}.weight"][:] = rng.uniform(
                -bound, bound, (fan_in, fan_out)
            )
            self.parameters[f"{self.name}.{i}.bias"][:] = 0.0
        if self.has_labels:
            label_weight = self.parameters[f"{self.name}.0.label_weight"]
            label_weight[:] = rng.standard_normal(label_weight.shape)

    @property
    def has_labels(self) -> bool:
        """Whether its first layer takes labels."""
        return f"{self.name}.0.label_weight" in self.parameters

    def forward(self, x: Array, labels: Array | None = None) -> list[Array]:
        """Return ``[x, h_1, ..., output]``, each (batch, width); ``backward`` needs them all.

        Tutorial 02, equation (2.1).
        Tutorial 14, equation (14.2).
        """
        values = [x]
        for i, activation in enumerate(self.activations):
            weight = self.parameters[f"{self.name}.{i}.weight"]
            bias = self.parameters[f"{self.name}.{i}.bias"]
            if i == 0 and self.has_labels:
                label_weight = self.parameters[f"{self.name}.0.label_weight"]
                a = self.ops.dense_forward(x, weight, bias, "identity")
                a = self.ops.label_forward(a, label_weight, labels)
                values.append(self.ops.activation_forward(a, activation))
            else:
                values.append(self.ops.dense_forward(values[-1], weight, bias, activation))
        return values

    def backward(
        self, da: Array, values: list[Array], labels: Array | None = None, *, input_gradient: bool
    ) -> Array | None:
        """Fill the gradients of all weights and biases.

        Tutorial 02, equations (2.9), (2.10) and (2.13).
        Tutorial 14, equation (14.3).

        Parameters
        ----------
        da : (batch, widths[-1]) array
            Gradient of the loss at the network's output.
        values : list of arrays
            What ``forward`` returned.
        labels : (batch,) array, optional
            What ``forward`` was given.
        input_gradient : bool
            Whether the gradient at ``x`` is wanted; the first product is spared where not.

        Returns
        -------
        (batch, widths[0]) array or None
            Gradient of the loss at ``x``.
        """
        gradient = self.parameters.gradient
        for i in reversed(range(self.depth)):
            dweight, dbias = self.ops.dense_backward_weight(values[i], da)
            gradient(f"{self.name}.{i}.weight")[:] = dweight
            gradient(f"{self.name}.{i}.bias")[:] = dbias
            if i == 0 and self.has_labels:
                dlabel_weight = gradient(f"{self.name}.0.label_weight")
                dlabel_weight[:] = self.ops.label_backward(da, labels, len(dlabel_weight))
            if i == 0 and not input_gradient:
                return None
            weight = self.parameters[f"{self.name}.{i}.weight"]
            below = self.activations[i - 1] if i > 0 else "identity"
            da = self.ops.dense_backward_input(da, weight, values[i], below)
        return da
