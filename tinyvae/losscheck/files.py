"""A reader's own file: its losses, samplers and KLs found by their arguments, and examined.

Loading a file runs it: this is for the reader's own code.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinyvae.data.own_file import find_function, load_file, own_functions
from tinyvae.errors import DataError, UsageError, check_option
from tinyvae.losscheck.kl import check_kl
from tinyvae.losscheck.loss import check_loss
from tinyvae.losscheck.names import MU, RECON, SCALE, X, normalize, role_of
from tinyvae.losscheck.objective import is_objective
from tinyvae.losscheck.report import Finding, Report
from tinyvae.losscheck.sampler import check_sampler

LOSS, SAMPLER, KL = "loss", "sampler", "kl"
CONVERTERS = ("auto", "none", "torch", "jax")
Options = Mapping[str, Any]  # of the three checks, by name


def check_file(
    target: str,
    *,
    beta: float = 1.0,
    input_dim: int | tuple[int, ...] = 784,
    latent_dim: int = 20,
    convert: str = "auto",
    seed: int = 0,
) -> list[Report]:
    """Examine the losses, samplers and KLs of a file, and whether they read logvar alike.

    Parameters
    ----------
    target : str
        ``"vae.py"`` for every function whose arguments look like those of a loss, a sampler or a
        KL; ``"vae.py:loss,reparameterize"`` for these.
    beta, input_dim, latent_dim, seed
        As in ``check_loss``.
    convert : str
        ``"torch"``, ``"jax"``, ``"none"``, or ``"auto"``: NumPy, and if that fails what the file
        imports.

    Returns
    -------
    list of Report

    Raises
    ------
    UsageError
        If there is no such file or function, nothing to examine, or the file cannot be run.
    """
    check_option("convert", convert, CONVERTERS)
    path, found = _functions(target)
    told = {"beta": beta, "input_dim": input_dim, "latent_dim": latent_dim, "seed": seed}
    reports: list[Report] = []
    kinds: list[str] = []
    for name, function in found:
        kind = kind_of(name, function)
        options = {**told, "title": f"{path}:{name}"}
        reports.append(_with_arrays(kind, function, options, convert))
        kinds.append(kind)
    return _compared(reports, kinds)


def kind_of(name: str, function: Callable[..., Any]) -> str:
    """Return what a function is by its arguments and its name; "" if nothing that is known here."""
    if is_objective(function):
        return LOSS
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ""
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    roles = {role[0] for role in map(role_of, needed) if role}
    known = all(role_of(n) for n in needed)
    plain = normalize(name)
    if (X in roles and RECON in roles) and (known or {MU, SCALE} & roles):
        return LOSS
    if not {MU, SCALE} <= roles or not known:
        return ""
    if X in roles:
        return LOSS
    return KL if any(w in plain for w in ("kl", "diverg", "loss", "latent_cost")) else SAMPLER


def _functions(target: str) -> tuple[Path, list[tuple[str, Callable[..., Any]]]]:
    text, _, names = target.rpartition(":") if ".py:" in target else (target, "", "")
    path = Path(text)
    module = load_file(path)
    if names:
        return path, [(n.strip(), find_function(module, n.strip())) for n in names.split(",")]
    found = [(n, f) for n, f in own_functions(module).items() if kind_of(n, f)]
    if not found:
        raise UsageError(
            f"{path} has no function that looks like a loss, a sampler or a KL by the names of its "
            f"arguments. Name one: {path}:loss."
        )
    return path, found


def _converters(word: str) -> Sequence[Callable[[Any], Any] | None]:
    found: list[Callable[[Any], Any] | None] = []
    if word in ("auto", "none"):
        found.append(None)
    if word == "torch" or (word == "auto" and "torch" in sys.modules):
        found.append(importlib.import_module("torch").tensor)
    if word == "jax" or (word == "auto" and "jax" in sys.modules):
        found.append(importlib.import_module("jax.numpy").asarray)
    return found


def _with_arrays(kind: str, function: Callable[..., Any], options: Options, word: str) -> Report:
    """Return the report with the first kind of array that the function takes."""
    try:
        converters = _converters(word)
    except ImportError as error:
        raise UsageError(f"convert={word!r} needs the package {word}: {error}.") from error
    failure: Exception | None = None
    for to in converters:
        try:
            return _check(kind, function, to, options)
        except (UsageError, DataError) as error:
            failure = error
    assert failure is not None
    raise failure


def _check(kind: str, function: Callable[..., Any], to: Any, options: Options) -> Report:
    shared = {name: options[name] for name in ("seed", "title")}
    if kind == SAMPLER:
        return check_sampler(function, convert=to, **shared)
    if kind == KL:
        return check_kl(function, convert=to, latent_dim=options["latent_dim"], **shared)
    return check_loss(function, convert=to, **options)


def _compared(reports: list[Report], kinds: list[str]) -> list[Report]:
    """Add a finding to a sampler that reads the third argument otherwise than a loss does."""
    read = {
        kind: [r for r, k in zip(reports, kinds, strict=True) if k == kind and r.readings]
        for kind in (LOSS, KL, SAMPLER)
    }
    losses = [(r, _width(r)) for r in (*read[LOSS], *read[KL]) if _width(r)]
    found = list(reports)
    for sampler in read[SAMPLER]:
        other = next((r for r, w in losses if w != _width(sampler)), None)
        if other is None or not _width(sampler):
            continue
        saw = (
            f"It reads the third argument as {_width(sampler)}, and {other.title} as "
            f"{_width(other)}: the KL is that of another distribution than the one drawn from."
        )
        finding = Finding("disagree", saw, "Read it the same way in both.")
        changed = replace(sampler, passed=False, findings=(*sampler.findings, finding))
        found[found.index(sampler)] = changed
    return found


def _width(report: Report) -> str:
    """Return how a report says the width of q is read."""
    readings = [v for k, v in report.readings.items() if (role_of(k) or (SCALE,))[0] == SCALE]
    return readings[-1] if readings else ""
