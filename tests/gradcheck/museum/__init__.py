"""A museum of wrong backward passes: each a few lines, each a mistake people really make.

``EXHIBITS`` lists them all.  Every exhibit is a function, a wrong gradient, the inputs, and the
kind of finding the diagnosis ought to name, or "" where nothing ought to be said.
"""

from museum import (
    activations,
    composite,
    dense,
    latent,
    likelihoods,
    machinery,
    normalization,
    ties,
)

EXHIBITS = [
    *dense.EXHIBITS,
    *activations.EXHIBITS,
    *latent.EXHIBITS,
    *likelihoods.EXHIBITS,
    *normalization.EXHIBITS,
    *machinery.EXHIBITS,
    *composite.EXHIBITS,
    *ties.EXHIBITS,
]
