"""In the company of scikit-learn: pipelines, searches, frames, unions, files."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")

import joblib
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import randint
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from small_estimators import CLASSES, TABLE, make, make_detector

HOW_TO = Path(__file__).parents[2] / "docs" / "ecosystem" / "scikit-learn.md"


@pytest.mark.parametrize(
    ("scaler", "likelihood"),
    [(StandardScaler(), "gaussian_learned"), (MinMaxScaler(), "continuous_bernoulli")],
)
def test_a_pipeline_with_a_scaler_goes_there_and_back(scaler, likelihood, tmp_path):
    pipeline = make_pipeline(scaler, make(likelihood=likelihood)).fit(TABLE)
    codes = pipeline.transform(TABLE)
    assert pipeline.inverse_transform(codes).shape == TABLE.shape
    inside = pipeline[-1]
    assert_allclose(pipeline.score(TABLE), inside.score(pipeline[0].transform(TABLE)))
    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    assert_array_equal(joblib.load(tmp_path / "pipeline.joblib").transform(TABLE), codes)


def test_a_conditional_model_takes_its_classes_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), make(conditional=True))
    codes = pipeline.fit_transform(TABLE, CLASSES)
    assert codes.shape == (60, 2)
    assert np.isfinite(cross_val_score(pipeline, TABLE, CLASSES, cv=3)).all()


def test_frames_come_in_and_go_out():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(TABLE, columns=list("abcd"), index=range(100, 160))
    fitted = make().set_output(transform="pandas").fit(frame)
    assert list(fitted.feature_names_in_) == list("abcd")
    out = fitted.transform(frame)
    assert list(out.columns) == list(fitted.get_feature_names_out())
    assert list(out.index) == list(frame.index)
    assert_array_equal(out.to_numpy(), make().fit(TABLE).transform(TABLE))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform(frame[list("badc")])


def test_columns_of_several_kinds():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(TABLE, columns=list("abcd")).assign(kind=CLASSES)
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("words", OneHotEncoder(), ["kind"])]
    )
    pipeline = Pipeline([("columns", columns), ("vae", make())])
    assert pipeline.fit_transform(frame).shape == (60, 2)
    inside = ColumnTransformer([("vae", make(), list("abc"))], remainder="passthrough")
    inside.set_output(transform="pandas").fit(frame)
    assert list(inside.get_feature_names_out()) == [
        "vae__variationalautoencoder0",
        "vae__variationalautoencoder1",
        "remainder__d",
        "remainder__kind",
    ]


def test_a_union_with_other_features():
    union = FeatureUnion([("vae", make()), ("pca", PCA(3))])
    assert union.fit_transform(TABLE).shape == (60, 5)
    assert len(union.get_feature_names_out()) == 5


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_grid_is_searched_by_log_likelihood(n_jobs):
    pipeline = Pipeline([("scale", StandardScaler()), ("vae", make(score_by="log_likelihood"))])
    grid = {"vae__latent_dim": [1, 2], "vae__epochs": [1, 30]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(TABLE)
    assert search.best_params_["vae__epochs"] == 30
    best = clone_score(pipeline, search.best_params_)
    assert_array_equal(search.cv_results_["mean_test_score"].max(), best)


def clone_score(pipeline, parameters):
    """The same number by hand, so that a search in several processes is the search in one."""
    scores = cross_val_score(pipeline.set_params(**parameters), TABLE, cv=2)
    return scores.mean()


def test_epochs_are_a_resource_of_halving():
    search = HalvingRandomSearchCV(
        make(), {"latent_dim": randint(1, 4)}, resource="epochs", max_resources=9, min_resources=1,
        cv=2, random_state=0,
    ).fit(TABLE)  # fmt: skip
    assert search.n_resources_ == [1, 3, 9]
    assert search.best_estimator_.get_params()["epochs"] == 9
    assert len(search.best_estimator_.history_) == 9


def test_a_calibrated_classifier_behind_it():
    pipeline = make_pipeline(StandardScaler(), make(), LogisticRegression())
    calibrated = CalibratedClassifierCV(pipeline, cv=3).fit(TABLE, CLASSES)
    chances = calibrated.predict_proba(TABLE)
    assert chances.shape == (60, 3)
    assert_allclose(chances.sum(axis=1), 1.0)


def test_a_detector_at_the_end_of_a_pipeline(tmp_path):
    pipeline = make_pipeline(StandardScaler(), make_detector(false_alarm_rate=0.2)).fit(TABLE)
    assert set(pipeline.predict(TABLE)) == {-1, 1}
    joblib.dump(pipeline, tmp_path / "detector.joblib")
    loaded = joblib.load(tmp_path / "detector.joblib")
    assert_array_equal(loaded.decision_function(TABLE), pipeline.decision_function(TABLE))


@pytest.mark.skipif(not HOW_TO.is_file(), reason="not a checkout")
def test_the_how_to_draws_its_picture(monkeypatch):
    code = re.search(r"```python\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setattr(plt, "show", lambda: None)
    known = {}
    exec(code.group(1), known)
    plt.close(known["figure"])
    rows, benign = known["X"], known["y"] == 1
    assert (known["detector"].predict(rows[benign][250:]) == 1).mean() > 0.9
    assert (known["detector"].predict(rows[~benign]) == -1).mean() > 0.5
    assert np.corrcoef(rows[:, 0], known["again"][:, 0])[0, 1] > 0.9
