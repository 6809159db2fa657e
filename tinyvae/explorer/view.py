"""What the page shows of the data, computed once in Python: codes, bounds, what rounding cost.

Everything comes from the model's public methods; noise is drawn from the caller's seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyvae.explorer.arrays import pack
from tinyvae.explorer.description import rounded
from tinyvae.explorer.subject import Subject
from tinyvae.model.vae import VAE
from tinyvae.ops.reference import kl_forward
from tinyvae.plots.latent import principal_plane

Array = NDArray[Any]

#: Rows on the map and in the histogram; rows to begin with; rows that judge the rounding.
CODES, EXAMPLES, JUDGED = 1000, 60, 500
#: Samples of z a row, as many as the page draws for what is in the reader's hand.
SAMPLES = 3
#: No more numbers than this go into the page as examples.
_EXAMPLE_NUMBERS = 60_000


def look(vae: VAE, subject: Subject, precision: str, seed: int) -> dict[str, Any]:
    """Return what the page shows of the data.

    Parameters
    ----------
    vae : VAE
    subject : Subject
    precision : str
        Of the weights in the page; every number here is computed with weights so rounded.
    seed : int
        Of the noise.

    Returns
    -------
    dict
        Fit for JSON; see ``web/state.js`` for what each entry means.
    """
    twin = rounded(vae, precision)
    x = subject.x(vae, CODES)
    kinds = None if subject.kinds is None else subject.kinds[: len(x)]
    labels = None if vae.n_classes is None else kinds  # another model is told none
    mu, logvar = twin.encode(x, labels)
    kl = kl_forward(mu.astype(np.float64), logvar.astype(np.float64))
    plane = _plane(mu)
    return {
        "kind": subject.kind,
        "name": subject.name,
        "rows": len(x),
        "image_shape": subject.image_shape,
        "columns": subject.columns,
        "kind_names": subject.kind_names,
        "binarize": subject.binarize,
        "whole": vae.likelihood == "poisson",
        "ranges": _ranges(subject, vae),
        "plane": plane,
        "codes": pack(_project(mu, logvar, plane), "float32"),
        "kinds": None
        if kinds is None
        else pack(kinds, "uint8" if kinds.max() < 256 else "float32"),
        "points": pack(x, "float32") if subject.kind == "plane" else None,
        "elbos": pack(np.sort(_elbos(twin, x, kl, labels, seed)), "float32"),
        "kl_per_dimension": kl.mean(axis=0).tolist(),
        "examples": _examples(subject, vae),
        "rounding": _rounding(vae, twin, x[:JUDGED], labels, precision, seed),
    }


def _elbos(vae: VAE, x: Array, kl: Array, labels: Array | None, seed: int) -> Array:
    """Return each row's ELBO, (n,) nats, with the KL term exact as on the page."""
    found = vae.bounds(x, SAMPLES, seed=seed, labels=labels, binarize="none")  # x is as it is
    elbos: Array = -found.reconstruction - kl.sum(axis=1)
    return elbos


def _rounding(
    vae: VAE, twin: VAE, x: Array, labels: Array | None, precision: str, seed: int
) -> dict[str, Any]:
    """Return the mean ELBO before and after the weights were rounded, from the same noise."""
    found = {}
    few = None if labels is None else labels[: len(x)]
    for name, model in (("before", vae), ("after", twin)):
        posterior = model.encode(x, few)
        kl = kl_forward(*(part.astype(np.float64) for part in posterior))
        found[name] = float(_elbos(model, x, kl, few, seed).mean())
    return found | {"rows": len(x), "precision": precision, "dtype": vae.dtype.name}


def _plane(mu: Array) -> dict[str, Any]:
    """Return the plane of the map: the latent plane itself, or two principal directions."""
    width = mu.shape[1]
    if width <= 2 or len(mu) < 3:
        directions = np.eye(2, width)
        return {"principal": False, "center": [0.0] * width, "directions": directions.tolist()}
    plane = principal_plane(mu.astype(np.float64))
    return {
        "principal": True,
        "center": plane.center.tolist(),
        "directions": plane.directions.tolist(),
        "shares": plane.shares.tolist(),
    }


def _project(mu: Array, logvar: Array, plane: dict[str, Any]) -> Array:
    """Return where codes lie on the map, (n, 2); one dimension lies along its deviation."""
    if mu.shape[1] == 1:
        return np.concatenate([mu, np.exp(logvar / 2)], axis=1)
    points: Array = (mu - plane["center"]) @ np.asarray(plane["directions"]).T
    return points


def _ranges(subject: Subject, vae: VAE) -> dict[str, Any]:
    """Return between which values each column of the data lies, 1 in 100 left out on each side."""
    x = subject.x(vae, CODES)
    low, high = np.quantile(x, [0.01, 0.99], axis=0)
    if vae.likelihood in ("bernoulli", "continuous_bernoulli"):
        low, high = np.zeros_like(low), np.ones_like(high)
    return {"low": pack(low, "float32"), "high": pack(high, "float32")}


def _examples(subject: Subject, vae: VAE) -> dict[str, Any]:
    """Return rows to begin with, before binarization: the page makes the model's x of them."""
    most = EXAMPLES if subject.kind != "plane" else EXAMPLES // 5  # points are found by hand
    count = max(2, min(most, _EXAMPLE_NUMBERS // vae.input_dim))
    index = _mixed(subject.kinds, min(count, len(subject.rows)), len(subject.rows))
    values, bytes_ = subject.raw(index), subject.rows[index]
    # Grey levels are packed as bytes, a quarter as long, where the data's reading of them says so.
    grey = bytes_.dtype == np.uint8 and np.array_equal(np.rint(values * 255), bytes_)
    return {
        "values": pack(bytes_, "uint8") if grey else pack(values, "float32"),
        "kinds": None if subject.kinds is None else subject.kinds[index].tolist(),
    }


def _mixed(kinds: Array | None, count: int, n: int) -> Array:
    """Return row numbers in which the classes take turns."""
    if kinds is None:
        return np.arange(count)
    turn = np.empty(n, dtype=int)
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        turn[own] = np.arange(len(own))
    return np.lexsort((kinds, turn))[:count]
