"""The plumbing of notebook 11: a VAE made of exchangeable pieces, its training, and six tools.

A bug is the right pieces with one or two exchanged.  Used by that notebook only.
"""

from tinyvae.teaching.museum.pieces import RIGHT
from tinyvae.teaching.museum.tools import MODEL, TOOLS, X_ONE, follow_gradient, off
from tinyvae.teaching.museum.training import Trained, beside, sheet, train

__all__ = [
    "MODEL",
    "RIGHT",
    "TOOLS",
    "X_ONE",
    "Trained",
    "beside",
    "follow_gradient",
    "off",
    "sheet",
    "train",
]
