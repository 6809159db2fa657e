"""Names of folders and files: nothing is ever written over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from run_folders import OPTIONS, contents

from tinyvae import runs
from tinyvae.errors import UsageError, WriteError
from tinyvae.runs.naming import new_folder, reserved


def test_the_next_run_takes_the_next_number_and_touches_nothing(undrawn):
    first = runs.train(OPTIONS, progress=False)
    before = contents(first.folder)
    second = runs.train(replace(OPTIONS, seed=1), progress=False)
    third = runs.train(OPTIONS, progress=False)
    assert [r.folder.name for r in (first, second, third)] == ["mine", "mine-2", "mine-3"]
    assert contents(first.folder) == before


def test_many_at_once_never_share_a_folder():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_folder("same", None), range(40)))
    assert len(set(made)) == 40


def test_an_output_folder_must_be_new(folder, undrawn):
    (folder / "taken").mkdir()
    (folder / "taken" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="taken"):
        runs.train(OPTIONS, output="taken", progress=False)
    assert contents(folder / "taken") == {"thesis.txt": b"years of work"}
    assert runs.train(OPTIONS, output="deep/new", progress=False).folder.name == "new"


@pytest.mark.parametrize("output", ["", "  ", "a\0b", "~nosuchuser/x"])
def test_what_is_no_path_is_refused(output):
    for use in (lambda: new_folder("x", output), lambda: list(reserve("sample", output))):
        with pytest.raises(UsageError, match="output="):
            use()


def reserve(default, output=None):
    with reserved(Path(default), output, (".npy", ".png")) as stem:
        yield stem


def test_many_at_once_never_share_a_name():
    def take(_):
        with reserved(Path("sample"), None, (".npy", ".png")) as stem:
            stem.with_name(stem.name + ".npy").write_bytes(b"x")
            return stem

    with ThreadPoolExecutor(8) as pool:
        stems = list(pool.map(take, range(40)))
    assert len(set(stems)) == 40
    assert all(stem.with_name(f"{stem.name}.npy").read_bytes() == b"x" for stem in stems)


def test_a_pair_keeps_its_two_names_together(folder):
    (folder / "sample.png").write_bytes(b"precious")
    with reserved(Path("sample"), None, (".npy", ".png")) as stem:
        assert stem == Path("sample-2")
        (folder / "sample-2.npy").write_bytes(b"x")
    assert sorted(contents(folder)) == ["mine.npy", "sample-2.npy", "sample.png"]
    with pytest.raises(UsageError, match=r"sample\.png exists already"):
        list(reserve("x", "sample"))
    assert sorted(contents(folder)) == ["mine.npy", "sample-2.npy", "sample.png"]


def test_what_fails_leaves_no_name_behind(folder):
    names = reserve("sample")
    next(names).with_name("sample.npy").write_bytes(b"half")
    with pytest.raises(ZeroDivisionError):
        names.throw(ZeroDivisionError)
    assert list(contents(folder)) == ["mine.npy"]


@pytest.mark.parametrize("output", ["/", ".", "..", "a/.."])
def test_a_folder_is_no_name_for_a_file(output):
    with pytest.raises(UsageError, match="names no file"):
        list(reserve("x", output))


def test_where_nothing_can_be_written_it_is_said():
    with pytest.raises(WriteError, match="Cannot write"):
        list(reserve("x", "mine.npy/inside"))
