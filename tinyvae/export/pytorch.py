"""A model as a plain ``torch.nn.Module``, and back where the numbers can be the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyvae.data.batches import binarized
from tinyvae.data.extras import need
from tinyvae.errors import ShapeError, TinyVAEError, UsageError, check_number
from tinyvae.export.conventions import check_real
from tinyvae.model.vae import VAE
from tinyvae.ops.reference import bound_logvar_forward, kl_forward

Array = NDArray[Any]

#: The layers of PyTorch's well-known example, 784-400-20.
EXAMPLE = ("fc1", "fc21", "fc22", "fc3", "fc4")
# Rows that judge what the bound of logvar changes.
_JUDGED = 1000


class ConversionError(TinyVAEError, ValueError):
    """A module cannot be had with the same numbers; the message says by how much they differ."""


class Difference(NamedTuple):
    """What the bound of logvar changes in a foreign model, on some data.

    ``logvar`` is the largest difference, found where theirs is ``at``; ``elbo`` is the mean change
    of the ELBO, in nats per example, from the same noise.
    """

    logvar: float
    at: float
    elbo: float
    rows: int


def to_torch(vae: VAE) -> Any:
    """Return the model as a ``torch.nn.Module`` with the same numbers, in the model's dtype.

    The class stands in ``tinyvae/export/torch_module.py``, which needs PyTorch alone.  Weights are
    transposed: ``nn.Linear`` holds (fan_out, fan_in).  ``module.config`` holds the options.

    Raises
    ------
    MissingPackageError
        If torch is not installed.
    """
    check_real(vae)
    torch = need("torch", "to_torch", does="needs", extra="torch")
    from tinyvae.export.torch_module import TorchVAE

    module = TorchVAE(*module_arguments(vae)).to(getattr(torch, vae.dtype.name))
    arrays = {_torch_name(name): torch.from_numpy(_turned(name, array).copy())
              for name, array in vae.parameters.items()}  # fmt: skip
    module.load_state_dict(arrays)
    module.config = vae.config
    return module


def module_arguments(vae: VAE) -> tuple[Any, ...]:
    """Return the arguments of ``TorchVAE``; a learned sigma starts anywhere, its value follows."""
    shape = vae.architecture
    log_sigma = 0.0 if vae.likelihood == "gaussian_learned" else None
    widths = (list(shape.encoder_widths), list(shape.decoder_widths))
    return (*widths, vae.activation, vae.n_classes, log_sigma)


def _torch_name(name: str) -> str:
    """Return what PyTorch calls a parameter: activations count among its layers."""
    if name == "likelihood.log_sigma":
        return "log_sigma"
    network, layer, kind = name.split(".")
    return f"{network}_labels.weight" if kind == "label_weight" else _place(network, layer, kind)


def _place(network: str, layer: str, kind: str) -> str:
    return f"{network}.{2 * int(layer)}.{kind}"


def _turned(name: str, array: Array) -> Array:
    return array.T if name.endswith(".weight") else array


def from_torch(
    source: Any,
    data: ArrayLike | None = None,
    *,
    tolerance: float | None = None,
    activation: str = "relu",
    likelihood: str = "bernoulli",
    **options: Any,
) -> VAE:
    """Return a module of ``to_torch``, exactly, or one with the layers of PyTorch's VAE example.

    The example's logvar is unbounded and ours is 10 tanh(raw / 10): but at zero no weights give
    the same.  So it is refused, with the size of the difference on ``data``, unless ``tolerance``
    allows for it.  Its mu and its decoder become ours exactly.

    Parameters
    ----------
    source : module or state dict
        With ``fc1`` (hidden), ``fc21`` (mu), ``fc22`` (logvar), ``fc3`` and ``fc4`` (decoder), of
        any widths; or a module that ``to_torch`` made.
    data : (n, input_dim) array, optional
        Rows on which the difference is measured, the first 1,000 of them.
    tolerance : float, optional
        The largest difference of logvar on ``data`` that is taken.
    activation, likelihood, **options
        Of the example's layout, as in ``VAE``; the example's are relu and bernoulli.

    Returns
    -------
    VAE

    Raises
    ------
    UsageError
        If the layers are not known, or ``data`` are needed.
    ConversionError
        If the difference is larger than ``tolerance``.
    """
    if hasattr(source, "config") and hasattr(source, "encoder"):
        return _from_ours(source)
    state = source.state_dict() if hasattr(source, "state_dict") else source
    arrays = _example_arrays(state)
    hidden, input_dim = arrays["fc1.weight"].shape
    config: dict[str, Any] = {"activation": activation, "likelihood": likelihood, **options}
    config |= {"decoder_hidden_dims": (len(arrays["fc3.bias"]),), "dtype": arrays["fc1.bias"].dtype}
    vae = VAE(input_dim, (hidden,), len(arrays["fc21.bias"]), **config)
    _fill(vae, arrays)
    if data is None:
        raise UsageError(
            "The module's logvar is unbounded and ours is 10 tanh(raw / 10), so no weights give "
            "the same numbers. Pass data= to see how large the difference is, and tolerance= to "
            "take it."
        )
    found = measure(vae, data)
    if found.logvar > (0.0 if tolerance is None else check_number("tolerance", tolerance)):
        raise ConversionError(
            "The module's logvar is unbounded and ours is 10 tanh(raw / 10), so no weights give "
            f"the same numbers: on {found.rows} rows logvar differs by up to {found.logvar:.3g} "
            f"(theirs is {found.at:.3g} there), and the ELBO by {found.elbo:+.3g} nats on average. "
            f"To take the weights nevertheless pass tolerance={_above(found.logvar):g}; mu and the "
            "decoder are the same."
        )
    return vae


def measure(vae: VAE, data: ArrayLike, seed: int = 0) -> Difference:
    """Return what the bound of logvar changes in a model whose logvar should have none."""
    twin = vae.copy(dtype="float64", backend="reference")
    x = twin.inputs.data(np.asarray(data)[:_JUDGED])
    if vae.observation.binarize != "none":
        x = binarized(x, "threshold", np.random.default_rng(seed))
    mu, raw = np.split(twin.network.encoder.forward(x)[-1], 2, axis=1)
    ours = bound_logvar_forward(raw)
    noise = np.random.default_rng(seed).standard_normal(mu.shape)
    elbo = []
    for logvar in (ours, raw):
        logits = twin.network.decoder.forward(mu + np.exp(0.5 * logvar) * noise)[-1]
        reconstruction = twin.observation.reconstruction(logits, x)
        elbo.append(-(reconstruction + kl_forward(mu, logvar).sum(axis=1)).mean())
    gaps = np.abs(ours - raw)
    return Difference(
        float(gaps.max()), float(raw.flat[gaps.argmax()]), float(elbo[0] - elbo[1]), len(x)
    )


def _above(value: float) -> float:
    """Return two digits that are no less."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / unit) * unit


