"""The estimator computes what the model does, and keeps scikit-learn's promises."""

from __future__ import annotations

import inspect
import io
import signal

import numpy as np
import pytest

pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")

import joblib
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from small_estimators import CLASSES, TABLE, make

from tinyvae.errors import RangeError, ShapeError, SizeError, TinyVAEError, UsageError
from tinyvae.model.vae import VAE
from tinyvae.training.loop import Training
from tinyvae.training.steps import Steps


def test_codes_and_reconstructions_are_the_models():
    fitted = make().fit(TABLE)
    mu = fitted.vae_.encode(TABLE)[0]
    assert_allclose(fitted.transform(TABLE), mu, rtol=1e-5, atol=1e-6)
    assert_allclose(fitted.inverse_transform(mu), fitted.vae_.decode_mean(mu), rtol=1e-6)
    assert_array_equal(fitted.fit_transform(TABLE), fitted.transform(TABLE))
    assert list(fitted.get_feature_names_out()) == [
        "variationalautoencoder0",
        "variationalautoencoder1",
    ]


def test_parameters_are_those_of_the_model_and_of_fit():
    from tinyvae.training.options import TrainingOptions

    ours = set(inspect.signature(make().__init__).parameters)
    model = set(inspect.signature(VAE.__init__).parameters) - {"self", "input_dim", "n_classes"}
    training = set(TrainingOptions.SCHEMA)
    # The seed is scikit-learn's random_state, and n_classes are counted.
    assert (model | training) - {"seed"} <= ours
    fitted = make(likelihood="gaussian", sigma=0.5, decoder_hidden_dims=(3, 5)).fit(TABLE)
    assert fitted.vae_.config["sigma"] == 0.5
    assert fitted.vae_.decoder_hidden_dims == (3, 5)


def test_sigma_starts_at_half_the_spread_of_the_data_where_none_is_named(monkeypatch):
    started = []
    run = Training.run
    monkeypatch.setattr(
        Training,
        "run",
        lambda self, **o: (started.append(self.state.vae.observation.sigma), run(self, **o))[1],
    )
    for scale in (1.0, 1000.0):
        make().fit(5.0 + scale * TABLE)
        spread = np.sqrt((scale * TABLE).var(axis=0).mean())
        assert started.pop() == pytest.approx(spread / 2, rel=1e-5)
    make(sigma=0.4).fit(TABLE)
    make(likelihood="gaussian").fit(100 * TABLE)
    make().fit(np.ones((5, 4)))
    assert started == pytest.approx([0.4, 1.0, 1.0])
    with pytest.raises(SizeError, match=r"sigma=0.0 must be"):
        make(sigma=0.0).fit(TABLE)


def test_small_spreads_do_not_collapse():
    # With sigma = 1 noise drowns data like these, and z is hardly used.
    x = 0.1 * (np.random.default_rng(1).standard_normal((400, 2)) @ np.ones((2, 6)))
    x += 0.01 * np.random.default_rng(2).standard_normal(x.shape)
    both = [make(sigma=sigma, epochs=60, learning_rate=0.01).fit(x) for sigma in (None, 1.0)]
    variances = [fitted.transform(x).var(axis=0).max() for fitted in both]
    assert variances[0] > 0.5
    assert variances[1] < 0.2


def test_training_goes_on_with_the_optimizer_where_it_stood():
    parted = make().partial_fit(TABLE).partial_fit(TABLE[:40]).partial_fit(TABLE)
    assert parted._adam.step_count == 3
    assert parted.history_["epoch"] == [1, 2, 3]
    warm = make(warm_start=True).fit(TABLE).fit(TABLE)
    assert (warm._adam.step_count, len(warm.history_)) == (6, 6)
    fresh = make(random_state=0).fit(TABLE).fit(TABLE)
    assert (fresh._adam.step_count, len(fresh.history_)) == (3, 3)


def test_passes_of_partial_fit_differ_in_their_noise_and_learn(monkeypatch):
    seeds = []
    run = Training.run
    monkeypatch.setattr(
        Training,
        "run",
        lambda self, **o: (seeds.append(self.state.options.seed), run(self, **o))[1],
    )
    one = make(learning_rate=0.01, batch_size=20)
    losses = [one.partial_fit(TABLE).history_["train_loss"][-1] for _ in range(30)]
    assert len(set(seeds)) == 30
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1


def test_warm_up_counts_the_passes_of_partial_fit():
    one = make(warmup_epochs=4.0)
    for _ in range(5):
        one.partial_fit(TABLE)
    assert one.history_["beta"] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_what_cannot_go_on_is_refused():
    with pytest.raises(UsageError, match="schedule='cosine' needs an end"):
        make(schedule="cosine").partial_fit(TABLE)
    warm = make(warm_start=True).fit(TABLE)
    with pytest.raises(UsageError, match="latent_dim=3, but the model to go on with has 2"):
        warm.set_params(latent_dim=3).fit(TABLE)
    pixels = make(likelihood="bernoulli").fit(TABLE > 0)
    with pytest.raises(UsageError, match="binarize='threshold', but the model to go on with"):
        pixels.set_params(binarize="threshold").partial_fit(TABLE > 0)
    with pytest.raises(UsageError, match="score_by='bound' is not known"):
        make(score_by="bound").fit(TABLE)
    with pytest.raises(NotFittedError):
        make().sample(2)


