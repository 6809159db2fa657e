"""What people call the arguments of a loss, and what those are.

A role is what an argument is fed with; a claim is what its name says that it means.
"""

from __future__ import annotations

import re

# Roles of arrays: x, recon, x_scale have the shape of the data, the others that of z.
X, RECON, X_SCALE = "x", "recon", "x_scale"
MU, SCALE, Z, NOISE = "mu", "scale", "z", "noise"
RNG, WEIGHT, PRIOR = "rng", "weight", "prior"
SIZES = ("batch_size", "input_dim", "latent_dim")

_X = """x data input inputs target targets y_true true truth original orig image
images img imgs batch real obs observation observations x_true x_in x_input
x_orig inp xs x_batch input_batch features label_image x_data source
original_x x_real gt ground_truth t"""
_RECON = """recon recon_x x_recon reconstruction reconstructed x_hat xhat hat y_pred
pred preds prediction predictions predicted x_rec rec rec_x out output
outputs decoded x_decoded x_decoded_mean recons x_tilde x_out generated
y_hat x_reconst reconst reconst_x reconstruct recon_batch x_mean x_mu mu_x
mean_x dec decoder_output decoder_out decoded_x x_prime xr x_r x_pred
output_x reconstructed_x x_reconstructed recon_img recons_x reconstruction_x
loc_x x_loc x_dec y_output x_bar xbar x_reconstr x_reconstr_mean
recon_images reconstructions recon_mean mean_decoder dec_mean decoder_mean
mu_dec recon_input"""
_LOGITS = """logits logit x_logit x_logits recon_logits logits_x dec_logits
decoder_logits output_logits recon_logit recon_x_logits out_logits logit_x
pred_logits y_logits x_hat_logits"""
_PROBS = """probs prob p probabilities probability x_prob x_probs p_x px recon_prob
recon_probs prob_x dec_probs pixel_probs"""
_MU = """mu mean z_mean z_mu mu_z mean_z m loc means mus mu_q q_mu latent_mean
latent_mu enc_mean enc_mu encoder_mu encoder_mean mu_enc mean_enc
mean_encoder location posterior_mean q_mean mean_q qz_mean z_loc loc_z
code_mean gaussian_mean qm mu_hat mu_vec mean_vec zm q_z_mean latent_loc muz"""
_Z = "z zs z_sample z_samples sample samples latent latents code z_hat sampled_z latent_sample"
_NOISE = "noise eps epsilon e normal_noise random_noise gaussian_noise"
_RNG = "rng generator gen random_state key prng_key rng_key rngs seed prng random_generator random"
_WEIGHT = """beta kl_weight kld_weight weight w lam lambda gamma alpha kl_coef kl_coeff
kl_coefficient coef coeff m_n kl_w w_kl kl_scale kl_lambda lambda_kl lambd
lamda b kl_beta beta_kl annealing anneal kl_annealing warmup warm_up
kl_factor kld_w recon_weight rec_weight reconstruction_weight lambda_kld
beta_vae kl_mult rate weight_kl beta_weight kl_alpha kld_coef kld_coeff"""

