"""All weights of a model in one vector, all gradients in a second one of the same layout.

Everything else holds named views into the two, so that an optimizer is one loop, a checkpoint one
array, and a gradient check one index.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyvae.ops.machine.memory import allocate

Array = NDArray[Any]


class Parameters:
    """Names for views into one contiguous vector: ``parameters["encoder.0.weight"]``.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Name and shape of each array, in the order in which they lie in the vector.
    dtype : dtype
        float32, float64 or (for the complex-step derivative) complex128.

    Attributes
    ----------
    values : (size,) array
        All parameters.  Change them in place; the views follow.
    gradients : (size,) array
        The gradient of the loss, in the same layout.

    Examples
    --------
    >>> parameters = Parameters({"weight": (2, 3), "bias": (3,)}, "float64")
    >>> parameters["bias"][:] = 1.0
    >>> parameters.values.sum()
    np.float64(3.0)
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike) -> None:
        self.shapes = dict(shapes)
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self.offsets = dict(zip(self.shapes, starts[:-1].tolist(), strict=True))
        self.values: Array = allocate(int(starts[-1]), dtype)
        self.gradients: Array = allocate(int(starts[-1]), dtype)
        self._views = {name: self.view(name, self.values) for name in self.shapes}
        self._gradient_views = {name: self.view(name, self.gradients) for name in self.shapes}

    def __getstate__(self) -> dict[str, Any]:
        """Return what ``copy`` and ``pickle`` keep: the two vectors; views are cut anew."""
        return {"shapes": self.shapes, "values": self.values, "gradients": self.gradients}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["shapes"], state["values"].dtype)  # type: ignore[misc]
        self.values[:], self.gradients[:] = state["values"], state["gradients"]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all arrays, in the order of the vector."""
        return tuple(self.shapes)

    @property
    def size(self) -> int:
        """How many numbers there are in all."""
        return self.values.size

    def view(self, name: str, vector: Array) -> Array:
        """Return the named array as a view into any vector of this layout."""
        start = self.offsets[name]
        return vector[start : start + math.prod(self.shapes[name])].reshape(self.shapes[name])

    def gradient(self, name: str) -> Array:
        """Return the named array's gradient, a view into ``gradients``."""
        return self._gradient_views[name]

    def name_at(self, index: int) -> str:
        """Return the name of the array that holds entry ``index`` of the vector."""
        starts = np.fromiter(self.offsets.values(), dtype=np.int64)
        return self.names[int(np.searchsorted(starts, index, side="right")) - 1]

    def items(self) -> Iterable[tuple[str, Array]]:
        """Return pairs of name and view, in the order of the vector."""
        return self._views.items()

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self.shapes

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        lines = [f"  {name} {shape}" for name, shape in self.shapes.items()]
        return "\n".join([f"Parameters: {self.size:,} of {self.values.dtype}", *lines])
