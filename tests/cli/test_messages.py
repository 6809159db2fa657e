"""What the library says, in the words of the command line."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyvae.cli import app
from tinyvae.cli.messages import explain, in_flags
from tinyvae.errors import UsageError

COMMANDS = typer.main.get_command(app).commands.values()


def flags(message):
    return in_flags(message, COMMANDS)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("batch_size=100 is larger than", "--batch-size 100 is larger than"),
        ("use likelihood='gaussian'.", "use --likelihood gaussian."),
        ('(likelihood="gaussian") or not', "(--likelihood gaussian) or not"),
        ("output='my dreams' exists", "--output 'my dreams' exists"),
        ("hidden_dims=[8, 0] is", "--hidden '[8, 0]' is"),
        ("hidden_dims[1]=0 must be", "--hidden, number 2: 0 must be"),
        ("begun with epochs=4.", "begun with --epochs 4."),
        ("learning_rate=0.01, not 0.02;", "--learning-rate 0.01, not 0.02;"),
        ("run='': no run", "RUN '': no run"),
        ("n_samples=0 must", "--samples 0 must"),
        ("name it by data_dir or TINYVAE_DATA_DIR", "name it by --data-dir or TINYVAE_DATA_DIR"),
        ("the data have epochs of beta", "the data have epochs of beta"),
        ("by image_size (--image-size HxW).", "by --image-size HxW."),
        ("with scale_max (--scale-max on the command line).", "with --scale-max."),
        ("scale_max=16 (--scale-max 16 on the command line);", "--scale-max 16;"),
        ("/home/learning_rate/x.npy does not", "/home/learning_rate/x.npy does not"),
        ("latent_dim.npy is", "latent_dim.npy is"),
        ("xbeta=3 and width=4", "xbeta=3 and width=4"),
        ("--beta=3 stays", "--beta=3 stays"),
    ],
)
def test_arguments_become_options(message, expected):
    assert flags(message).replace("--hidden [8, 0]", "--hidden '[8, 0]'") == expected


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200))
def test_any_message_survives(message):
    assert isinstance(flags(message), str)


@settings(max_examples=30, deadline=None)
@given(st.from_regex(r"[A-Z][a-z ]{0,30}\.", fullmatch=True))
def test_ordinary_words_stay(message):
    assert flags(message) == message


def test_without_commands_nothing_changes():
    assert in_flags("beta=3", []) == "beta=3"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError("5 GiB"), "not enough memory (5 GiB)"),
        (OSError(12, "Cannot allocate memory"), "not enough memory"),
        (OverflowError("too large"), "beyond any memory (too large)"),
        (RuntimeError("can't start new thread"), "--threads 1"),
        (RuntimeError("Could not determine home directory."), "nobody's home"),
        (UsageError("wrong"), "wrong"),
    ],
)
def test_what_is_explained(error, expected):
    assert expected in explain(error)


@pytest.mark.parametrize("error", [RuntimeError("dictionary changed size"), ValueError("x")])
def test_what_is_not(error):
    assert explain(error) is None
