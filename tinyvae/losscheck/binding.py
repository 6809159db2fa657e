"""Which argument of the reader's function is what: by the roles given, or by their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinyvae.errors import UsageError, unknown_option
from tinyvae.losscheck import names
from tinyvae.losscheck.names import MU, NOISE, RECON, SCALE, WEIGHT, WORDS, X_SCALE, X, Z

ARRAYS = (X, RECON, X_SCALE, MU, SCALE, Z, NOISE)
# A sampler that takes mu and the third argument as one, the way Keras' Lambda layers do.
TOGETHER = ("args", "inputs", "params", "parameters", "dist", "stats", "mu_logvar", "arg")
Spec = Any  # a Slot, a Constant, or a list, tuple or dict of these


class Constant:
    """A value that is handed through as it is."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Slot:
    """An argument fed by us: its role, what its name claims, and the name itself."""

    def __init__(self, role: str, claim: str, name: str, default: float | None = None) -> None:
        self.role, self.claim, self.name = role, claim, name
        self.default, self.has_default = 1.0 if default is None else default, default is not None


def bind(function: Callable[..., Any], arguments: Any) -> tuple[list[Spec], dict[str, Spec]]:
    """Return what to feed by position and by keyword.

    Parameters
    ----------
    function : callable
    arguments : mapping, sequence or None
        As ``Function`` takes them.

    Raises
    ------
    UsageError
        If the role of an argument is not known, or two have the same.
    """
    if isinstance(arguments, Sequence) and not isinstance(arguments, str | bytes):
        return [_spec(word, f"{i}") for i, word in enumerate(arguments)], {}
    if arguments is not None and not isinstance(arguments, Mapping):
        raise UsageError(
            f"arguments={arguments!r} must be a list of role words in the function's order, such "
            "as ['x', 'logits', 'mu', 'logvar'], or a dictionary by parameter."
        )
    try:
        parameters = list(inspect.signature(_inside(function)).parameters.values())
    except (TypeError, ValueError):
        raise UsageError(
            "The function does not say what its arguments are called; give arguments= with a role "
            "word for each, in order: ['x', 'logits', 'mu', 'logvar']."
        ) from None
    return _by_name(parameters, dict(arguments or {}))


def _inside(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what names the arguments: a torch module's own signature is ``*args``."""
    found = getattr(function, "forward", function)
    return found if callable(found) else function


def _by_name(
    parameters: Sequence[inspect.Parameter], wanted: dict[str, Any]
) -> tuple[list[Spec], dict[str, Spec]]:
    positional: list[Spec] = []
    keywords: dict[str, Spec] = {}
    told = {slot.role for slot in slots_of([_spec(word, "") for word in wanted.values()])}
    guessed = _guess([p for p in parameters if p.name not in wanted], told)
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            keywords |= {k: _spec(wanted.pop(k), k) for k in list(wanted)}
        elif p.kind is p.VAR_POSITIONAL:
            positional += [_spec(word, f"{i}") for i, word in enumerate(wanted.pop(p.name, ()))]
        elif p.name in wanted or p.name in guessed:
            found = _spec(wanted.pop(p.name), p.name) if p.name in wanted else guessed[p.name]
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and not keywords:
                positional.append(found)
            else:
                keywords[p.name] = found
        elif p.default is p.empty and p.name in TOGETHER and len(parameters) == 1:
            positional.append([Slot(MU, "", "mu"), Slot(SCALE, "", "the second")])
        elif p.default is p.empty and p.name in ("self", "cls"):
            raise UsageError(
                f"The function is a method without its object ({p.name}): give model.loss, not "
                "Model.loss."
            )
        elif p.default is p.empty:
            raise UsageError(
                f"The argument {p.name!r} is none of the names known here; give "
                f"arguments={{{p.name!r}: 'mu'}} with one of {', '.join(map(repr, WORDS))}, or a "
                "constant to hand through."
            )
        elif p.kind is not p.KEYWORD_ONLY and not keywords:
            positional.append(Constant(p.default))
    if wanted:
        raise unknown_option("arguments", next(iter(wanted)), [p.name for p in parameters])
    return positional, keywords


def _guess(parameters: Sequence[inspect.Parameter], told: set[str]) -> dict[str, Slot]:
    """Return the slots of the parameters that have no default, by their names.

    ``told`` are the roles that the reader gave to others.
    """
    found: dict[str, Slot] = {}
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        role = names.role_of(p.name)
        core = role is not None and role[0] in (X, RECON, MU, SCALE, X_SCALE)
        number = isinstance(p.default, int | float) and not isinstance(p.default, bool)
        if role and role[0] == WEIGHT and number:
            found[p.name] = Slot(*role, p.name, float(p.default))
        elif role and (p.default is p.empty or (core and not number)):
            found[p.name] = Slot(*role, p.name)
    _settle(found, {p.name for p in parameters}, told)
    return found


def _settle(found: dict[str, Slot], present: set[str], told: set[str]) -> None:
    """Tell apart names whose meaning depends on the names beside them."""
    by_role: dict[str, list[Slot]] = {role: [] for role in told}
    for slot in found.values():
        by_role.setdefault(slot.role, []).append(slot)
    if "y" in present and "y" not in found:
        role = RECON if X in by_role and RECON not in by_role else X
        if role not in by_role:
            found["y"] = Slot(role, "", "y")
            by_role[role] = [found["y"]]
    doubles = by_role.get(MU, [])
    if X in by_role and RECON not in by_role and len(doubles) == 1:
        doubles[0].role = RECON  # gaussian(x, mean, log_sigma): these are of x
        for width in by_role.get(SCALE, []):
            width.role = X_SCALE
    for role, slots in by_role.items():
        clashing = [s.name for s in slots if s.role == role]
        if role in ARRAYS and len(clashing) > 1:
            raise UsageError(
                f"The arguments {' and '.join(map(repr, clashing))} could both be {role!r}; say "
                f"which is what: arguments={{{clashing[1]!r}: ...}}."
            )


def _spec(word: Any, name: str) -> Spec:
    if isinstance(word, str):
        if word not in WORDS:
            key = name if name.isdigit() else repr(name)
            raise unknown_option(f"arguments[{key}]", word, WORDS)
        return Slot(*WORDS[word], name if not name.isdigit() else word)
    if isinstance(word, list | tuple) and any(isinstance(part, str) for part in word):
        return type(word)(_spec(part, f"{i}") for i, part in enumerate(word))
    if isinstance(word, Mapping) and any(isinstance(part, str) for part in word.values()):
        return {k: _spec(part, str(k)) for k, part in word.items()}
    return Constant(word)


def slots_of(specs: Sequence[Spec]) -> list[Slot]:
    """Return all slots, those inside lists and dictionaries too."""
    found: list[Slot] = []
    for spec in specs:
        if isinstance(spec, Slot):
            found.append(spec)
        elif isinstance(spec, Mapping):
            found += slots_of(list(spec.values()))
        elif isinstance(spec, list | tuple):
            found += slots_of(spec)
    return found
