"""Small estimators and small tables, for all tests of the room of scikit-learn."""

from __future__ import annotations

import numpy as np

from tinyvae.sklearn import AnomalyDetector, VariationalAutoencoder

TABLE = np.random.default_rng(1).standard_normal((60, 4)) @ np.diag([1.0, 0.5, 2.0, 1.0])
CLASSES = np.array(["ham", "eggs", "spam"])[np.arange(60) % 3]


def make(**parameters):
    small = {"hidden_dims": (6,), "epochs": 3, "backend": "reference", "random_state": 0}
    return VariationalAutoencoder(**small | parameters)


def make_detector(**parameters):
    return AnomalyDetector(make(), **{"random_state": 0} | parameters)
