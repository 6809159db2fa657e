"""Composites: hidden layers, heads, lookups, terms, convolutions, weights of importance."""

import numpy as np

from museum.exhibit import Exhibit, normal, sigmoid, softmax, softplus

X, W1, B1, W2 = normal(6, 4), normal(4, 3), normal(3), normal(3, 2)
MLP = (X, W1, B1, W2)


def mlp(x, w1, b1, w2):
    return softplus(np.tanh(x @ w1 + b1) @ w2)


def mlp_backward(dy, x, w1, b1, w2, hidden=None, output=None):
    h = np.tanh(x @ w1 + b1)
    y = softplus(h @ w2)
    slope = sigmoid(h @ w2) if output is None else output(h @ w2, y)
    dout = dy * slope
    da = (dout @ w2.T) * (1 - h**2 if hidden is None else hidden(x @ w1 + b1, h))
    return da @ w1.T, x.T @ da, da.sum(axis=0), h.T @ dout


def _mlp(name, mistake, expected, says="", **slip):
    def backward(dy, x, w1, b1, w2):
        return mlp_backward(dy, x, w1, b1, w2, **slip)

    return Exhibit(f"mlp: {name}", mistake, mlp, backward, MLP, expected, says)


def heads(x, w1, w2):
    return np.tanh(x) @ w1, np.tanh(x) @ w2


def heads_backward(dmu, dlogvar, x, w1, w2, second=1.0, own=1.0):
    h = np.tanh(x)
    dh = dmu @ w1.T + second * (dlogvar @ w2.T)
    return dh * (1 - h**2), h.T @ dmu, own * (h.T @ dlogvar)


def linear_heads(x, w1, w2):
    return x @ w1, x @ w2


def linear_heads_backward(dy, dy2, x, w1, w2):
    return dy @ w1.T, x.T @ dy, x.T @ dy2  # + dy2 @ w2.T


HEADS = (X, normal(4, 3, seed=3), normal(4, 3, seed=4))
TABLE, INDEX = normal(6, 3), np.array([0, 2, 2, 5, 1, 2])


def lookup(table, index):
    return np.tanh(table[index])


def lookup_lost(dy, table, index):
    dtable = np.zeros(table.shape)
    dtable[index] += dy * (1 - np.tanh(table[index]) ** 2)
    return dtable


def in_place(dy, x, gain):
    dy *= 2.0 * x
    return dy * gain, (dy * x**2).sum(axis=0)


TARGET, GREY = normal(6, seed=5), sigmoid(normal(5, 4, seed=2))
LABELS = np.array([0, 2, 3, 1, 2])


def square_of_column(pred):
    return np.mean((pred[:, 0] - TARGET) ** 2)


def column_against_row(pred):
    return 2 * (pred - TARGET) / len(pred)


def smoothed(logits, labels, eps=0.1):
    log_p = np.log(softmax(logits))
    hot = np.eye(logits.shape[1])[labels]
    target = (1 - eps) * hot + eps / logits.shape[1]
    return -np.sum(target * log_p) / len(labels)


def not_smoothed(logits, labels):
    return (softmax(logits) - np.eye(logits.shape[1])[labels]) / len(labels)


def softmax_other_axis(dy, a):
    y = softmax(a)
    return y * (dy - (dy * y).sum(axis=0, keepdims=True))


def convolve(x, kernel):
    return np.array([x[i : len(x) - 2 + i] * kernel[i] for i in range(3)]).sum(axis=0)


def flipped(dy, x, kernel):
    n = len(x) - 2
    dx = np.zeros(x.shape)
    for i in range(3):
        dx[i : n + i] += dy * kernel[i]
    return dx, np.array([(dy * x[2 - i : n + 2 - i]).sum() for i in range(3)])


MU, LOGVAR = normal(4, 3), normal(4, 3, seed=1)


def kl(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1.0 - logvar)


def loss_and_terms(mu, logvar, beta=1.0):
    z = mu + np.exp(logvar / 2) * normal(4, 3, seed=2)
    reconstruction = 0.5 * np.sum((z - normal(4, 3, seed=3)) ** 2)
    return reconstruction + beta * kl(mu, logvar), {"reconstruction": reconstruction,
                                                    "kl": kl(mu, logvar)}  # fmt: skip


def of_terms(mu, logvar, weight=1.0, of_logvar=None):
    noise = normal(4, 3, seed=2)
    dz = mu + np.exp(logvar / 2) * noise - normal(4, 3, seed=3)
    other = weight if of_logvar is None else of_logvar
    return dz + weight * mu, 0.5 * dz * noise * np.exp(logvar / 2) + 0.5 * other * (
        np.exp(logvar) - 1
    )


def _terms(name, mistake, says, **slip):
    def gradient(mu, logvar):
        return of_terms(mu, logvar, **slip)

    return Exhibit(name, mistake, loss_and_terms, gradient, (MU, LOGVAR), "missing term", says)


LOG_W, SIGNS = normal(5, 6, seed=7), normal(5, 6, seed=8)


def importance_bound(theta):
    log_w = LOG_W + theta * SIGNS
    top = log_w.real.max(axis=1, keepdims=True)
    return np.sum(top[:, 0] + np.log(np.mean(np.exp(log_w - top), axis=1)))


