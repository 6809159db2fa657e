"""Losses that weigh their two terms otherwise than one thinks, or are made of other terms."""

import numpy as np
from exhibit import Exhibit, bce, bce_logits, kl, sigmoid


def mean_pixels_sum_kl(recon_x, x, mu, logvar):
    return bce(x, recon_x).mean() + kl(mu, logvar).sum(axis=1).mean()


def keras_blog(x, x_decoded_mean, z_mean, z_log_var):
    cross = bce(x, x_decoded_mean).mean(axis=-1)
    return cross - 0.5 * np.mean(1 + z_log_var - z_mean**2 - np.exp(z_log_var), axis=-1)


def kl_over_pixels_again(recon_x, x, mu, logvar):
    return (bce(x, recon_x).sum() + kl(mu, logvar).sum() / x.shape[1]) / len(x)


def mse_mean_kl_small(recons, data, mu, log_var):
    divergence = np.mean(-0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var), axis=1), axis=0)
    return {"loss": np.mean((recons - data) ** 2) + 0.00025 * divergence, "KLD": -divergence}


def both_means(recon_x, x, mu, logvar):
    return np.mean((recon_x - x) ** 2) + 0.1 * np.mean(kl(mu, logvar))


def mse_sum_kl_mean(x, x_hat, mu, logvar):
    return np.sum((x - x_hat) ** 2, axis=1).mean() + kl(mu, logvar).mean()


def mean_error_summed_kl(predicted, target, mu, logvar):
    return np.mean((predicted - target) ** 2) - 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))


def kl_summed_over_batch(x, logits, mu, logvar):
    return bce_logits(x, logits).sum(axis=1).mean() + kl(mu, logvar).sum()


def weight_never_used(x, x_hat, mu, logvar, kl_coeff=0.1):
    return 0.5 * np.sum((x - x_hat) ** 2) + kl(mu, logvar).sum()


def no_kl(x, logits, mu, logvar, beta=0.0):
    return bce_logits(x, logits).sum(axis=1).mean() + beta * kl(mu, logvar).sum(axis=1).mean()


def kl_subtracted(x, logits, mu, logvar):
    return bce_logits(x, logits).sum(axis=1).mean() - kl(mu, logvar).sum(axis=1).mean()


def kl_with_plus_half(recon_x, x, mu, logvar):
    return bce(x, recon_x).sum() + 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))


def elbo_as_loss(recon_x, x, mu, logvar):
    return -(bce(x, recon_x).sum(axis=1) + kl(mu, logvar).sum(axis=1)).mean()


def log_likelihood_added(x, x_hat, mu, logvar):
    log_p = -0.5 * np.sum((x - x_hat) ** 2, axis=1)
    return (log_p + kl(mu, logvar).sum(axis=1)).mean()


def beta_four(x, logits, mu, logvar):
    return bce_logits(x, logits).sum(axis=1).mean() + 4.0 * kl(mu, logvar).sum(axis=1).mean()


def half_missing_in_kl(x, logits, mu, logvar):
    divergence = np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=1)
    return (bce_logits(x, logits).sum(axis=1) + divergence).mean()


def beta_gaussian(x, x_hat, mu, logvar):
    return (0.5 * np.sum((x - x_hat) ** 2, axis=1) + 10.0 * kl(mu, logvar).sum(axis=1)).mean()


def log_sigma_by_another_name(recon_x, x, mu, log_var):
    divergence = np.sum(mu**2 + np.exp(2 * log_var) - 2 * log_var - 1) / 2
    return bce(x, recon_x).sum() + divergence


def log_sigma_that_is_logvar(x, x_decoded, z_mean, z_log_sigma):
    divergence = -0.5 * np.sum(1 + z_log_sigma - z_mean**2 - np.exp(z_log_sigma), axis=-1)
    return np.mean(np.sum(bce(x, x_decoded), axis=-1) + divergence)


def std_that_is_logvar(x, x_hat, mean, std):
    return (bce(x, x_hat).sum(1) + 0.5 * np.sum(np.exp(std) + mean**2 - 1 - std, axis=1)).mean()


def sigmoid_twice(x, logits, mu, logvar):
    return (bce_logits(x, sigmoid(logits)).sum(1) + kl(mu, logvar).sum(1)).mean()


def logits_of_probabilities(x, probs, mu, logvar):
    return (bce_logits(x, probs).sum(1) + kl(mu, logvar).sum(1)).mean()


def no_sigmoid(x, logits, mu, logvar):
    return bce(x, logits).sum() + kl(mu, logvar).sum()


def arguments_swapped(recon_x, x, mu, logvar):
    return bce(recon_x, x).sum() + kl(mu, logvar).sum()


