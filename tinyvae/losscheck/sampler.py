"""``check_sampler``: what a sampler really draws."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyvae.errors import UsageError, check_count
from tinyvae.losscheck.call import Function
from tinyvae.losscheck.draws import DOMAINS, EITHER, Draws, Sampler, measure
from tinyvae.losscheck.failures import plain_words
from tinyvae.losscheck.loss import Arguments
from tinyvae.losscheck.names import MU, RNG, SCALE
from tinyvae.losscheck.noise import judge_noise
from tinyvae.losscheck.report import Finding, Report
from tinyvae.losscheck.seeds import seeded
from tinyvae.losscheck.spell import spell
from tinyvae.losscheck.widths import Width, find_width, judge_width


def check_sampler(
    sampler: Callable[..., Any],
    arguments: Arguments = None,
    *,
    convert: Callable[[Any], Any] | None = None,
    seed: int = 0,
    title: str | None = None,
) -> Report:
    """Tell what a sampler draws: ``z = mu + exp(logvar / 2) * noise`` or something else.

    Where the noise can be repeated (it is an argument, or comes from a Generator that is one, or
    from NumPy's, Python's or torch's global state) the width is measured exactly; otherwise by
    the moments of some 40,000 draws.

    >>> import numpy as np
    >>> from tinyvae.losscheck import check_sampler
    >>> def sample(mu, logvar, rng):
    ...     return mu + np.exp(logvar) * rng.standard_normal(mu.shape)
    >>> check_sampler(sample).findings[0].code
    'variance_for_std'

    Parameters
    ----------
    sampler : callable
        Of mu and the third argument, both (batch, latent_dim); also of noise or a Generator (or
        a JAX key).  It returns z of the same shape, or a tuple that holds it.
    arguments, convert, seed, title
        As in ``check_loss``.

    Returns
    -------
    Report
        ``passed`` if z is mu plus standard normal noise times the standard deviation that the
        third argument's name stands for.

    Raises
    ------
    UsageError, NonFiniteDataError
        If it cannot be called, or gives no finite numbers.
    """
    began = time.perf_counter()
    rng = np.random.default_rng([check_count("seed", seed, at_least=0), 20])
    with seeded(seed), plain_words():
        function = Function(sampler, arguments, convert, rng)
        slot = function.slot(SCALE)
        if slot is None or not function.has(MU):
            raise UsageError(
                f"{function.title} needs arguments for mu and for logvar (or a width), by the "
                "names known here; say which is which with arguments=."
            )
        drawn = measure(Sampler(function, seed), DOMAINS.get(slot.claim, EITHER))
    findings: list[Finding] = []
    notes: list[str] = []
    width = find_width(drawn)
    _judge_mean(findings, drawn)
    judge_width(findings, notes, drawn, width, slot)
    scale = judge_noise(findings, drawn, width)
    _say_how(notes, function, drawn)
    return Report(
        title or function.title,
        not findings,
        _formula(drawn, width, slot.name, scale),
        "" if findings else "the reparameterization",
        {} if math.isnan(drawn.slope) else {"mu": drawn.slope, "noise": scale},
        readings={slot.name: width.reading} if width and width.reading else {},
        findings=tuple(findings),
        notes=tuple(dict.fromkeys(notes)),
        residual=drawn.error,
        digits=7.0 if drawn.single else 16.0 if drawn.is_exact else 2.0,
        sizes={"rows": len(drawn.noise)},
        calls=function.calls,
        seconds=time.perf_counter() - began,
        seed=seed,
    )


def _judge_mean(findings: list[Finding], drawn: Draws) -> None:
    if drawn.times_mu:
        return
    if math.isnan(drawn.slope):
        findings.append(
            Finding(
                "mean",
                "z does not follow mu in one straight line: mu is bent, or scaled by the width.",
                "Add the scaled noise to mu itself.",
            )
        )
    elif abs(drawn.slope) < 1e-6:
        findings.append(Finding("mean", "mu is missing from z.", "Add mu."))
    elif abs(drawn.slope - 1.0) > 1e-5:
        findings.append(
            Finding(
                "mean", f"z moves by {spell(drawn.slope, 1e-4)} when mu moves by 1.", "Add mu once."
            )
        )


def _formula(drawn: Draws, width: Width | None, name: str, scale: float) -> str:
    mean = "mu" if abs(drawn.slope - 1.0) <= 1e-5 else f"{drawn.slope:.4g} mu"
    if math.isnan(drawn.slope):
        mean = "f(mu)"
    if not drawn.noise.size:
        return f"z = {mean}"
    size = width.words.format(name) if width else f"g({name})"
    factor = "" if abs(scale - 1.0) < 0.02 or not math.isfinite(scale) else f"{scale:.3g} * "
    return f"z = {mean} + {factor}{size} * noise"


def _say_how(notes: list[str], function: Function, drawn: Draws) -> None:
    told = drawn.is_given or function.has(RNG)
    if drawn.noise.size and not told and not drawn.is_exact:
        notes.append(
            "Its noise cannot be repeated: it was judged by moments, to 2 digits. Take a Generator "
            "(or the noise) as an argument, and runs can be repeated."
        )
    if function.overwrites:
        notes.append(
            f"It writes into {', '.join(sorted(function.overwrites))}; it was given copies."
        )
