"""The formulas of ``ops/reference.py`` as nodes of an ONNX graph, one function for each.

Imports the library onnx; ``onnx_file.py`` sees to it that it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tinyvae.model.layers import DenseNetwork
from tinyvae.ops.reference import LOGVAR_BOUND, SERIES, SERIES_SWITCH

Array = NDArray[Any]

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


class Graph:
    """Nodes and constants as they are added; every method returns the name of what it computes.

    Parameters
    ----------
    dtype : dtype
        float32 or float64: of all numbers.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one output."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, value: Any, name: str | None = None, dtype: Any = None) -> str:
        """Add an array or a number, in the graph's dtype if no other is named."""
        array = np.asarray(value, dtype or self.dtype)
        name = name or f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    # Layers --------------------------------------------------------------------------------

    def network(self, network: DenseNetwork, x: str) -> str:
        """Add a stack of dense layers; labels come from the input ``labels``."""
        for i, activation in enumerate(network.activations):
            name = f"{network.name}.{i}"
            weight, bias = (
                self.constant(network.parameters[f"{name}.{part}"], f"{name}.{part}")
                for part in ("weight", "bias")
            )
            x = self.node("Add", self.node("MatMul", x, weight), bias)
            if i == 0 and network.has_labels:
                rows = network.parameters[f"{name}.label_weight"]
                table = self.constant(rows, f"{name}.label_weight")
                x = self.node("Add", x, self.node("Gather", table, "labels", axis=0))
            x = self.activation(activation, x)
        return x

    def activation(self, activation: str, a: str) -> str:
        """Add h = f(a)."""
        if activation == "softplus":
            # As max(a, 0) + log(1 + exp(-|a|)): onnxruntime has no Softplus of float64.
            e = self.node("Exp", self.node("Neg", self.node("Abs", a)))
            return self.node(
                "Add", self.node("Relu", a), self.node("Log", self.node("Add", e, self.constant(1)))
            )
        return a if activation == "identity" else self.node(_ACTIVATIONS[activation], a)

    def columns(self, x: str, start: int, stop: int) -> str:
        """Add a slice of columns."""
        ends = (self.constant([i], dtype=np.int64) for i in (start, stop, 1))
        return self.node("Slice", x, *ends)

    def bound_logvar(self, raw_logvar: str) -> str:
        """Add logvar = 10 tanh(raw_logvar / 10)."""
        bound = self.constant(LOGVAR_BOUND)
        return self.node("Mul", bound, self.node("Tanh", self.node("Div", raw_logvar, bound)))

    # Means of the likelihoods --------------------------------------------------------------

    def mean(self, likelihood: str, logits: str) -> str:
        """Add E[x given logits]."""
        return _MEANS[likelihood](self, logits)

    def continuous_bernoulli_mean(self, logits: str) -> str:
        """Add 1 / (1 - exp(-l)) - 1 / l, by its series near zero; in float64, then cast back."""
        wide = Graph(np.dtype(np.float64))
        wide.nodes, wide.constants = self.nodes, self.constants
        x = self.node("Cast", logits, to=TensorProto.DOUBLE)
        one, switch = wide.constant(1.0), wide.constant(SERIES_SWITCH)
        small = self.node("Less", self.node("Abs", x), switch)
        near = wide.node("Where", small, x, wide.constant(0.0))
        series = wide.node("Mul", near, wide.polynomial(wide.node("Mul", near, near), SERIES))
        series = wide.node("Add", wide.constant(0.5), series)
        far = wide.node("Where", small, switch, x)
        e = wide.node("Exp", wide.node("Neg", wide.node("Abs", far)))
        positive = wide.node("Greater", far, wide.constant(0.0))
        top = wide.node("Where", positive, one, wide.node("Neg", e))
        closed = wide.node("Div", top, wide.node("Sub", one, e))
        closed = wide.node("Sub", closed, wide.node("Div", one, far))
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        return self.node("Cast", wide.node("Where", small, series, closed), to=kind)

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """Add the sum of c_k x**k, k from 0, by Horner's rule."""
        total = self.constant(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = self.node("Add", self.node("Mul", total, x), self.constant(coefficient))
        return total


_MEANS: dict[str, Callable[[Graph, str], str]] = {
    "bernoulli": lambda graph, logits: graph.node("Sigmoid", logits),
    "continuous_bernoulli": Graph.continuous_bernoulli_mean,
    "poisson": lambda graph, logits: graph.node("Exp", logits),
    "gaussian": lambda graph, logits: logits,
    "gaussian_learned": lambda graph, logits: logits,
}
