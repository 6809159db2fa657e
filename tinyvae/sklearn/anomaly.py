"""Rows that a VAE finds unlikely, with a threshold from rows it was not trained on."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tinyvae.errors import ReadingWarning, SizeError, check_number
from tinyvae.sklearn.estimator import VariationalAutoencoder
from tinyvae.sklearn.learning import Rows, held_out

Array = NDArray[Any]


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Calls a row an anomaly if its ELBO is below that of nearly all held-out rows.

    Fit it on ordinary rows.  A part of them is held out, the rest trains the VAE, and the held-out
    scores set the threshold: with n of them it is the k-th smallest, k = floor(rate * (n + 1)).
    An ordinary row is then called an anomaly with a probability of at most ``false_alarm_rate``,
    over the draw of both, whatever the model is worth (split conformal prediction: Vovk, Gammerman
    and Shafer 2005; for anomalies, Laxhammar and Falkman 2010).

    Parameters
    ----------
    estimator : VariationalAutoencoder, optional
        Not changed; a copy is fitted.  One with the default parameters if not given.
    false_alarm_rate : float
        The share of ordinary rows that may be called anomalies, between 0 and 1.  This is no
        ``contamination``: nothing is assumed of the share of anomalies among the rows of ``fit``.
    validation_fraction : float
        The share of rows held out.
    random_state : int, RandomState or None
        Of the choice of those, and of the model where it has none of its own.

    Attributes
    ----------
    estimator_ : VariationalAutoencoder
    offset_ : float
        The threshold, in nats: ``decision_function`` is ``score_samples`` minus it.
    validation_scores_ : array
        Of the held-out rows, in increasing order.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> detector = AnomalyDetector(random_state=0).fit(X[y == 0])
    >>> detector.predict(X[y == 2]).shape
    (48,)
    """

    def __init__(
        self,
        estimator: VariationalAutoencoder | None = None,
        *,
        false_alarm_rate: float = 0.05,
        validation_fraction: float = 0.2,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.false_alarm_rate = false_alarm_rate
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train on most rows of X, and set the threshold by the others; y is ignored.

        Raises
        ------
        ValueError
            If X or a parameter cannot be used.

        Warns
        -----
        ReadingWarning
            If too few rows are held out for a rate so low.
        """
        x = validate_data(self, X, dtype="numeric", ensure_min_samples=3)
        check_number("false_alarm_rate", self.false_alarm_rate, above=0.0)
        if self.false_alarm_rate >= 1:
            raise SizeError(f"false_alarm_rate={self.false_alarm_rate!r} must be below 1.")
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=2)
        learned, judged = held_out(Rows(x, None), self.validation_fraction, int(seeds[0]))
        model = VariationalAutoencoder() if self.estimator is None else clone(self.estimator)
        if model.random_state is None:
            model.set_params(random_state=int(seeds[1]))
        self.estimator_ = model.fit(learned.x)
        self.validation_scores_ = np.sort(model.score_samples(judged.x))
        self.offset_ = self._threshold()
        return self

    def _threshold(self) -> float:
        n = len(self.validation_scores_)
        k = math.floor(self.false_alarm_rate * (n + 1))
        if k < 1:
            warnings.warn(
                f"{n} rows are held out, too few for false_alarm_rate={self.false_alarm_rate!r}: "
                f"the threshold is the smallest of their scores, and the rate 1 in {n + 1}. Give "
                f"more rows, or choose a rate of at least {1 / (n + 1):.3g}.",
                ReadingWarning,
                stacklevel=3,
            )
        return float(self.validation_scores_[max(k, 1) - 1])

    def score_samples(self, X: ArrayLike) -> Array:
        """Return each row's score, as the estimator's ``score_by`` says: (n,) float64, nats."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype="numeric", reset=False)
        scores: Array = self.estimator_.score_samples(x)
        return scores

    def decision_function(self, X: ArrayLike) -> Array:
        """Return ``score_samples`` minus the threshold, (n,) nats; an anomaly's is negative."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> Array:
        """Return -1 for anomalies and 1 for the others, (n,) ints."""
        return np.where(self.decision_function(X) < 0, -1, 1)
