"""A small VAE on digits from exchangeable pieces: 784-100-10-100-784, Bernoulli, Adam."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyvae.data.loading import load_data
from tinyvae.ops.reference import sigmoid
from tinyvae.teaching.museum.pieces import RIGHT

Array = NDArray[Any]
Pieces = Mapping[str, Callable[..., Any]]
WIDTHS = {"hidden": (784, 100), "heads": (100, 20), "back": (10, 100), "output": (100, 784)}
LATENT, BATCH = 10, 100
GREY, RED = "#7F7F7F", "#D55E00"


class Trained(NamedTuple):
    """What a training left: the losses that the program printed, one an epoch, and what is true.

    ``true_loss`` is minus the ELBO of the test digits, in nats, computed from the weights by the
    right pieces; ``inputs``, ``reconstructions`` and ``samples`` are (8, 784).
    """

    losses: Array
    true_loss: float
    inputs: Array
    reconstructions: Array
    samples: Array


def train(bug: Pieces, epochs: int = 12, rate: float = 5e-3, seed: int = 0) -> Trained:
    """Train a VAE with the right pieces but for those of ``bug``."""
    pieces = RIGHT | dict(bug)
    digits = load_data("digits")
    rng = np.random.default_rng(seed)
    ink = pieces["prepare"](digits.train).astype(np.float32)
    w = _begin(rng, ink)
    m, v = ({name: np.zeros_like(array) for name, array in w.items()} for _ in range(2))
    losses, t = np.zeros(epochs), 0
    for epoch in range(epochs):
        for rows in rng.permutation(len(ink)).reshape(-1, BATCH):
            x = (rng.random((BATCH, 784), np.float32) < ink[rows]).astype(np.float32)
            noise = pieces["draw_noise"](rng, BATCH, LATENT).astype(np.float32)
            loss, gradients = _loss_and_gradients(pieces, w, x, noise)
            losses[epoch] += loss * BATCH / len(ink)
            t += 1
            for name, g in gradients.items():
                new = pieces["adam"](w[name], g, m[name], v[name], t, rate=rate)
                w[name], m[name], v[name] = (array.astype(np.float32) for array in new)
    return _look(pieces, w, losses)


def _begin(rng: np.random.Generator, ink: Array) -> dict[str, Array]:
    """Return weights by (2.22), and the last bias at the mean of the data (8.7)."""
    w = {}
    for name, (inputs, outputs) in WIDTHS.items():
        bound = np.sqrt(6 / (inputs + outputs))
        w[name] = rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32)
        w[f"{name} bias"] = np.zeros(outputs, np.float32)
    mean = np.clip(ink.mean(axis=0), 1e-3, 1 - 1e-3)
    w["output bias"][:] = np.log(mean) - np.log1p(-mean)
    return w


def _encode(pieces: Pieces, w: Mapping[str, Array], x: Array) -> tuple[Array, Array, Array]:
    """Return the hidden layer, mu and logvar."""
    h = pieces["sigmoid_layer"](x, w["hidden"], w["hidden bias"])
    out = pieces["linear_layer"](h, w["heads"], w["heads bias"])
    return h, out[:, :LATENT], 10 * np.tanh(out[:, LATENT:] / 10)


def _decode(pieces: Pieces, w: Mapping[str, Array], z: Array) -> tuple[Array, Array]:
    """Return the hidden layer and the logits."""
    g = pieces["sigmoid_layer"](z, w["back"], w["back bias"])
    return g, pieces["linear_layer"](g, w["output"], w["output bias"])


def _loss_and_gradients(
    pieces: Pieces, w: Mapping[str, Array], x: Array, noise: Array
) -> tuple[float, dict[str, Array]]:
    """Return the loss of a batch, and the gradient of every array, as notebook 08 has it."""
    h, mu, logvar = _encode(pieces, w, x)
    z = pieces["sample"](mu, logvar, noise)
    g, logits = _decode(pieces, w, z)
    loss = pieces["bernoulli"](logits, x).mean() + pieces["kl"](mu, logvar).mean()
    d, each = {}, np.full(len(x), 1 / len(x), np.float32)

    def backward(layer: str, kind: str, dout: Array, inputs: Array) -> Array:
        name = f"{layer} bias"
        dx, d[layer], d[name] = pieces[f"{kind}_backward"](dout, inputs, w[layer], w[name])
        return np.asarray(dx)

    dlogits = pieces["bernoulli_backward"](each, logits, x)[0]
    dz = backward("back", "sigmoid_layer", backward("output", "linear_layer", dlogits, g), z)
    dmu, dlogvar, _ = pieces["sample_backward"](dz, mu, logvar, noise)
    kl_mu, kl_logvar = pieces["kl_backward"](each, mu, logvar)
    draw_logvar = (dlogvar + kl_logvar) * (1 - (logvar / 10) ** 2)
    heads = np.concatenate([dmu + kl_mu, draw_logvar], axis=1)
    backward("hidden", "sigmoid_layer", backward("heads", "linear_layer", heads, h), x)
    return float(loss), d


def _look(pieces: Pieces, w: Mapping[str, Array], losses: Array) -> Trained:
    """Return pictures by the program's own pieces, and the ELBO of the test digits by the right."""
    digits, rng = load_data("digits"), np.random.default_rng(1)
    pixels, noise = rng.random(digits.test.shape), rng.standard_normal((len(digits.test), LATENT))
    x = (pixels < digits.test / 255).astype(np.float32)
    _, mu, logvar = _encode(RIGHT, w, x)
    _, logits = _decode(RIGHT, w, RIGHT["sample"](mu, logvar, noise))
    true = (RIGHT["bernoulli"](logits, x) + RIGHT["kl"](mu, logvar)).mean()
    x = (pixels[:8] < pieces["prepare"](digits.test[:8])).astype(np.float32)
    _, mu, logvar = _encode(pieces, w, x)
    seen = _decode(pieces, w, pieces["sample"](mu, logvar, noise[:8]))[1]
    drawn = _decode(pieces, w, noise[:8])[1]
    return Trained(losses, float(true), x, sigmoid(seen), sigmoid(drawn))


