"""The check of a problem from end to end: steady, measured, judged, diagnosed."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from tinyvae.errors import UsageError, check_count, check_option
from tinyvae.gradcheck.diagnosis.case import Case
from tinyvae.gradcheck.diagnosis.diagnose import diagnose
from tinyvae.gradcheck.diagnosis.terms import Term, returned_terms
from tinyvae.gradcheck.judge import judge, judge_across
from tinyvae.gradcheck.kinks import is_kinked
from tinyvae.gradcheck.measure import Instruments
from tinyvae.gradcheck.probe import instruments_for
from tinyvae.gradcheck.problem import Array, Problem
from tinyvae.gradcheck.report import Report
from tinyvae.gradcheck.results import SKIPPED, WRONG, ArrayResult
from tinyvae.gradcheck.steadiness import overwritten, steady_gradients

METHODS = ("auto", "complex", "central", "directions")
# Up to so many entries in all, every one is checked; beyond, a sample of each array and a few
# random directions through it.
EVERY_ENTRY = 10_000
SAMPLE = 25
DIRECTIONS = 3
# For the diagnosis a wrong array of up to LOOK_CLOSELY entries is measured in full.
LOOK_CLOSELY, LARGER_SAMPLE = 2_000, 100


def check_problem(
    problem: Problem,
    *,
    method: str = "auto",
    entries: int | None = None,
    seed: int = 0,
    terms: Mapping[str, Term] | None = None,
    preactivation: Array | None = None,
    tools: Instruments | None = None,
) -> Report:
    """Check what a ``Problem`` claims; see ``check_gradients`` for the options.

    ``terms`` give the gradients of known parts; see ``diagnosis/terms.py``.  ``tools`` that
    measured the same function already are used again.
    """
    start = time.perf_counter()
    check_option("method", method, METHODS)
    if entries is not None:
        check_count("entries", entries, at_least=0)
    claimed, unsteady = steady_gradients(problem)
    if unsteady:
        return Report(problem.title, (), unsteady, (), problem.notes, _since(start), seed)
    tools = tools or instruments_for(problem, method, np.random.default_rng([seed, 2]))
    if method == "complex" and tools.refusal is not None:
        raise UsageError(
            f"method='complex' cannot be used: {tools.refusal}. Use method='auto' or 'central'."
        )
    results = [
        _check_array(tools, name, claimed[name], _plan(problem, method, entries))
        for name in problem.arrays
    ]
    results = judge_across(tools, results, claimed)
    notes = problem.notes
    if tools.refusal is not None and method != "central":
        notes += (f"Central differences were used: {tools.refusal}.",)
    known = returned_terms(problem, tools.rng) | dict(terms or {})
    cases = _cases(tools, results, claimed, known, preactivation)
    findings = diagnose(cases, results) + overwritten(problem, results)
    if any(r.verdict == WRONG for r in results) and not findings:
        notes += ("The pattern of the error is none that this check knows.",)
    return Report(problem.title, tuple(results), findings, (), notes, _since(start), seed)


def _plan(problem: Problem, method: str, entries: int | None) -> tuple[int, int]:
    """Return how many entries and how many directions to take in each array."""
    if method == "directions":
        return 0, DIRECTIONS
    if entries is not None:
        return entries, DIRECTIONS
    return (EVERY_ENTRY, 0) if problem.size <= EVERY_ENTRY else (SAMPLE, DIRECTIONS)


def _check_array(
    tools: Instruments, name: str, claimed: Array | None, plan: tuple[int, int]
) -> ArrayResult:
    array = tools.problem.arrays[name]
    if claimed is None:
        return ArrayResult(name, array.shape, "-", SKIPPED, remark="no gradient is claimed.")
    if not array.size:
        return ArrayResult(name, array.shape, "-", SKIPPED, remark="it is empty.")
    limit, directions = plan
    if not limit and is_kinked(tools) and array.size <= LOOK_CLOSELY:
        limit = array.size  # a direction across kinks decides nothing
    closely = array.size if array.size <= LOOK_CLOSELY else LARGER_SAMPLE
    fitting = claimed.shape == array.shape
    like = claimed if fitting else np.full(array.shape, np.nan)

    def result(limit: int) -> ArrayResult:
        measured = [tools.entries(name, like, tools.choose(like, limit))]
        if fitting and directions and array.size > limit:
            measured.append(tools.directions(name, claimed, directions))
        return judge(tools, measured, array.shape)

    found = result(limit if fitting else max(limit, closely))
    if found.verdict == WRONG and found.checked < min(closely, array.size):
        return result(closely)
    return found


def _cases(
    tools: Instruments,
    results: list[ArrayResult],
    claimed: Mapping[str, Array | None],
    terms: Mapping[str, Term],
    preactivation: Array | None,
) -> list[Case]:
    """Lay out every wrong array for diagnosis."""
    problem = tools.problem
    others = {n: a for n, a in claimed.items() if a is not None}
    full = {r.name: r.numeric for r in results if r.checked == r.size}
    cases = [
        Case(
            name=r.name,
            shape=r.shape,
            claimed=others[r.name],
            indices=r.indices,
            analytic=r.analytic,
            numeric=r.numeric,
            noise=r.attainable * float(np.linalg.norm(r.numeric)),
            kinked=r.kinked,
            pool=problem.arrays | problem.context,
            others=others,
            measured=full,
            terms=terms,
            preactivation=preactivation,
        )
        for r in results
        if r.verdict == WRONG and r.checked
    ]
    return [
        _some_of(case, tools.rng) if case.indices.size > EVERY_ENTRY else case for case in cases
    ]


def _some_of(case: Case, rng: np.random.Generator) -> Case:
    """Return the case of the worst entries and of random ones: a term is measured by entries."""
    some = rng.choice(case.indices.size, LARGER_SAMPLE, replace=False)
    if case.same_shape:
        worst = np.argsort(-np.abs(np.nan_to_num(case.difference)))
        some = np.union1d(some[::2], worst[: LARGER_SAMPLE // 2])
    return case.where(some)


def _since(start: float) -> float:
    return time.perf_counter() - start