def black_is_white(x, recon, mu, logvar):
    return (bce(1.0 - x, recon).sum(1) + kl(mu, logvar).sum(1)).mean()


def ones_only(x, x_hat, mu, logvar):
    return -np.sum(x * np.log(x_hat)) + kl(mu, logvar).sum()


def ones_weigh_more(x, logits, mu, logvar):
    weighted = 5.0 * x * np.log1p(np.exp(-logits)) + (1 - x) * np.log1p(np.exp(logits))
    return (weighted.sum(1) + kl(mu, logvar).sum(1)).mean()


def root_of_error(x, x_hat, mu, logvar):
    return np.mean(np.sqrt(np.sum((x - x_hat) ** 2, axis=1)) + kl(mu, logvar).sum(1))


def two_likelihoods(x, x_hat, mu, logvar):
    both = bce(x, x_hat) + (x - x_hat) ** 2
    return np.mean(both.sum(1) + kl(mu, logvar).sum(1))


def smooth_l1(x, x_hat, mu, logvar):
    away = np.abs(x - x_hat)
    error = np.where(away < 1.0, 0.5 * away**2, away - 0.5)
    return np.mean(error.sum(1) + kl(mu, logvar).sum(1))


def large_epsilon(x, x_hat, mu, logvar):
    cross = -x * np.log(x_hat + 1e-2) - (1 - x) * np.log(1 - x_hat + 1e-2)
    return np.mean(cross.sum(1) + kl(mu, logvar).sum(1))


def clamped(x, x_hat, mu, logvar):
    return np.mean(bce(x, np.clip(x_hat, 0.1, 0.9)).sum(1) + kl(mu, logvar).sum(1))


def capacity(x, logits, mu, logvar):
    total = kl(mu, logvar).sum(1).mean()
    return bce_logits(x, logits).sum(1).mean() + 30.0 * np.abs(total - 5.0)


def free_bits(x, logits, mu, logvar):
    held = np.maximum(kl(mu, logvar).mean(axis=0), 0.25)
    return bce_logits(x, logits).sum(1).mean() + held.sum()


def width_without_its_log(x, mean_x, log_sigma_x, mu, logvar):
    square = 0.5 * (x - mean_x) ** 2 * np.exp(-2 * log_sigma_x)
    return np.mean(square.sum(1) + kl(mu, logvar).sum(1))


def width_once_too_often(x, mean_x, log_sigma_x, mu, logvar):
    nll = 0.5 * (x - mean_x) ** 2 * np.exp(-log_sigma_x) + log_sigma_x
    return np.mean(nll.sum(1) + kl(mu, logvar).sum(1))


def square_table(x, logits, mu, logvar):
    return bce_logits(x, logits).sum(1, keepdims=True) + kl(mu, logvar).sum(1)


def first_row_only(x, x_hat, mu, logvar):
    return np.sum((x[0] - x_hat[0]) ** 2) + kl(mu, logvar).sum(1).mean()


def product(x, x_hat, mu, logvar):
    return np.sum((x - x_hat) ** 2, axis=1).mean() * kl(mu, logvar).sum(1).mean()


