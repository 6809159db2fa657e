from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import tinyvae as tv
from tinyvae.cli import app
from tinyvae.losscheck.files import check_file

SOURCE = """
import numpy as np

def loss(recon_x, x, mu, logvar):
    cross = -np.sum(x * np.log(recon_x) + (1 - x) * np.log(1 - recon_x))
    return cross - 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))

def reparameterize(mu, logvar):
    return mu + np.exp(logvar / 2) * np.random.standard_normal(mu.shape)

def kl_divergence(mu, logvar):
    return -0.5 * np.mean(1 + logvar - mu**2 - np.exp(logvar))

def sample(mu, std):
    return np.random.normal(mu, std)

def helper(path):
    return path
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "vae.py"
    path.write_text(SOURCE)
    return path


def test_functions_are_found_by_their_arguments(file):
    reports = check_file(str(file))
    assert [r.title.partition(":")[2] for r in reports] == [
        "loss",
        "reparameterize",
        "kl_divergence",
        "sample",
    ]
    assert [r.passed for r in reports] == [True, True, False, False]


def test_a_sampler_that_reads_otherwise_than_the_loss_is_named(file):
    *_, report = check_file(str(file))
    assert [f.code for f in report.findings] == ["disagree"]


def test_errors_are_plain(file, tmp_path):
    with pytest.raises(tv.TinyVAEError, match="There is no file"):
        check_file(str(tmp_path / "no.py"))
    with pytest.raises(tv.TinyVAEError, match="los"):
        check_file(f"{file}:los")
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(tv.TinyVAEError, match="no function that looks like"):
        check_file(str(empty))
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    with pytest.raises(tv.TinyVAEError, match="cannot be run: ZeroDivisionError"):
        check_file(str(broken))


def test_command_line(file):
    run = CliRunner()
    done = run.invoke(app, ["check", f"{file}:loss,reparameterize"])
    assert done.exit_code == 0, done.output
    assert "loss = 1 x reconstruction + 1 x kl" in done.output
    done = run.invoke(app, ["check", f"{file}:kl_divergence", "--json", "--latent-dim", "10"])
    assert done.exit_code == 1
    assert json.loads(done.output)[0]["coefficients"] == {"kl": 0.1}
    done = run.invoke(app, ["check", str(file), "--input-dim", "abc"])
    assert done.exit_code == 2
