"""The gradient check of a whole VAE: both gradients that its backend computes, and its sampler.

The loss is differentiated on the reference backend in complex128; the gradients judged are those
of the model's own backend in float64, from ``loss_and_gradients`` and from ``train_step``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from tinyvae.errors import check_count, check_number
from tinyvae.gradcheck.beyond import float32_claim, sampling_claims
from tinyvae.gradcheck.diagnosis.terms import measured
from tinyvae.gradcheck.layerwise import Known, Layerwise
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.probe import instruments_for
from tinyvae.gradcheck.problem import Array, Problem
from tinyvae.gradcheck.procedure import EVERY_ENTRY, check_problem
from tinyvae.gradcheck.report import Report, merge
from tinyvae.gradcheck.results import Finding
from tinyvae.model.adam import Adam
from tinyvae.model.likelihoods import likelihood_class
from tinyvae.model.objectives import Terms, make_objective
from tinyvae.model.vae import VAE

ROWS = 8
OBJECTIVE = {"objective": "elbo", "beta": 1.0, "free_bits": None}
BETA1 = 0.5  # of the Adam that hands the fused step's gradient out: m = g / 2, without rounding


def check_model(
    vae: VAE | str | PathLike[str],
    x: Array | None = None,
    *,
    beta: float = 1.0,
    method: str = "auto",
    entries: int | None = None,
    seed: int = 0,
    beyond: bool = True,
    **options: Any,
) -> Report:
    """Check all gradients of a model, and that it samples what its loss charges for.

    Parameters
    ----------
    vae : VAE or path
        The model, or a file written by ``VAE.save``.
    x : (batch, input_dim) array, optional
        Data to check at; its first 8 rows are used.  Drawn at random if not given.
    beta : float
        Weight of the KL term.
    method, entries, seed
        As in ``check_gradients``.
    beyond : bool
        Whether to check moments of the sampler, the KL term by Monte Carlo, and the bounds.
    **options
        What else ``vae.loss``, ``vae.loss_and_gradients`` and ``vae.train_step`` are called with;
        of an array with a row for each of x, the first 8 rows are used.

    Returns
    -------
    Report
        Two rows for each named parameter array: its gradient as ``loss_and_gradients`` computes
        it, and, as ``train_step: name``, as the step that trains computes it.
    """
    start = time.perf_counter()
    model = vae if isinstance(vae, VAE) else VAE.load(vae)
    check_number("beta", beta)
    rng = np.random.default_rng([check_count("seed", seed, at_least=0), 3])
    given = {"beta": beta} | {k: _first_rows(v, x) for k, v in options.items()}
    x = (
        make_data(model, ROWS, rng)
        if x is None
        else model.copy(dtype="float64").inputs.data(x[:ROWS])
    )
    noise = rng.standard_normal((len(x), model.latent_dim))
    double = model.copy(dtype="float64")
    problem = _problem(double, x, noise, given)
    terms = {name: measured(part, rng) for name, part in _parts(double, x, noise, beta).items()}
    # The same numbers measure both gradients.
    tools = instruments_for(problem, method, np.random.default_rng([seed, 2]))
    if entries is None and method in ("auto", "complex") and problem.size > EVERY_ENTRY:
        tools = _by_layers(tools, double, x, noise, given)
        entries = problem.size if isinstance(tools, Known) else None
    reports = [
        check_problem(claim, method=method, entries=entries, seed=seed, terms=terms, tools=tools)
        for claim in (problem, replace(problem, gradients=_trained(double, x, noise, given)))
    ]
    report = _together(problem.title, *reports)
    claims = sampling_claims(double, x, rng) if beyond else ()
    if beyond and model.dtype == np.float32:
        claims += (float32_claim(model, double, x, noise, given),)
    seconds = time.perf_counter() - start
    return replace(report, claims=claims, notes=report.notes + _copied(model), seconds=seconds)


def _by_layers(
    tools: Instruments, vae: VAE, x: Array, noise: Array, given: Mapping[str, Any]
) -> Instruments:
    """Return instruments that know all entries, if the complex step can be used."""
    if not tools.exact:
        return tools
    rows, noise, labels = vae.inputs.batch(x, noise, given.get("labels"))
    chosen = make_objective(*(given.get(k, v) for k, v in OBJECTIVE.items()))
    known = Known(tools, Layerwise(vae, rows, noise, labels, chosen).slopes())
    return known if known.confirmed() else tools


def _together(title: str, operations: Report, step: Report) -> Report:
    """Return one report of both gradients; what both show is told once."""
    named = merge(title, [replace(step, title="train_step")])
    told: dict[tuple[str, str, str], Finding] = {}
    for f in operations.findings + named.findings:
        key = (f.kind, f.saw, f.cause)
        told[key] = replace(f, arrays=told[key].arrays + f.arrays) if key in told else f
    return replace(
        operations,
        title=title,
        arrays=operations.arrays + named.arrays,
        findings=tuple(told.values()),
        notes=tuple(dict.fromkeys(operations.notes + named.notes)),
    )


def make_data(vae: VAE, rows: int, rng: np.random.Generator) -> Array:
    """Draw data that the model's likelihood can describe, (rows, input_dim) float64."""
    return likelihood_class(vae.likelihood).example(rng, (rows, vae.input_dim))


def _first_rows(value: Any, x: Array | None) -> Any:
    has_rows = x is not None and np.ndim(value) > 0 and len(value) == len(x)
    return np.asarray(value)[:ROWS] if has_rows else value