def not_normalized(theta):
    return np.exp(LOG_W + theta * SIGNS) * SIGNS


def weights_squared(theta):
    w = softmax(LOG_W + theta * SIGNS)
    return w**2 * SIGNS


def student_t(x):
    return np.sum(2.5 * np.log(1 + x**2 / 4))


def gelu(x):
    c = np.sqrt(2 / np.pi)
    return 0.5 * x * (1 + np.tanh(c * (x + 0.044715 * x**3)))


def gelu_short(dy, x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c)


def norm_rows(x):
    c = x - x.mean(axis=1, keepdims=True)
    return c / np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-5)


def norm_without_variance(dy, x):
    c = x - x.mean(axis=1, keepdims=True)
    s = np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-5)
    return (dy - dy.mean(axis=1, keepdims=True)) / s


def norm_of_batch_without_variance(dy, x):
    return norm_without_variance(dy.T, x.T).T


BATCH = normal(6, 4, seed=6)
EXHIBITS = [
    _mlp("sigmoid's slope in the hidden layer", "h (1 - h)", "activation", "written with",
         hidden=lambda a, h: h * (1 - h)),
    _mlp("relu's mask in the hidden layer", "a > 0", "activation", "relu",
         hidden=lambda a, h: 1.0 * (a > 0)),
    _mlp("no slope in the hidden layer", "1", "activation", "identity",
         hidden=lambda a, h: np.ones(h.shape)),
    _mlp("1 - h in the hidden layer", "no square", "activation", "without the square",
         hidden=lambda a, h: 1 - h),
    _mlp("sigmoid of the output", "y for a", "", "", output=lambda a, y: sigmoid(y)),
    Exhibit("two heads: the second is not sent back", "no dy2 @ w2.T", linear_heads,
            linear_heads_backward, HEADS, "missing part", "dy2 @ w2.T"),
    Exhibit("two heads: zero through the second", "dlogvar left out", heads,
            lambda dmu, dlogvar, x, w1, w2: heads_backward(dmu, dlogvar, x, w1, w2, 0.0, 0.0),
            HEADS, "zero"),
    Exhibit("two heads: the second doubled", "2 dlogvar", heads,
            lambda dmu, dlogvar, x, w1, w2: heads_backward(dmu, dlogvar, x, w1, w2, 2.0, 2.0),
            HEADS, "factor", "2"),
    Exhibit("lookup: += into gathered rows", "no np.add.at", lookup, lookup_lost, (TABLE, INDEX),
            "gathered rows", "more than once"),
    Exhibit("dy written over", "dy *= 2 x", lambda x, gain: x**2 * gain, in_place,
            (X, normal(4)), "overwritten", "upstream"),
    Exhibit("column against row", "(n, 1) - (n,)", square_of_column, column_against_row,
            (normal(6, 1),), "shape", "broadcast"),
    Exhibit("label smoothing forgotten", "one-hot targets", smoothed, not_smoothed,
            (GREY, LABELS), "labels", "all others"),
    Exhibit("softmax: the other axis", "axis=0", softmax, softmax_other_axis, (BATCH,),
            "wrong axis", "softmax"),
    Exhibit("convolution: flipped kernel", "x[2 - i:]", convolve, flipped,
            (normal(9), normal(3)), "rearranged", "reversed"),
    _terms("terms returned: no kl", "kl left out", "lacks the kl term", weight=0.0),
    _terms("terms returned: kl doubled", "2 kl", "kl term twice", weight=2.0),
    _terms("terms returned: beta on one head", "beta = 3 for logvar", "by 3 in place of 1",
           of_logvar=3.0),
    Exhibit("importance weights: not normalized", "exp(log_w)", importance_bound, not_normalized,
            (0.3 * normal(5, 6, seed=9),), "row factors", "not normalized"),
    Exhibit("importance weights: squared", "w**2", importance_bound, weights_squared,
            (0.3 * normal(5, 6, seed=9),), "weights", "squared"),
    Exhibit("pi nearly", "3.14159", lambda x: np.sum(np.sin(np.pi * x)),
            lambda x: 3.14159 * np.cos(np.pi * x), (X,), "factor", "nearly right"),
    Exhibit("student t: degrees of freedom", "nu for nu + 1", student_t,
            lambda x: 4 * x / (4 + x**2), (X,), "factor", "0.8"),
    Exhibit("gelu: a term left out", "no 3 b x**2", gelu, gelu_short, (X,), "activation",
            "without the 3"),
    Exhibit("fifth power: fourth's slope", "4 x**3", lambda x: np.sum(x**5),
            lambda x: 4 * x**3, (X,), "chain rule", "1 / x"),
    Exhibit("sine: its series", "1 - x**2 / 2", lambda x: np.sum(np.sin(x)),
            lambda x: 1 - x**2 / 2 + x**4 / 24, (normal(5, 4),), "series", "degree 4"),
    Exhibit("layer norm: no path through the variance", "y mean(dy y)", norm_rows,
            norm_without_variance, (BATCH,), "shared path"),
    Exhibit("batch norm: no path through the variance", "y mean(dy y)",
            lambda x: norm_rows(x.T).T, norm_of_batch_without_variance, (BATCH,), "shared path"),
]  # fmt: skip