def _from_ours(module: Any) -> VAE:
    vae = VAE(**module.config)
    state = module.state_dict()
    for name, array in vae.parameters.items():
        array[:] = _turned(name, state[_torch_name(name)].detach().cpu().numpy())
    return vae


def _example_arrays(state: object) -> dict[str, Array]:
    """Return the arrays of the example's layout, as NumPy has them.

    Raises
    ------
    UsageError
        If a layer is missing, or there are others.
    """
    wanted = {f"{layer}.{kind}" for layer in EXAMPLE for kind in ("weight", "bias")}
    if not isinstance(state, Mapping) or set(state) != wanted:
        came = ", ".join(map(str, state)) if isinstance(state, Mapping) else type(state).__name__
        raise UsageError(
            f"source holds {came or 'nothing'}; expected a module of to_torch, or the layers "
            f"{', '.join(EXAMPLE)}, each with weight and bias."
        )
    return {name: np.asarray(getattr(t, "detach", lambda t=t: t)()) for name, t in state.items()}


def _fill(vae: VAE, arrays: Mapping[str, Array]) -> None:
    """Put the example's arrays into a model of its widths.

    Raises
    ------
    ShapeError
        If they do not fit together.
    """
    ours = {
        "encoder.0": [arrays["fc1.weight"].T, arrays["fc1.bias"]],
        "encoder.1": [
            np.concatenate([arrays["fc21.weight"], arrays["fc22.weight"]]).T,
            np.concatenate([arrays["fc21.bias"], arrays["fc22.bias"]]),
        ],
        "decoder.0": [arrays["fc3.weight"].T, arrays["fc3.bias"]],
        "decoder.1": [arrays["fc4.weight"].T, arrays["fc4.bias"]],
    }
    for layer, (weight, bias) in ours.items():
        for kind, array in (("weight", weight), ("bias", bias)):
            place = vae.parameters[f"{layer}.{kind}"]
            if array.shape != place.shape:
                raise ShapeError(
                    f"{layer}.{kind} would be {array.shape}, expected {place.shape}: the layers do "
                    "not fit together."
                )
            place[:] = array
