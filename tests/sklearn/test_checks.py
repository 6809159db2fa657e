"""scikit-learn's own checks of an estimator, all of them, none expected to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")

from sklearn.utils.estimator_checks import parametrize_with_checks
from small_estimators import make, make_detector

ESTIMATORS = [
    make(dtype="float32"),
    make(dtype="float64"),
    make(backend="numba"),
    make_detector(),
]
# What scikit-learn says of itself, and of rows that were too few for a threshold.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore:[0-9]+ rows are held out, too few"),
]


@parametrize_with_checks(ESTIMATORS)
def test_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_no_check_is_skipped_where_the_array_api_is_switched_on():
    # The switch must be set before SciPy is imported; without it one check skips itself.
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from small_estimators import make, make_detector\n"
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "found = [check_estimator(e, on_fail=None) for e in (make(), make_detector())]\n"
        "print(json.dumps([[c['check_name'], c['status']] for r in found for c in r]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(Path(__file__).parents[1])],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    outcomes = json.loads(done.stdout)
    assert len(outcomes) > 80
    assert [name for name, status in outcomes if status != "passed"] == []
