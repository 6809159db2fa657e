from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
import pytest
from rich.console import Console

from tinyvae.gradcheck import Report, check_gradients, merge

mpl.use("Agg")
X = np.random.default_rng(0).normal(size=(4, 3))


@pytest.fixture
def right():
    return check_gradients(lambda x: np.sum(x**3), lambda x: 3 * x**2, X, title="cube")


@pytest.fixture
def wrong():
    return check_gradients(lambda x: np.sum(x**3), lambda x: 6 * x**2, X, title="<cube>")


def test_text_says_verdict_numbers_and_diagnosis(right, wrong):
    assert str(right).startswith("cube: passed (1 array, largest error ")
    assert "all 12" in str(right)
    assert str(wrong).startswith("<cube>: FAILED (x)")
    assert "x: The gradient is 2 times the right one." in str(wrong)


def test_json_round_trip(right, wrong):
    plain = json.loads(json.dumps(wrong.to_dict(), allow_nan=False))
    assert plain["passed"] is False
    assert plain["arrays"][0]["verdict"] == "wrong"
    assert plain["arrays"][0]["error"] == pytest.approx(0.5)
    assert plain["findings"][0]["kind"] == "factor"
    assert json.loads(json.dumps(right.to_dict()))["passed"] is True


def test_json_of_what_is_not_finite():
    report = check_gradients(lambda x: np.sum(x**2), lambda x: x * np.nan, X)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["arrays"][0]["error"] is None


def test_html_is_escaped_and_coloured(right, wrong):
    assert "&lt;cube&gt;" in wrong._repr_html_()
    assert "<cube>" not in wrong._repr_html_()
    assert right._repr_html_().count("<tr>") == 2


def test_rich_table_holds_the_same_words(wrong):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(wrong)
    assert "The gradient is 2 times the right one." in captured.get()
    assert "complex step" in captured.get()


@pytest.mark.parametrize("width", [75, 80, 100, 200])
def test_rich_table_keeps_what_is_wrong_in_one_line_however_narrow(wrong, width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(wrong)
    (row,) = [line for line in captured.get().splitlines() if "wrong" in line]
    entry = wrong.arrays[0].worst
    assert f"{entry.analytic:.9g} for {entry.numeric:.9g}" in row
    assert ("complex step" in row) == (width >= 100)


def test_rich_table_drops_the_numbers_of_what_is_right_where_narrow(right):
    console = Console(width=60)
    with console.capture() as captured:
        console.print(right)
    assert f"{right.arrays[0].worst.numeric:.9g}" not in captured.get()
    assert f"{right.arrays[0].worst.numeric:.9g}" in str(right)


def test_shell_of_ipython_shows_the_text(wrong):
    class Printer:
        def text(self, words):
            self.words = words

    printer = Printer()
    wrong._repr_pretty_(printer, cycle=False)
    assert printer.words == str(wrong)


def test_picture_has_one_series_an_array_and_a_diagonal(wrong):
    axes = wrong.plot()
    points = axes.lines[0].get_xydata()
    assert points.shape == (12, 2)
    assert np.allclose(points[:, 1], 2 * points[:, 0])
    assert len(axes.lines) == 2
    mpl.pyplot.close(axes.figure)


def test_merged_report_passes_only_if_all_do(right, wrong):
    both = merge("both", [right, wrong])
    assert [a.name for a in both.arrays] == ["cube: x", "<cube>: x"]
    assert not both.passed
    assert both.findings[0].arrays == ("<cube>: x",)
    assert merge("one", [right]).passed


def test_empty_report_does_not_pass():
    assert not Report("nothing", ()).passed
