"""KLs that are not KL(q, N(0, I)) in nats, summed over z."""

import numpy as np
from exhibit import Exhibit


def half_missing(mu, logvar):
    return np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=1)


def mean_over_z(mu, logvar):
    return -0.5 * np.mean(1 + logvar - mu**2 - np.exp(logvar))


def minus(mu, logvar):
    return 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1)


def other_way_round(mu, logvar):
    return 0.5 * np.sum((1 + mu**2) / np.exp(logvar) + logvar - 1, axis=1)


def sigma_not_squared(mu, logvar):
    return -0.5 * np.sum(1 + logvar - mu**2 - np.exp(0.5 * logvar), axis=1)


def log_squared_for_log_of_square(mu, log_sigma):
    return 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 + log_sigma**2, axis=1)


def plus_log(mu, log_sigma):
    return 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 + 2 * log_sigma, axis=1)


def no_exp(mu, logvar):
    return 0.5 * np.sum(logvar + mu**2 - 1 - np.log(np.abs(logvar)), axis=1)


def no_log(mu, var):
    return 0.5 * np.sum(var + mu**2 - 1 - var, axis=1)


def mu_not_squared(mu, logvar):
    return 0.5 * np.sum(mu + np.exp(logvar) - logvar - 1, axis=1)


def half_on_one_side(mu, std):
    return np.sum(mu**2 + std**2 - np.log(std) - 0.5, axis=1)


def logs_swapped(mu, logvar):
    return 0.5 * np.sum(logvar**2 + np.exp(mu) - mu - 1, axis=1)


def mu_forgotten(mu, logvar):
    return 0.5 * np.sum(np.exp(logvar) - logvar - 1, axis=1)


def variance_forgotten(mu, logvar):
    return 0.5 * np.sum(mu**2 - logvar - 1, axis=1)


def mu_squared_only(mu, logvar):
    return np.sum(mu**2, axis=1)


def bits(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=1) / np.log(2.0)


def estimate_at_another_sample(mu, logvar):
    z = mu + np.exp(logvar) * np.random.standard_normal(mu.shape)  # noqa: NPY002
    log_q = -0.5 * (z - mu) ** 2 * np.exp(-logvar) - 0.5 * logvar
    return np.sum(log_q + 0.5 * z**2, axis=1)


def log_width_half_size(mu, logvar, z):
    log_q = -0.5 * (z - mu) ** 2 * np.exp(-logvar) - 0.25 * logvar
    return np.sum(log_q + 0.5 * z**2, axis=1)


EXHIBITS = [
    Exhibit(
        half_missing,
        "KarenUllrich/Tutorial_BayesianCompressionForDL #8; mingyuliutw/UNIT #42",
        "factor",
        {"kl": 2.0},
    ),
    Exhibit(
        mean_over_z, "podgorskiy/VAE #1; orybkin/sigma-vae-tensorflow #2", "reduction", {"kl": 0.05}
    ),
    Exhibit(
        minus,
        "ssemeniuta/textvae #4; AntixK/PyTorch-VAE #68; CompVis/stable-diffusion #849",
        "sign",
        {"kl": -1.0},
    ),
    Exhibit(
        other_way_round,
        "graviraja/pytorch-sample-codes #2 (which way round)",
        "kl_reversed",
        {"reverse_kl": 1.0},
    ),
    Exhibit(
        sigma_not_squared,
        "pytorch/examples #225",
        "std_for_variance",
        {"mu^2": 0.5, "exp(s/2)": 0.5, "s": -0.5},
    ),
    Exhibit(
        log_squared_for_log_of_square,
        "FluxML/model-zoo #73, #76",
        "pieces",
        {"mu^2": 0.5, "exp(2 s)": 0.5, "s^2": 0.5},
    ),
    Exhibit(
        plus_log, "FluxML/model-zoo #147", "kl_pieces", {"mu^2": 0.5, "exp(2 s)": 0.5, "2 s": 0.5}
    ),
    Exhibit(no_exp, "graviraja/pytorch-sample-codes #2", "pieces"),
    Exhibit(
        no_log, "AndrewSpano/Disentangled-Variational-Autoencoder #12", "kl_pieces", {"mu^2": 0.5}
    ),
    Exhibit(mu_not_squared, "", "kl_pieces", {"mu": 0.5}),
    Exhibit(half_on_one_side, "SupaeroDataScience/deep-learning #6", "kl_pieces", {"mu^2": 1.0}),
    Exhibit(logs_swapped, "", "kl_pieces"),
    Exhibit(mu_forgotten, "", "kl_pieces"),
    Exhibit(
        variance_forgotten,
        "RVC-Project/Retrieval-based-Voice-Conversion-WebUI #469; jaywalnut310/vits #155",
        "kl_pieces",
        {"mu^2": 0.5, "s": -0.5},
    ),
    Exhibit(
        mu_squared_only,
        "microsoft/Bringing-Old-Photos-Back-to-Life #170",
        "kl_pieces",
        {"mu^2": 1.0},
    ),
    Exhibit(
        bits,
        "bits for nats: van den Oord et al. 2016, who report bits a dimension",
        "factor",
        {"kl": 1.0 / np.log(2.0)},
    ),
    Exhibit(
        estimate_at_another_sample,
        "rachtsingh/ibp_vae #3 with a sampled KL",
        "variance_for_std",
        {"kl of another sample": 1.0},
    ),
    Exhibit(log_width_half_size, "y0ast/VAE-Torch #5", "kl_pieces", {"z^2": 0.5}),
]
