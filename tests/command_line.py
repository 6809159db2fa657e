"""Commands of ``tinyvae``, run in this process or in one of their own."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from tinyvae.cli import app

TINY = "--data mine.npy --backend reference --hidden 8 --latent-dim 3 --epochs 2 --batch-size 20"


def call(line):
    """Run a command in this process; return (exit status, standard output, standard error)."""
    words = line if isinstance(line, list) else line.split()
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def good(line):
    status, out, err = call(line)
    assert status == 0, err
    return out


def bad(line, status):
    """Run a command that must fail as one paragraph; return it."""
    words = line if isinstance(line, list) else line.split()
    came, _, err = call([*words, "--no-progress"] if words[0] == "train" else words)
    assert came == status, err
    assert err.startswith(("Error: ", "Usage: ")), err
    assert "Traceback" not in err
    if err.startswith("Error: "):
        assert err.count("\n") == 1
    return err


def process(line, before="", **options):
    """Start a command in a process of its own, after some lines of Python."""
    code = f"{before}\nimport sys, tinyvae.__main__ as m\nsys.argv[1:] = {line.split()!r}\nm.main()"
    command = [sys.executable, "-c", code] if before else [sys.executable, "-m", "tinyvae"]
    words = [] if before else line.split()
    kinds = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *words], **kinds | options)
