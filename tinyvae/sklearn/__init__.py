"""The VAE as an estimator of scikit-learn, and a detector of anomalies on top (extra ``sklearn``).

>>> from tinyvae.sklearn import AnomalyDetector, VariationalAutoencoder
"""

from __future__ import annotations

from tinyvae.errors import MissingPackageError

try:
    from tinyvae.sklearn.anomaly import AnomalyDetector
    from tinyvae.sklearn.estimator import VariationalAutoencoder
except ModuleNotFoundError as problem:
    if (problem.name or "").partition(".")[0] != "sklearn":
        raise
    raise MissingPackageError(
        "tinyvae.sklearn needs scikit-learn, which is not installed: "
        "pip install 'tinyvae[sklearn]'."
    ) from problem

__all__ = ["AnomalyDetector", "VariationalAutoencoder"]
