"""The checks that every door shares."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import SizeError, check_each, check_number, wrong_kind


@pytest.mark.parametrize("came", ["1", b"1", True, np.True_, None, [1.0], 1j, "nan", float("inf")])
def test_only_finite_numbers_are_numbers(came):
    with pytest.raises(SizeError, match=r"x=.* must be a finite number"):
        check_number("x", came)


@pytest.mark.parametrize("came", [1, 1.0, np.float32(1.0), np.int64(1), np.array(1.0)])
def test_any_number_will_do(came):
    assert check_number("x", came) == 1.0


@pytest.mark.parametrize("came", [1.0, "12", b"12", None, np.array(1.0)])
def test_one_value_is_no_list(came):
    with pytest.raises(SizeError, match=r"x=.* must be a list"):
        check_each("x", came, check_number)


def test_items_are_checked_by_their_place():
    assert check_each("x", np.array([1, 2]), check_number) == [1.0, 2.0]
    with pytest.raises(SizeError, match="x is empty"):
        check_each("x", [], check_number)
    with pytest.raises(SizeError, match=r"x\[1\]='2' must be"):
        check_each("x", [1, "2"], check_number)


def test_the_wrong_kind_is_named_with_its_article():
    assert str(wrong_kind("x", None, "a path")) == "x must be a path, but None came."
    assert str(wrong_kind("x", 3, "a path", "say where")).endswith("but an int came: say where.")
    assert "but an array came." in str(wrong_kind("x", np.zeros(2), "a VAE"))
