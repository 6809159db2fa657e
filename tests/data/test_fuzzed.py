"""Mutated files of every kind: read, or refused by a documented error."""

from __future__ import annotations

import pytest
from fuzzed import fuzz, sound_files

FILES = sound_files()


@pytest.mark.parametrize("name", FILES)
def test_mutated_files_raise_documented_errors_only(tmp_path, name):
    number = 2 if name.endswith(".mat") else 40  # each .mat file starts a process
    counts = fuzz(name, FILES[name], number, tmp_path)
    assert counts.total() == number
    assert counts.total() > counts["read"]
