"""From the weights of the two halves to what the loss is: its name, beta, and what is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tinyvae.losscheck.powers import Weight
from tinyvae.losscheck.recon import ABSOLUTE, SQUARED
from tinyvae.losscheck.report import Finding
from tinyvae.losscheck.spell import room, spell
from tinyvae.losscheck.wording import (
    describe,
    error_words,
    hard_coded,
    lawless,
    named,
    reductions,
)

MEND = (
    "With both summed over dimensions and averaged over the batch, loss = -ELBO in nats per "
    "example."
)


@dataclass
class Verdict:
    """What is known so far; filled step by step."""

    sizes: Mapping[str, int]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    name: str = ""
    beta: float | None = None
    sigma: float | None = None
    likelihood: str | None = None

    def finds(self, code: str, saw: str, mend: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(code, saw, mend))


@dataclass(frozen=True)
class Balance:
    """The two weights of a loss whose halves are both right, and the unit of the first.

    ``term`` is the reconstruction's name, ``expected`` the KL weight the reader means to have.
    """

    reconstruction: Weight
    kl: Weight
    term: str
    expected: float
    maximized: bool


def weigh(verdict: Verdict, balance: Balance) -> None:
    """Judge signs, then the KL's weight against the reconstruction's."""
    c, k = balance.reconstruction, balance.kl
    if not c.factor or not k.factor:
        return
    if not _signs(verdict, balance):
        return
    if balance.term in (SQUARED, ABSOLUTE):
        _weigh_error(verdict, balance)
    else:
        _weigh_nats(verdict, balance)
    _common_factor(verdict, balance)


def _signs(verdict: Verdict, balance: Balance) -> bool:
    c, k = balance.reconstruction.factor, balance.kl.factor
    if c > 0.0 and k > 0.0:
        if balance.maximized:
            verdict.notes.append(
                "By its name it is a bound, but it grows as the fit gets worse: it is minus the "
                "bound."
            )
        return True
    if c < 0.0 and k < 0.0:
        if balance.maximized:
            verdict.notes.append("It is the bound itself: maximize it, or minimize minus it.")
            return True
        verdict.finds(
            "sign",
            "Both terms have a minus sign: this is the ELBO, which is maximized; as a loss it "
            "would be driven the wrong way.",
            "Return minus this.",
        )
        return True
    which = "KL" if k < 0.0 else "reconstruction"
    verdict.finds(
        "sign",
        f"The {which} enters with a minus sign: minimizing the loss drives the {which} "
        + ("up, away from the prior." if which == "KL" else "error up."),
        f"Change the sign of the {which}.",
    )
    return False


def _weigh_nats(verdict: Verdict, balance: Balance) -> None:
    ratio = balance.kl.over(balance.reconstruction)
    value = abs(ratio.at(verdict.sizes))
    allowed = room(ratio.error)
    fits = abs(value / balance.expected - 1.0) <= allowed
    verdict.beta = balance.expected if fits else value
    if not ratio.is_power:
        verdict.finds("reduction", lawless(balance.reconstruction, balance.kl), MEND)
        return
    if fits:
        verdict.name = named(verdict.beta)
        if not ratio.is_constant:
            verdict.notes.append(hard_coded(ratio, verdict.sizes))
        return
    verdict.name = f"beta-VAE with beta = {ratio.spell(verdict.sizes).lstrip('-')}"
    if ratio.is_constant:
        verdict.finds(
            "beta",
            f"The KL weighs {spell(value, ratio.error)} times as much as the reconstruction: this "
            f"is a {verdict.name}, no bound of log p(x) with unit weights.",
            "If that is meant, say so with beta=; if not, give both the same weight.",
        )
        return
    why = reductions(balance.reconstruction, balance.kl, verdict.sizes)
    verdict.finds("reduction", f"{why}: this is a {verdict.name}.", MEND)


def _weigh_error(verdict: Verdict, balance: Balance) -> None:
    """Judge a squared (or absolute) error: any weight of its own is a width of p(x given z)."""
    unit = 0.5 if balance.term == SQUARED else 1.0
    ratio = balance.kl.over(balance.reconstruction).times(unit)
    implied = abs(ratio.at(verdict.sizes))
    width = math.sqrt(implied) if balance.term == SQUARED else implied
    shape = "Gaussian with sigma" if balance.term == SQUARED else "Laplace distribution with scale"
    if not ratio.is_power:
        verdict.finds("reduction", lawless(balance.reconstruction, balance.kl), MEND)
        return
    if not ratio.is_constant and not _plain_at(implied, ratio.error, (unit, 2.0 * unit)):
        verdict.beta, verdict.sigma = implied, width
        verdict.name = f"beta-VAE with beta = {spell(implied, max(ratio.error, 1e-9))}"
        why = reductions(balance.reconstruction, balance.kl, verdict.sizes)
        verdict.finds(
            "reduction",
            f"{why}: with a {shape} = 1 this is a {verdict.name}; with beta = 1 it is a {shape} = "
            f"{width:.4g}, which changes with the sizes.",
            MEND,
        )
        return
    if not ratio.is_constant:
        verdict.notes.append(hard_coded(ratio, verdict.sizes))
    elif _plain_at(implied / verdict.sizes["input_dim"], ratio.error, (unit, 1.0)):
        n = verdict.sizes["input_dim"]
        verdict.beta, verdict.sigma = implied, width
        verdict.name = f"beta-VAE with beta = {spell(implied, room(ratio.error))}"
        verdict.finds(
            "reduction",
            f"The reconstruction is divided by {n}, written as a number: as if it were averaged "
            f"over the values of x, and the KL is not. With a {shape} = 1 this is a "
            f"{verdict.name}.",
            MEND,
        )
        return
    _constant_error(verdict, balance, unit, shape)


def _constant_error(verdict: Verdict, balance: Balance, unit: float, shape: str) -> None:
    """Tell a width from a beta: a KL of weight 1, or of the error's own weight, is left alone."""
    sizes = verdict.sizes
    common = sizes["batch"] ** balance.kl.power("batch")
    c = abs(balance.reconstruction.at(sizes)) / common
    k = abs(balance.kl.at(sizes)) / common
    error = max(balance.kl.error, balance.reconstruction.error)
    allowed = room(error)

    def same(a: float, b: float) -> bool:
        return abs(a / b - 1.0) <= allowed

    if same(k, balance.expected) or same(k / c, 1.0) or same(k / c, 1.0 / unit) or same(k, 1.0):
        beta = balance.expected if same(k, balance.expected) else 1.0
        implied = k / c * unit / beta
    else:
        implied = unit / c if same(c, unit) or same(c, 1.0) else unit
        beta = k / c * unit / implied
    width = math.sqrt(implied) if balance.term == SQUARED else implied
    verdict.sigma, verdict.beta = width, beta
    said = f"{shape} = {spell(width, error)}"
    if same(beta, balance.expected):
        verdict.beta = balance.expected
        verdict.name = named(verdict.beta)
        verdict.notes.append(
            f"{error_words(balance.term)} of this weight is minus the log of a {said}, up to a "
            "constant: sampled x would have that much noise in every value."
        )
        return
    verdict.name = f"beta-VAE with beta = {spell(beta, error)}"
    other = k / c * unit
    other = math.sqrt(other) if balance.term == SQUARED else other
    verdict.finds(
        "beta",
        f"With a {said} the KL weighs {spell(beta, error)}: this is a {verdict.name}. (The same as "
        f"beta = 1 with a {shape} = {other:.4g}.)",
        "If that is meant, say so with beta=; if not, leave the KL at 1 and weigh the error by its "
        "width.",
    )


