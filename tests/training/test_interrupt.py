"""Ctrl-C asked for politely, and what belongs to others left alone."""

from __future__ import annotations

import signal
import threading

import pytest

from tinyvae.training.interrupt import StopRequest


@pytest.fixture(autouse=True)
def ordinary_handler():
    """Tests may themselves run where Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
