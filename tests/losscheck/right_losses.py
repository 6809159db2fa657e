"""Right losses in different clothes: ``HAND`` written out, ``MADE`` put together from parts."""

import math
from itertools import product

import numpy as np
from exhibit import bce, bce_logits, kl, sigmoid


def plain(x, logits, mu, logvar):
    return np.mean(bce_logits(x, logits).sum(axis=1) + kl(mu, logvar).sum(axis=1))


def textbook(recon_x, x, mu, logvar):
    return bce(x, recon_x).sum() - 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))


def over_batch_and_pixels(recon_x, x, mu, logvar):
    divergence = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    return bce(x, recon_x).mean() + divergence / x.size


def loops(x, logits, mu, logvar):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            a = float(logits[i, j])
            total += math.log1p(math.exp(-abs(a))) + max(a, 0.0) - a * float(x[i, j])
        for m, v in zip(mu[i], logvar[i], strict=True):
            total += 0.5 * (m * m + math.expm1(v) - v)
    return total / x.shape[0]


def einsum(x, x_hat, mean, log_std):
    residual = x - x_hat
    square = 0.5 * np.einsum("ij,ij->i", residual, residual)
    divergence = 0.5 * np.einsum("ij,ij->i", mean, mean) + np.einsum(
        "ij->i", 0.5 * np.exp(2 * log_std) - log_std - 0.5
    )
    return (square + divergence).mean()


def softplus_form(x, x_logit, z_mean, z_log_var):
    cross = x * np.logaddexp(0, -x_logit) + (1 - x) * np.logaddexp(0, x_logit)
    return cross.sum(-1) + kl(z_mean, z_log_var).sum(-1)


def unstable_form(x, logits, mu, logvar):
    p = sigmoid(logits)
    return -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1) + kl(mu, logvar).sum(axis=1)


def small_epsilon(x, y_pred, mu, logvar):
    cross = -np.sum(x * np.log(y_pred + 1e-8) + (1 - x) * np.log(1 - y_pred + 1e-8), axis=1)
    return np.mean(cross + kl(mu, logvar).sum(axis=1))


def keras_clip(y_true, y_pred, z_mean, z_log_var):
    p = np.clip(y_pred, 1e-7, 1 - 1e-7)
    return y_true.shape[1] * bce(y_true, p).mean(-1) + kl(z_mean, z_log_var).sum(-1)


def sigma_with_epsilon(x, y, mu, sigma):
    y = np.clip(y, 1e-8, 1 - 1e-8)
    likelihood = np.sum(x * np.log(y) + (1 - x) * np.log(1 - y), axis=1)
    divergence = 0.5 * np.sum(mu**2 + sigma**2 - np.log(1e-8 + sigma**2) - 1, axis=1)
    return -(np.mean(likelihood) - np.mean(divergence))


def sampled_kl(x, x_logit, z, mean, logvar):
    def log_normal(at, m, v):
        return np.sum(-0.5 * ((at - m) ** 2 * np.exp(-v) + v + np.log(2 * np.pi)), axis=1)

    log_p = -bce_logits(x, x_logit).sum(axis=1)
    return -np.mean(log_p + log_normal(z, 0.0, 0.0 * logvar) - log_normal(z, mean, logvar))


def tuple_of_three(x, logits, mu, logvar):
    first, second = bce_logits(x, logits).sum(1).mean(), kl(mu, logvar).sum(1).mean()
    return first + second, first, second


def tuple_of_two(x, logits, mu, logvar):
    return bce_logits(x, logits).sum(1).mean(), kl(mu, logvar).sum(1).mean()


def total_last(x, logits, mu, logvar):
    first, second = bce_logits(x, logits).sum(1).mean(), kl(mu, logvar).sum(1).mean()
    return first, second, first + second


def dictionary(x, logits, mu, logvar):
    first, second = bce_logits(x, logits).sum(1).mean(), kl(mu, logvar).sum(1).mean()
    return {"rec": first, "kld": second, "loss": first + second}


def with_beta(x, logits, mu, logvar, beta):
    return np.mean(bce_logits(x, logits).sum(1) + beta * kl(mu, logvar).sum(1))


def with_default_beta(x, logits, mu, logvar, beta=1.0, reduction="mean"):
    value = bce_logits(x, logits).sum(1) + beta * kl(mu, logvar).sum(1)
    return value.mean() if reduction == "mean" else value


def sizes_as_arguments(x, x_hat, mu, log_var, batch_size, original_dim):
    cross = original_dim * bce(x, x_hat).mean()
    return cross + kl(mu, log_var).sum() / batch_size


def size_written_out(x, x_hat, mu, log_var):
    return 784 * bce(x, x_hat).mean() + kl(mu, log_var).sum(1).mean()


def reshaped(recon_x, x, mu, logvar):
    flat = x.reshape(-1, 784)
    return bce(flat, recon_x.reshape(-1, 784)).sum() + kl(mu, logvar).sum()


def images(x, x_hat, mu, logvar):
    if x.shape[1:] != (1, 28, 28):
        raise ValueError(f"expected images, got {x.shape}")
    return np.mean(np.sum((x - x_hat) ** 2, axis=(1, 2, 3)) + kl(mu, logvar).sum(1))


