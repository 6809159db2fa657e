"""Help, errors and exit statuses of all commands."""

from __future__ import annotations

import errno
import os
import re
import threading

import pytest
from command_line import TINY, bad, call, good, process
from typer.testing import CliRunner

from tinyvae import runs
from tinyvae.__main__ import threads_may_start
from tinyvae.cli import app
from tinyvae.ops.machine.quota import processors


@pytest.mark.parametrize("command", ["", "train", "sample", "plot", "evaluate", "info"])
def test_help_has_examples(command):
    assert "tinyvae" in good(f"{command} --help").partition("Options")[0]


def test_help_shows_the_defaults_of_the_library():
    out = good("train --help")
    default = runs.RunOptions()
    assert f"[default: {default.epochs}]" in out
    assert f"[default: {default.schedule}]" in out


def test_misspelt_names_are_answered_with_near_ones():
    assert "--epochs" in bad("train --epoch 3", 2)
    assert "train" in bad("trian", 2)


@pytest.mark.parametrize("damage", ["truncated", "tampered", "junk"])
def test_a_damaged_checkpoint_is_status_1(run_path, folder, damage):
    path = folder / run_path / "model.npz"
    raw = bytearray(path.read_bytes())
    if damage == "truncated":
        raw = raw[: len(raw) // 2]
    elif damage == "tampered":
        raw[len(raw) // 2] ^= 1
    else:
        raw = bytearray(b"junk")
    path.write_bytes(raw)
    for command in ("info", "sample", "plot", "evaluate", "train --resume"):
        assert "model.npz" in bad(f"{command} {run_path}", 1)
    assert path.read_bytes() == raw


def test_a_full_disk_is_status_1_and_loses_nothing(run_path, folder, monkeypatch):
    before = (folder / run_path / "model.npz").read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in bad(f"train --resume {run_path} --epochs 3", 1)
    assert "No space left on device" in bad(f"sample {run_path}", 1)
    assert (folder / run_path / "model.npz").read_bytes() == before
    assert not list((folder / run_path).glob(".*"))


def test_debug_shows_where_it_arose(monkeypatch):
    monkeypatch.setenv("TINYVAE_DEBUG", "1")
    done = CliRunner().invoke(app, ["info", "nosuch"])
    assert isinstance(done.exception, runs.folders.UsageError)


def test_an_interruption_elsewhere_is_status_130(monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "info", interrupt)
    assert call("info runs/mine") == (130, "", "Interrupted.\n")


def test_python_m_tinyvae():
    done = process("info nosuch")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out, err) == (2, "", "Error: nosuch does not exist.\n")


@pytest.mark.parametrize("columns", [20, 59])
def test_help_in_a_narrow_terminal_names_every_option(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    out, _ = process("train --help").communicate(timeout=60)
    wide = good("train --help")
    assert set(re.findall("--[a-z-]+", out)) >= set(re.findall("--[a-z-]+", wide)) - {"--epoch"}
    assert "…" not in out


def test_a_backend_of_matplotlibs_that_is_none_does_not_matter(run_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    run = process(f"plot {run_path} --no-progress")
    out, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (0, "")
    assert "history.png" in out


def test_settings_that_numba_refuses_are_named(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "0")
    run = process(f"train {TINY} --backend numba --no-progress")
    _, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert err.startswith(
        "Error: Numba cannot start: Number of threads specified must be > 0. Look"
    )
    assert err.count("\n") == 1


def test_an_interrupted_import_is_status_130():
    before = "import sys\nclass Stop:\n def find_spec(self, name, *_):\n"
    before += "  if name == 'tinyvae.cli': raise KeyboardInterrupt\nsys.meta_path.insert(0, Stop())"
    run = process("--help", before=before)
    assert run.communicate(timeout=60) == ("", "")
    assert run.returncode == 130


NO_THREADS = """
import threading
def refuse(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
"""


def test_where_no_thread_may_be_started_a_run_goes_on_with_one():
    line = "train --data digits --hidden 400 --epochs 1 --no-progress --output out"
    run = process(line, before=NO_THREADS)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert "ELBO" in out
    if processors() > 1:
        assert "the work goes on with 1 thread" in err
        assert err.count("\n") == 1


def test_openblas_is_told_not_to_start_threads_where_none_may_be_started():
    before = NO_THREADS + "import os\nos.cpu_count = lambda: 2\nimport atexit\n"
    before += "atexit.register(lambda: print(os.environ.get('OPENBLAS_NUM_THREADS')))"
    assert process("--version", before=before).communicate(timeout=60)[0].endswith("\n1\n")
    before = before.replace(NO_THREADS, "")
    assert process("--version", before=before).communicate(timeout=60)[0].endswith("\nNone\n")


@pytest.mark.parametrize("processors", [1, 2, 5])
def test_a_thread_for_each_processor_but_one_is_tried_and_ended(processors):
    before = threading.active_count()
    assert threads_may_start(processors)
    assert threading.active_count() == before


def test_what_an_interruption_says_is_printed(monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt("Interrupted while drawing. The model is kept.")

    monkeypatch.setattr(runs, "plot", interrupt)
    status, _, err = call("plot runs/mine")
    assert (status, err) == (130, "Interrupted while drawing. The model is kept.\n")


def test_a_deeply_nested_config_is_one_paragraph(run_path, folder):
    (folder / run_path / "config.json").write_text("[" * 100_000)
    assert "nested too deeply" in bad(f"info {run_path}", 1)


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("a bug")

    monkeypatch.setattr(runs, "info", fail)
    done = CliRunner().invoke(app, ["info", "x"])
    assert isinstance(done.exception, ValueError)


@pytest.mark.parametrize(
    ("words", "expected"), [("tinyvae stu", "study"), ("tinyvae study s --lat", "--latent-dim")]
)
def test_the_shell_completes_commands_and_options(words, expected, monkeypatch):
    place = str(len(words.split()) - 1)
    for name, value in (
        ("_TINYVAE_COMPLETE", "complete_bash"),
        ("COMP_WORDS", words),
        ("COMP_CWORD", place),
    ):
        monkeypatch.setenv(name, value)
    out, _ = process("").communicate(timeout=60)
    assert out.split() == [expected]
