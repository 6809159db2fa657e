"""Formulas as MathML, made when the site is built: no script and no network is needed."""

from __future__ import annotations

import re
from typing import Any

TAG = re.compile(r"\s*\\tag\{(\d+\.\d+)\}")


def inline(latex: str) -> str:
    """Return a formula that stands in a line of text."""
    return f'<span class="formula">{_mathml(latex, "inline")}</span>'


def displayed(latex: str) -> str:
    r"""Return a formula on a line of its own; each ``\tag`` becomes a number and a place."""
    numbers = TAG.findall(latex)
    places = "".join(
        f'<a class="number" id="equation-{n}" href="#equation-{n}">({n})</a>' for n in numbers
    )
    formula = _mathml(TAG.sub("", latex).strip(), "block")
    scrolls = f'<div class="formula" tabindex="0">{formula}</div>'
    return f'<div class="equation">{scrolls}{places}</div>\n'


def _mathml(latex: str, display: str) -> str:
    from latex2mathml.converter import convert

    return str(convert(latex, display=display))


def visit_inline(translator: Any, node: Any) -> None:
    """Write a formula in a line, as Sphinx asks of what it calls a math renderer."""
    from docutils.nodes import SkipNode

    translator.body.append(inline(node.astext()))
    raise SkipNode


def visit_displayed(translator: Any, node: Any) -> None:
    """Write a displayed formula, as Sphinx asks of what it calls a math renderer."""
    from docutils.nodes import SkipNode

    translator.body.append(displayed(node.astext()))
    raise SkipNode
