"""Which runs a study is made of."""

from __future__ import annotations

import pytest

from tinyvae.errors import OptionError, SizeError, UsageError
from tinyvae.studies.plan import Plan, word


def test_every_combination_gets_every_seed(small):
    plan = Plan.of(small | {"latent_dim": [2, 5], "beta": [0.5, 1, 4], "seed": 7}, seeds=2)
    runs = plan.runs()
    assert len(plan) == len(runs) == 12
    found = [(run.options.latent_dim, run.options.beta, run.options.seed) for run in runs]
    assert found == [(z, b, s) for z in (2, 5) for b in (0.5, 1.0, 4.0) for s in (7, 8)]
    assert runs[0].name == "latent-dim-2_beta-0.5_seed-7"
    assert all(run.options.epochs == 3 and run.options.hidden_dims == (8,) for run in runs)
    assert len({run.name for run in runs}) == 12


def test_the_order_in_which_settings_are_given_does_not_matter(small):
    grid = {"beta": [0.5, 1.0], "latent_dim": [2, 3]}
    there, back = (Plan.of(small | dict(items)) for items in (grid.items(), [*grid.items()][::-1]))
    assert there.runs() == back.runs()


def test_a_list_of_one_is_common_to_all(small):
    plan = Plan.of(small | {"latent_dim": [4], "hidden_dims": [(8,), (4, 4)]})
    assert plan.base.latent_dim == 4
    assert [run.name for run in plan.runs()] == ["hidden-dims-8_seed-0", "hidden-dims-4x4_seed-0"]


def test_paths_are_whole_wherever_a_worker_is(small, folder):
    assert Plan.of(small).base.data == str((folder / "mine.npy").resolve())


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"beta": [1.0, 1]}, UsageError, "twice"),
        ({"beta": []}, UsageError, "empty"),
        ({"beta": [1.0, -1.0]}, SizeError, "beta"),
        ({"hidden_dims": [400, 200]}, UsageError, r"list of tuples"),
        ({"data": ["a.npy", "b.npy"]}, UsageError, "same for all"),
        ({"seed": [1, 2]}, UsageError, "same for all"),
        ({"objective": ["elbo", "iwae"], "beta": [1.0, 2.0]}, UsageError, "objective"),
        ({"betas": [1.0]}, OptionError, "did you mean 'beta'"),
        ({"activation": ["relu", "rele"]}, OptionError, "did you mean 'relu'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_trained(small, wrong, error, words):
    with pytest.raises(error, match=words):
        Plan.of(small | wrong).runs()


@pytest.mark.parametrize("argument", ["seeds", "eval_samples"])
def test_counts_are_counts(small, argument):
    with pytest.raises(SizeError, match=argument):
        Plan.of(small, **{argument: 0})


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "0.5"), (1.0, "1"), (1e-3, "0.001"), (0.1234567891, "0.1234567891"), (None, "none"),
     ((), "none"), ((200, 50), "200x50"), ("a/b c", "a-b-c"), (7, "7"), (1e30, "1e+30")],
)  # fmt: skip
def test_words(value, expected):
    assert word(value) == expected
