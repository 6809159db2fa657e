"""Fields: what each kind takes, returned as plain values, and what it refuses by name."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import SizeError, UsageError, shown
from tinyvae.schema import check_fields, count, flag, number, several, word

TAKEN = [
    (count(), np.int64(3), 3),
    (count(0, 1), 1, 1),
    (count(optional=True), None, None),
    (number(), np.float32(0.5), 0.5),
    (number(at_least=0.0), 0, 0.0),
    (number(optional=True), None, None),
    (word(), "x", "x"),
    (word(["a", "b"]), "b", "b"),
    (word(optional=True), None, None),
    (flag(), True, True),
    (several(count()), [1, 2], (1, 2)),
    (several(count()), (), ()),
    (several(number(), 2), [1, 2.5], (1.0, 2.5)),
    (several(count(), optional=True), None, None),
]
REFUSED = [
    *[(count(), came, "f=") for came in (0, -1, 1.0, "1", True, None, [1], {})],
    *[(count(0, 9), came, "must be at most 9") for came in (10, 10**400)],
    *[(number(), came, "must be a finite number") for came in ("1", True, None, [], b"1")],
    *[(number(), came, "must be a finite number") for came in (float("nan"), float("inf"))],
    (number(), 10**400, "too large for a float"),
    (number(above=0.0), 0.0, "above 0"),
    (number(at_least=0.0), -1e-300, "at least 0"),
    *[(word(), came, "must be a word") for came in (1, None, ["x"], b"x")],
    (word(["relu", "tanh"]), "rleu", "did you mean 'relu'"),
    *[(flag(), came, "must be true or false") for came in (0, 1, "true", None)],
    *[(several(count()), came, "must be a list") for came in (1, "12", None, {1: 2}, {1})],
    (several(count(), 2), [1], "must be a list of 2"),
    (several(count()), [1, 0], r"f\[1\]=0"),
]


@pytest.mark.parametrize(("check", "came", "expected"), TAKEN)
def test_what_is_taken_is_returned_plain(check, came, expected):
    found = check("f", came)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("check", "came", "message"), REFUSED)
def test_what_is_refused_is_named(check, came, message):
    with pytest.raises(UsageError, match=message) as caught:
        check("f", came)
    assert str(caught.value).startswith("f")
    assert len(str(caught.value)) < 200


SCHEMA = {"a": count(), "b": several(word(), 1)}


def test_fields_are_checked_and_none_is_forgotten():
    whole = {"a": 1, "b": ["x"]}
    assert check_fields(SCHEMA, whole, "it") == {"a": 1, "b": ("x",)}
    for record, message in (
        ({"a": 1}, "it has no 'b'"),
        (whole | {"c": 1}, "it has a field 'c' that is not known"),
        (whole | {"a": 0}, "a=0 must be"),
        ([], "it must be named fields"),
        (None, "it must be named fields"),
    ):
        with pytest.raises(UsageError, match=message):
            check_fields(SCHEMA, record, "it")
    assert check_fields(SCHEMA, {"a": 1}, "it", optional=["b"]) == {"a": 1}
    assert check_fields(SCHEMA, whole | {"c": []}, "it", closed=False)["c"] == []


def test_what_came_is_shown_in_a_line():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    for came in ("x" * 1000, 10**400, 10**5000, [1] * 1000, nested):
        assert len(shown(came)) < 80
    with pytest.raises(SizeError, match="a value of type int, too large to show must be at most"):
        count()("f", 10**5000)
