"""Tables for the terminal."""

from __future__ import annotations

from tinyvae.cli.text import table


def test_a_table_lines_up():
    assert table([["name", "a"], ["x", "10.5"]]) == "name     a\nx     10.5"