def _problem(vae: VAE, x: Array, noise: Array, given: Mapping[str, Any]) -> Problem:
    """Return the loss as a function of the parameters, with the gradients of the operations."""

    def gradients(arrays: Mapping[str, Array] | None = None) -> dict[str, Array | None]:
        _set(vae, arrays or whole.arrays)
        vae.loss_and_gradients(x, noise, **given)
        _set(vae, whole.arrays)
        return {name: vae.parameters.gradient(name).copy() for name in vae.parameters}

    terms = _terms(vae, x, noise, **given)
    whole = _loss(vae, lambda twin: terms(twin).loss, noise)
    said = ", ".join(f"{k} {v:g}" for k, v in given.items() if np.ndim(v) == 0 and k == "beta")
    title = f"{vae.backend} VAE, {vae.activation}, {vae.likelihood}, {said}"
    return replace(whole, title=title, gradients=gradients)


def _trained(
    vae: VAE, x: Array, noise: Array, given: Mapping[str, Any]
) -> Callable[[], dict[str, Array | None]]:
    """Return the gradients that train: from m = 0 a step with rate 0 leaves (1 - beta1) g in m."""
    twin = vae.copy()
    here = {name: twin.parameters[name].copy() for name in twin.parameters}

    def gradients(arrays: Mapping[str, Array] | None = None) -> dict[str, Array | None]:
        _set(twin, arrays or here)
        adam = Adam(twin.parameters, learning_rate=0.0, beta1=BETA1)
        twin.train_step(x, noise, adam, **given)
        vector = adam.m / (1.0 - BETA1)
        return {name: twin.parameters.view(name, vector) for name in twin.parameters}

    return gradients


def _parts(vae: VAE, x: Array, noise: Array, beta: float) -> dict[str, Callable[[], Problem]]:
    """Return what a backward pass may have forgotten: a term, or a path from it to the encoder."""
    parts: dict[str, Callable[[], Problem]] = {
        "kl": partial(_part, vae, x, noise, kl=beta),
        "reconstruction": partial(_part, vae, x, noise, reconstruction=1.0),
    }
    for live in ("mu", "logvar"):
        lost = f"path through {live}"
        parts[f"reconstruction's {lost}"] = partial(
            _path, vae, x, noise, live, reconstruction=1.0, kl=0.0
        )
        parts[f"kl's {lost}"] = partial(_path, vae, x, noise, live, reconstruction=0.0, kl=beta)
    return parts


def _path(
    vae: VAE, x: Array, noise: Array, live: str, *, reconstruction: float, kl: float
) -> Problem:
    """Return a term as a function of the encoder through mu or logvar alone, the other frozen."""
    whole = _part(vae, x, noise, reconstruction=reconstruction, kl=kl)
    still = vae.copy(dtype="complex128", backend="reference")
    moving = vae.copy(dtype="complex128", backend="reference")
    frozen = still.network.forward(x, noise).latent

    def value(arrays: Mapping[str, Array]) -> Any:
        _set(moving, arrays)
        moved = moving.network.forward(x, noise).latent
        both = {"mu": frozen.mu, "logvar": frozen.logvar, live: getattr(moved, live)}
        z = still.network.ops.reparameterize_forward(both["mu"], both["logvar"], noise)
        loss = still.observation.reconstruction(still.network.decoder.forward(z)[-1], x).mean()
        charge = still.network.ops.kl_forward(both["mu"], both["logvar"]).sum(axis=1).mean()
        number = reconstruction * loss + kl * charge
        is_complex = any(np.iscomplexobj(a) for a in arrays.values())
        return number if is_complex else number.real

    return replace(whole, value=value)


def _part(
    vae: VAE, x: Array, noise: Array, *, reconstruction: float = 0.0, kl: float = 0.0
) -> Problem:
    """Return a weighted sum of the loss's terms."""
    terms = _terms(vae, x, noise)

    def value(twin: VAE) -> Any:
        found = terms(twin)
        return reconstruction * found.reconstruction + kl * found.kl

    return _loss(vae, value, noise)


def _terms(
    vae: VAE,
    x: Array,
    noise: Array,
    beta: float = 1.0,
    objective: str = "elbo",
    free_bits: float | None = None,
    labels: Array | None = None,
) -> Callable[[VAE], Terms]:
    """Return ``vae.loss`` as a function of the model, its arguments checked once."""
    rows, noise, chosen_labels = vae.inputs.batch(x, noise, labels)
    chosen = make_objective(objective, beta, free_bits)
    return lambda twin: twin.network.terms(twin.network.forward(rows, noise, chosen_labels), chosen)


def _loss(vae: VAE, of: Callable[[VAE], Any], noise: Array) -> Problem:
    """Return a number that a model gives, on the reference backend, in any dtype."""
    twins = {kind: vae.copy(dtype=kind, backend="reference") for kind in ("float64", "complex128")}

    def value(arrays: Mapping[str, Array]) -> Any:
        is_complex = any(np.iscomplexobj(a) for a in arrays.values())
        twin = twins["complex128" if is_complex else "float64"]
        _set(twin, arrays)
        return of(twin)

    arrays = {name: vae.parameters[name].astype(np.float64) for name in vae.parameters}
    scale = abs(float(value(arrays)))
    return Problem("part", arrays, value, lambda *_: dict.fromkeys(arrays), scale, {"noise": noise})


def _set(vae: VAE, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        vae.parameters[name][...] = array


def _copied(model: VAE) -> tuple[str, ...]:
    judge = (
        "The loss was differentiated on the reference backend; the gradients are those of the "
        f"{model.backend} backend, by loss_and_gradients and, in rows that say so, by train_step."
    )
    if model.dtype == np.float64:
        return (judge,)
    return (
        f"{judge} The {model.dtype} model was copied to float64: {model.dtype} has too few digits "
        "to check.",
    )
