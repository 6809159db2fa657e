"""How far a study is, and when it will be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tinyvae.studies import progress as module
from tinyvae.studies.progress import Progress, cost_of, in_words


def test_it_counts_all_runs_and_estimates_by_cost(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    lines = []
    progress = Progress({"a": 1.0, "b": 3.0, "c": 4.0}, 2, lines.append)
    assert progress.seconds_left() == 0.0
    now[0] = 110.0
    progress.ended("a")
    assert progress.seconds_left() == pytest.approx(70.0)
    now[0] = 140.0
    progress.ended("b", "too little memory")
    assert progress.seconds_left() == pytest.approx(40.0)
    progress.ended("c")
    assert lines == [
        "[3/5] a (about 70 s left)",
        "[4/5] b failed: too little memory (about 40 s left)",
        "[5/5] c",
    ]


def test_costs_grow_with_what_is_trained(options):
    base = cost_of(options, 16)
    assert cost_of(replace(options, epochs=6), 16) == 2 * base
    assert cost_of(replace(options, n_samples=5, objective="iwae"), 16) > base
    assert cost_of(replace(options, hidden_dims=(8, 8)), 16) > base
    assert cost_of(replace(options, decoder_hidden_dims=()), 16) < base
    wide = replace(options, hidden_dims=(4000,), latent_dim=10, epochs=1)
    expected = 784 * 4000 + 4000 * 20 + 10 * 4000 + 4000 * 784
    assert cost_of(wide, 784) == pytest.approx(expected, rel=0.01)


def test_words():
    assert [in_words(s) for s in (7.2, 600, 9000)] == ["7 s", "10 min", "2.5 h"]
