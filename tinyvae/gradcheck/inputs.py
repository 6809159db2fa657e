"""A reader's arguments, flattened to named float64 arrays and put together again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.errors import EmptyDataError, NonFiniteDataError, ShapeError, UsageError
from tinyvae.gradcheck.problem import Array, require_double

Path = tuple[Any, ...]
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Inputs:
    """The arguments of a function, by name.

    An argument is an array, a number, a dictionary, list or tuple of such, or anything else;
    float64 is differentiated, everything else (labels, sizes, options) is handed through.

    Attributes
    ----------
    arrays : dict of str to float64 array
        What is differentiated: ``"x"``, or ``"params.w"`` inside a dictionary or list; the bare
        keys where that is the only argument.  C-contiguous copies, whatever layout came.
    fixed : dict of str to array
        Integer and boolean arrays, held as they are.
    """

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self.names = argument_names(function, len(arguments))
        self.arguments = list(arguments)
        self.arrays: dict[str, Array] = {}
        self.fixed: dict[str, Array] = {}
        for position, argument in enumerate(arguments):
            for path, leaf in _leaves(argument):
                self._add(self.leaf_name(position, path), leaf)
        if not self.arrays:
            raise UsageError(_nothing(self.names, arguments))
        if not any(a.size for a in self.arrays.values()):
            raise EmptyDataError("All float64 inputs are empty: give at least one number.")

    def leaf_name(self, position: int, path: Path) -> str:
        """Return the name under which an argument, or one entry of it, goes."""
        if not path:
            return self.names[position]
        inside = ".".join(map(str, path))
        return inside if len(self.arguments) == 1 else f"{self.names[position]}.{inside}"

    def rebuild(self, arrays: Mapping[str, Array]) -> list[Any]:
        """Return the arguments with these arrays in place of their own."""
        return [self._rebuilt(i, a, (), arrays) for i, a in enumerate(self.arguments)]

    def copies(self) -> dict[str, Array]:
        """Return fresh copies of the arrays, for functions that write into what they get."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def claimed(self, returned: Any) -> dict[str, Array | None]:
        """Return what a gradient function gave back, under the names of the arrays.

        Understood are one array, a tuple in the order of the arguments (of all, or of those
        that are differentiated), and a dictionary with keys ``"w"`` or ``"dw"``; inside an
        argument, the argument's own structure.  None means that no gradient is claimed.
        """
        claimed: dict[str, Array | None] = {}
        for position, part in self._by_argument(returned):
            for path, _ in _leaves(self.arguments[position]):
                name = self.leaf_name(position, path)
                if name in self.arrays:
                    claimed[name] = _as_gradient(name, _follow(part, path))
        return claimed

    def _add(self, name: str, leaf: Any) -> None:
        if isinstance(leaf, (str, bytes)) or leaf is None or callable(leaf):
            return
        try:
            array = np.asarray(leaf)
        except ValueError as error:
            raise ShapeError(f"{name} is no array: {error}.") from error
        require_double(name, array, f"pass {name}.astype(np.float64)")
        if array.dtype == np.float64:
            if not np.isfinite(array).all():
                raise NonFiniteDataError(f"{name} holds NaN or infinity: check at finite numbers.")
            # A copy of its own: a view may be read-only, or share memory with another argument.
            self.arrays[name] = np.array(array, np.float64, order="C")
        elif array.dtype.kind in "iub":
            self.fixed[name] = array

    def _rebuilt(self, position: int, part: Any, path: Path, arrays: Mapping[str, Array]) -> Any:
        if isinstance(part, Mapping):
            return {k: self._rebuilt(position, v, (*path, k), arrays) for k, v in part.items()}
        if _is_container(part):
            found = [self._rebuilt(position, v, (*path, i), arrays) for i, v in enumerate(part)]
            return found if isinstance(part, list) else tuple(found)
        return arrays.get(self.leaf_name(position, path), part)

    def _by_argument(self, returned: Any) -> list[tuple[int, Any]]:
        everything = list(range(len(self.arguments)))
        wanted = [i for i in everything if self._is_wanted(i)]
        only = self.arguments[wanted[0]] if len(wanted) == 1 else None
        if isinstance(returned, Mapping):
            if isinstance(only, Mapping):
                return [(wanted[0], returned)]
            return [(i, _look_up(returned, self.names[i])) for i in wanted]
        if isinstance(only, (list, tuple)) and _is_same_container(only, returned):
            return [(wanted[0], returned)]
        if not isinstance(returned, (tuple, list)):
            returned = (returned,)
        for positions in (wanted, everything):
            if len(returned) == len(positions):
                return [p for p in zip(positions, returned, strict=True) if p[0] in wanted]
        if len(wanted) == 1 and isinstance(returned, list):  # one gradient, written as a list
            return [(wanted[0], returned)]
        raise ShapeError(
            f"The gradient function returned {len(returned)} values for {len(wanted)} float64 "
            f"inputs ({', '.join(self.names[i] for i in wanted)}). Return one gradient each, in "
            "this order, and None for an input that is not to be checked."
        )

    def _is_wanted(self, position: int) -> bool:
        leaves = _leaves(self.arguments[position])
        return any(self.leaf_name(position, path) in self.arrays for path, _ in leaves)


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """Return the names of a function's first arguments; those that are only keywords come last."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in POSITIONAL]
    names += [p.name for p in parameters if p.kind == p.KEYWORD_ONLY and p.default is p.empty]
    return names[:count] + [f"input_{i}" for i in range(len(names[:count]), count)]


def _leaves(argument: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(argument, Mapping) or _is_container(argument):
        items = argument.items() if isinstance(argument, Mapping) else enumerate(argument)
        for key, value in items:
            yield from _leaves(value, (*path, key))
    else:
        yield path, argument


def _is_container(value: Any) -> bool:
    """Return whether a list or tuple holds arrays or dictionaries, not the numbers of one."""
    if not isinstance(value, (list, tuple)):
        return False
    return any(isinstance(v, (np.ndarray, Mapping)) or _is_container(v) for v in value)


def _is_same_container(argument: list[Any] | tuple[Any, ...], returned: Any) -> bool:
    same = _is_container(argument) and _is_container(returned)
    return same and len(argument) == len(returned)


def _follow(part: Any, path: Path) -> Any:
    for key in path:
        if part is None:
            return None
        if isinstance(part, (list, tuple)):
            if not isinstance(key, int) or key >= len(part):
                raise ShapeError(
                    f"The gradients have {len(part)} entries where {key!r} was looked for; return "
                    "them in the structure of the argument."
                )
            part = part[key]
        else:
            part = _look_up(part, key)
    return part


def _look_up(gradients: Any, name: Any) -> Any:
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
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"The gradient of {name} is no array: {error}.") from error
    if array.dtype.kind not in "fiubc":
        raise ShapeError(f"The gradient of {name} is {array.dtype}; expected float64 numbers.")
    if array.dtype == np.complex128 and not np.any(array.imag):
        array = array.real
    require_double(f"The gradient of {name}", array, "compute it with float64 inputs and buffers")
    return array.astype(np.float64)


def _nothing(names: Sequence[str], arguments: Sequence[Any]) -> str:
    if not arguments:
        return (
            "There is nothing to differentiate: no inputs were given. Pass them after the "
            "gradient: check_gradients(function, gradient, x, ...)."
        )
    came = ", ".join(f"{n} is {_described(a)}" for n, a in zip(names, arguments, strict=True))
    return (
        f"There is nothing to differentiate: {came}. Integers and booleans are held fixed; pass "
        "float64 arrays, for example np.array([1.0, 2.0])."
    )


def _described(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return f"an array of {dtype}" if dtype is not None else f"a {type(value).__name__}"
