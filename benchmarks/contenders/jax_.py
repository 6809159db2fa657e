"""JAX: one compiled step a call, and many steps in one compiled scan."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from benchmarks.workloads import Workload

SCAN = 100  # steps in one compiled call


def forward(workload: Workload, weights, x, noise):
    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[workload.activation]
    n_encoder = len(workload.encoder) - 1

    def stack(h, layers):
        for weight, bias in layers[:-1]:
            h = activation(h @ weight + bias)
        weight, bias = layers[-1]
        return h @ weight + bias

    mu, raw_logvar = jnp.split(stack(x, weights[:n_encoder]), 2, axis=1)
    logvar = 10.0 * jnp.tanh(raw_logvar / 10.0)
    if workload.samples > 1:
        several = (len(x), workload.samples, -1)
        noise = noise.reshape(several)
        z = mu[:, None] + jnp.exp(0.5 * logvar)[:, None] * noise
        logits = stack(z.reshape(len(x) * workload.samples, -1), weights[n_encoder:])
        logits = logits.reshape(several)
        log_p = -jnp.sum(jax.nn.softplus(logits) - x[:, None] * logits, axis=2)
        log_w = log_p + 0.5 * jnp.sum(noise * noise + logvar[:, None] - z * z, axis=2)
        bound = jax.nn.logsumexp(log_w, axis=1) - jnp.log(float(workload.samples))
        return -jnp.mean(bound)
    logits = stack(mu + jnp.exp(0.5 * logvar) * noise, weights[n_encoder:])
    if workload.gaussian:
        reconstruction = 0.5 * jnp.sum((logits - x) ** 2 + jnp.log(2.0 * jnp.pi))
    else:
        reconstruction = jnp.sum(jax.nn.softplus(logits) - x * logits)
    kl = 0.5 * jnp.sum(mu * mu + jnp.exp(logvar) - 1.0 - logvar)
    return (reconstruction + kl) / len(x)


def adam_step(workload: Workload, state, x, noise):
    """Adam as in Kingma and Ba (2015), on a tree of arrays."""
    weights, m, v, step = state
    loss, gradients = jax.value_and_grad(partial(forward, workload))(weights, x, noise)
    step = step + 1
    m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, gradients)
    v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, gradients)
    size, correction = 1e-3 / (1.0 - 0.9**step), 1.0 / jnp.sqrt(1.0 - 0.999**step)
    weights = jax.tree.map(
        lambda w, m, v: w - size * m / (jnp.sqrt(v) * correction + 1e-8), weights, m, v
    )
    return (weights, m, v, step), loss


def random_step(workload: Workload, data, state, key):
    keys = jax.random.split(key, 3)
    index = jax.random.randint(keys[0], (workload.batch,), 0, len(data))
    x = data[index].astype(jnp.float32) / workload.white
    if workload.stochastic:
        x = (jax.random.uniform(keys[1], x.shape) < x).astype(jnp.float32)
    noise = jax.random.normal(keys[2], (workload.batch * workload.samples, workload.latent_dim))
    return adam_step(workload, state, x, noise)


class Contender:
    def __init__(self, workload: Workload, variant: str) -> None:
        # The generator that is fast on a CPU; the default costs several times as much.
        jax.config.update("jax_default_prng_impl", "unsafe_rbg")
        self.workload, self.variant = workload, variant
        self.data = jnp.asarray(workload.data())
        self.key = jax.random.key(0)
        self.one = jax.jit(partial(random_step, workload), donate_argnums=1)
        self.fixed = jax.jit(partial(adam_step, workload))
        self.many = jax.jit(
            lambda data, state, keys: jax.lax.scan(
                partial(random_step, workload, data), state, keys
            ),
            donate_argnums=1,
        )
        self.state = self.first_state()

    def first_state(self):
        weights = [tuple(map(jnp.asarray, pair)) for pair in self.workload.weights()]
        zeros = [jax.tree.map(jnp.zeros_like, weights) for _ in range(2)]
        return (weights, *zeros, jnp.zeros((), jnp.float32))

    def losses(self) -> tuple[float, float]:
        x, noise = map(jnp.asarray, self.workload.check_batch())
        state, before = self.fixed(self.first_state(), x, noise)
        return float(before), float(self.fixed(state, x, noise)[1])

    def keys(self):
        # Always as many: for another number JAX would compile ``split`` anew, within a turn.
        self.key, key = jax.random.split(self.key)
        return jax.random.split(key, SCAN)

    def run(self, steps: int) -> int:
        calls = -(-steps // SCAN)
        for _ in range(calls):
            if self.variant == "scan":
                self.state, loss = self.many(self.data, self.state, self.keys())
            else:
                for one in self.keys():
                    self.state, loss = self.one(self.data, self.state, one)
        loss.block_until_ready()
        return calls * SCAN


def make(workload: Workload, threads: int, variant: str) -> Contender:
    return Contender(workload, variant)
