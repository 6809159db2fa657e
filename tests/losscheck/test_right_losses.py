from __future__ import annotations

import pytest
from right_losses import HAND, KL_FUNCTIONS, MADE, SAMPLERS

import tinyvae as tv

RIGHT = [(tv.check_loss, *pair) for pair in HAND + MADE]
RIGHT += [(tv.check_sampler, f, {}) for f in SAMPLERS] + [
    (tv.check_kl, f, {}) for f in KL_FUNCTIONS
]


def test_there_are_a_hundred():
    assert len(RIGHT) >= 100


@pytest.mark.parametrize(
    ("check", "function", "options"),
    RIGHT,
    ids=lambda v: getattr(v, "__name__", "") if callable(v) else v.get("title", ""),
)
def test_right_one_passes_by_its_name(check, function, options):
    report = check(function, **options)
    assert report.passed, report
    assert report.name
    assert report.formula


WHAT = {
    "textbook": ("bernoulli", 1.0, None),
    "learned_width": ("gaussian with a learned width", 1.0, None),
    "fixed_sigma": ("gaussian", 1.0, 0.1),
    "absolute": ("laplace", 1.0, 1.0),
    "poisson": ("poisson", 1.0, None),
    "categorical": ("categorical", 1.0, None),
    "continuous_bernoulli": ("continuous_bernoulli", 1.0, None),
}


@pytest.mark.parametrize("name", WHAT)
def test_what_it_is_called(name):
    function, options = next(pair for pair in HAND if pair[0].__name__ == name)
    likelihood, beta, sigma = WHAT[name]
    report = tv.check_loss(function, **options)
    assert report.likelihood == likelihood
    assert report.beta == beta
    assert report.sigma == pytest.approx(sigma) if sigma else report.sigma is None


NOTES = {
    "in_bits": "bits, not nats",
    "per_pixel": "1/784 (1 / input_dim)",
    "size_written_out": "A size is written as a number",
    "small_epsilon": "An epsilon of 1e-08",
    "single_precision": "7 digits",
    "clamped_logvar": "logvar is about 10 or above",
    "writes_into_arguments": "writes into its argument recon",
    "binary_only": "0 and 1 only",
    "tuple_of_two": "the sum of values 1 and 2",
    "total_last": "value 3 of the 3",
    "unstable_form": "Where logits is about",
    "with_beta": "beta multiplies kl",
}


@pytest.mark.parametrize("name", NOTES)
def test_what_is_remarkable_is_noted(name):
    function, options = next(pair for pair in HAND if pair[0].__name__ == name)
    report = tv.check_loss(function, **options)
    assert any(NOTES[name] in note for note in report.notes), report


def test_where_a_clamp_bites():
    keras = next(f for f, _ in HAND if f.__name__ == "keras_clip")
    notes = " ".join(tv.check_loss(keras).notes)
    assert "within 1e-07 of 0 with x = 1, it is held back" in notes
