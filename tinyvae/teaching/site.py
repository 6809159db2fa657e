"""The tutorials as a small site of plain pages, to be read without Jupyter.

Each notebook becomes one page with its outputs, and every link to the package's source leads to a
page of that file, at the line of the function named.  Needs the extra ``tutorials``; runs nothing.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tinyvae.errors import UsageError, WriteError
from tinyvae.teaching.notebooks import notebooks, one_page

# [`tinyvae.module.function`](../tinyvae/module.py), and a plain [module](../tinyvae/module.py).
TO_SOURCE = re.compile(r"\[(`?)([^\]`]+)\1\]\(\.\./(tinyvae/[\w/]+)\.py\)")
TO_NOTEBOOK = re.compile(r"\]\((\d\d-[\w-]+)\.ipynb([#)])")
# A displayed equation, and its number.
DISPLAYED = re.compile(r"\$\$.+?\$\$", flags=re.DOTALL)
TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
LIVE = "explore.html"
LIVE_LINK = f"""
## A model in your hands

[Draw a digit and watch its ELBO]({LIVE}): one page with a small model, trained when this site was
built. `tinyvae explore RUN` makes such a page of any run.
"""
STYLE = """
<style>
body { max-width: 60rem; margin: 0 auto !important; padding: 0 1rem; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
.jp-RenderedHTMLCommon { font-size: 1rem; line-height: 1.55; }
.jp-RenderedImage img { max-width: 100%; }
details { border-left: 3px solid #ccc; padding-left: .8rem; }
summary { cursor: pointer; font-family: var(--jp-content-font-family, sans-serif); }
a code { color: #0b57d0 !important; }
</style>
"""
CELL = re.compile(r'(?=<div class="jp-Cell )')
OUTPUTS = '<div class="jp-Cell-outputWrapper">'
SOURCE_STYLE = (
    "<style>body { font-size: .9rem; margin: 1rem; } :target { background: #fff3c4; }</style>"
)


def build_site(
    folder: str | PathLike[str] = "tinyvae-site",
    mathjax: str = "",
    live: Callable[[Path], object] | None = None,
) -> Path:
    """Write all tutorials as HTML pages into a new folder.

    Parameters
    ----------
    folder : path
        Must not exist yet.
    mathjax : str
        Where the pages find MathJax 2; by default on the web, as ``jupyter nbconvert`` has it.
    live : callable, optional
        Writes a page of a model to the path it is given, such as
        ``tinyvae.explorer.live.write_live_page``; the index then links to it.

    Returns
    -------
    Path
        The index page.

    Raises
    ------
    UsageError
        If nbconvert is not installed.
    WriteError
        If the folder exists or cannot be written.
    """
    exporter = _exporter(mathjax)
    target = Path(folder)
    try:
        (target / "source").mkdir(parents=True)
        sources: set[str] = set()
        for path in tqdm(notebooks(), unit="page", leave=False):
            name = "index" if path.suffix == ".md" else path.stem
            page = _page(exporter, path, sources, LIVE_LINK if live else "")
            (target / f"{name}.html").write_text(page, encoding="utf-8")
        for module in sorted(sources):
            text = inspect.getsource(importlib.import_module(module))
            page = _source_page(module, text)
            (target / "source" / f"{module}.html").write_text(page, encoding="utf-8")
        single = one_page()
        page = _source_page(single.stem, single.read_text(encoding="utf-8"))
        (target / f"{single.stem}.html").write_text(page, encoding="utf-8")
        if live:
            live(target / LIVE)
    except FileExistsError:
        raise WriteError(f"{target} exists already; name a new folder.") from None
    except OSError as error:
        raise WriteError(f"Cannot write {target}: {error.strerror or error}.") from error
    return target / "index.html"


def _exporter(mathjax: str) -> Any:
    try:
        from nbconvert import HTMLExporter
    except ImportError:
        raise UsageError(
            "The pages are made by nbconvert, which is not installed: "
            "pip install 'tinyvae[tutorials]'"
        ) from None
    exporter = HTMLExporter()
    if mathjax:
        exporter.mathjax_url = mathjax
    return exporter


def _page(exporter: Any, path: Path, sources: set[str], more: str) -> str:
    """Return one notebook, or the index with more at its end; note the modules it links to."""
    import nbformat

    if path.suffix == ".md":
        cell = nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8") + more)
        notebook = nbformat.v4.new_notebook(cells=[cell])
    else:
        notebook = nbformat.read(path, as_version=4)

    def to_source(match: re.Match[str]) -> str:
        tick, name, file = match.groups()
        module = file.replace("/", ".").removesuffix(".__init__")
        sources.add(module)
        return f"[{tick}{name}{tick}](source/{module}.html#line-{_line_of(module, name)})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = TO_SOURCE.sub(to_source, cell.source)
            cell.source = TO_NOTEBOOK.sub(r"](\1.html\2", cell.source)
            cell.source = cell.source.replace("](README.md)", "](index.html)")
            cell.source = cell.source.replace("](vae_in_one_page.py)", "](vae_in_one_page.html)")
            cell.source = anchored(cell.source)
    title = re.search(r"^# (.*)", notebook.cells[0].source, flags=re.MULTILINE)
    named = {"metadata": {"name": title.group(1) if title else path.stem}}
    page, _ = exporter.from_notebook_node(notebook, resources=named)
    return _fold_outputs(str(page).replace("</head>", f"{STYLE}</head>", 1))


def _fold_outputs(page: str) -> str:
    """Fold what cells tagged ``hide-output`` printed: it answers a question asked above them."""
    cells = CELL.split(page)
    for i, cell in enumerate(cells):
        before, wrapper, rest = cell.partition(OUTPUTS)
        if wrapper and "celltag_hide-output" in before.partition(">")[0]:
            outputs, end, after = rest.rpartition("</div>")
            folded = f"<details><summary>What comes out</summary>{wrapper}{outputs}</details>"
            cells[i] = f"{before}{folded}{end}{after}"
    return "".join(cells)


def anchored(text: str) -> str:
    """Return Markdown with a place to link to before every equation that has a number."""

    def place(match: re.Match[str]) -> str:
        numbers = TAG.findall(match.group(0))
        return "".join(f'<span id="equation-{n}"></span>' for n in numbers) + match.group(0)

    return DISPLAYED.sub(place, text)


def _line_of(module: str, name: str) -> int:
    """Return the line where a function, class, method or property begins; 1 if none is named."""
    found: Any = importlib.import_module(module)
    for part in name.removeprefix(f"{module}.").split("."):
        found = getattr(found, part, None)
    try:
        return inspect.getsourcelines(inspect.unwrap(getattr(found, "fget", found)))[1]
    except (OSError, TypeError):
        return 1


def _source_page(title: str, text: str) -> str:
    """Return a source text as a page in which every line can be linked to."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    looks = HtmlFormatter(
        full=True,
        title=title,
        linenos="inline",
        lineanchors="line",
        linespans="line",
        style="xcode",
    )
    page = highlight(text, PythonLexer(), looks)
    return str(page).replace("<style type", f"{SOURCE_STYLE}<style type", 1)
