from __future__ import annotations

import pytest

from tinyvae.errors import OptionError, UsageError
from tinyvae.gradcheck.files import check_file, parse_shape

LAYER = """
import numpy as np
from helper import identity

def forward(x, weight):
    return identity(np.tanh(x @ weight))

def backward(dy, x, weight):
    da = dy * (1 - np.tanh(x @ weight) ** 2)
    return da @ weight.T, x.T @ da

def backwards(dy, x, weight):
    return dy @ weight.T, x.T @ dy

def loss(x):
    return np.sum(x ** 2), 2 * x

def named(p):
    return np.sum(p["w"] ** 2), {"w": 2 * p["w"]}
"""


@pytest.fixture
def layer(tmp_path):
    (tmp_path / "helper.py").write_text("def identity(y):\n    return y\n")
    path = tmp_path / "mylayer.py"
    path.write_text(LAYER)
    return path


def test_two_functions_of_a_file(layer):
    assert check_file(f"{layer}:forward,backward", [(4, 3), (3, 2)]).passed
    report = check_file(f"{layer}:forward,backwards", [(4, 3), (3, 2)])
    assert not report.passed
    assert report.findings[0].kind == "activation"


def test_one_function_with_its_gradient(layer):
    assert check_file(f"{layer}:loss", [(4, 3)]).passed
    assert check_file(f"{layer}:loss", [()]).passed
    assert check_file(f"{layer}:named", {"w": (4, 3)}).passed


def test_mistakes_are_named(layer, tmp_path):
    with pytest.raises(OptionError, match="did you mean 'backward'"):
        check_file(f"{layer}:forward,bakward", [(4, 3)])
    with pytest.raises(UsageError, match="There is no file"):
        check_file(f"{tmp_path / 'no.py'}:f", [(4, 3)])
    with pytest.raises(UsageError, match="must name a file"):
        check_file("mylayer.py", [(4, 3)])
    with pytest.raises(UsageError, match="shapes is empty"):
        check_file(f"{layer}:loss", [])
    with pytest.raises(UsageError, match="names 3 functions"):
        check_file(f"{layer}:forward,backward,loss", [(4, 3)])
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0")
    with pytest.raises(UsageError, match="cannot be run: ZeroDivisionError"):
        check_file(f"{broken}:f", [(4, 3)])


def test_shapes_are_parsed():
    assert [parse_shape(t) for t in ("4x3", "4,3", "5", "scalar")] == [(4, 3), (4, 3), (5,), ()]
    with pytest.raises(UsageError, match="must look like"):
        parse_shape("4*3")
