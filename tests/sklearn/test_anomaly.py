"""The detector's threshold, and what it promises of false alarms."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")

from numpy.testing import assert_array_equal
from small_estimators import TABLE, make, make_detector

from tinyvae.errors import ReadingWarning, SizeError

BLOB = np.random.default_rng(8).standard_normal((400, 4))


def test_the_threshold_is_an_order_statistic_of_held_out_scores():
    # With 99 of them, a tenth of ordinary rows is below the tenth smallest: they make 100 gaps.
    detector = make_detector(false_alarm_rate=0.1, validation_fraction=0.25).fit(BLOB[:396])
    scores = detector.validation_scores_
    assert len(scores) == 99
    assert detector.offset_ == scores[9]
    assert_array_equal(
        detector.decision_function(BLOB), detector.score_samples(BLOB) - detector.offset_
    )
    assert_array_equal(
        detector.predict(BLOB) == -1, detector.score_samples(BLOB) < detector.offset_
    )


def test_held_out_rows_are_rows_that_did_not_train():
    detector = make_detector(validation_fraction=0.25).fit(BLOB)
    assert len(detector.validation_scores_) == 100
    scores = detector.score_samples(BLOB)
    judged = np.isin(scores, detector.validation_scores_)
    assert judged.sum() == 100
    alone = make(random_state=detector.estimator_.random_state).fit(BLOB[~judged])
    assert_array_equal(alone.score_samples(BLOB), scores)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_false_alarms_are_as_rare_as_was_asked(rate):
    # Over the draw of all rows the rate is k / (n + 1) exactly, whatever the model is worth.
    rng, runs, alarms = np.random.default_rng(9), 40, []
    for seed in range(runs):
        rows = rng.standard_normal((99 + 30, 4))
        detector = make_detector(
            false_alarm_rate=rate, validation_fraction=99 / 129, random_state=seed
        ).fit(rows)
        alarms.append((detector.predict(rng.standard_normal((100, 4))) == -1).mean())
    error = np.std(alarms, ddof=1) / np.sqrt(runs)
    assert abs(np.mean(alarms) - rate) < 4 * error
    assert error < rate / 4


def test_what_is_far_away_is_an_anomaly():
    detector = make_detector().fit(BLOB)
    assert (detector.predict(BLOB[:50] + 8.0) == -1).all()
    assert detector.fit_predict(BLOB).mean() > 0.8


def test_too_few_rows_for_a_rate_are_told():
    with pytest.warns(ReadingWarning, match="12 rows are held out, too few for false_alarm_rate"):
        detector = make_detector(false_alarm_rate=0.01).fit(TABLE)
    assert detector.offset_ == detector.validation_scores_[0]
    for rate in (0.0, 1.0, np.nan):
        with pytest.raises(SizeError, match="false_alarm_rate"):
            make_detector(false_alarm_rate=rate).fit(TABLE)


def test_the_estimator_given_is_not_touched_and_keeps_its_seed():
    given = make(random_state=5)
    detector = make_detector().set_params(estimator=given).fit(BLOB)
    assert not hasattr(given, "vae_")
    assert detector.estimator_.random_state == 5
    assert detector.get_params()["estimator__hidden_dims"] == (6,)