def _plain_at(value: float, error: float, wanted: tuple[float, ...]) -> bool:
    return any(abs(value / w - 1.0) <= room(error) for w in wanted)


def _common_factor(verdict: Verdict, balance: Balance) -> None:
    """Note what multiplies both terms alike: it moves the learning rate, not the minimum."""
    c, k = balance.reconstruction, balance.kl
    if c.power("batch") == k.power("batch"):
        if c.power("batch") == 1.0:
            verdict.notes.append(
                "It is summed over the batch: the gradient grows with the batch's size."
            )
        elif c.power("batch"):
            said = describe("batch", c.power("batch"), verdict.sizes)
            verdict.notes.append(f"It is {said}: the gradient shrinks with the batch's size.")
    if verdict.findings or not k.is_power:
        return
    k = k.without("batch")
    if abs(abs(k.at(verdict.sizes)) / balance.expected - 1.0) > room(k.error):
        one = k.times(1.0 / balance.expected)
        said = one.spell(verdict.sizes).lstrip("-")
        if one.is_constant and said == "1/log 2":
            verdict.notes.append("It is counted in bits, not nats: everything is divided by log 2.")
            return
        symbols = f" ({one.symbols().lstrip('-')})" if not one.is_constant else ""
        verdict.notes.append(
            f"Both terms are multiplied by {said}{symbols}: the minimum is the same, the loss is "
            "not in nats per example and the learning rate feels the factor."
        )
