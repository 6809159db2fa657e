"""A whole objective elbo(x, encode, decode), judged on the linear-Gaussian model.

There what the decoder gives is Gaussian whenever z is, so that the expectation of any likelihood
is one sum a value of x, and the ELBO is known exactly.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tinyvae.errors import UsageError
from tinyvae.linear_gaussian import LinearGaussian
from tinyvae.losscheck import returned
from tinyvae.losscheck.bench import Bench, Shape
from tinyvae.losscheck.call import Function
from tinyvae.losscheck.examine import maximized, report_of
from tinyvae.losscheck.expectations import hypotheses
from tinyvae.losscheck.failures import CallFailed
from tinyvae.losscheck.fit import Fitter, Match
from tinyvae.losscheck.laws import measure
from tinyvae.losscheck.names import MU, SCALE, X, normalize, role_of, words
from tinyvae.losscheck.report import Report
from tinyvae.losscheck.terms import Array
from tinyvae.losscheck.verdict import Balance, Verdict, weigh

ENCODE = words("encode encoder enc encode_fn q encoder_fn inference recognition encoder_net")
DECODE = words("decode decoder dec decode_fn p decoder_fn generate generator decoder_net")
PAIRS = 160
BASE = Shape(500, (5,), 2)
SHAPES = (BASE, Shape(1500, (5,), 2), Shape(500, (15,), 2), Shape(500, (5,), 6))


def is_objective(function: Any) -> bool:
    """Say whether a function takes an encoder and a decoder."""
    try:
        plain = {normalize(name) for name in inspect.signature(function).parameters}
    except (TypeError, ValueError):
        return False
    return bool(plain & ENCODE) and bool(plain & DECODE)


@lru_cache(maxsize=16)
def model_of(input_dim: int, latent_dim: int) -> LinearGaussian:
    """Return the model whose decoder the objective gets: weights of about 0.6, sigma 1."""
    rng = np.random.default_rng([input_dim, latent_dim, 21])
    weight = 0.6 * rng.standard_normal((latent_dim, input_dim))
    return LinearGaussian(weight, 0.3 * rng.standard_normal(input_dim), 1.0)


def check_objective(
    objective: Callable[..., Any],
    told: Shape,
    *,
    convert: Callable[[Any], Any] | None,
    beta: float,
    seed: int,
    title: str | None,
) -> Report:
    """Judge ``elbo(x, encode, decode)``; see ``check_loss``.

    ``encode(x)`` returns mu and the third argument, ``decode(z)`` the mean (or logits) of x.
    """
    began = time.perf_counter()
    rng = np.random.default_rng([seed, 22])
    bench = Bench(Function(_plain(objective, convert, rng), ["x", "mu", "scale"], None, rng), rng)
    head = title or str(getattr(objective, "__name__", "objective"))
    verdict = Verdict(told.sizes)
    _try(bench, head)
    bench.measure_noise(BASE)
    shapes = (
        SHAPES
        if bench.random
        else tuple(Shape(s.batch // 100, s.example, s.latent_dim) for s in SHAPES)
    )
    match, residual = _match(bench, shapes[0])
    weights: tuple[Any, ...] = ()
    if match is None:
        verdict.finds(
            "unexplained",
            "On the linear-Gaussian model its values are those of no likelihood, sampler and KL "
            "known here, whatever their weights.",
        )
    else:
        law = measure(bench, shapes, match.hypothesis.terms)
        weights, residual = law.weights, law.residual
        _judge(verdict, match, weights, beta, maximized(bench.function.title))
        _compare(verdict)
    if bench.random:
        verdict.notes.append("It draws z inside: averages were judged, to 1 or 2 digits.")
    return _report(verdict, bench, match, weights, residual, head, seed, began)


def _plain(
    objective: Callable[..., Any], convert: Callable[[Any], Any] | None, rng: np.random.Generator
) -> Callable[..., Any]:
    """Return the objective as a function of x, mu and the third argument."""
    to = convert or (lambda array: array)
    names = list(inspect.signature(objective).parameters.values())

    def call(x: Array, mu: Array, scale: Array) -> Any:
        model = model_of(x.shape[1], mu.shape[1])

        def encode(data: Any) -> tuple[Any, Any]:
            rows = len(returned.numbers(data))
            return to(np.resize(mu, (rows, mu.shape[1]))), to(np.resize(scale, (rows, mu.shape[1])))

        def decode(z: Any) -> Any:
            return to(returned.numbers(z) @ model.weight + model.bias)

        given: dict[str, Any] = {}
        for p in names:
            plain = normalize(p.name)
            if plain in ENCODE:
                given[p.name] = encode
            elif plain in DECODE:
                given[p.name] = decode
            elif role_of(p.name) == (X, ""):
                given[p.name] = to(x)
            elif plain in ("rng", "generator"):
                given[p.name] = rng
            elif p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                raise UsageError(
                    f"An objective takes x, encode, decode and perhaps rng; {p.name!r} is not "
                    "known here. Give it a default, or wrap the function."
                )
        return objective(**given)

    call.__name__ = str(getattr(objective, "__name__", "objective"))
    return call


def _try(bench: Bench, head: str) -> None:
    try:
        array = bench.raw(bench.draw(BASE))[0]
    except CallFailed as error:
        if isinstance(error.cause, UsageError):
            raise error.cause from None
        raise UsageError(
            f"{head} raised {type(error.cause).__name__}: {error.cause} It was fed x (batch, 5), "
            "an encode(x) that returns (mu, logvar), and a decode(z) that returns the mean of x."
        ) from error.cause
    bench.layout = returned.layout(array, BASE.batch, (5, 2))


def _match(bench: Bench, shape: Shape) -> tuple[Match | None, float]:
    if bench.random:
        bench.measure_spread(shape)
    fitter = Fitter(bench, bench.pairs(shape, (MU, SCALE), PAIRS if bench.random else 48))
    match = fitter.best(hypotheses(model_of))
    return match, match.residual if match else 1.0


def _judge(
    verdict: Verdict, match: Match, weights: tuple[Any, ...], beta: float, maximized: bool
) -> None:
    hypothesis = match.hypothesis
    if hypothesis.code == "objective":
        term = hypothesis.terms[0].name
        weigh(verdict, Balance(weights[0], weights[1], term, beta, maximized))
        verdict.likelihood = hypothesis.words
    else:
        verdict.finds(hypothesis.code, hypothesis.words, hypothesis.mend)


def _compare(verdict: Verdict) -> None:
    """Note the exact ELBO and log p(x) of the model, where a Gaussian was found."""
    if not verdict.sigma or verdict.findings:
        return
    base = model_of(5, 2)
    model = LinearGaussian(base.weight, base.bias, verdict.sigma)
    x, _ = model.sample(64, np.random.default_rng(23))
    mu, logvar = model.best_diagonal(x)
    elbo, evidence = model.elbo(x, mu, logvar).mean(), model.log_likelihood(x).mean()
    verdict.notes.append(
        "With this sigma, on a linear-Gaussian model of 5 values, the exact ELBO of the best "
        f"diagonal q is {elbo:.3f} nats, and log p(x) {evidence:.3f}: a bound."
    )


def _report(
    verdict: Verdict,
    bench: Bench,
    match: Match | None,
    weights: tuple[Any, ...],
    residual: float,
    head: str,
    seed: int,
    began: float,
) -> Report:
    terms = match.hypothesis.terms if match else ()
    pieces = [(t.name, w.without("batch")) for t, w in zip(terms, weights, strict=True)]
    text = " + ".join(f"{w.spell(verdict.sizes)} x {n}" for n, w in pieces).replace("+ -", "- ")
    reading = (
        {"encode(x)[1]": match.hypothesis.reading} if match and match.hypothesis.reading else {}
    )
    return report_of(
        verdict,
        bench,
        title=head,
        formula=f"objective = {text}" if text else "",
        coefficients={n: w.at(verdict.sizes) for n, w in pieces},
        readings=reading,
        residual=residual,
        seed=seed,
        began=began,
    )
