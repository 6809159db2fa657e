"""Ctrl-C asked for politely, and what belongs to others left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from tinyvae.training.interrupt import SIGNALS, StopRequest


@pytest.fixture(autouse=True)
def ordinary_handlers():
    """Tests may themselves run where signals are ignored."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_only_asks_and_the_second_interrupts():
    with StopRequest() as stop:
        assert not stop.requested
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_afterwards_ctrl_c_is_what_it_was():
    heard = []

    def mine(number, frame):
        heard.append(number)

    signal.signal(signal.SIGINT, mine)
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
    assert stop.requested
    assert heard == []
    assert signal.getsignal(signal.SIGINT) is mine
    with pytest.raises(ZeroDivisionError), StopRequest():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is mine


def test_one_within_another():
    with StopRequest() as outer:
        with StopRequest() as inner:
            signal.raise_signal(signal.SIGINT)
        assert inner.requested
        assert not outer.requested
        signal.raise_signal(signal.SIGINT)
        assert outer.requested


def test_where_ctrl_c_is_ignored_it_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert not stop.requested
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_that_is_not_pythons_is_left_alone(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("it could not be put back"))
    with StopRequest() as stop:
        pass
    assert not stop.requested


def test_outside_the_main_thread_it_does_nothing():
    seen = []

    def work():
        with StopRequest() as stop:
            seen.append((stop.requested, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, signal.default_int_handler)]


OTHERS = [number for number in SIGNALS if number != signal.SIGINT]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_every_way_to_ask_is_heard(number):
    with StopRequest() as stop:
        signal.raise_signal(number)
    assert stop.requested
    assert stop.signal == number
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


@pytest.mark.parametrize("number", OTHERS, ids=lambda number: number.name)
def test_a_second_one_ends_the_process(number):
    code = f"""
import signal
from tinyvae.training.interrupt import StopRequest
signal.signal({int(number)}, signal.SIG_DFL)
with StopRequest() as stop:
    signal.raise_signal({int(number)})
    print(stop.signal, flush=True)
    signal.raise_signal({int(number)})
    print("still here")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-number, f"{int(number)}\n"), done.stderr


@pytest.mark.parametrize("number", OTHERS, ids=lambda number: number.name)
@pytest.mark.parametrize("other", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "own"])
def test_what_others_decided_about_it_stays(number, other):
    signal.signal(number, other)
    with StopRequest() as stop:
        signal.raise_signal(number)
        assert not stop.requested
    assert signal.getsignal(number) is other
