"""Errors in the words of the command line: which are explained, and options by their flags."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tinyvae.errors import TinyVAEError

#: Arguments of the library that an option has another name for.
ALSO_CALLED = {"n_samples": "samples", "scales": "scale", "warmup": "warmup_epochs"}
_VALUE = r"""'[^']*'|"[^"]*"|\[[^\]]*\]|\([^)]*\)|[^\s,;:()]*?(?=[.,;:)]*(?:\s|$))"""


def explain(error: BaseException) -> str | None:
    """Return what to say of an error, or None if it is a fault of ours that wants a traceback."""
    text = str(error)
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return f"There is not enough memory ({text}): choose smaller layers, batches or data."
    if isinstance(error, OverflowError):
        return f"A size is beyond any memory ({text}): choose smaller layers, batches or data."
    if isinstance(error, ValueError) and not isinstance(error, TinyVAEError):
        if not _arose_in_numba(error):
            return None
        return (
            f"Numba cannot start: {text.rstrip('.')}. Look at the environment variables that "
            "begin with NUMBA_, such as NUMBA_NUM_THREADS."
        )
    if isinstance(error, RuntimeError) and not isinstance(error, TinyVAEError):
        if "start new thread" in text:
            return (
                "No more threads may be started here, as ulimit -u or a container's limit says: "
                "choose --threads 1, or end some other programs."
            )
        if "home directory" in text:
            return f"A path begins with ~ and names nobody's home here ({text})."
        return None
    if type(error) is OSError or not isinstance(error, TinyVAEError):
        return f"{text}." if not text.endswith(".") else text
    return text


def _arose_in_numba(error: BaseException) -> bool:
    trace, module = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        trace = trace.tb_next
    return module.partition(".")[0] == "numba"


def in_flags(message: str, commands: Iterable[Any]) -> str:
    """Return a message with ``name=value`` written as ``--flag value``, where there is such a flag.

    Parameters
    ----------
    message : str
    commands : iterable of click commands
    """
    flags = _flags(commands)
    known = "|".join(sorted(map(re.escape, flags), key=len, reverse=True))
    if not known:
        return message

    def given(found: re.Match[str]) -> str:
        name, index, value = found.groups()
        plain = value.strip("'\"")
        value = plain if plain and not re.search(r"\s", plain) else value
        if value == "True":
            return flags[name]
        if index is not None:
            return f"{flags[name]}, number {int(index) + 1}: {value}"
        return f"{flags[name]} {value}".rstrip()

    message = re.sub(rf"(?<![\w./\\-])({known})(?:\[(\d+)\])?=({_VALUE})", given, message)
    # A bare word is an option only where it cannot be an ordinary word.
    message = re.sub(
        rf"(?<![\w./\\-])({known})(?![\w/\\=-]|\.\w)",
        lambda found: flags[found[1]] if "_" in found[1] else found[1],
        message,
    )
    # What said both, for both readers, says the flag once.
    return re.sub(
        r"(--[\w-]+)(?: [^\s()]+)? \((\1(?![\w-])[^()]*?)(?: on the command line)?\)",
        r"\2",
        message,
    )


def _flags(commands: Iterable[Any]) -> Mapping[str, str]:
    """Return the flag of every option of every command, by the name of its parameter."""
    flags: dict[str, str] = {}
    for command in commands:
        for parameter in command.params:
            long = [flag for flag in parameter.opts if flag.startswith("--")]
            if long:
                flags.setdefault(parameter.name, long[0])
            elif parameter.name == "run":
                flags.setdefault("run", "RUN")
    for name, option in ALSO_CALLED.items():
        if option in flags:
            flags.setdefault(name, flags[option])
    return flags