def learned_width(x, mean_x, log_sigma_x, mu, logvar):
    nll = 0.5 * ((x - mean_x) * np.exp(-log_sigma_x)) ** 2 + log_sigma_x + 0.5 * np.log(2 * np.pi)
    return np.mean(nll.sum(1) + kl(mu, logvar).sum(1))


def learned_logvar(x, x_mean, x_logvar, mu, logvar):
    nll = 0.5 * ((x - x_mean) ** 2 / np.exp(x_logvar) + x_logvar)
    return nll.sum() + kl(mu, logvar).sum()


def optimal_sigma(x, x_hat, mu, logvar):
    log_sigma = 0.5 * np.log(np.mean((x - x_hat) ** 2))
    nll = 0.5 * ((x - x_hat) / np.exp(log_sigma)) ** 2 + log_sigma
    return nll.sum() / len(x) + kl(mu, logvar).sum() / len(x)


def fixed_sigma(x, x_hat, mu, logvar, sigma_x=0.1):
    return np.mean(np.sum((x - x_hat) ** 2, 1) / (2 * 0.1**2) + kl(mu, logvar).sum(1))


def absolute(x, x_hat, mu, logvar):
    return np.abs(x - x_hat).sum() + kl(mu, logvar).sum()


def poisson(x, log_rate, mu, logvar):
    return np.mean(np.sum(np.exp(log_rate) - x * log_rate, 1) + kl(mu, logvar).sum(1))


def categorical(x, logits, mu, logvar):
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return np.mean(-np.sum(x * log_p, -1) + kl(mu, logvar).sum(-1))


def continuous_bernoulli(x, p, mu, logvar):
    log_c = np.log(2 * np.arctanh(1 - 2 * p) / (1 - 2 * p))
    return np.mean((bce(x, p) - log_c).sum(1) + kl(mu, logvar).sum(1))


def elbo(x, logits, mu, logvar):
    return -np.mean(bce_logits(x, logits).sum(1) + kl(mu, logvar).sum(1))


def constants_of_x(x, x_hat, mu, logvar):
    entropy = -x * np.log(x) - (1 - x) * np.log(1 - x)
    return np.mean((bce(x, x_hat) - entropy).sum(1) + kl(mu, logvar).sum(1))


def binary_only(x, x_hat, mu, logvar):
    return np.mean(-np.log(np.where(x > 0.5, x_hat, 1 - x_hat)).sum(1) + kl(mu, logvar).sum(1))


def in_bits(x, x_hat, mu, logvar):
    return np.mean(bce(x, x_hat).sum(1) + kl(mu, logvar).sum(1)) / np.log(2)


def per_pixel(x, x_hat, mu, logvar):
    return np.mean(bce(x, x_hat).sum(1) + kl(mu, logvar).sum(1)) / x.shape[1]


def single_precision(x, x_hat, mu, logvar):
    x, x_hat, mu, logvar = (a.astype(np.float32) for a in (x, x_hat, mu, logvar))
    return np.sum((x - x_hat) ** 2, dtype=np.float32) + kl(mu, logvar).sum()


def clamped_logvar(x, x_hat, mu, logvar):
    return np.sum((x - x_hat) ** 2) + kl(mu, np.clip(logvar, -20, 10)).sum()


def writes_into_arguments(x, x_hat, mu, logvar):
    x_hat -= x
    return np.sum(x_hat**2) + kl(mu, logvar).sum()


def softplus_width(x, x_hat, mu, raw_scale):
    sigma = np.log1p(np.exp(raw_scale))
    divergence = 0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma)
    return np.sum((x - x_hat) ** 2) + divergence.sum()


def positional(a, b, c, d):
    return plain(a, b, c, d)


def nested(x, outputs):
    recon, (mu, logvar) = outputs
    return textbook(recon, x, mu, logvar)


HAND = [
    (plain, {}),
    (textbook, {}),
    (over_batch_and_pixels, {}),
    (loops, {"input_dim": 30}),
    (einsum, {}),
    (softplus_form, {}),
    (unstable_form, {}),
    (small_epsilon, {}),
    (keras_clip, {}),
    (sigma_with_epsilon, {}),
    (sampled_kl, {}),
    (tuple_of_three, {}),
    (tuple_of_two, {}),
    (total_last, {}),
    (dictionary, {}),
    (with_beta, {}),
    (with_default_beta, {}),
    (sizes_as_arguments, {}),
    (size_written_out, {}),
    (reshaped, {}),
    (images, {"input_dim": (1, 28, 28)}),
    (learned_width, {}),
    (learned_logvar, {}),
    (optimal_sigma, {}),
    (fixed_sigma, {}),
    (absolute, {}),
    (poisson, {"arguments": {"log_rate": "recon"}}),
    (categorical, {}),
    (continuous_bernoulli, {}),
    (elbo, {}),
    (constants_of_x, {}),
    (binary_only, {}),
    (in_bits, {}),
    (per_pixel, {}),
    (single_precision, {}),
    (clamped_logvar, {}),
    (writes_into_arguments, {}),
    (softplus_width, {"arguments": {"raw_scale": "scale"}}),
    (positional, {"arguments": ["x", "logits", "mu", "logvar"]}),
    (nested, {"arguments": {"outputs": ("recon", ("mu", "logvar"))}}),
]