EXHIBITS = [
    Exhibit(
        mean_pixels_sum_kl,
        "pytorch/examples #817",
        "reduction",
        {"reconstruction": 1 / 784, "kl": 1.0},
        784.0,
    ),
    Exhibit(
        keras_blog,
        "Keras blog, quoted in wiseodd/generative-models #43; keras-team/keras #3383",
        "reduction",
        {"reconstruction": 1 / 784, "kl": 1 / 20},
        39.2,
    ),
    Exhibit(
        kl_over_pixels_again,
        "pytorch/examples #294",
        "reduction",
        {"reconstruction": 1.0, "kl": 1 / 784},
        1 / 784,
    ),
    Exhibit(
        mse_mean_kl_small,
        "AntixK/PyTorch-VAE #11, #35, #56",
        "reduction",
        {"squared_error": 1 / 784, "kl": 0.00025},
        0.098,
    ),
    Exhibit(
        both_means, "podgorskiy/VAE #1", "reduction", {"squared_error": 1 / 784, "kl": 0.005}, 1.96
    ),
    Exhibit(
        mse_sum_kl_mean,
        "orybkin/sigma-vae-tensorflow #2",
        "reduction",
        {"squared_error": 1.0, "kl": 0.05},
        0.025,
    ),
    Exhibit(
        mean_error_summed_kl,
        "zdebruine/MMVAE #19",
        "reduction",
        {"squared_error": 1 / 784, "kl": 128.0},
    ),
    Exhibit(
        kl_summed_over_batch,
        "wiseodd/generative-models #40",
        "reduction",
        {"reconstruction": 1.0, "kl": 128.0},
        128.0,
    ),
    Exhibit(
        weight_never_used,
        "Lightning-Universe/lightning-bolts #328; AlexanderVNikitin/tsgm #69",
        "unused",
        {"squared_error": 0.5, "kl": 1.0},
    ),
    Exhibit(
        no_kl,
        "facebookresearch/irmae #1; rasbt/deep-learning-book #59",
        "kl_missing",
        {"reconstruction": 1.0},
    ),
    Exhibit(kl_subtracted, "ssemeniuta/textvae #4", "sign", {"reconstruction": 1.0, "kl": -1.0}),
    Exhibit(
        kl_with_plus_half,
        "pytorch/examples #824; keras-team/keras #6500",
        "sign",
        {"reconstruction": 1.0, "kl": -1.0},
    ),
    Exhibit(
        elbo_as_loss, "wiseodd/generative-models #43", "sign", {"reconstruction": -1.0, "kl": -1.0}
    ),
    Exhibit(
        log_likelihood_added, "pytorch/examples #298", "sign", {"squared_error": -0.5, "kl": 1.0}
    ),
    Exhibit(
        beta_four, "Higgins et al. 2017, beta-VAE", "beta", {"reconstruction": 1.0, "kl": 4.0}, 4.0
    ),
    Exhibit(
        half_missing_in_kl,
        "KarenUllrich/Tutorial_BayesianCompressionForDL #8",
        "beta",
        {"reconstruction": 1.0, "kl": 2.0},
        2.0,
    ),
    Exhibit(
        beta_gaussian,
        "Higgins et al. 2017; AntixK/PyTorch-VAE #23",
        "beta",
        {"squared_error": 0.5, "kl": 10.0},
        10.0,
    ),
    Exhibit(
        log_sigma_by_another_name,
        "spmallick/learnopencv #620",
        "name",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        log_sigma_that_is_logvar,
        "Keras blog; twairball/keras_lstm_vae #1",
        "name",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        std_that_is_logvar,
        "AndrewSpano/Disentangled-Variational-Autoencoder #12",
        "name",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        sigmoid_twice,
        "itakurah/focal-loss-pytorch #5",
        "sigmoid_twice",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        logits_of_probabilities,
        "ChengBinJin/V-GAN-tensorflow #16",
        "sigmoid_twice",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(no_sigmoid, "y0ast/VAE-TensorFlow #7", "name", {"reconstruction": 1.0, "kl": 1.0}),
    Exhibit(
        arguments_swapped,
        "autonomousvision/sledge #4; y0ast/Variational-Autoencoder #8 (asked)",
        "swapped",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        black_is_white,
        "",
        "inverted",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        ones_only,
        "deeplearning4j/nd4j #1319",
        "half_missing",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        ones_weigh_more,
        "tkipf/gae #21 (weighted cross-entropy)",
        "weighted",
        {"-x log p": 5.0, "kl": 1.0},
    ),
    Exhibit(root_of_error, "", "root", {"root_error": 1.0, "kl": 1.0}),
    Exhibit(
        two_likelihoods,
        "cdoersch/vae_tutorial #2 (asked: why both?)",
        "mixed",
        {"reconstruction": 1.0, "squared_error": 1.0},
    ),
    Exhibit(
        smooth_l1,
        "microsoft/Bringing-Old-Photos-Back-to-Life #135",
        "huber",
        {"huber": 1.0, "kl": 1.0},
    ),
    Exhibit(
        large_epsilon,
        "RasmussenLab/vamb #12 (a pseudocount in the logarithm)",
        "epsilon",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        clamped,
        "casperkaae/parmesan #32",
        "clamp",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        capacity,
        "Burgess et al. 2018, equation (8); 1Konny/Beta-VAE",
        "capacity",
        {"reconstruction": 1.0, "kl": 30.0},
    ),
    Exhibit(
        free_bits,
        "Kingma et al. 2016, equation (15)",
        "free_bits",
        {"reconstruction": 1.0, "kl": 1.0},
    ),
    Exhibit(
        width_without_its_log,
        "Linear95/CLUB #17 (asked)",
        "gaussian_pieces",
        {"kl": 1.0},
    ),
    Exhibit(
        width_once_too_often,
        "orybkin/sigma-vae-pytorch #11; y0ast/VAE-Torch #5",
        "gaussian_pieces",
        {"kl": 1.0},
    ),
    Exhibit(square_table, "keras-team/keras #4538 (terms of two shapes, broadcast)", "broadcast"),
    Exhibit(first_row_only, "amitrana001/DynaMITe #1 (a return inside the loop)", "unexplained"),
    Exhibit(product, "", "unexplained"),
]
