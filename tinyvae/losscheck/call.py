"""The reader's function, called with drawn arrays: what goes in, and what comes back.

Nothing is judged here.  Arrays go in as copies, converted if so wished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinyvae.errors import MissingPackageError, UsageError, shown
from tinyvae.losscheck import names
from tinyvae.losscheck.binding import Constant, Slot, Spec, bind, slots_of
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.names import MU, PRIOR, RECON, RNG, SCALE, SIZES, WEIGHT, X, Z
from tinyvae.losscheck.terms import Array, Arrays

# Only the first calls are watched for a function that writes into its arguments.
WATCHED = 20


class Function:
    """A function and how it is called.

    Parameters
    ----------
    function : callable
    arguments : mapping, sequence or None
        A role word for each parameter, or a constant to hand through; None goes by the names.
    convert : callable, optional
        From a NumPy array to what the function takes.
    rng : Generator
        For a parameter of that role.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any] | Sequence[Any] | None,
        convert: Callable[[Any], Any] | None,
        rng: np.random.Generator,
    ) -> None:
        if not callable(function):
            raise UsageError(
                f"A function was expected, but {shown(function)} came ({type(function).__name__}): "
                "give the function itself."
            )
        self.function, self.rng = function, rng
        self.convert = convert or (lambda array: array)
        self.title = str(getattr(function, "__name__", type(function).__name__))
        self.positional, self.keywords = bind(function, arguments)
        self.slots = slots_of([*self.positional, *self.keywords.values()])
        self.weights = {s.name: s.default for s in self.slots if s.role == WEIGHT}
        self.calls = 0
        self.overwrites: set[str] = set()

    def has(self, role: str) -> bool:
        """Say whether an argument has this role."""
        return any(slot.role == role for slot in self.slots)

    def slot(self, role: str) -> Slot | None:
        """Return the argument of this role, or None."""
        return next((slot for slot in self.slots if slot.role == role), None)

    def __call__(self, arrays: Arrays) -> Any:
        """Return what the function returns for these arrays, untouched."""
        self.calls += 1
        given: dict[str, Array] = {}
        arguments = [self._build(spec, arrays, given) for spec in self.positional]
        keywords = {k: self._build(spec, arrays, given) for k, spec in self.keywords.items()}
        try:
            with np.errstate(all="ignore"):
                returned = self.function(*arguments, **keywords)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except Exception as error:
            raise CallFailed(error, self.title, self.calls) from error
        if self.calls < WATCHED:
            self.overwrites |= {r for r, copy in given.items() if np.any(copy != arrays[r])}
        return returned

    def _build(self, spec: Spec, arrays: Arrays, given: dict[str, Array]) -> Any:
        if isinstance(spec, Constant):
            return spec.value
        if isinstance(spec, Slot):
            return self._feed(spec, arrays, given)
        if isinstance(spec, Mapping):
            return {k: self._build(v, arrays, given) for k, v in spec.items()}
        return type(spec)(self._build(part, arrays, given) for part in spec)

    def _feed(self, slot: Slot, arrays: Arrays, given: dict[str, Array]) -> Any:
        if slot.role == RNG:
            return _generator(slot.name, self.rng)
        if slot.role == WEIGHT:
            return self.weights[slot.name]
        if slot.role in SIZES:
            return _size(slot.role, arrays)
        if slot.role == PRIOR:
            fill = 1.0 if slot.claim in ("sigma", "variance", "precision") else 0.0
            return self.convert(np.full_like(arrays[MU if MU in arrays else SCALE], fill))
        given[slot.role] = np.array(arrays[slot.role])
        return self.convert(given[slot.role])


def _generator(name: str, rng: np.random.Generator) -> Any:
    """Return a generator, a JAX key for a parameter called key, a number for one called seed."""
    plain = names.normalize(name)
    if "key" in plain:
        try:
            import jax
        except ImportError as error:
            raise MissingPackageError(
                f"The argument {name!r} is taken for a key of JAX, which is not installed: install "
                f"jax, or say what it is with arguments={{{name!r}: ...}}."
            ) from error
        return jax.random.PRNGKey(int(rng.integers(2**31)))
    return int(rng.integers(2**31)) if plain == "seed" else rng


def _size(role: str, arrays: Arrays) -> int:
    if role == "batch_size":
        return len(next(iter(arrays.values())))
    latent = role == "latent_dim"
    shape = next(arrays[r].shape for r in ((MU, SCALE, Z) if latent else (X, RECON)) if r in arrays)
    return int(np.prod(shape[1:]))
