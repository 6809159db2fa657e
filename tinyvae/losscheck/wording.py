"""What is said of weights: their dependence on the sizes, in words."""

from __future__ import annotations

from collections.abc import Mapping

from tinyvae.losscheck.powers import Weight
from tinyvae.losscheck.recon import SQUARED


def named(beta: float) -> str:
    """Return what a loss with a KL of this weight is called."""
    return "minus the ELBO" if beta == 1.0 else f"beta-VAE with beta = {beta:g}"


def error_words(term: str) -> str:
    """Return what an error of this kind is called, at the head of a sentence."""
    return "A squared error" if term == SQUARED else "An absolute error"


def hard_coded(ratio: Weight, sizes: Mapping[str, int]) -> str:
    """Say that a size is written as a number; ``ratio`` is the KL's weight over the other."""
    names = [n for n, p in ratio.powers.items() if p]
    at = ", ".join(f"{n} = {sizes[n]}" for n in names)
    return (
        f"A size is written as a number: the two weights agree where {at} and nowhere else "
        f"(KL over reconstruction is {ratio.symbols()})."
    )


def lawless(reconstruction: Weight, kl: Weight) -> str:
    """Say that two weights follow no law of the sizes."""
    return (
        "The weights of reconstruction and KL depend on the sizes in no simple way: "
        f"{reconstruction.factor:.6g} and {kl.factor:.6g} at the last shape tried."
    )


def reductions(c: Weight, k: Weight, sizes: Mapping[str, int]) -> str:
    """Say what the reconstruction (c) is averaged or summed over and the KL (k) is not."""
    of_c = [describe(n, c.power(n), sizes) for n in ("input_dim", "latent_dim")]
    of_k = [describe(n, k.power(n), sizes) for n in ("input_dim", "latent_dim")]
    if c.power("batch") != k.power("batch"):
        of_c.append(describe("batch", c.power("batch"), sizes))
        of_k.append(describe("batch", k.power("batch"), sizes))
    first, second = (" and ".join(filter(None, d)) for d in (of_c, of_k))
    if first and not second:
        return f"The reconstruction is {first} and the KL is not"
    if second and not first:
        return f"The KL is {second} and the reconstruction is not"
    return f"The reconstruction is {first}, the KL is {second}"


def describe(size: str, power: float, sizes: Mapping[str, int]) -> str:
    """Say what a weight with this exponent comes from: "averaged over 784 values of x"."""
    of = {
        "input_dim": f"the {sizes['input_dim']} values of x",
        "latent_dim": f"the {sizes['latent_dim']} dimensions of z",
        "batch": "the batch",
    }[size]
    if size == "batch":
        words = {
            0.0: f"averaged over {of}",
            1.0: f"summed over {of}",
            -1.0: f"divided by the size of {of} twice",
        }
    else:
        words = {0.0: "", 1.0: f"multiplied by {sizes[size]} ({size})", -1.0: f"averaged over {of}"}
    return words.get(power, f"times {size}^{power:g}")
