"""The notebooks that come with the package: where they lie, and a copy for the reader.

This file copies; it runs nothing.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError
from os import PathLike
from pathlib import Path
from typing import Any

from tinyvae.errors import WriteError
from tinyvae.teaching.wheel import PACKAGE, write_wheel

TO_SOURCE = re.compile(r"\]\(\.\./tinyvae/([\w/]+\.\w+)\)")
SOURCES = "source"
INSTALL = """\
# Where tinyvae is missing, as on Colab, put {wheel} beside this notebook.
from importlib.util import find_spec

if find_spec("tinyvae") is None:
    %pip install -q ./{wheel}"""


def notebooks() -> list[Path]:
    """Return the paths of all notebooks, in order, and the index first."""
    here = Path(__file__).parents[1]
    folder = here / "notebooks"  # in an installed package
    if not folder.is_dir():
        folder = here.parent / "tutorials"  # in a checkout
    return [folder / "README.md", *sorted(folder.glob("[0-9][0-9]-*.ipynb"))]


def one_page() -> Path:
    """Return the path of the VAE in one file, beside the notebooks."""
    return notebooks()[0].with_name("vae_in_one_page.py")


def copy_notebooks(folder: str | PathLike[str] = "tinyvae-tutorials") -> Path:
    """Copy all notebooks, and what they need, into a new folder.

    Beside them lie the VAE in one file, the modules they link to, and a wheel of the package, which
    their first cell installs where the package is missing.

    Parameters
    ----------
    folder : path
        Must not exist yet, so that no exercise someone solved is overwritten.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WriteError
        If the folder exists or cannot be written, or tinyvae is not installed.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True)
        wheel = write_wheel(target).name
        for path in [*notebooks(), one_page()]:
            text = path.read_text(encoding="utf-8")
            _copy_sources(TO_SOURCE.findall(text), target / SOURCES)
            text = TO_SOURCE.sub(rf"]({SOURCES}/\1)", text)
            if path.suffix == ".ipynb":
                text = _with_first_cell(text, INSTALL.format(wheel=wheel))
            (target / path.name).write_text(text, encoding="utf-8")
    except PackageNotFoundError:
        raise WriteError(
            "tinyvae runs here without being installed; pip install . first."
        ) from None
    except FileExistsError:
        raise WriteError(
            f"{target} exists already, perhaps with exercises you solved; name a new folder."
        ) from None
    except OSError as error:
        raise WriteError(f"Cannot write {target}: {error.strerror or error}.") from error
    return target


def _copy_sources(modules: Iterable[str], target: Path) -> None:
    for module in modules:
        (target / module).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / module, target / module)


def _with_first_cell(text: str, source: str) -> str:
    """Return a notebook with a cell before its first cell of code."""
    notebook = json.loads(text)
    cells = notebook["cells"]
    first = next(i for i, cell in enumerate(cells) if cell["cell_type"] == "code")
    added: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
    }
    if "id" in cells[first]:
        added["id"] = "install"
    cells.insert(first, added | {"source": source})
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
