"""Where compiled kernels are kept, and why neither a damaged nor a missing cache stops anything.

Every file carries its SHA-256, so that one that was cut or changed is never unpickled, let alone
run: its kernel is compiled anew.  What had to be done is said once, by the logger ``tinyvae``.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import logging
import pickle
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

from tinyvae.ops.machine.apart import needed_by
from tinyvae.ops.machine.compile_turn import TURN

_DIGEST = hashlib.sha256().digest_size
_WAIT = "which takes some 5 seconds"
_ELSEWHERE = "name another folder with the environment variable NUMBA_CACHE_DIR"


class DamagedCacheError(Exception):
    """A file of the cache is not what was written; its path is the message."""


@cache
def notice(message: str) -> None:
    """Say something once in a process."""
    logging.getLogger("tinyvae").warning(message)


def seal(content: bytes) -> bytes:
    """Return content with its digest before it."""
    return hashlib.sha256(content).digest() + content


def unseal(path: str) -> bytes:
    """Return the content of a file that was sealed.

    Raises
    ------
    DamagedCacheError
        If it is not what was written.
    OSError
        If it cannot be read.
    """
    sealed = Path(path).read_bytes()
    content = sealed[_DIGEST:]
    if hashlib.sha256(content).digest() != sealed[:_DIGEST]:
        raise DamagedCacheError(path)
    return content


class _SealedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Numba's index and data files, sealed."""

    def _load_index(self) -> dict[Any, str]:
        try:
            content = io.BytesIO(unseal(self._index_path))
        except FileNotFoundError:
            return {}
        # Only the same version of Numba can read what follows.
        if pickle.load(content) != self._version:
            return {}
        stamp, overloads = pickle.load(content)
        return dict(overloads) if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        content = pickle.dumps(self._version) + self._dump((self._source_stamp, overloads))
        with self._open_for_write(self._index_path) as file:
            file.write(seal(content))

    def _load_data(self, name: str) -> Any:
        return pickle.loads(unseal(self._data_path(name)))

    def _save_data(self, name: str, data: Any) -> None:
        with self._open_for_write(self._data_path(name)) as file:
            file.write(seal(self._dump(data)))


class _WithNeeded(CompileResultCacheImpl):  # type: ignore[misc]
    """Machine code, and the kernels that stand apart and must be loaded before it."""

    def reduce(self, compiled: Any) -> Any:
        return needed_by(compiled), super().reduce(compiled)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        needed, reduced = payload
        for kernel, kinds in needed:
            kernel.table(kinds)
        return super().rebuild(target_context, reduced)


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one kernel, with a longer key, that never stops a program.

    Parameters
    ----------
    function : callable
        To be compiled.
    key : callable
        What its machine code depends on besides what Numba looks at.

    Raises
    ------
    RuntimeError
        If there is no folder that can be written.
    """

    _impl_class = _WithNeeded

    def __init__(self, function: Callable[..., Any], key: Callable[[], str]) -> None:
        super().__init__(function)
        self._key = key
        self._cache_file = _SealedFiles(
            cache_path=self._cache_path,
            filename_base=f"{self._impl.filename_base}.sealed",
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), self._key())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel, or None if it must be compiled."""
        try:
            found = super().load_overload(sig, target_context)
            if found is None and TURN.take(self.cache_path):
                found = super().load_overload(sig, target_context)
            return found
        except OSError as error:
            notice(
                f"Compiled kernels in {self.cache_path} cannot be read "
                f"({error.strerror or error}): compiling them anew, {_WAIT}."
            )
        except Exception as error:  # unpickling and linking raise nearly anything
            self._start_anew(error)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled kernel, if that can be done."""
        try:
            try:
                super().save_overload(sig, data)
            except (DamagedCacheError, pickle.UnpicklingError, EOFError) as error:
                self._start_anew(error)
                super().save_overload(sig, data)
        except OSError as error:
            self.disable()
            notice(
                f"Compiled kernels cannot be kept in {self.cache_path} "
                f"({error.strerror or error}): going on without, but the next start compiles them "
                f"again, {_WAIT}. Free some space, or {_ELSEWHERE}."
            )

    def _start_anew(self, error: Exception) -> None:
        notice(
            f"The compiled kernels kept in {self.cache_path} are damaged: compiling them anew, "
            f"{_WAIT}."
        )
        logging.getLogger("tinyvae").debug("damaged: %r", error)
        with contextlib.suppress(OSError):
            self.flush()


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave garbage for later: a compiler makes many objects, and nearly all of them stay."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _in_scope(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """Let a dispatcher give its turn back when it is done, also where compiling fails."""

    @wraps(compile_)
    def compile_in_turn(sig: Any) -> Any:
        with TURN.scope(), _without_collecting():
            return compile_(sig)

    return compile_in_turn


def attach_cache(compiled: Any, function: Callable[..., Any], key: Callable[[], str]) -> None:
    """Let a dispatcher of Numba's keep its machine code, where a folder can be written."""
    try:
        compiled._cache = KernelCache(function, key)
        compiled.compile = _in_scope(compiled.compile)
    except RuntimeError:
        notice(
            f"No folder can be written to keep compiled kernels in, so that every start compiles "
            f"them, {_WAIT}: {_ELSEWHERE}."
        )
