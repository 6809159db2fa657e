"""What to say of a model that hardly uses its latent units when its training is done."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.model.evaluation import ACTIVE_THRESHOLD, Evaluation, evaluate
from tinyvae.model.likelihoods import Gaussian
from tinyvae.model.vae import VAE
from tinyvae.training.options import TrainingOptions
from tinyvae.training.state import RunState

Array = NDArray[Any]

#: The published VAE of 50 units uses 19 (Burda et al. 2016, table 1): fewer than a third is few.
FEW = 1 / 3
_ROWS = 2000


def remark_on_run(state: RunState) -> str | None:
    """Return the remark on the model of a run, by some of its validation or training data."""
    data, labels = state.validation, state.validation_labels
    if data is None:
        data, labels = state.train, state.labels
    apart = slice(None, None, -(-len(data) // _ROWS))
    found = evaluate(
        state.vae,
        data[apart],
        binarize=state.binarize,
        labels=None if labels is None else labels[apart],
    )
    return remark(found, state.vae, state.options)


def remark(found: Evaluation, vae: VAE, options: TrainingOptions) -> str | None:
    """Return what it means that few units are active, and what to try, or None.

    Parameters
    ----------
    found : Evaluation
        On data the model knows, or on others of their kind.
    vae : VAE
    options : TrainingOptions
        How it was trained.
    """
    units, active = len(found.mu_variance), found.active_units
    if found.rows < 2 or active >= FEW * units:
        return None
    few, rest = "No latent unit is active", "each"
    if active:
        few, rest = f"Only {active} of {units} latent units are active", "each of the others"
    return (
        f"{few}: q(z|x) of {rest} is nearly the prior whatever x is, and the decoder does without "
        f"(posterior collapse; mu has a variance below {ACTIVE_THRESHOLD}). "
        f"Try {', or '.join(_advice(vae, options))}"
        f"{f'. Or the data need no more of them: latent_dim={active}.' if active else '.'}"
    )


def _advice(vae: VAE, options: TrainingOptions) -> list[str]:
    """Return what may wake units up, as arguments, the likeliest first."""
    advice = []
    if isinstance(vae.observation, Gaussian):
        advice.append(_smaller_sigma(vae.observation))
    if options.objective == "elbo":
        if options.beta > 1.0:
            advice.append("beta=1")
        if not options.warmup_epochs:
            advice.append(f"warmup_epochs={max(1, options.epochs // 4)}")
        if options.free_bits is None:
            advice.append("free_bits=0.1")
    return [*advice, f"epochs={max(1, 3 * options.epochs)}"]


def _smaller_sigma(observation: Gaussian) -> str:
    if observation.chosen and observation.default_sigma is None:
        return "no sigma, which then starts at half the spread of the data"
    return f"sigma={observation.sigma / 4.0:.1g}"
