from __future__ import annotations

import pytest
from museum import EXHIBITS, ties

from tinyvae.gradcheck import check_gradients

BY_NAME = {e.name: e for e in EXHIBITS}


def test_museum_is_as_large_as_is_claimed():
    assert len(BY_NAME) == len(EXHIBITS) >= 160
    assert len(ties.EXHIBITS) >= 40
    assert sum(bool(e.expected) for e in EXHIBITS) >= 0.98 * len(EXHIBITS)


@pytest.mark.parametrize("name", BY_NAME)
def test_exhibit_is_found_and_named(name):
    e = BY_NAME[name]
    report = check_gradients(e.function, e.gradient, *e.inputs, **e.options)
    assert not report.passed
    found = [f for f in report.findings if f.kind == e.expected and e.says in str(f)]
    if e.expected:
        assert found, report
    else:  # detected, and nothing is said rather than guessed
        assert not report.findings, report


CENTRAL_SEES = [
    e for e in EXHIBITS if e.expected not in ("float32", "not deterministic", "accumulates")
]


@pytest.mark.parametrize("name", [e.name for e in CENTRAL_SEES])
def test_exhibit_is_found_and_named_by_central_differences(name):
    e = BY_NAME[name]
    report = check_gradients(e.function, e.gradient, *e.inputs, method="central", **e.options)
    assert not report.passed
    assert e.expected in [f.kind for f in report.findings] or not e.expected, report


@pytest.mark.parametrize("name", [e.name for e in EXHIBITS if e.expected != "float32"])
def test_exhibit_is_found_by_random_directions(name):
    e = BY_NAME[name]
    report = check_gradients(e.function, e.gradient, *e.inputs, method="directions", **e.options)
    assert not report.passed
    assert e.expected in [f.kind for f in report.findings] or not e.expected, report