def test_patience_holds_rows_out_and_otherwise_none_are():
    assert "validation_elbo" not in make().fit(TABLE).history_.columns
    patient = make(patience=1, epochs=100, learning_rate=0.5, validation_fraction=0.25)
    history = patient.fit(TABLE).history_
    assert len(history) < 100
    with pytest.raises(SizeError, match=r"validation_fraction=0\.99 of 60 rows leaves 1"):
        make(patience=1, validation_fraction=0.99).fit(TABLE)


def test_random_state_decides_everything():
    first, second = (make(random_state=7).fit(TABLE) for _ in range(2))
    other = make(random_state=8).fit(TABLE)
    assert_array_equal(first.score_samples(TABLE), second.score_samples(TABLE))
    assert_array_equal(first.sample(3, random_state=1), second.sample(3, random_state=1))
    assert (first.score_samples(TABLE) != other.score_samples(TABLE)).all()


def test_samples_have_the_noise_of_the_likelihood():
    fitted = make(likelihood="gaussian", sigma=3.0).fit(TABLE)
    drawn = fitted.sample(4000, scale=0.0, random_state=0)
    assert_allclose(drawn.std(axis=0), 3.0, rtol=0.05)
    mean = fitted.inverse_transform(np.zeros((1, 2)))[0]
    assert_allclose(drawn.mean(axis=0), mean, atol=4 * 3.0 / np.sqrt(4000))


def test_a_conditional_model_takes_classes_of_any_kind():
    fitted = make(conditional=True).fit(TABLE, CLASSES)
    assert list(fitted.classes_) == ["eggs", "ham", "spam"]
    codes = np.searchsorted(fitted.classes_, CLASSES)
    mu = fitted.vae_.encode(TABLE, codes)[0]
    assert_allclose(fitted.transform(TABLE, CLASSES), mu, rtol=1e-5, atol=1e-6)
    assert fitted.sample(5, y="spam").shape == (5, 4)
    assert fitted.inverse_transform(mu, CLASSES).shape == TABLE.shape
    scores = fitted.score_samples(TABLE, CLASSES)
    assert fitted.score(TABLE, CLASSES) == pytest.approx(scores.mean())
    assert (scores != fitted.score_samples(TABLE, np.roll(CLASSES, 1))).all()


def test_a_conditional_model_learns_in_parts_when_all_classes_are_named():
    with pytest.raises(UsageError, match="name all classes"):
        make(conditional=True).partial_fit(TABLE, CLASSES)
    few = CLASSES == "ham"
    fitted = make(conditional=True).partial_fit(TABLE[few], CLASSES[few], classes=CLASSES)
    fitted.partial_fit(TABLE, CLASSES)
    with pytest.raises(UsageError, match="not those of the first call"):
        fitted.partial_fit(TABLE, CLASSES, classes=["ham", "eggs"])


def test_a_conditional_model_asks_for_its_classes():
    for y in (None, ["one"] * 60):
        with pytest.raises(UsageError, match="y"):
            make(conditional=True).fit(TABLE, y)
    fitted = make(conditional=True).fit(TABLE, CLASSES)
    for call in (fitted.transform, fitted.score_samples):
        with pytest.raises(UsageError, match="needs a class for each row"):
            call(TABLE)
        with pytest.raises(RangeError, match="'beans' at row 0, expected one of the classes"):
            call(TABLE, ["beans"] * 60)
        with pytest.raises(ShapeError, match="y has 59 labels, expected 60"):
            call(TABLE, CLASSES[1:])


def test_labels_of_a_plain_model_are_ignored():
    with_y, without = make().fit(TABLE, CLASSES), make().fit(TABLE)
    assert_array_equal(with_y.transform(TABLE), without.transform(TABLE))


def test_copies_and_files_score_the_same_and_go_on_the_same(tmp_path):
    fitted = make().fit(TABLE)
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert_array_equal(loaded.score_samples(TABLE), fitted.score_samples(TABLE))
    assert_array_equal(
        loaded.partial_fit(TABLE).transform(TABLE), fitted.partial_fit(TABLE).transform(TABLE)
    )
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not hasattr(twin, "vae_")


def test_ctrl_c_ends_fit_as_it_would_any_other(monkeypatch, one_step_a_call):
    step = Steps.__call__

    def interrupted(self, order):
        signal.raise_signal(signal.SIGINT)
        return step(self, order)

    monkeypatch.setattr(Steps, "__call__", interrupted)
    interrupted_one = make()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job behind & ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted_one.fit(TABLE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupted_one._adam.step_count == 1  # what was learned stays


@pytest.mark.parametrize(
    "parameters",
    [{"learning_rate": -1.0}, {"learning_rate": 1e30}, {"latent_dim": 0}, {"dtype": "int32"}],
    ids=str,
)
def test_a_fit_that_failed_leaves_nothing_that_seems_fitted(parameters):
    failed = make(**parameters)
    with pytest.raises(TinyVAEError):
        failed.fit(TABLE)
    with pytest.raises(NotFittedError):
        failed.transform(TABLE)


def test_verbose_tells_of_each_epoch(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    make().fit(TABLE)
    assert said.getvalue() == ""
    make(verbose=True).fit(TABLE)
    assert said.getvalue().count("epoch") >= 3
