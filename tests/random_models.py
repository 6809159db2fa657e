"""Any architecture and any objective, for Hypothesis, and a batch that a model can describe."""

from __future__ import annotations

from hypothesis import strategies as st

from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.ops.reference import ACTIVATIONS, OBJECTIVES

architectures = st.fixed_dictionaries(
    {
        "input_dim": st.integers(1, 40),
        "hidden_dims": st.lists(st.integers(1, 30), max_size=3),
        "decoder_hidden_dims": st.one_of(st.none(), st.lists(st.integers(1, 30), max_size=2)),
        "latent_dim": st.integers(1, 7),
        "activation": st.sampled_from(ACTIVATIONS),
        "likelihood": st.sampled_from(list(LIKELIHOODS)),
        "dtype": st.sampled_from(["float32", "float64"]),
        "threads": st.sampled_from([1, 2, None]),
        "n_classes": st.sampled_from([None, None, 3]),
    }
)


objectives = st.one_of(
    st.fixed_dictionaries({"beta": st.sampled_from([0.0, 0.5, 4.0])}),
    st.fixed_dictionaries({"free_bits": st.sampled_from([0.0, 0.05, 9.0])}),
    st.fixed_dictionaries({"objective": st.sampled_from(OBJECTIVES)}),
)


def batch(vae, rows, rng, samples=None):
    x = LIKELIHOODS[vae.likelihood].example(rng, (rows, vae.input_dim)).astype(vae.dtype)
    shape = (rows, vae.latent_dim) if samples is None else (rows, samples, vae.latent_dim)
    return x, rng.standard_normal(shape).astype(vae.dtype)