_SCALES = {
    "logvar": """logvar log_var logvariance log_variance lv logv logsigma2 log_sigma2
log_sigma_sq logsigma_sq log_sigma_squared log_sigma_square
log_squared_sigma ln_var lnvar logvars log_vars log_s2 logsig2 logsigmasq
logstd2 log_std2 log_std_sq vlog ln_sigma2 log_squared_scale l_var
sigma2_log log_sigma_2""",
    "log_sigma": """log_sigma logsigma log_std logstd log_stddev log_sd logsd log_scale logscale
log_sig logsig ln_sigma ln_std log_stdev lsigma log_standard_deviation logs
log_s lnsigma""",
    "sigma": """sigma std stddev sd stdev standard_deviation scale sig sigmas stds std_dev
stdv""",
    "variance": """var variance sigma2 sigma_sq sigma_squared sigma_square std2 vars variances
covariance cov sigmasq sigma_2 variance_diag""",
    "log_precision": "log_precision logprec log_prec log_inv_var",
    "precision": "precision prec inv_var",
    "": "s third raw_scale",
}


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_PLAIN = {
    X: words(_X),
    RECON: words(_RECON) | words(_LOGITS) | words(_PROBS),
    MU: words(_MU),
    Z: words(_Z),
    NOISE: words(_NOISE),
    RNG: words(_RNG),
    WEIGHT: words(_WEIGHT),
}
_NUMBERS = {
    "batch_size": words("batch_size batchsize bs n_batch batch_len num_examples minibatch_size"),
    "input_dim": words(
        "input_dim original_dim x_dim data_dim n_features input_size img_size image_size n_input "
        "num_pixels n_pixels dim_x input_dims dimension_x"
    ),
    "latent_dim": words(
        "latent_dim z_dim latent_size n_latent dim_z latent_dims zdim num_latent code_dim"
    ),
}
_OF_LATENT = words("z q enc encoder latent latents posterior qz code e inference zs recognition")
_OF_PRIOR = words("p prior pz mu2 z0 2")
_OF_DATA = words("x px dec decoder recon likelihood output obs generative gen y pixel data")

# Words for ``arguments=``: role and what the word claims.
WORDS: dict[str, tuple[str, str]] = {
    "x": (X, ""),
    "recon": (RECON, ""),
    "logits": (RECON, "logits"),
    "probs": (RECON, "probability"),
    "mean": (RECON, "mean"),
    "mu": (MU, ""),
    "scale": (SCALE, ""),
    "z": (Z, ""),
    "noise": (NOISE, ""),
    "rng": (RNG, ""),
    "beta": (WEIGHT, ""),
    "prior_mu": (PRIOR, ""),
    "prior_logvar": (PRIOR, "logvar"),
    "prior_sigma": (PRIOR, "sigma"),
    **{name: (name, "") for name in SIZES},
    **{name: (SCALE, name) for name in _SCALES if name},
    **{f"x_{name}": (X_SCALE, name) for name in _SCALES if name},
    "x_scale": (X_SCALE, ""),
    "softplus_sigma": (SCALE, "softplus_sigma"),
    "softplus_variance": (SCALE, "softplus_variance"),
}


def normalize(name: str) -> str:
    """Return a name in lower case with underscores between its words and at neither end."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"_+", "_", parted.lower()).strip("_")


def _scale_claim(plain: str) -> tuple[str, str] | None:
    """Return (role, claim) of the name of a width: ("scale", "logvar") for ``z_log_var``."""
    for role, ends in (
        (SCALE, frozenset()),
        (X_SCALE, _OF_DATA),
        (SCALE, _OF_LATENT),
        (PRIOR, _OF_PRIOR),
    ):
        for stem in _stems(plain, ends):
            for claim, known in _SCALES.items():
                if stem in known.split():
                    return role, claim
    return None


def _stems(plain: str, ends: frozenset[str]) -> list[str]:
    """Return the name itself, or what is left when a word of ``ends`` is taken off an end."""
    if not ends:
        return [plain]
    first, _, rest = plain.partition("_")
    before, _, last = plain.rpartition("_")
    return [rest] * (first in ends) + [before] * (last in ends)


def role_of(name: str) -> tuple[str, str] | None:
    """Return (role, claim) that a parameter's name stands for, or None.

    A claim says more of a role: ``"logits"`` or ``"probability"`` of the reconstruction, a key of
    ``READINGS`` of a width; ``""`` if the name does not say.
    """
    plain = normalize(name)
    if plain in words(_LOGITS):
        return RECON, "logits"
    if plain in words(_PROBS):
        return RECON, "probability"
    for role, known in (*_PLAIN.items(), *_NUMBERS.items()):
        if plain in known:
            return role, ""
    if any(stem in words("mu mean loc") for stem in _stems(plain, _OF_PRIOR)):
        return PRIOR, ""
    return _scale_claim(plain)
