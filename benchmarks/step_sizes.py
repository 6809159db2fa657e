"""How far off a numeric derivative is, as the step shrinks over sixteen decades.

The loss of a small VAE is differentiated by single weights with four quotients, in float32 and in
float64.  The truth is a complex step in the processor's longest floating-point numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinyvae.ops import reference

STEPS = 10.0 ** np.arange(-16.0, 0.01, 0.25)
KINDS = {"float32": (np.float32, np.complex64), "float64": (np.float64, np.complex128)}
EXACT = np.clongdouble
WEIGHTS = 15


def network() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the parameters of a 20-16-3-16-20 VAE, eight rows of bits, and noise."""
    rng = np.random.default_rng(0)
    shapes = {
        "encoder.0": (20, 16),
        "encoder.1": (16, 6),
        "decoder.0": (3, 16),
        "decoder.1": (16, 20),
    }
    parameters = {}
    for name, shape in shapes.items():
        parameters[f"{name}.weight"] = rng.normal(size=shape) / np.sqrt(shape[0])
        parameters[f"{name}.bias"] = 0.1 * rng.normal(size=shape[1])
    return parameters, rng.integers(0, 2, (8, 20)).astype(float), rng.normal(size=(8, 3))


def loss(parameters, x, noise):
    """Return the loss, reconstruction + kl in nats per example, in the parameters' dtype."""

    def dense(h, name, activation):
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        return reference.dense_forward(h, weight, bias, activation)

    encoded = dense(dense(x, "encoder.0", "tanh"), "encoder.1", "identity")
    mu, logvar = encoded[:, :3], reference.bound_logvar_forward(encoded[:, 3:])
    z = reference.reparameterize_forward(mu, logvar, noise)
    logits = dense(dense(z, "decoder.0", "tanh"), "decoder.1", "identity")
    reconstruction = reference.bernoulli_forward(logits, x).mean()
    return reconstruction + reference.kl_forward(mu, logvar).sum(axis=1).mean()


def quotients(line, h):
    """Return the four difference quotients of a function of one number, at step h."""
    here, right, left = line(0.0), line(h), line(-h)
    central = (right - left) / (2.0 * h)
    finer = (line(0.5 * h) - line(-0.5 * h)) / h
    return {
        "forward": (right - here) / h,
        "central": central,
        "Richardson": (4.0 * finer - central) / 3.0,
        "complex step": line(1j * h).imag / h,
    }


def along(parameters, x, noise, name, index, dtypes):
    """Return the loss as a function of how far one weight is moved; all arithmetic in one dtype."""
    real, complex_ = dtypes

    def line(t):
        dtype = complex_ if isinstance(t, complex) else real
        moved = {n: a.astype(dtype) for n, a in parameters.items()}
        moved[name].reshape(-1)[index] += dtype(t)
        value = loss(moved, x.astype(real), noise.astype(real))
        return complex(value) if isinstance(t, complex) else float(value)

    return line


def errors() -> dict[str, dict[str, np.ndarray]]:
    """Return for each dtype and quotient the median relative error over weights, a step each."""
    parameters, x, noise = network()
    rng = np.random.default_rng(1)
    found: dict[str, dict[str, list]] = {kind: {} for kind in KINDS}
    for _ in range(WEIGHTS):
        name = str(rng.choice([n for n in parameters if n.endswith("weight")]))
        index = int(rng.integers(parameters[name].size))
        moved = {n: a.astype(EXACT) for n, a in parameters.items()}
        moved[name].reshape(-1)[index] += 1e-30j
        truth = float(loss(moved, x, noise).imag / np.longdouble(1e-30))
        for kind, dtypes in KINDS.items():
            line = along(parameters, x, noise, name, index, dtypes)
            rows = [quotients(line, float(h)) for h in STEPS]
            for method in rows[0]:
                off = [abs(row[method] - truth) / abs(truth) for row in rows]
                found[kind].setdefault(method, []).append(off)
    return {k: {m: np.median(rows, axis=0) for m, rows in v.items()} for k, v in found.items()}


def table(found) -> str:
    """Return what each quotient can see at best, and at which step."""
    lines = ["| method | dtype | smallest error | at step | error at h = 1e-4 | at h = 1e-8 |"]
    lines.append("| --- |" + " --- |" * 5)
    for method in found["float64"]:
        for kind in KINDS:
            off = found[kind][method]
            best = int(np.argmin(off))
            cells = [method, kind, f"{off[best]:.0e}", f"{STEPS[best]:.0e}"]
            cells += [f"{off[np.argmin(abs(STEPS - h))]:.0e}" for h in (1e-4, 1e-8)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(found, path: Path) -> None:
    """Draw the error against the step, one panel a dtype."""
    from matplotlib.figure import Figure

    colours = {
        "forward": "#E69F00", "central": "#0072B2",
        "Richardson": "#009E73", "complex step": "#CC79A7",
    }  # fmt: skip
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (kind, (real, _)) in zip(panels, KINDS.items(), strict=True):
        for method, off in found[kind].items():
            axes.loglog(STEPS, np.maximum(off, 1e-18), color=colours[method], lw=1.8, label=method)
        axes.axhline(np.finfo(real).eps, color="0.6", lw=0.8, ls=":")
        axes.text(1.2e-16, 1.3 * np.finfo(real).eps, f"rounding of {kind}", color="0.4", fontsize=8)
        axes.set_title(kind)
        axes.set_xlabel("step h (the weights are about 0.3)")
        axes.set_ylim(1e-17, 1e3)
        axes.grid(color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("relative error of the derivative")
    panels[0].legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 0.05))
    figure.savefig(path, dpi=130)
