"""Where learning starts for what the model leaves to the data."""

from __future__ import annotations

import math

from tinyvae.model.likelihoods import GaussianLearned, Likelihood


def start_sigma(likelihood: Likelihood, spread: float) -> None:
    """Start a learned sigma at half the data's spread, if no caller chose it and no step moved it.

    A latent dimension stays unused where the variance of the data along every direction that
    is left is below sigma**2 (Lucas, Tucker, Grosse and Norouzi 2019, for linear decoders),
    and sigma then learns to be that large.  A quarter of the mean variance leaves
    the data's main directions above it.

    Parameters
    ----------
    likelihood : Likelihood
        Of any kind; one that learns no sigma is left as it is.
    spread : float
        Root of the mean over columns of their variance.
    """
    if not isinstance(likelihood, GaussianLearned) or likelihood.chosen:
        return
    untouched = likelihood.log_sigma[0] == likelihood.start
    if untouched and 0.0 < spread < math.inf:
        likelihood.log_sigma[:] = math.log(spread / 2.0)
