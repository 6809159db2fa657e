"""A reader's arguments, flattened to named float64 arrays and put together again.

An argument is an array, a number, a dictionary of arrays, or anything else; float64 is what gets
differentiated, everything else (labels, sizes, options) is handed through as it came.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.errors import EmptyDataError, NonFiniteDataError, ShapeError, UsageError
from tinyvae.gradcheck.problem import Array, require_double


class Inputs:
    """The arguments of a function, by name.

    Attributes
    ----------
    arrays : dict of str to float64 array
        What is differentiated: ``"x"``, or ``"params.w"`` inside a dictionary; the bare keys
        where a dictionary is the only argument.
    fixed : dict of str to array
        Integer and boolean arrays, held as they are.
    """

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self.names = _names(function, len(arguments))
        self.arguments = list(arguments)
        self.arrays: dict[str, Array] = {}
        self.fixed: dict[str, Array] = {}
        for position, argument in enumerate(arguments):
            for key, leaf in _leaves(argument):
                self._add(self.leaf_name(position, key), leaf)
        if not self.arrays:
            raise UsageError(
                "There is nothing to differentiate: integers and booleans are held fixed. "
                "Pass float64 arrays, for example np.array([1.0, 2.0])."
            )
        if not any(a.size for a in self.arrays.values()):
            raise EmptyDataError("All float64 inputs are empty: give at least one number.")

    def leaf_name(self, position: int, key: str | None) -> str:
        """Return the name under which an argument, or one entry of it, goes."""
        if key is None:
            return self.names[position]
        return key if len(self.arguments) == 1 else f"{self.names[position]}.{key}"

    def rebuild(self, arrays: Mapping[str, Array]) -> list[Any]:
        """Return the arguments with these arrays in place of their own."""
        return [self._rebuilt(i, argument, arrays) for i, argument in enumerate(self.arguments)]

    def copies(self) -> dict[str, Array]:
        """Return fresh copies of the arrays, for functions that write into what they get."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def claimed(self, returned: Any) -> dict[str, Array | None]:
        """Return what a gradient function gave back, under the names of the arrays.

        Understood are one array, a tuple in the order of the arguments (of all, or of those
        that are differentiated), and a dictionary with keys ``"w"`` or ``"dw"``.  None means
        that no gradient is claimed.
        """
        claimed: dict[str, Array | None] = {}
        for position, part in self._by_argument(returned):
            for key, _ in _leaves(self.arguments[position]):
                name = self.leaf_name(position, key)
                if name in self.arrays:
                    value = part if key is None or part is None else _look_up(part, key)
                    claimed[name] = _as_gradient(name, value)
        return claimed

    def _add(self, name: str, leaf: Any) -> None:
        if isinstance(leaf, (str, bytes)) or leaf is None:
            return
        array = np.asarray(leaf)
        require_double(name, array, f"pass {name}.astype(np.float64)")
        if array.dtype == np.float64:
            if not np.isfinite(array).all():
                raise NonFiniteDataError(f"{name} holds NaN or infinity: check at finite numbers.")
            self.arrays[name] = np.array(array, np.float64, order="C")
        elif array.dtype.kind in "iub":
            self.fixed[name] = array

    def _rebuilt(self, position: int, argument: Any, arrays: Mapping[str, Array]) -> Any:
        if isinstance(argument, Mapping):
            return {
                key: arrays.get(self.leaf_name(position, key), leaf)
                for key, leaf in argument.items()
            }
        return arrays.get(self.names[position], argument)

    def _by_argument(self, returned: Any) -> list[tuple[int, Any]]:
        everything = list(range(len(self.arguments)))
        wanted = [i for i in everything if any(self._is_wanted(i, k) for k in self._keys(i))]
        if isinstance(returned, Mapping):
            if len(wanted) == 1 and isinstance(self.arguments[wanted[0]], Mapping):
                return [(wanted[0], returned)]
            return [(i, _look_up(returned, self.names[i])) for i in wanted]
        if not isinstance(returned, (tuple, list)):
            returned = (returned,)
        for positions in (wanted, everything):
            if len(returned) == len(positions):
                return [p for p in zip(positions, returned, strict=True) if p[0] in wanted]
        raise ShapeError(
            f"The gradient function returned {len(returned)} values for {len(wanted)} float64 "
            f"inputs ({', '.join(self.names[i] for i in wanted)}). Return one gradient each, in "
            "this order, and None for an input that is not to be checked."
        )

    def _keys(self, position: int) -> list[str | None]:
        return [key for key, _ in _leaves(self.arguments[position])]

    def _is_wanted(self, position: int, key: str | None) -> bool:
        return self.leaf_name(position, key) in self.arrays


def _leaves(argument: Any) -> list[tuple[str | None, Any]]:
    return list(argument.items()) if isinstance(argument, Mapping) else [(None, argument)]


def _names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        names = []
    return names[:count] + [f"input_{i}" for i in range(len(names[:count]), count)]


def _look_up(gradients: Any, name: str) -> Any:
    if not isinstance(gradients, Mapping):
        raise ShapeError(f"The gradients must come as a dictionary with the key {name!r}.")
    for key in (name, f"d{name}"):
        if key in gradients:
            return gradients[key]
    raise ShapeError(
        f"The gradients hold neither {name!r} nor 'd{name}', only {sorted(map(str, gradients))}. "
        "Give None for an array that is not to be checked."
    )


def _as_gradient(name: str, value: Any) -> Array | None:
    if value is None:
        return None
    array = np.asarray(value)
    require_double(f"The gradient of {name}", array, "compute it with float64 inputs and buffers")
    return array.astype(np.float64)
