from __future__ import annotations

import math
import re

import pytest
from wrong import KLS, LOSSES, SAMPLERS

import tinyvae as tv

# An issue of a repository, a paper's year, or the blog that most code descends from.
CITATION = re.compile(r"[\w.-]+/[\w.-]+ #\d+|\b(19|20)\d\d\b|1Konny/Beta-VAE|Keras blog")

ALL = [(tv.check_loss, e) for e in LOSSES]
ALL += [(tv.check_sampler, e) for e in SAMPLERS]
ALL += [(tv.check_kl, e) for e in KLS]


def test_museum_is_large_and_every_exhibit_says_where_its_like_was_met():
    names = [e.name for _, e in ALL]
    assert len(set(names)) == len(names)
    met = [e.met for _, e in ALL if e.met]
    assert len(met) >= 60
    assert not [m for m in met if not CITATION.search(m)]


def test_at_least_nine_of_ten_are_named():
    assert sum(e.code != "unexplained" for _, e in ALL) >= 0.9 * len(ALL)


@pytest.mark.parametrize(("check", "exhibit"), ALL, ids=lambda e: getattr(e, "name", ""))
def test_exhibit_is_found_and_named(check, exhibit):
    report = check(exhibit.function, **exhibit.options)
    assert not report.passed
    assert exhibit.code in [f.code for f in report.findings], report
    for term, weight in exhibit.weights.items():
        tolerance = (
            0.06
            if any("random" in n for n in report.notes)
            else 0.03
            if check is tv.check_sampler
            else 1e-8
        )
        assert math.isclose(report.coefficients[term], weight, rel_tol=tolerance, abs_tol=1e-12), (
            report
        )
    if exhibit.beta is not None:
        assert math.isclose(report.beta, exhibit.beta, rel_tol=1e-8), report
    assert report.calls < 3000
    assert all(str(f) in str(report) for f in report.findings)
