"""Puts the sources of the site together and has Sphinx build them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

from tinyvae.errors import UsageError, WriteError
from tinyvae.teaching.site.lessons import stage_lessons
from tinyvae.teaching.site.reference import stage_reference

HERE = Path(__file__).parent
LIVE = "explore.html"
NEEDED = ("sphinx", "myst_nb", "pydata_sphinx_theme", "latex2mathml")
LIVE_LINK = f"""
## A model in your hands

<a href="{LIVE}">Draw a digit and watch its ELBO</a>: one page with a small model, trained when this
site was built. `tinyvae explore RUN` makes such a page of any run.
"""
# Kernels are compiled to be fast; to be read, they are plain functions with a docstring.
READING = {"NUMBA_DISABLE_JIT": "1", "MPLBACKEND": "agg"}


def build_site(
    folder: str | PathLike[str] = "tinyvae-site",
    live: Callable[[Path], object] | None = None,
    more: Callable[[Path], Mapping[str, str]] | None = None,
    strict: bool = False,
) -> Path:
    """Write the tutorials, a glossary and the reference as HTML pages into a new folder.

    Parameters
    ----------
    folder : path
        Must not exist yet.
    live : callable, optional
        Writes a page of a model to the path it is given, such as
        ``tinyvae.explorer.live.write_live_page``; the first page then links to it.
    more : callable, optional
        Writes further pages into the folder of sources it is given, and returns those that the
        first page lists: their names, and a line of Markdown for each.
    strict : bool
        Whether a warning of the builder, such as a link that leads nowhere, is an error.

    Returns
    -------
    Path
        The index page.

    Raises
    ------
    UsageError
        If the builder or what it needs is not installed.
    WriteError
        If the folder exists or cannot be written, or the builder refuses.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"The pages are made by Sphinx with {', '.join(NEEDED[1:])}; not installed: "
            f"{', '.join(missing)}. pip install 'tinyvae[docs]'"
        )
    target = Path(folder)
    try:
        target.mkdir(parents=True)
        with tempfile.TemporaryDirectory(prefix="tinyvae-site-") as room:
            sources = Path(room) / "sources"
            sources.mkdir()
            _stage(sources, bool(live), more)
            _run_sphinx(sources, Path(room) / "trees", target, strict)
        if live:
            live(target / LIVE)
    except FileExistsError:
        raise WriteError(f"{target} exists already; name a new folder.") from None
    except OSError as error:
        raise WriteError(f"Cannot write {target}: {error.strerror or error}.") from error
    return target / "index.html"


def _stage(sources: Path, live: bool, more: Callable[[Path], Mapping[str, str]] | None) -> None:
    stage_lessons(sources)
    stage_reference(sources)
    glossary = (HERE / "pages" / "glossary.md").read_text(encoding="utf-8")
    (sources / "glossary.md").write_text(glossary, encoding="utf-8")
    further = more(sources) if more else {}
    listed = ["tutorials", *further, "glossary", "reference/index"]
    index = (HERE / "pages" / "index.md").read_text(encoding="utf-8")
    index = index.replace("LIVE\n", LIVE_LINK if live else "").replace("PAGES", "\n".join(listed))
    index = index.replace("MORE\n", "".join(f"- {line}\n" for line in further.values()))
    (sources / "index.md").write_text(index, encoding="utf-8")


def _run_sphinx(sources: Path, trees: Path, target: Path, strict: bool) -> None:
    """Build in a process of its own, in which nothing is compiled."""
    command = [sys.executable, "-m", "sphinx", "-q", "-c", str(HERE), "-d", str(trees)]
    command += ["-W", "--keep-going"] if strict else []
    done = subprocess.run([*command, str(sources), str(target)], env=os.environ | READING)
    if done.returncode:
        raise WriteError(f"Sphinx could not build {target}; what it says stands above.")
    # What the builder keeps for its next run, and the sources: a reader needs neither.
    (target / ".buildinfo").unlink(missing_ok=True)