# Reconstructions (batch,) by what they are told, KLs (batch,) by their third argument's name, and
# reductions of the two: 4 x 4 x 3.
RECONSTRUCTIONS = {
    "recon_x": lambda x, p: bce(x, p).sum(1),
    "logits": lambda x, a: np.sum(np.logaddexp(0, a) - x * a, 1),
    "x_hat": lambda x, m: 0.5 * ((x - m) ** 2).sum(1),
    "x_recon": lambda x, m: ((x - m) ** 2).sum(1) / (2 * 0.5**2) + x.shape[1] * np.log(0.5),
}
KLS = {
    "logvar": lambda m, s: 0.5 * np.sum(m**2 + np.expm1(s) - s, 1),
    "log_sigma": lambda m, s: np.sum(0.5 * (m**2 + np.exp(2 * s) - 1) - s, 1),
    "std": lambda m, s: np.sum(0.5 * (m**2 + s**2 - 1) - np.log(s), 1),
    "var": lambda m, s: 0.5 * np.sum(m**2 + s - np.log(s) - 1, 1),
}
REDUCTIONS = {
    "mean": lambda r, k: np.mean(r + k),
    "sum": lambda r, k: np.sum(r) + np.sum(k),
    "none": lambda r, k: r + k,
}


def _made(recon, third, reduction):
    r, k, reduce = RECONSTRUCTIONS[recon], KLS[third], REDUCTIONS[reduction]

    def loss(**given):
        return reduce(r(given["x"], given[recon]), k(given["mu"], given[third]))

    arguments = {"x": "x", recon: _ROLES.get(recon, "recon"), "mu": "mu", third: _ROLES[third]}
    return loss, {"arguments": arguments, "title": f"{recon}, {third}, {reduction}"}


_ROLES = {
    "logits": "logits",
    "logvar": "logvar",
    "log_sigma": "log_sigma",
    "std": "sigma",
    "var": "variance",
}
MADE = [_made(*choice) for choice in product(RECONSTRUCTIONS, KLS, REDUCTIONS)]


# Samplers and KLs that are right.
def sampler_noise(mu, logvar, noise):
    return mu + np.exp(0.5 * logvar) * noise


def sampler_rng(mean, log_std, rng):
    return mean + np.exp(log_std) * rng.standard_normal(mean.shape)


def sampler_global(mu, sigma):
    return np.random.normal(mu, sigma)  # noqa: NPY002


def sampler_own_generator(mu, var):
    return np.random.default_rng().normal(mu, np.sqrt(var))


def sampler_args(args):
    z_mean, z_log_var = args
    return z_mean + np.exp(z_log_var / 2) * np.random.standard_normal(z_mean.shape)  # noqa: NPY002


def sampler_loop(mu, logvar, rng):
    out = np.empty_like(mu)
    for i in range(mu.shape[1]):
        out[:, i] = mu[:, i] + np.sqrt(np.exp(logvar[:, i])) * rng.standard_normal(len(mu))
    return out


def sampler_minus(mu, logvar, rng):
    return mu - np.exp(0.5 * logvar) * rng.standard_normal(mu.shape)


def sampler_tuple(mu, logvar, rng):
    noise = rng.standard_normal(mu.shape)
    return mu + np.exp(0.5 * logvar) * noise, mu, logvar


SAMPLERS = [
    sampler_noise,
    sampler_rng,
    sampler_global,
    sampler_own_generator,
    sampler_args,
    sampler_loop,
    sampler_minus,
    sampler_tuple,
]


def kl_per_example(mu, logvar):
    return kl(mu, logvar).sum(1)


def kl_per_dimension(mu, logvar):
    return kl(mu, logvar)


def kl_summed(mean, log_std):
    return np.sum(np.exp(2 * log_std) + mean**2 - 1 - 2 * log_std) / 2


def kl_two_gaussians(mu_q, logvar_q, mu_p, logvar_p):
    square = (np.exp(logvar_q) + (mu_q - mu_p) ** 2) / np.exp(logvar_p)
    return 0.5 * np.sum(logvar_p - logvar_q + square - 1, axis=1)


def kl_at_a_sample(mu, logvar, z):
    log_q = -0.5 * ((z - mu) ** 2 / np.exp(logvar) + logvar)
    return np.sum(log_q + 0.5 * z**2, axis=1)


def kl_estimated(mu, logvar):
    z = mu + np.exp(0.5 * logvar) * np.random.standard_normal(mu.shape)  # noqa: NPY002
    return kl_at_a_sample(mu, logvar, z)


KL_FUNCTIONS = [
    kl_per_example,
    kl_per_dimension,
    kl_summed,
    kl_two_gaussians,
    kl_at_a_sample,
    kl_estimated,
]
