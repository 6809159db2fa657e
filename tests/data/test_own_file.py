from __future__ import annotations

import sys

import pytest

from tinyvae.data.own_file import find_function, load_file, own_functions
from tinyvae.errors import OptionError, UsageError

FILE = """
from math import sqrt
from neighbour import shared

def mine(x):
    return shared(x)

def _hidden(x):
    return x
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "neighbour.py").write_text("def shared(x):\n    return 2 * x\n")
    (tmp_path / "mine.py").write_text(FILE)
    yield tmp_path / "mine.py"
    sys.modules.pop("neighbour", None)


def test_file_may_import_its_neighbours_and_leaves_the_path_as_it_was(path):
    before = list(sys.path)
    assert load_file(path).mine(2) == 4
    assert sys.path == before


def test_own_functions_are_neither_imported_nor_hidden(path):
    assert list(own_functions(load_file(path))) == ["mine"]


def test_function_is_found_by_name_or_those_that_there_are_are_told(path):
    module = load_file(path)
    assert find_function(module, "_hidden")(3) == 3
    with pytest.raises(OptionError, match="mine"):
        find_function(module, "minus")


def test_file_that_raises_is_told_by_its_error(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    before = list(sys.path)
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        load_file(broken)
    assert sys.path == before
    with pytest.raises(UsageError, match="no file"):
        load_file(tmp_path / "absent.py")
