"""When numbers overflow, training says where, and the last good weights and file stay."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from small_runs import GREY, LOADED, REAL, make, run

from tinyvae.errors import NonFiniteLossError
from tinyvae.model.evaluation import evaluate
from tinyvae.model.vae import VAE
from tinyvae.training import saving as training
from tinyvae.training.fit import Training, TrainingOptions

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

BACKENDS = pytest.mark.parametrize("backend", ["reference", "numba"])


@pytest.fixture(autouse=True)
def saved_at_every_step(monkeypatch, one_step_a_call):
    monkeypatch.setattr(training.Saver, "EVERY_SECONDS", -1.0)


@pytest.fixture
def after_step(monkeypatch):
    """Let something happen to the model after so many steps."""
    train_step = VAE.train_step

    def plan(count, happen):
        calls = []

        def watched(self, x, noise, adam, *arguments, **options):
            terms = train_step(self, x, noise, adam, *arguments, **options)
            calls.append(1)
            if len(calls) == count:
                happen(self, adam)
            return terms

        monkeypatch.setattr(VAE, "train_step", watched)

    return plan


def weights_after(steps, **options):
    """Return the weights of a run that took so many steps and no more."""
    vae = make(**options)
    begun = Training(vae, REAL, None, TrainingOptions(batch_size=16, learning_rate=0.01))
    while begun.state.position.epoch * 4 + begun.state.position.step < steps:
        order = begun._order()
        while (
            begun.state.position.step < 4
            and begun.state.position.epoch * 4 + begun.state.position.step < steps
        ):
            begun.steps(order)
        if begun.state.position.step == 4:
            begun.state.position.epoch, begun.state.position.step = (
                begun.state.position.epoch + 1,
                0,
            )
    return vae.parameters.values


# The loss


@BACKENDS
@pytest.mark.parametrize("step", [0, 1, 3])
def test_a_loss_that_overflows(backend, step, tmp_path):
    """A row whose square is no float32: it blows up the step that meets it."""
    path, data = tmp_path / "model.npz", REAL.copy()
    data[np.random.default_rng(0).permutation(50)[16 * step], 3] = 1e25
    vae = make(likelihood="gaussian", backend=backend)
    with pytest.raises(NonFiniteLossError) as caught:
        run(data, vae=vae, checkpoint=path)
    assert f"Epoch 1, step {step + 1}: " in str(caught.value)
    assert "'reconstruction'" in str(caught.value)
    np.testing.assert_array_equal(
        vae.parameters.values, weights_after(step, likelihood="gaussian", backend=backend)
    )
    assert path.exists() == (step > 0)
    if step > 0:
        np.testing.assert_array_equal(VAE.load(path).parameters.values, vae.parameters.values)


def test_it_counts_epochs_too(after_step):
    after_step(7, lambda vae, adam: vae.parameters["decoder.1.bias"].fill(np.inf))
    with pytest.raises(NonFiniteLossError, match=r"Epoch 2, step 3: .* 'decoder\.1\.bias'"):
        run()


# The weights, before a loss could tell


def overflow(vae, adam):
    """What Adam leaves behind after a gradient that is infinite."""
    for vector in (adam.m, adam.v):
        vector[vector.size // 2] = np.inf
    vae.parameters.values[vae.parameters.size // 2] = np.nan


@pytest.mark.parametrize("step", [1, 3, 4, 5, 11, 12])
@pytest.mark.parametrize("patience", [None, 2])
def test_weights_that_blow_up_after_any_step(step, patience, after_step, tmp_path):
    """The last step of an epoch, and of all, too."""
    path = tmp_path / "model.npz"
    after_step(step, overflow)
    vae = make()
    with pytest.raises(NonFiniteLossError) as caught:
        run(vae=vae, checkpoint=path, validation=LOADED, patience=patience)
    epoch, within = divmod(step - 1, 4)
    assert f"Epoch {epoch + 1}, step {within + 1}: " in str(caught.value)
    assert f"{vae.parameters.name_at(vae.parameters.size // 2)!r}" in str(caught.value)
    assert np.isfinite(vae.parameters.values).all()
    assert path.exists() == (step > 1)
    if step > 1:
        np.testing.assert_array_equal(VAE.load(path).parameters.values, vae.parameters.values)


@pytest.mark.parametrize(
    ("step", "found"), [(3, "1, step 4"), (4, "1, step 4"), (5, "2, step 2"), (12, "3, step 4")]
)
def test_between_checkpoints_the_loss_tells_or_the_epoch(
    step, found, after_step, monkeypatch, tmp_path
):
    monkeypatch.setattr(training.Saver, "EVERY_SECONDS", 1e9)
    after_step(step, overflow)
    vae, path = make(), tmp_path / "model.npz"
    with pytest.raises(NonFiniteLossError, match=f"Epoch {found}: "):
        run(vae=vae, checkpoint=path, validation=LOADED)
    assert not path.exists()
    expected, _ = run(epochs=(step - 1) // 4)
    np.testing.assert_array_equal(vae.parameters.values, expected.parameters.values)


def test_ctrl_c_just_after_it_hides_nothing(after_step, tmp_path, monkeypatch):
    monkeypatch.setattr(training.Saver, "EVERY_SECONDS", 1e9)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def both(vae, adam):
        overflow(vae, adam)
        signal.raise_signal(signal.SIGINT)

    after_step(2, both)
    vae = make()
    try:
        with pytest.raises(NonFiniteLossError, match="Epoch 1, step 2"):
            run(vae=vae, checkpoint=tmp_path / "model.npz")
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "model.npz").exists()
    assert np.isfinite(vae.parameters.values).all()


@BACKENDS
def test_adams_memory_alone(backend, tmp_path):
    """The square of a gradient overflows long before the gradient, and freezes its weight."""
    path = tmp_path / "model.npz"
    vae = make(likelihood="gaussian", backend=backend)
    with pytest.raises(NonFiniteLossError, match=r"Epoch 1, step 1: .*adam\.v holds inf"):
        run(REAL * np.float32(1e17), vae=vae, checkpoint=path)
    assert np.isfinite(vae.parameters.values).all()
    assert not path.exists()


@BACKENDS
def test_a_gradient_that_overflows_in_earnest(backend, tmp_path):
    """The loss is finite; the gradient at the heads, large outputs times large inputs, is not."""
    path = tmp_path / "model.npz"
    vae = make(likelihood="gaussian", backend=backend)
    vae.parameters["encoder.1.weight"][:] = 0.0
    vae.parameters["decoder.1.weight"][:] *= np.float32(1e17)
    start = vae.parameters.values.copy()
    with pytest.raises(
        NonFiniteLossError, match=r"step 1: .*'encoder\.1\.weight': values holds nan"
    ):
        run(REAL * np.float32(1e10), vae=vae, checkpoint=path)
    np.testing.assert_array_equal(vae.parameters.values, start)
    assert not path.exists()


# The validation data


def test_a_validation_loss_that_overflows(tmp_path):
    """The weights are as good as ever, and stay."""
    loaded, path = REAL[:9].copy(), tmp_path / "model.npz"
    loaded[4, 4] = 1e25
    vae = make(likelihood="gaussian")
    with pytest.raises(NonFiniteLossError, match=r"Epoch 1, step 4: The ELBO of the validation"):
        run(REAL, vae=vae, validation=loaded, checkpoint=path)
    expected, _ = run(REAL, vae=make(likelihood="gaussian"), epochs=1)
    np.testing.assert_array_equal(vae.parameters.values, expected.parameters.values)
    np.testing.assert_array_equal(VAE.load(path).parameters.values, expected.parameters.values)


def test_after_it_the_model_trains_on(after_step):
    after_step(6, overflow)
    vae = make()
    with pytest.raises(NonFiniteLossError):
        run(vae=vae)
    before = evaluate(vae, GREY).elbo
    run(vae=vae, epochs=20)
    assert evaluate(vae, GREY).elbo > before
