"""What a file says of the numbers in it, in words, for whoever finds it without tinyvae."""

from __future__ import annotations

from importlib.metadata import version

from tinyvae.errors import OptionError
from tinyvae.model.vae import VAE, check_vae

_SCALING = {
    "binary": "x is 0 or 1, or grey in [0, 1]; grey levels of 8 bits are divided by 255",
    "unit_interval": "x lies in [0, 1]; grey levels of 8 bits are divided by 255",
    "counts": "x are counts 0, 1, 2, ..., not scaled",
    "real": "x are real numbers, as they were in training, not scaled",
}
_MEAN = {
    "bernoulli": "sigmoid(logits)",
    "continuous_bernoulli": "1 / (1 - exp(-logits)) - 1 / logits, and 1/2 at 0",
    "poisson": "exp(logits)",
    "gaussian": "logits",
    "gaussian_learned": "logits",
}


def conventions(vae: VAE) -> dict[str, str]:
    """Return what must be known to use the numbers of a model."""
    return {
        "tinyvae": version("tinyvae"),
        "likelihood": vae.likelihood,
        "scaling": _SCALING[vae.support],
        "mean": f"E[x given z] = {_MEAN[vae.likelihood]}",
        "logvar": "log of the variance of q(z given x): the standard deviation is exp(logvar / 2)",
        "prior": "z is standard normal",
        "units": "nats per example",
    }


def check_real(vae: VAE) -> None:
    """Refuse what is no model, or a complex one, which is for gradient checks.

    Raises
    ------
    UsageError
    """
    check_vae(vae)
    if vae.dtype.kind == "c":
        raise OptionError(
            f"dtype={vae.dtype.name!r} is for gradient checks: export vae.copy(dtype='float64')."
        )