def _strip(axes: Any, images: Array, name: str) -> None:
    """Draw (n, 784) images in a row."""
    picture = np.hstack([image.reshape(28, 28) for image in images])
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    axes.spines[:].set_visible(False)


def _curve(axes: Any, right: Trained, one: Trained) -> None:
    epochs = np.arange(1, len(right.losses) + 1)
    axes.plot(epochs, right.losses, color=GREY, label="right")
    axes.plot(epochs, one.losses, color=RED, label="this")
    axes.spines[["top", "right"]].set_visible(False)


def beside(figure: Figure, right: Trained, one: Trained, n: int = 6) -> None:
    """Draw one program's losses, reconstructions and samples beside those of the right one."""
    axes = figure.subplot_mosaic(
        [["loss", "x", "."], ["loss", "right x", "right z"], ["loss", "this x", "this z"]],
        width_ratios=(1, 2, 2),
    )
    _curve(axes["loss"], right, one)
    axes["loss"].set(xlabel="epoch", title="the loss that it prints")
    axes["loss"].legend(frameon=False, fontsize=8)
    _strip(axes["x"], right.inputs[:n], "test digit")
    for name, them in (("right", right), ("this", one)):
        _strip(axes[f"{name} x"], them.reconstructions[:n], name)
        _strip(axes[f"{name} z"], them.samples[:n], name)
    axes["x"].set_title("reconstructions")
    axes["right z"].set_title("samples, same z")


def sheet(figure: Figure, right: Trained, others: Mapping[str, Trained]) -> None:
    """Draw all of them, one a row, under the names that ``others`` gives them."""
    axes = figure.subplots(len(others), 3, width_ratios=(0.7, 2, 2))
    for (curve, middle, far), (name, one) in zip(axes, others.items(), strict=True):
        _curve(curve, right, one)
        curve.set(xticks=[], yticks=[])
        curve.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        _strip(middle, one.reconstructions, "")
        _strip(far, one.samples, "")
    for column, title in zip(axes[0], ("loss", "reconstructions", "samples"), strict=True):
        column.set_title(title, fontsize=9)
