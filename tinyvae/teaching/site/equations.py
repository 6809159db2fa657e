"""The role ``equation``: a number in a docstring or a page leads to its formula in a notebook."""

from __future__ import annotations

import re
from typing import Any

from tinyvae.teaching.notebooks import notebooks

TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
# "Tutorial 06, equations (6.1), (6.5) and (6.7)" in a docstring, over two lines perhaps.
NAMED = re.compile(r"(?<=Tutorial )(\d\d)|\((\d+\.\d+)\)")


def places() -> dict[str, str]:
    """Return the notebook, by its stem, in which every numbered equation stands."""
    return {
        number: path.stem
        for path in notebooks()
        for number in TAG.findall(path.read_text(encoding="utf-8").replace("\\\\", "\\"))
    }


def linked(lines: list[str]) -> list[str]:
    """Return the lines of a docstring in which notebooks and equations, if named, are links."""
    text = "\n".join(lines)
    if "Tutorial " not in text:
        return lines
    stems = {path.stem[:2]: path.stem for path in notebooks()}

    def to_link(match: re.Match[str]) -> str:
        lesson, number = match.groups()
        if number:
            return f":equation:`{number}`"
        return f":doc:`{lesson} </{stems[lesson]}>`" if lesson in stems else lesson

    before, begins, after = text.partition("Tutorial ")
    return f"{before}{NAMED.sub(to_link, begins + after)}".split("\n")


def link_docstring(app: Any, what: str, name: str, found: object, options: Any, lines: Any) -> None:
    """Do so to what Sphinx read."""
    lines[:] = linked(lines)


def skip_foreign(
    app: Any, what: str, name: str, found: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what other libraries gave a class of ours; None where Sphinx may decide."""
    home = getattr(found, "__module__", None) or "tinyvae"
    return None if home.startswith("tinyvae") else True


def role(name: str, raw: str, number: str, *_: Any, **__: Any) -> tuple[list[Any], list[Any]]:
    """Return what Sphinx resolves once it knows on which page the link stands."""
    from docutils.nodes import inline
    from sphinx.addnodes import pending_xref

    node = pending_xref(
        raw, inline(raw, f"({number})"), reftype="equation", reftarget=number, refwarn=True
    )
    return [node], []


def resolve(app: Any, env: Any, node: Any, shown: Any) -> Any:
    """Return a link to the page and place of an equation; None where there is none, which warns."""
    from sphinx.util.nodes import make_refnode

    number = node["reftarget"]
    if node["reftype"] != "equation" or number not in app.equations:
        return None
    page, here = app.equations[number], node.get("refdoc", app.env.current_document.docname)
    return make_refnode(app.builder, here, page, f"equation-{number}", shown)
