"""A run that stopped, however it stopped, goes on as if it never had: to the bit."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest
from small_runs import STEPS, everything, make, run, start

from tinyvae import errors
from tinyvae.model.vae import VAE
from tinyvae.training import loop, saving


class Crash(Exception):
    pass


def crash():
    raise Crash


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def ordinary_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def after_step(monkeypatch, one_step_a_call):
    """Let something happen after so many steps from now."""
    train_step, planned = VAE.train_step, {}

    def watched(self, *arguments, **options):
        terms = train_step(self, *arguments, **options)
        happening = {count - 1: what for count, what in planned.items()}
        planned.clear()
        planned.update(happening)
        for what in planned.pop(0, ()):
            what()
        return terms

    monkeypatch.setattr(VAE, "train_step", watched)

    def plan(count, *what):
        planned[count] = what

    return plan


@pytest.fixture(scope="module", params=["reference", "numba"])
def uninterrupted(request):
    whole = start(backend=request.param)
    whole.run(progress=False)
    return request.param, everything(whole)


# Ctrl-C, and on again


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_ctrl_c_after_any_step(stop, uninterrupted, after_step, tmp_path):
    backend, whole = uninterrupted
    path = tmp_path / "model.npz"
    first = start(backend=backend)
    after_step(stop, press_ctrl_c)
    history = first.run(path, progress=False)
    assert history.interrupted
    assert first.state.adam.step_count == stop
    assert len(history) == (stop - 1) // 4
    fresh = make(backend=backend).parameters.values
    assert (first.state.vae.parameters.values != fresh).any(), (
        "what was learned is kept, best or not"
    )
    np.testing.assert_array_equal(
        VAE.load(path).parameters.values, first.state.vae.parameters.values
    )
    second = start(path, backend=backend)
    assert everything(second) == everything(first)
    assert not second.run(path, progress=False).interrupted
    assert everything(second) == whole


def test_ctrl_c_after_every_single_step(uninterrupted, after_step, tmp_path):
    backend, whole = uninterrupted
    path, went = tmp_path / "model.npz", None
    for _ in range(STEPS):
        after_step(1, press_ctrl_c)
        went = start(path, backend=backend)
        assert went.run(path, progress=False).interrupted
    went = start(path, backend=backend)
    assert not went.run(path, progress=False).interrupted
    assert everything(went) == whole


def test_ctrl_c_in_the_middle_of_validation(monkeypatch, uninterrupted, tmp_path):
    backend, whole = uninterrupted
    path, evaluate = tmp_path / "model.npz", loop.evaluate
    with monkeypatch.context() as patch:

        def pressed(*arguments, **options):
            press_ctrl_c()
            return evaluate(*arguments, **options)

        patch.setattr(loop, "evaluate", pressed)
        for epochs in (1, 2):
            history = start(path, backend=backend).run(path, progress=False)
            assert history.interrupted
            assert len(history) == epochs
        last = start(path, backend=backend)
        assert not last.run(path, progress=False).interrupted, "nothing was left to interrupt"
    assert everything(last) == whole


def test_ctrl_c_without_a_checkpoint_keeps_what_was_learned(after_step):
    after_step(6, press_ctrl_c)
    vae, history = run(epochs=3)
    assert history.interrupted
    assert len(history) == 1
    assert (vae.parameters.values != make().parameters.values).any()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_interrupts_at_once(after_step, tmp_path):
    path = tmp_path / "model.npz"
    after_step(5, press_ctrl_c)
    start().run(path, progress=False)
    before = path.read_bytes()
    after_step(2, press_ctrl_c, press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        start(path).run(path, progress=False)
    assert path.read_bytes() == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_outside_the_main_thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(run()))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(seen[0][0].parameters.values, run()[0].parameters.values)


# Crashes, and on again


@pytest.mark.parametrize("stop", [2, 4, 5, 11])
def test_a_crash_goes_back_to_the_last_checkpoint(
    stop, uninterrupted, after_step, tmp_path, monkeypatch
):
    backend, whole = uninterrupted
    path = tmp_path / "model.npz"
    monkeypatch.setattr(saving.Saver, "EVERY_SECONDS", -1.0)
    after_step(stop, crash)
    with pytest.raises(Crash):
        start(backend=backend).run(path, progress=False)
    second = start(path, backend=backend)
    assert second.state.adam.step_count == stop - 1
    second.run(path, progress=False)
    assert everything(second) == whole


def test_checkpoints_are_written_when_they_are_due(monkeypatch, after_step, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: clock[0])
    written, save = [], saving.save_state

    def noting(state, *arguments):
        written.append(state.adam.step_count)
        save(state, *arguments)

    def pass_seconds():
        clock[0] += 3.0

    monkeypatch.setattr(saving, "save_state", noting)
    for step in range(1, STEPS + 1):
        after_step(step, pass_seconds)
    start().run(tmp_path / "model.npz", progress=False)
    assert written == [4, 8, 12, 12]


def test_a_full_disk_leaves_the_checkpoint_before(monkeypatch, after_step, tmp_path):
    path = tmp_path / "model.npz"
    after_step(3, press_ctrl_c)
    start().run(path, progress=False)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    stopped = start(path)
    with pytest.raises(errors.WriteError, match=r"model\.npz: No space left"):
        stopped.run(path, progress=False)
    assert path.read_bytes() == before
    assert stopped.state.adam.step_count == STEPS
