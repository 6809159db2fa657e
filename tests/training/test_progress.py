"""A bar where a cursor can move, lines where it cannot, nothing where nobody reads."""

from __future__ import annotations

import io
import sys

import pytest
from small_runs import LOADED, run

from tinyvae.training import progress
from tinyvae.training.progress import Bar, Lines, Progress, bars_suit, progress_for


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Broken(io.StringIO):
    def write(self, text):
        raise OSError(5, "Input/output error")


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def row(elbo=-3.0):
    return {"train_reconstruction": 2.0, "train_kl": 1.0, "train_elbo": elbo}


def test_a_terminal_gets_a_bar_with_the_terms_in_nats(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", Terminal())
    _, history = run(epochs=2, validation=LOADED, progress=True)
    shown, last = sys.stderr.getvalue(), history.rows[-1]
    assert capsys.readouterr().out == ""
    assert "epoch 2/2" in shown
    assert "8/8" in shown
    assert (
        f"validation: reconstruction {last['validation_reconstruction']:.2f}, "
        f"kl {last['validation_kl']:.2f}, elbo {last['validation_elbo']:.2f} nats" in shown
    )


def test_a_file_gets_a_line_an_epoch_without_carriage_returns(capsys):
    _, history = run(epochs=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\r" not in err
    assert err.splitlines() == [
        f"epoch {r['epoch']}/3: train: reconstruction {r['train_reconstruction']:.2f}, "
        f"kl {r['train_kl']:.2f}, elbo {r['train_elbo']:.2f} nats"
        for r in history
    ]
    run(epochs=1)
    assert capsys.readouterr() == ("", "")


def test_long_epochs_speak_every_ten_seconds(clock):
    stream = io.StringIO()
    lines = Lines(stream, total=100, done=0)
    lines.describe("epoch 1/2")
    for _ in range(25):
        clock[0] += 1.0
        lines.step()
    assert stream.getvalue() == (
        "epoch 1/2, step 11 of 100\nepoch 1/2, step 22 of 100\n"  # more than ten seconds each
    )


def test_many_short_epochs_speak_every_ten_seconds(clock):
    stream = io.StringIO()
    lines = Lines(stream, total=100_000, done=0)
    for epoch in range(1, 1001):
        lines.describe(f"epoch {epoch}/100000")
        clock[0] += 0.5
        lines.step()
        lines.row(row())
    assert stream.getvalue().count("\n") == 200 + 800 // 21
    lines.describe("epoch 1001/100000")
    clock[0] += 2.0
    lines.row(row(-7.0))
    assert stream.getvalue().endswith(
        "epoch 1001/100000: train: reconstruction 2.00, kl 1.00, elbo -7.00 nats\n"
    )


def test_a_reader_that_is_gone_stops_nothing():
    lines = Lines(Broken(), total=2, done=0)
    lines.describe("loading")
    lines.row(row())


@pytest.mark.parametrize("stream", [None, "closed"])
def test_without_standard_error_training_goes_on(monkeypatch, stream):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert type(progress_for(True, total=1, done=0)) is Progress
    assert not progress.shows_bars()
    progress.tell("nobody hears it")
    assert len(run(epochs=1, progress=True)[1]) == 1


def test_what_suits_what(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_for(True, total=1, done=0) as shown:
        assert isinstance(shown, Bar)
    assert type(progress_for(False, total=1, done=0)) is Progress
    assert not bars_suit(io.StringIO())
    notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    assert bars_suit(notebook())
