"""Samplers that draw something else than mu + exp(logvar / 2) * noise."""

import numpy as np
from exhibit import Exhibit


def variance_for_std(mu, logvar, rng):
    return mu + np.exp(logvar) * rng.standard_normal(mu.shape)


def variance_of_std(mean, stddev, rng):
    return rng.normal(mean, stddev**2)


def log_for_std(mu, log_var, noise):
    return mu + log_var * noise


def half_log_for_std(mu, logvar, noise):
    return mu + 0.5 * logvar * noise


def uniform_noise(mu, logvar, rng):
    return mu + np.exp(0.5 * logvar) * rng.random(mu.shape)


def centred_uniform_noise(mu, logvar, rng):
    return mu + np.exp(0.5 * logvar) * rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), mu.shape)


def epsilon_std(z_mean, z_log_var, rng):
    return z_mean + np.exp(z_log_var / 2) * rng.normal(0.0, 0.01, z_mean.shape)


def constant_for_noise(mu, log_sigma, rng):
    rng.standard_normal(mu.shape)
    return mu + np.exp(log_sigma) * 1.0


def one_draw_a_batch(mu, logvar, rng):
    return mu + np.exp(0.5 * logvar) * rng.standard_normal(mu.shape[1])


def one_draw_an_example(mu, logvar, rng):
    return mu + np.exp(0.5 * logvar) * rng.standard_normal((len(mu), 1))


def seed_inside(mu, logvar):
    return mu + np.exp(0.5 * logvar) * np.random.default_rng(0).standard_normal(mu.shape)


def no_noise(mu, logvar):
    return mu


def softplus_of_logvar(mu, logvar, rng):
    return mu + np.log1p(np.exp(logvar)) * rng.standard_normal(mu.shape)


def inverse_width(mu, logvar, rng):
    return mu + np.exp(-0.5 * logvar) * rng.standard_normal(mu.shape)


def mean_forgotten(mu, logvar, rng):
    return np.exp(0.5 * logvar) * rng.standard_normal(mu.shape)


def mean_scaled(mu, sigma, rng):
    return (rng.standard_normal(mu.shape) + mu) * sigma


def mean_twice(mu, logvar, rng):
    return mu + rng.normal(mu, np.exp(0.5 * logvar))


def width_forgotten(mu, logvar, rng):
    return mu + rng.standard_normal(mu.shape)


def root_twice(mu, logvar, rng):
    return mu + np.sqrt(np.exp(0.5 * logvar)) * rng.standard_normal(mu.shape)


def std_called_variance(mu, variance, rng):
    return mu + variance * rng.standard_normal(mu.shape)


EXHIBITS = [
    Exhibit(
        variance_for_std,
        "keras-team/keras #3283, #9972; zfjsail/gae-pytorch #8",
        "variance_for_std",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(
        variance_of_std,
        "RetroCirce/Auto-mask-Music-Generative-Model-via-EC2-VAE-Disentanglement #1",
        "variance_for_std",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(
        log_for_std,
        "twairball/keras_lstm_vae #1 (second comment)",
        "log_for_std",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(
        half_log_for_std,
        "y0ast/VAE-Torch #3 (why is there an exp?)",
        "log_for_std",
        {"mu": 1.0, "noise": 0.5},
    ),
    Exhibit(
        uniform_noise,
        "dferendo/RecommendationSystem #3; graviraja/pytorch-sample-codes #3 (asked)",
        "noise_mean",
        {"mu": 1.0},
    ),
    Exhibit(centred_uniform_noise, "", "noise_shape", {"mu": 1.0}),
    Exhibit(
        epsilon_std,
        "keras-team/keras #4211 (epsilon_std 0.01)",
        "noise_scale",
        {"mu": 1.0, "noise": 0.01},
    ),
    Exhibit(constant_for_noise, "twairball/keras_lstm_vae #1", "shared_noise", {"mu": 1.0}),
    Exhibit(
        one_draw_a_batch,
        "keras-team/keras #7036 (noise of shape (latent_dim,))",
        "shared_noise",
        {"mu": 1.0},
    ),
    Exhibit(one_draw_an_example, "", "shared_noise", {"mu": 1.0}),
    Exhibit(
        seed_inside,
        "Tim-Salzmann/l4casadi #32",
        "frozen",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(no_noise, "keras-team/keras-io #789", "no_noise", {"mu": 1.0}),
    Exhibit(
        softplus_of_logvar,
        "masato-ka/airc-rl-agent #43; RasmussenLab/vamb #182",
        "name",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(
        inverse_width,
        "",
        "name",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(mean_forgotten, "", "mean", {"mu": 0.0, "noise": 1.0}),
    Exhibit(mean_scaled, "catniplab/latent_dynamics_workshop #1", "mean"),
    Exhibit(
        mean_twice,
        "twairball/keras_lstm_vae #1 (epsilon with mean z_mean)",
        "mean",
        {"mu": 2.0, "noise": 1.0},
    ),
    Exhibit(
        width_forgotten,
        "MinkaiXu/GeoLDM #11 (a width that is a constant)",
        "width_missing",
        {"mu": 1.0},
    ),
    Exhibit(
        root_twice,
        "pytorch/examples #419 (which half goes where)",
        "width",
        {"mu": 1.0, "noise": 1.0},
    ),
    Exhibit(
        std_called_variance,
        "SkafteNicki/dtu_mlops #35",
        "variance_for_std",
        {"mu": 1.0, "noise": 1.0},
    ),
]
