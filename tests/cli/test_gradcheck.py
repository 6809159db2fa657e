"""``tinyvae gradcheck``, and the printing of reports that it shares with ``tinyvae check``."""

from __future__ import annotations

import json

import pytest
from command_line import bad, call, good

CODE = """
import numpy as np

def forward(x):
    return np.sin(x).sum()

def backward(x, dy=1.0):
    return dy * np.cos(x)

def wrong(x, dy=1.0):
    return dy * np.sin(x)

def kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1)
"""


@pytest.fixture
def file(folder):
    (folder / "mine.py").write_text(CODE)
    return "mine.py"


ARCHITECTURE = ["--input-dim 6", "--hidden 3", "--latent-dim 2", "--activation tanh"]


@pytest.mark.parametrize("option", [*ARCHITECTURE, "--likelihood poisson", "--backend numba"])
def test_a_model_that_is_there_takes_no_architecture(option, run_path, file):
    flag = option.split()[0]
    for target in (run_path, f"{file}:forward,backward --shape 3"):
        text = bad(f"gradcheck {target} {option}", 2)
        assert f"{flag} belongs to a model that is built here" in text


def test_options_go_where_they_mean_something(run_path, file):
    assert "--beta belongs" in bad(f"gradcheck {file}:forward,backward --shape 3 --beta 2", 2)
    assert "--shape belongs to functions" in bad(f"gradcheck {run_path} --shape 3", 2)
    assert "--shape belongs to functions" in bad("gradcheck --shape 3", 2)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("gradcheck mine.py:forward,backward --shape 3", 0),
        ("gradcheck mine.py:forward,wrong --shape 3", 1),
        ("check mine.py:kl", 0),
    ],
)
def test_reports_are_printed_for_people_and_for_machines(line, status, file):
    came, text, _ = call(line)
    assert came == status
    assert "mine.py:" in text
    came, text, _ = call(f"{line} --json")
    assert came == status
    (report,) = json.loads(text)
    assert report["passed"] is (status == 0)


def test_help_names_every_option_that_is_refused(file):
    assert "--likelihood" in good("gradcheck --help")
