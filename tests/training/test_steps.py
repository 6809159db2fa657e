"""However many steps go into one call, a run is the same run, to the bit."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from small_runs import GREY, LOADED, REAL, STEPS, UNIT, everything, make, start

from tinyvae.errors import NonFiniteLossError
from tinyvae.model.vae import VAE
from tinyvae.ops.machine.jit import JIT_DISABLED
from tinyvae.training.fit import Training, TrainingOptions
from tinyvae.training.steps import Steps

pytestmark = pytest.mark.skipif(JIT_DISABLED, reason="without the compiler steps come one by one")

MOST_STEPS = "tinyvae.ops.train_step.MOST_STEPS"
Y, Y_LOADED = np.arange(50) % 3, np.arange(17) % 3


def trained(monkeypatch, most, data, validation, model=None, **options):
    monkeypatch.setattr(MOST_STEPS, most)
    vae = make(backend="numba", **model or {})
    labels = {} if vae.n_classes is None else {"labels": Y, "validation_labels": Y_LOADED}
    settings = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "patience": 3} | options
    run = Training(vae, data, validation, TrainingOptions(**settings), **labels)
    run.run(progress=False)
    return everything(run), run.steps.at_once


@pytest.mark.parametrize(
    ("data", "model", "options"),
    [
        (GREY, {}, {}),
        (GREY, {}, {"binarize": "none", "schedule": "cosine", "warmup_epochs": 1.7}),
        (GREY, {"dtype": "float64"}, {"binarize": "threshold", "schedule": "burda"}),
        (GREY, {"n_classes": 3}, {"objective": "dreg", "n_samples": 3}),
        (UNIT, {}, {"free_bits": 0.1}),
        (UNIT, {"dtype": "float64", "n_classes": 3}, {"beta": 0.3, "warmup_epochs": 0.4}),
        (UNIT, {"likelihood": "continuous_bernoulli"}, {"objective": "iwae", "n_samples": 2}),
        (REAL, {"likelihood": "gaussian"}, {"objective": "stl", "n_samples": 2}),
        (REAL, {"likelihood": "gaussian_learned"}, {"beta": 2.0}),
        (GREY // 64 * 1.0, {"likelihood": "poisson"}, {}),
    ],
)
def test_any_number_of_steps_in_a_call_gives_the_same_bits(data, model, options, monkeypatch):
    """Weights, Adam, history, the generator: seven steps an epoch, the last with two rows."""
    validation = data[:17]
    found = [trained(monkeypatch, n, data, validation, model, **options) for n in (1, 2, 3, 256)]
    assert [at_once for _, at_once in found] == [1, 2, 3, 7]
    for run, _ in found[1:]:
        assert run == found[0][0]


@pytest.mark.parametrize("most", [2, 3])
def test_ctrl_c_after_any_call_and_on_with_another_number(most, monkeypatch, tmp_path):
    """What a signal that came in the middle of a call finds when the call is done."""
    whole = start(backend="numba")
    whole.run(progress=False)
    path, call = tmp_path / "model.npz", Steps.__call__

    def pressed(self, order):
        signal.raise_signal(signal.SIGINT)
        return call(self, order)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Steps, "__call__", pressed)
            steps = []
            while not steps or steps[-1] < STEPS:
                patch.setattr(MOST_STEPS, most if len(steps) % 2 else 1)
                went = start(path, backend="numba")
                went.run(path, progress=False)
                steps.append(went.state.adam.step_count)
    finally:
        signal.signal(signal.SIGINT, before)
    assert steps == {2: [1, 3, 4, 6, 7, 8, 9, 11, 12], 3: [1, 4, 5, 8, 9, 12]}[most]
    last = start(path, backend="numba")  # the last epoch has still to be looked at
    assert not last.run(path, progress=False).interrupted
    assert everything(last) == everything(whole)


@pytest.mark.parametrize("step", [0, 2, 6])
def test_a_loss_that_overflows_within_a_call_stops_at_its_step(step, monkeypatch):
    data = REAL.copy()
    data[np.random.default_rng(0).permutation(50)[8 * step], 3] = 1e25
    found = []
    for most in (1, 256):
        monkeypatch.setattr(MOST_STEPS, most)
        vae = make(likelihood="gaussian", backend="numba")
        run = Training(vae, data, None, TrainingOptions(batch_size=8))
        with pytest.raises(NonFiniteLossError, match=f"^Epoch 1, step {step + 1}: ") as caught:
            run.run(progress=False)
        assert run.steps.at_once == (1 if most == 1 else 7)
        found.append((str(caught.value), everything(run) | {"generator": None}))
    assert found[0] == found[1]
    assert np.isfinite(vae.parameters.values).all()
    assert run.state.position.step == step


def test_a_large_model_takes_its_steps_one_by_one():
    vae = VAE(784, (400,), 20)
    data = np.zeros((256, 784), np.uint8)
    assert Training(vae, data, None, TrainingOptions()).steps.at_once == 1


def test_the_bar_counts_every_step(monkeypatch):
    counted = []
    monkeypatch.setattr("tinyvae.training.progress.Progress.step", lambda _, n: counted.append(n))
    start(backend="numba", validation=LOADED).run(progress=False)
    assert sum(counted) == STEPS
    assert len(counted) < STEPS
