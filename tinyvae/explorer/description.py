"""A model as JSON: what it looks like, and its weights.

This is the one place that knows under which names ``web/unpack.js`` finds the arrays.
"""

from __future__ import annotations

from typing import Any

from tinyvae.errors import check_option
from tinyvae.explorer.arrays import PRECISIONS, pack, round_to
from tinyvae.model.vae import VAE

#: Arrays that not every model has; rows of labels are (n_classes, width of the first layer).
NAMES = {
    "encoder": "encoder.0.label_weight",
    "decoder": "decoder.0.label_weight",
    "log_sigma": "likelihood.log_sigma",
}


def describe_model(vae: VAE, precision: str) -> dict[str, Any]:
    """Return everything the page needs in order to compute with a model.

    Parameters
    ----------
    vae : VAE
    precision : str
        Of the weights: ``"float16"`` or ``"float32"``.

    Returns
    -------
    dict
        Fit for JSON.

    Raises
    ------
    OptionError
        If the precision is not known.
    RangeError
        If the precision cannot hold a weight.
    """
    check_option("precision", precision, PRECISIONS)
    config = vae.config
    values = round_to(vae.parameters.values, precision)
    return {
        "input_dim": config["input_dim"],
        "latent_dim": config["latent_dim"],
        "n_classes": vae.n_classes or 0,
        "activation": config["activation"],
        "likelihood": config["likelihood"],
        "sigma": getattr(vae.observation, "sigma", 1.0),
        "encoder_layers": len(config["hidden_dims"]) + 1,
        "decoder_layers": len(config["decoder_hidden_dims"]) + 1,
        "names": NAMES,
        "arrays": [
            {"name": name, "shape": list(array.shape)} for name, array in vae.parameters.items()
        ],
        "weights": pack(values, precision),
        "text": str(vae),
    }


def rounded(vae: VAE, precision: str) -> VAE:
    """Return a copy of the model with the weights that the page has."""
    twin = vae.copy()
    twin.parameters.values[:] = round_to(vae.parameters.values, precision)
    return twin
