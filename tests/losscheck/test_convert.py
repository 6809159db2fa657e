from __future__ import annotations

import math

import pytest

import tinyvae as tv


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip(
        "torch", reason="torch is not installed: convert= is not tested with it"
    )


@pytest.fixture(scope="module")
def jnp():
    reason = "jax is not installed: convert= is not tested with it"
    return pytest.importorskip("jax.numpy", reason=reason)


def test_torch_losses(torch):
    functional = torch.nn.functional

    def from_probabilities(recon_x, x, mu, logvar):
        cross = functional.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
        return cross - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())

    def from_logits(x, x_hat, mu, logvar):
        cross = functional.binary_cross_entropy_with_logits(x_hat, x, reduction="none").sum(1)
        return (cross + 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)).mean()

    def from_distributions(x, x_hat, mu, std):
        q = torch.distributions.Normal(mu, std)
        p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(std))
        divergence = torch.distributions.kl_divergence(q, p).sum(1)
        return (functional.mse_loss(x_hat, x, reduction="none").sum(1) + divergence).mean()

    class Module(torch.nn.Module):
        def forward(self, recon_x, x, mu, logvar):
            return from_probabilities(recon_x, x, mu, logvar)

    for loss in (from_probabilities, from_logits, from_distributions, Module()):
        report = tv.check_loss(loss, convert=torch.tensor)
        assert report.passed, report
        assert report.digits > 12


def test_torch_distributions_that_check_their_values(torch):
    """Bernoulli.log_prob refuses grey x, and rsample makes the values random."""
    distributions = torch.distributions

    def sampled(x, logits, mu, logvar):
        q = distributions.Normal(mu, torch.exp(0.5 * logvar))
        prior = distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
        z = q.rsample()
        divergence = (q.log_prob(z) - prior.log_prob(z)).sum(1)
        return (divergence - distributions.Bernoulli(logits=logits).log_prob(x).sum(1)).mean()

    report = tv.check_loss(sampled, convert=torch.tensor)
    assert report.passed, report
    assert report.likelihood == "bernoulli"
    assert "It was judged on x of 0 and 1 only." in report.notes


def test_torch_mean_of_the_error_and_a_dictionary(torch):
    def loss_function(recons, data, mu, log_var, **kwargs):
        error = torch.nn.functional.mse_loss(recons, data)
        divergence = torch.mean(-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1), dim=0)
        return {"loss": error + kwargs["M_N"] * divergence, "KLD": -divergence.detach()}

    report = tv.check_loss(loss_function, {"M_N": 0.00025}, convert=torch.tensor)
    assert [f.code for f in report.findings] == ["reduction"]
    assert math.isclose(report.beta, 0.00025 * 784 / 2)


def test_torch_in_single_precision_is_said_to_hold_seven_digits(torch):
    def loss(x, logits, mu, logvar):
        cross = torch.nn.functional.binary_cross_entropy_with_logits(logits, x)
        return cross + 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1).mean()

    report = tv.check_loss(loss, convert=lambda a: torch.tensor(a, dtype=torch.float32))
    assert report.beta == 784.0
    assert 6.0 < report.digits < 7.5
    assert any("float32" in note for note in report.notes)


def test_torch_samplers(torch):
    def right(mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def wrong(mu, logvar):
        return mu + torch.rand_like(mu) * torch.exp(0.5 * logvar)

    state = torch.random.get_rng_state()
    assert tv.check_sampler(right, convert=torch.tensor).passed
    report = tv.check_sampler(wrong, convert=torch.tensor)
    assert [f.code for f in report.findings] == ["noise_mean"]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_jax_losses_samplers_and_kls(jnp):
    import jax

    def loss(x, logits, mu, logvar):
        cross = jnp.sum(jnp.logaddexp(0.0, logits) - x * logits, axis=-1)
        return jnp.mean(cross - 0.5 * jnp.sum(1 + logvar - mu**2 - jnp.exp(logvar), axis=-1))

    def sample(mean, logvar, key):
        return mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, mean.shape)

    def kl(mean, logvar):
        return -0.5 * jnp.mean(1 + logvar - mean**2 - jnp.exp(logvar))

    report = tv.check_loss(loss, convert=jnp.asarray)
    assert report.passed, report
    assert report.digits < 7.5
    assert tv.check_sampler(sample, convert=jnp.asarray).passed
    assert [f.code for f in tv.check_kl(kl, convert=jnp.asarray).findings] == ["reduction"]


def test_a_function_that_wants_other_arrays_says_so_plainly(torch):
    def loss(x, logits, mu, logvar):
        return torch.sum(x - logits) + mu.pow(2).sum() + logvar.sum()

    with pytest.raises(tv.TinyVAEError, match=r"convert= \(torch\.tensor\)"):
        tv.check_loss(loss)
