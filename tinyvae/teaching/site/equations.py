"""The role ``equation``: a number in a docstring or a page leads to its formula in a notebook."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Any

from tinyvae.teaching.notebooks import notebooks

TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
# "Tutorial 06, equations (6.1), (6.5) and (6.7)" in a docstring, over two lines perhaps.
NAMED = re.compile(r"(?<=Tutorial )(\d\d)|\((\d+\.\d+)\)")


@cache
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


def role(name: str, raw: str, number: str, *args: Any, **_: Any) -> tuple[list[Any], list[Any]]:
    """Return what Sphinx resolves once it knows on which page the link stands."""
    from docutils.nodes import inline
    from sphinx.addnodes import pending_xref

    shown = inline(raw, f"({number})")
    node = pending_xref(raw, shown, reftype="equation", reftarget=number, refwarn=True)
    node["refdoc"] = args[1].document.settings.env.current_document.docname
    return [node], []


def do_not_guess(app: Any, doctree: Any) -> None:
    """Make a type such as ``History`` mean what it does in its module, not any class so called."""
    from sphinx.addnodes import pending_xref

    for node in doctree.findall(pending_xref):
        if node.hasattr("refspecific"):
            del node["refspecific"]
            node["in_module"] = True


def resolve(app: Any, env: Any, node: Any, shown: Any) -> Any:
    """Return a link to an equation or to what a type means; None, which warns, if there is none."""
    from sphinx.util.nodes import make_refnode

    target, here = node["reftarget"], node.get("refdoc")
    if node["reftype"] == "equation" and target in app.equations:
        return make_refnode(app.builder, here, app.equations[target], f"equation-{target}", shown)
    if not node.get("in_module"):
        return None
    found = getattr(sys.modules.get(node.get("py:module") or ""), target, None)
    name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    place = env.domains.python_domain.objects.get(name)
    return make_refnode(app.builder, here, place.docname, name, shown) if place else shown
