"""The latent variable: the KL divergence and the reparameterized sample."""

import numpy as np

from museum.exhibit import Exhibit, normal

MU, LOGVAR, NOISE = normal(4, 3), normal(4, 3, seed=1), normal(4, 3, seed=2)
TARGET = normal(4, 3, seed=3)


def kl(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1.0 - logvar)


def sample(mu, logvar):
    return mu + np.exp(logvar / 2) * NOISE


def reconstruction(mu, logvar):
    return 0.5 * np.sum((sample(mu, logvar) - TARGET) ** 2)


def loss(mu, logvar):
    return reconstruction(mu, logvar) + kl(mu, logvar)


def right(mu, logvar, noise=NOISE, beta=1.0):
    dz = sample(mu, logvar) - TARGET
    dmu = dz + beta * mu
    return dmu, 0.5 * dz * noise * np.exp(logvar / 2) + 0.5 * beta * (np.exp(logvar) - 1.0)


def no_kl(mu, logvar):
    return right(mu, logvar, beta=0.0)


def beta_kl(mu, logvar):
    return right(mu, logvar, beta=4.0)


def no_path_through_logvar(mu, logvar):
    return right(mu, logvar)[0], 0.5 * (np.exp(logvar) - 1.0)


def kl_of_mu_only(mu, logvar):
    dz = sample(mu, logvar) - TARGET
    return dz + mu, 0.5 * dz * NOISE * np.exp(logvar / 2)


def second_draw(mu, logvar):
    return right(mu, logvar, noise=normal(4, 3, seed=9))


def logvar_as_log_std(dz, mu, logvar):
    return dz, dz * NOISE * np.exp(logvar) * 0.5


def no_half(dz, mu, logvar):
    return dz, dz * NOISE * np.exp(logvar / 2)


def no_exp(dz, mu, logvar):
    return dz, 0.5 * dz * NOISE


def no_noise(dz, mu, logvar):
    return dz, 0.5 * dz * np.exp(logvar / 2)


def mu_through_noise(dz, mu, logvar):
    return dz * NOISE, 0.5 * dz * NOISE * np.exp(logvar / 2)


GENERATOR = np.random.default_rng(0)


def drawing(mu, logvar):
    noise = GENERATOR.standard_normal(mu.shape)
    return np.sum((mu + np.exp(logvar / 2) * noise) ** 2)


def drawing_gradient(mu, logvar):
    z = mu + np.exp(logvar / 2) * GENERATOR.standard_normal(mu.shape)
    return 2 * z, z * (z - mu)


def drawn_in_gradient(mu, logvar):
    return right(mu, logvar, noise=GENERATOR.standard_normal(mu.shape))


TERMS = {
    "kl": kl,
    "reconstruction": reconstruction,
    "path through logvar": lambda mu, logvar: (
        0.5 * np.sum((MU + np.exp(logvar / 2) * NOISE - TARGET) ** 2)
    ),
}


def _kl(name, mistake, gradient, expected, says=""):
    return Exhibit(name, mistake, kl, gradient, (MU, LOGVAR), expected, says)


def _sample(name, mistake, backward, expected, says):
    return Exhibit(name, mistake, sample, backward, (MU, LOGVAR), expected, says)


def _loss(name, mistake, gradient, expected, says=""):
    return Exhibit(name, mistake, loss, gradient, (MU, LOGVAR), expected, says, {"terms": TERMS})


EXHIBITS = [
    _kl(
        "kl: dmu is 2 mu",
        "1/2 forgotten",
        lambda m, v: (2 * m, 0.5 * (np.exp(v) - 1)),
        "factor",
        "2",
    ),
    _kl("kl: no -1", "exp(logvar) / 2", lambda m, v: (m, 0.5 * np.exp(v)), "missing part", "+0.5"),
    _kl(
        "kl: sign of dlogvar",
        "1 - exp(logvar)",
        lambda m, v: (m, 0.5 * (1 - np.exp(v))),
        "sign",
        "-1",
    ),
    _kl(
        "kl: of the ELBO", "gradient of -kl", lambda m, v: (-m, 0.5 * (1 - np.exp(v))), "sign", "-1"
    ),
    _kl(
        "kl: std for variance",
        "exp(logvar / 2)",
        lambda m, v: (m, 0.5 * (np.exp(v / 2) - 1)),
        "formula",
        "exp(logvar)",
    ),
    _kl(
        "kl: averaged over dimensions",
        "mean in backward",
        lambda m, v: (m / 3, (np.exp(v) - 1) / 6),
        "factor",
        "1/3",
    ),
    _kl(
        "kl: dmu is zero",
        "mu forgotten",
        lambda m, v: (0 * m, 0.5 * (np.exp(v) - 1)),
        "zero",
        "zero",
    ),
    _sample(
        "sample: variance for std",
        "exp(logvar)",
        logvar_as_log_std,
        "chain rule",
        "exp(logvar / 2)",
    ),
    _sample("sample: no 1/2", "1/2 of logvar / 2", no_half, "factor", "2"),
    _sample("sample: no exp", "chain rule", no_exp, "chain rule", "exp(-logvar / 2)"),
    Exhibit(
        "sample: no noise",
        "noise forgotten",
        lambda m, v, noise: m + np.exp(v / 2) * noise,
        lambda dz, m, v, noise: (dz, 0.5 * dz * np.exp(v / 2), None),
        (MU, LOGVAR, NOISE),
        "chain rule",
        "1 / noise",
    ),
    Exhibit(
        "sample: noise in dmu",
        "dz * noise",
        lambda mu, v, noise: mu + np.exp(v / 2) * noise,
        lambda dz, m, v, noise: (dz * noise, 0.5 * dz * noise * np.exp(v / 2), None),
        (MU, LOGVAR, NOISE),
        "chain rule",
        "noise times",
    ),
    _loss("loss: no KL", "KL left out of backward", no_kl, "missing term", "lacks the kl term"),
    _loss(
        "loss: beta in backward only",
        "beta = 4 in backward",
        beta_kl,
        "missing term",
        "by 4 in place of 1",
    ),
    _loss(
        "loss: path through logvar",
        "sample held fixed",
        no_path_through_logvar,
        "missing term",
        "path through logvar",
    ),
    _loss(
        "loss: KL of mu only",
        "KL's dlogvar left out",
        kl_of_mu_only,
        "missing term",
        "lacks the kl term",
    ),
    _loss("loss: backward draws again", "another draw of the noise", second_draw, ""),
    Exhibit(
        "noise drawn inside",
        "noise is not an argument",
        drawing,
        drawing_gradient,
        (MU, LOGVAR),
        "not deterministic",
        "function",
    ),
    Exhibit(
        "noise drawn in backward",
        "backward draws its own",
        loss,
        drawn_in_gradient,
        (MU, LOGVAR),
        "not deterministic",
        "gradient",
    ),
]
