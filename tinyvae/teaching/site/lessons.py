"""The notebooks as sources of the site: links lead to pages, and nothing asks a network."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from tinyvae.teaching.notebooks import notebooks, one_page
from tinyvae.teaching.site.equations import TAG, places
from tinyvae.teaching.site.reference import modules, source_of

# [`tinyvae.module.function`](../tinyvae/module.py), and a plain [module](../tinyvae/module.py).
TO_SOURCE = re.compile(r"\[(`?)([^\]`]+)\1\]\((?:\.\./)+(tinyvae/[\w/]+)\.(\w+)\)")
# "Tutorial 06, equations (6.1), (6.5) and (6.7)" in a docstring.
NAMED = re.compile(r"\((\d+\.\d+)\)")
FROM_AFAR = re.compile(r"<(?:link|script)\b[^>]*\b(?:href|src)=\"(?:https?:)?//[^>]*>(</script>)?")
# The number of an equation in prose; what stands before the last bar is passed over.
MENTIONED = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\[[^\]]*\]\([^)]*\)|^#[^\n]*|^<[^\n]*|\((\d+\.\d+)\)",
    flags=re.DOTALL | re.MULTILINE,
)
CONTENTS = "\n```{{toctree}}\n:hidden:\n\n{}\n```\n"
ONE_PAGE = """# A whole VAE on one page

From [](tutorials.md): data, forward, backward, Adam and samples, in NumPy alone.

```{{literalinclude}} {}
:language: python
```
"""


def stage_lessons(sources: Path) -> None:
    """Write all notebooks, their index and the VAE in one file into a folder of sources."""
    index, *lessons = notebooks()
    functions = functions_of_equations()
    for path in lessons:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        stage_lesson(notebook, functions)
        (sources / path.name).write_text(json.dumps(notebook), encoding="utf-8")
    single = one_page()
    text = index.read_text(encoding="utf-8").replace(f"]({single.name})", f"]({single.stem}.md)")
    text += CONTENTS.format("\n".join([single.stem, *(path.stem for path in lessons)]))
    (sources / "tutorials.md").write_text(text, encoding="utf-8")
    (sources / f"{single.stem}.md").write_text(ONE_PAGE.format(single.name), encoding="utf-8")
    (sources / single.name).write_text(single.read_text(encoding="utf-8"), encoding="utf-8")


def stage_lesson(notebook: dict[str, Any], functions: dict[str, list[str]]) -> None:
    """Change a notebook, as read from JSON, so that it is whole as a page."""
    numbers = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            numbers += TAG.findall(text)
            text = linked(text).replace("](README.md)", "](tutorials.md)")
            cell["source"] = mentioned(text)
        else:
            cell["outputs"] = [shown(output) for output in cell.get("outputs", [])]
    used = [(n, functions[n]) for n in numbers if n in functions]
    if used:
        lines = ["## These equations in the package", ""]
        for number, names in used:
            links = ", ".join(f"{{py:obj}}`{name}`" for name in names)
            lines.append(f"- {{equation}}`{number}` {links}")
        cell = {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines)}
        if "id" in notebook["cells"][0]:
            cell["id"] = "in-the-package"
        notebook["cells"].append(cell)


def mentioned(text: str) -> str:
    """Return Markdown in whose prose the numbers of equations are links."""

    def to_equation(match: re.Match[str]) -> str:
        number = match.group(1)
        return f"{{equation}}`{number}`" if number in places() else match.group(0)

    return MENTIONED.sub(to_equation, text)


def linked(text: str) -> str:
    """Return Markdown whose links to the package's files lead to the reference."""

    def to_reference(match: re.Match[str]) -> str:
        tick, name, file, kind = match.groups()
        if kind != "py":
            return f"{tick}{name}{tick}"
        module = file.replace("/", ".").removesuffix(".__init__")
        target = target_of(module, name)
        return f"{{py:obj}}`{name} <{target}>`"

    return TO_SOURCE.sub(to_reference, text)


def target_of(module: str, name: str) -> str:
    """Return what the reference calls a name in a module: the module, where the name is private."""
    short = name.removeprefix(f"{module}.")
    found: Any = importlib.import_module(module)
    for part in short.split("."):
        found = getattr(found, part, None)
    if found is None or any(part.startswith("_") for part in short.split(".")):
        return module
    home = getattr(found, "__module__", module)
    return f"{home}.{short}"


def shown(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output without what needs a network."""
    data = output.get("data", {})
    if "text/html" not in data:
        return output
    html = FROM_AFAR.sub("", "".join(data["text/html"]))
    return output | {"data": data | {"text/html": html}}


def functions_of_equations() -> dict[str, list[str]]:
    """Return the public functions, classes and methods whose docstrings name each equation."""
    found: dict[str, list[str]] = defaultdict(list)

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.ClassDef) or child.name.startswith("_"):
                continue
            inner = f"{name}.{child.name}"
            text = ast.get_docstring(child) or ""
            if "Tutorial" in text:
                for number in NAMED.findall(text[text.index("Tutorial") :]):
                    found[number].append(inner)
            if isinstance(child, ast.ClassDef):
                visit(child, inner)

    for module in modules():
        visit(ast.parse(source_of(module)), module)
    return found
