"""The mathematics in plain NumPy: one formula a line, every forward beside its backward.

This is the text to read, and the judge of its fast twin ``fast.py``, which has the same names.
Every forward also runs in complex128, so that the complex-step derivative can pass through it:
branches look at the real part only.  Nothing here draws random numbers, keeps state, checks its
arguments, or writes into them (``adam_step`` excepted, whose purpose that is).

Units are nats per example: losses come back as ``(batch,)``, summed over dimensions.  A backward
takes the gradient at its forward's output and returns the gradients at its inputs; those of the
losses are for one example's loss, to be divided by the batch size for a mean over the batch.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Kernels know an activation, a likelihood and an objective by its place here.
ACTIVATIONS = ("relu", "tanh", "softplus", "sigmoid", "identity")
LIKELIHOODS = ("bernoulli", "continuous_bernoulli", "poisson", "gaussian", "gaussian_learned")
OBJECTIVES = ("elbo", "iwae", "stl", "dreg")
LOGVAR_BOUND = 10.0
LOG_2PI = math.log(2.0 * math.pi)


# Activations -------------------------------------------------------------------------------


def sigmoid(a: Array) -> Array:
    """Return 1 / (1 + exp(-a)), computed without overflow; same shape as ``a``.

    Tutorial 02, equations (2.14) and (2.16).
    """
    positive = a.real > 0
    e = np.exp(np.where(positive, -a, a))
    return np.where(positive, 1.0, e) / (1.0 + e)


def softplus(a: Array) -> Array:
    """Return log(1 + exp(a)) = max(a, 0) + log(1 + exp(-abs(a))); same shape as ``a``.

    Tutorial 02, equations (2.15) and (2.17).
    """
    positive = a.real > 0
    return np.where(positive, a, 0.0) + np.log1p(np.exp(np.where(positive, -a, a)))


def activation_forward(a: Array, activation: str) -> Array:
    """Return h = f(a) for the named activation; same shape as ``a``.

    Tutorial 02, equation (2.1).
    """
    if activation == "relu":
        return np.where(a.real <= 0, 0.0, a)  # this way round NaN stays NaN
    if activation == "tanh":
        return np.tanh(a)
    if activation == "softplus":
        return softplus(a)
    if activation == "sigmoid":
        return sigmoid(a)
    return a


def activation_backward(dh: Array, h: Array, activation: str) -> Array:
    """Return da = dh * f'(a), the derivative written in terms of the output h = f(a).

    relu: [h > 0]; tanh: 1 - h**2; softplus: 1 - exp(-h); sigmoid: h (1 - h); identity: 1.
    At the kink relu'(0) = 0.

    Tutorial 02, equations (2.3), (2.4), (2.5), (2.6) and (2.7).
    """
    if activation == "relu":
        return np.where(h > 0, dh, 0.0)
    if activation == "tanh":
        return dh * (1.0 - h * h)
    if activation == "softplus":
        return dh * -np.expm1(-h)
    if activation == "sigmoid":
        return dh * h * (1.0 - h)
    return dh


# Dense layers ------------------------------------------------------------------------------


def dense_forward(x: Array, weight: Array, bias: Array, activation: str) -> Array:
    """Return h = f(x @ weight + bias).

    Tutorial 02, equation (2.1).

    Parameters
    ----------
    x : (batch, fan_in) array
    weight : (fan_in, fan_out) array
    bias : (fan_out,) array
    activation : str
        One of ``ACTIVATIONS``.

    Returns
    -------
    (batch, fan_out) array
    """
    return activation_forward(x @ weight + bias, activation)


def dense_backward_weight(x: Array, da: Array) -> tuple[Array, Array]:
    """Return (dweight, dbias) = (x.T @ da, sum of da over the batch).

    ``da``, (batch, fan_out), is the gradient at the layer's pre-activation x @ weight + bias.

    Tutorial 02, equations (2.9) and (2.10).
    """
    return x.T @ da, da.sum(axis=0)


def dense_backward_input(da: Array, weight: Array, h: Array, activation: str) -> Array:
    """Return (da @ weight.T) * f'(.), the gradient at the pre-activation of the layer below.

    ``h``, (batch, fan_in), is this layer's input, which is the output of ``activation`` below.

    Tutorial 02, equations (2.11) and (2.13).
    """
    return activation_backward(da @ weight.T, h, activation)


def label_forward(a: Array, label_weight: Array, labels: Array) -> Array:
    """Return a + label_weight[labels]: each label's row added to a pre-activation.

    The same as one more input, one-hot: one_hot(labels) @ label_weight.

    Tutorial 14, equation (14.2).

    Parameters
    ----------
    a : (batch, fan_out) array
    label_weight : (n_classes, fan_out) array
    labels : (batch,) array of whole numbers below n_classes
    """
    return a + label_weight[labels]


def label_backward(da: Array, labels: Array, n_classes: int) -> Array:
    """Return dlabel_weight = one_hot(labels).T @ da, (n_classes, fan_out).

    Tutorial 14, equation (14.3).
    """
    one_hot = labels[:, None] == np.arange(n_classes)
    return one_hot.T.astype(da.dtype) @ da  # type: ignore[no-any-return]


# The latent variable -----------------------------------------------------------------------


def bound_logvar_forward(raw_logvar: Array) -> Array:
    """Return logvar = 10 tanh(raw_logvar / 10), so that exp(logvar) can never overflow.

    Tutorial 04, equation (4.19).
    """
    return LOGVAR_BOUND * np.tanh(raw_logvar / LOGVAR_BOUND)


def bound_logvar_backward(dlogvar: Array, logvar: Array) -> Array:
    """Return draw_logvar = dlogvar * (1 - (logvar / 10)**2).

    Tutorial 04, equation (4.20).
    """
    return dlogvar * (1.0 - (logvar / LOGVAR_BOUND) ** 2)


def reparameterize_forward(mu: Array, logvar: Array, noise: Array) -> Array:
    """Return z = mu + exp(logvar / 2) * noise, all (batch, latent_dim).

    ``logvar`` is the log of the variance, so exp(logvar / 2) is the standard deviation.
    Kingma and Welling (2014), section 2.4.

    Tutorial 04, equation (4.2).
    """
    z: Array = mu + np.exp(0.5 * logvar) * noise
    return z


def reparameterize_backward(dz: Array, logvar: Array, noise: Array) -> tuple[Array, Array]:
    """Return (dmu, dlogvar) = (dz, dz * noise * exp(logvar / 2) / 2).

    Tutorial 04, equation (4.7).
    """
    return dz, 0.5 * dz * noise * np.exp(0.5 * logvar)


def kl_forward(mu: Array, logvar: Array) -> Array:
    """Return KL(N(mu, diag(exp(logvar))) to N(0, I)) per dimension, (batch, latent_dim) in nats.

    kl = (mu**2 + exp(logvar) - 1 - logvar) / 2, never negative.
    Kingma and Welling (2014), appendix B, with the opposite sign.

    Tutorial 05, equation (5.2).
    """
    return 0.5 * (mu * mu + np.expm1(logvar) - logvar)


def kl_backward(mu: Array, logvar: Array) -> tuple[Array, Array]:
    """Return (dmu, dlogvar) = (mu, (exp(logvar) - 1) / 2).

    Tutorial 05, equation (5.7).
    """
    return mu, 0.5 * np.expm1(logvar)


# Many samples of z for a row: with z = mu + exp(logvar / 2) * noise, one row a sample -------


def log_weight_forward(reconstruction: Array, logvar: Array, noise: Array, z: Array) -> Array:
    """Return log_w = log p(x, z) - log q(z given x), one number for each row of z, in nats.

    log_w = -reconstruction + sum of (noise**2 + logvar - z**2) / 2, with log 2 pi cancelled.
    Burda, Grosse and Salakhutdinov (2016), equation 8, in logs.

    Tutorial 13, equation (13.2).
    """
    log_w: Array = 0.5 * (noise * noise + logvar - z * z).sum(axis=1) - reconstruction
    return log_w


def log_weight_backward(dlog_w: Array, z: Array) -> tuple[Array, Array]:
    """Return (dz, dlogvar) for fixed noise, beside what comes through the reconstruction.

    dz = -dlog_w * z, from log p(z); dlogvar = dlog_w / 2, from the entropy of q.

    Tutorial 13, equation (13.3).
    """
    dz = -dlog_w[:, None] * z
    return dz, np.broadcast_to(0.5 * dlog_w[:, None], z.shape)


def path_backward(dlog_w: Array, logvar: Array, noise: Array, z: Array) -> Array:
    """Return dz when the parameters of log q are held, beside what comes through reconstruction.

    dz = dlog_w * (noise / sigma - z): log p(z) gives -z, and -log q gives (z - mu) / sigma**2,
    which is noise / sigma.  What is left out, the score of q, is zero on average for the ELBO.
    Roeder, Wu and Duvenaud (2017), equation 5.

    Tutorial 13, equation (13.7).
    """
    dz: Array = dlog_w[:, None] * (noise * np.exp(-0.5 * logvar) - z)
    return dz


def importance_bound_forward(log_w: Array) -> Array:
    """Return log of the mean over K of w, (batch,) in nats, from log_w, (batch, K).

    Never below the mean of log_w, and never above log p(x) on average.
    Burda, Grosse and Salakhutdinov (2016), equation 8.
    """
    largest = log_w.real.max(axis=1)
    bound: Array = largest + np.log(np.exp(log_w - largest[:, None]).mean(axis=1))
    return bound


def importance_bound_backward(log_w: Array) -> Array:
    """Return the derivative by log_w, (batch, K): w normalized to a sum of one in each row.

    Burda, Grosse and Salakhutdinov (2016), equation 14.

    Tutorial 13, equation (13.1).
    """
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    weights: Array = w / w.sum(axis=1, keepdims=True)
    return weights


# Likelihoods: reconstruction = -log p(x given z), nats per example --------------------------


def bernoulli_forward(logits: Array, x: Array) -> Array:
    """Return -log p(x given logits) = sum of softplus(logits) - x * logits, shape (batch,).

    Exact for x in {0, 1}; for grey x in [0, 1] this is the cross-entropy, not a log-likelihood.

    Tutorial 06, equations (6.1) and (6.4).
    """
    loss: Array = (softplus(logits) - x * logits).sum(axis=1)
    return loss


def bernoulli_backward(logits: Array, x: Array) -> Array:
    """Return dlogits = sigmoid(logits) - x, shape (batch, input_dim).

    Tutorial 06, equation (6.5).
    """
    return sigmoid(logits) - x


def bernoulli_mean(logits: Array) -> Array:
    """Return E[x given logits] = sigmoid(logits).

    Tutorial 06, equation (6.6).
    """
    return sigmoid(logits)


def _series(n_terms: int) -> tuple[float, ...]:
    """Return B_2k / (2k)! for k = 1, 2, ..., the Taylor coefficients of l / (exp(l) - 1).

    The Bernoulli numbers B_n come from their recursion, in exact fractions.
    """
    bernoulli = [Fraction(1)]
    for n in range(1, 2 * n_terms + 1):
        total = sum((math.comb(n + 1, j) * b for j, b in enumerate(bernoulli)), Fraction(0))
        bernoulli.append(-total / (n + 1))
    return tuple(float(bernoulli[2 * k] / math.factorial(2 * k)) for k in range(1, n_terms + 1))


# Below the switch the closed forms lose digits to cancellation; the series has its next singular
# point at abs(l) = 2 pi, so each of its terms is at most a tenth of the one before.
SERIES_SWITCH = 2.0
SERIES = _series(17)


def log_partition(logits: Array) -> Array:
    """Return log Z(l), where Z(l) is the integral of exp(l x) over x in [0, 1]; any shape.

    log Z(l) = log((exp(l) - 1) / l).  Near zero it is l / 2 + sum of B_2k l**2k / (2k (2k)!).

    Tutorial 06, equations (6.16), (6.24) and (6.26).
    """
    small = abs(logits.real) < SERIES_SWITCH
    positive = logits.real > 0
    near = np.where(small, logits, 0.0)
    square = near * near
    series = sum(c / (2 * k) * square**k for k, c in enumerate(SERIES, start=1))
    far = np.where(small, SERIES_SWITCH, np.where(positive, logits, -logits))
    closed = np.log1p(-np.exp(-far)) - np.log(far)
    return np.where(small, 0.5 * near + series, np.where(positive, far, 0.0) + closed)


def continuous_bernoulli_forward(logits: Array, x: Array) -> Array:
    """Return -log p(x given logits) = sum of log Z(logits) - x * logits, shape (batch,).

    The density exp(l x) / Z(l) on [0, 1] is that of Loaiza-Ganem and Cunningham (2019), whose
    lambda is sigmoid(l).  It is a density: the value may be negative.

    Tutorial 06, equations (6.1) and (6.17).
    """
    loss: Array = (log_partition(logits) - x * logits).sum(axis=1)
    return loss


def continuous_bernoulli_backward(logits: Array, x: Array) -> Array:
    """Return dlogits = E[x given logits] - x, shape (batch, input_dim).

    Tutorial 06, equation (6.19).
    """
    return continuous_bernoulli_mean(logits) - x


def continuous_bernoulli_mean(logits: Array) -> Array:
    """Return E[x given logits] = 1 / (1 - exp(-l)) - 1 / l, which is not sigmoid(l).

    It is the derivative of ``log_partition``; near zero 1/2 + sum of B_2k l**(2k-1) / (2k)!.

    Tutorial 06, equations (6.18), (6.20) and (6.23).
    """
    small = abs(logits.real) < SERIES_SWITCH
    positive = logits.real > 0
    near = np.where(small, logits, 0.0)
    series = near * sum(c * (near * near) ** (k - 1) for k, c in enumerate(SERIES, start=1))
    far = np.where(small, SERIES_SWITCH, logits)
    e = np.exp(np.where(positive, -far, far))
    closed = np.where(positive, 1.0, -e) / (1.0 - e) - 1.0 / far
    return np.where(small, 0.5 + series, closed)


def poisson_forward(logits: Array, x: Array) -> Array:
    """Return -log p(x given logits) = sum of exp(l) - x l + log x!, shape (batch,).

    ``logits`` are the logs of the rates, x whole numbers from 0 on; log x! is kept.

    Tutorial 06, equations (6.1) and (6.32).
    """
    log_factorial = np.vectorize(math.lgamma, otypes=[float])(x.real + 1.0)
    loss: Array = (np.exp(logits) - x * logits + log_factorial).sum(axis=1)
    return loss


def poisson_backward(logits: Array, x: Array) -> Array:
    """Return dlogits = exp(logits) - x, shape (batch, input_dim).

    Tutorial 06, equation (6.33).
    """
    return poisson_mean(logits) - x


def poisson_mean(logits: Array) -> Array:
    """Return E[x given logits] = exp(logits), the rate.

    Tutorial 06, equation (6.32).
    """
    rate: Array = np.exp(logits)
    return rate


def gaussian_forward(mean: Array, x: Array, log_sigma: Array) -> Array:
    """Return -log N(x; mean, sigma**2 I), shape (batch,), with log 2 pi kept.

    Sum over dimensions of (log 2 pi) / 2 + log_sigma + ((x - mean) / sigma)**2 / 2, where
    sigma = exp(log_sigma) is one standard deviation for all dimensions.

    Tutorial 06, equations (6.1) and (6.10).
    """
    residual = (x - mean) * np.exp(-log_sigma)
    loss: Array = (0.5 * LOG_2PI + log_sigma + 0.5 * residual * residual).sum(axis=1)
    return loss


def gaussian_backward(mean: Array, x: Array, log_sigma: Array) -> tuple[Array, Array]:
    """Return (dmean, dlog_sigma), shapes (batch, input_dim) and (batch,).

    dmean = (mean - x) / sigma**2; dlog_sigma = sum over dimensions of 1 - ((x - mean) / sigma)**2.

    Tutorial 06, equations (6.11) and (6.12).
    """
    residual = (x - mean) * np.exp(-log_sigma)
    return -residual * np.exp(-log_sigma), (1.0 - residual * residual).sum(axis=1)


# Adam --------------------------------------------------------------------------------------


def adam_step(
    values: Array,
    gradients: Array,
    m: Array,
    v: Array,
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Move ``values`` against ``gradients`` by one step of Adam, in place.

    m and v are the running means of the gradient and of its square, both updated in place;
    ``step`` counts from 1 and corrects their start at zero.  Kingma and Ba (2015), algorithm 1.

    Tutorial 07, equation (7.12).
    """
    m += (1.0 - beta1) * (gradients - m)
    v += (1.0 - beta2) * (gradients * gradients - v)
    m_hat = m / (1.0 - beta1**step)
    v_hat = v / (1.0 - beta2**step)
    values -= learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
