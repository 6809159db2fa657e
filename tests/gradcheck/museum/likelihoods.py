"""Likelihoods and losses on the decoder's output."""

import numpy as np

from museum.exhibit import Exhibit, normal, sigmoid, softmax, softplus

LOGITS = 1.5 * normal(5, 4)
X = (normal(5, 4, seed=1) > 0).astype(int)
GREY = sigmoid(normal(5, 4, seed=2))
LABELS = np.array([0, 2, 3, 1, 2])


def bernoulli(logits, x):
    return np.sum(softplus(logits) - x * logits) / len(x)


def bernoulli_from_probabilities(p):
    return -np.sum(X * np.log(p) + (1 - X) * np.log(1 - p))


def log_partition(a):
    return np.log((np.exp(a) - 1.0) / a)


def continuous_bernoulli(logits, x):
    return np.sum(log_partition(logits) - x * logits)


def gaussian(mean, log_sigma):
    r = (GREY - mean) * np.exp(-log_sigma)
    return np.sum(0.5 * r**2 + log_sigma) / len(mean)


def gaussian_right(mean, log_sigma):
    r = (GREY - mean) * np.exp(-log_sigma)
    return -r * np.exp(-log_sigma) / len(mean), (1.0 - r**2).sum(keepdims=True).reshape(1) / len(
        mean
    )


def per_pixel(mean, log_sigma):
    return np.sum(0.5 * ((GREY - mean) * np.exp(-log_sigma)) ** 2 + log_sigma)


def per_pixel_gradient(mean, log_sigma, power=2.0, constant=1.0):
    r = (GREY - mean) * np.exp(-log_sigma)
    return (mean - GREY) * np.exp(-power * log_sigma), constant - r**2


def cross_entropy(logits, labels):
    p = softmax(logits)
    return -np.sum(np.log(p[np.arange(len(labels)), labels])) / len(labels)


def cross_entropy_without_label(logits, labels):
    return softmax(logits) / len(labels)


def cross_entropy_sum(logits, labels):
    d = softmax(logits)
    d[np.arange(len(labels)), labels] -= 1.0
    return d


def cross_entropy_label_scaled(logits, labels):
    d = softmax(logits) / len(labels)
    d[np.arange(len(labels)), labels] -= 1.0  # 1 / batch
    return d


def _bernoulli(name, mistake, gradient, expected, says=""):
    return Exhibit(name, mistake, bernoulli, gradient, (LOGITS, X), expected, says)


def _entropy(name, mistake, gradient, expected, says=""):
    return Exhibit(name, mistake, cross_entropy, gradient, (LOGITS, LABELS), expected, says)


SPREAD = (normal(5, 4, seed=4), 0.3 * normal(5, 4, seed=5))
EXHIBITS = [
    _bernoulli("bernoulli: x - p", "sign", lambda a, x: (x - sigmoid(a)) / 5, "sign", "-1"),
    _bernoulli(
        "bernoulli: mean over pixels",
        "/ features",
        lambda a, x: (sigmoid(a) - x) / x.size,
        "factor",
        "1/4",
    ),
    _bernoulli(
        "bernoulli: logits for p", "no sigmoid", lambda a, x: (a - x) / 5, "formula", "- 0.2 * x"
    ),
    _bernoulli(
        "bernoulli: sigmoid's slope too",
        "p (1 - p) twice",
        lambda a, x: (sigmoid(a) - x) * sigmoid(a) * sigmoid(-a) / 5,
        "chain rule",
        "sigmoid",
    ),
    _bernoulli(
        "bernoulli: x forgotten", "p only", lambda a, x: sigmoid(a) / 5, "missing part", "x."
    ),
    Exhibit(
        "bernoulli in p: p - x",
        "the logits' gradient given for p",
        bernoulli_from_probabilities,
        lambda p: p - X,
        (GREY,),
        "chain rule",
        "p * (1 - p)",
    ),
    Exhibit(
        "bernoulli in bits",
        "log2 in the function",
        lambda a: np.sum(softplus(a) - X * a) / np.log(2),
        lambda a: sigmoid(a) - X,
        (LOGITS,),
        "factor",
        "ln 2",
    ),
    Exhibit(
        "continuous bernoulli: plain bernoulli",
        "normalizer forgotten",
        continuous_bernoulli,
        lambda a, x: (sigmoid(a) - x, None),
        (LOGITS, GREY),
        "missing part",
        "Bernoulli's mean",
    ),
    Exhibit(
        "continuous bernoulli: x forgotten",
        "mean only",
        continuous_bernoulli,
        lambda a, x: (1 / (1 - np.exp(-a)) - 1 / a, None),
        (LOGITS, GREY),
        "missing part",
        "x.",
    ),
    Exhibit(
        "gaussian: sum over the batch",
        "no / batch for log_sigma",
        gaussian,
        lambda m, s: (gaussian_right(m, s)[0], 5 * gaussian_right(m, s)[1]),
        (SPREAD[0], np.array([0.4])),
        "factor",
        "batch size",
    ),
    Exhibit(
        "gaussian: log_sigma broadcast",
        "not summed to one number",
        gaussian,
        lambda m, s: (gaussian_right(m, s)[0], (1 - ((GREY - m) * np.exp(-s)) ** 2) / 5),
        (SPREAD[0], np.array([0.4])),
        "wrong axis",
        "over axis 0 and 1",
    ),
    Exhibit(
        "gaussian: sigma for variance",
        "/ sigma",
        per_pixel,
        lambda m, s: per_pixel_gradient(m, s, power=1.0),
        SPREAD,
        "chain rule",
        "exp(log_sigma)",
    ),
    Exhibit(
        "gaussian: no +1",
        "log sigma's own derivative",
        per_pixel,
        lambda m, s: per_pixel_gradient(m, s, constant=0.0),
        SPREAD,
        "missing part",
        "-1",
    ),
    Exhibit(
        "gaussian: log variance",
        "half of the +1",
        per_pixel,
        lambda m, s: per_pixel_gradient(m, s, constant=0.5),
        SPREAD,
        "missing part",
        "-0.5",
    ),
    _entropy(
        "cross-entropy: no -1", "onehot forgotten", cross_entropy_without_label, "labels", "labels"
    ),
    _entropy("cross-entropy: sum for mean", "no / batch", cross_entropy_sum, "factor", "5"),
    _entropy(
        "cross-entropy: -1 not averaged",
        "1 for 1 / batch",
        cross_entropy_label_scaled,
        "labels",
        "labels",
    ),
]
