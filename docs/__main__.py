"""``python -m docs [FOLDER]``: tutorials, these pages and the reference as a site, in site/.

Needs the extra ``docs``.  A warning is an error, so that no link leads nowhere.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tinyvae.errors import TinyVAEError
from tinyvae.explorer.live import write_live_page
from tinyvae.teaching.site import build_site
from tinyvae.teaching.site.lessons import linked

HERE = Path(__file__).parent
TO_NOTEBOOK = re.compile(r"\]\((?:\.\./)+tutorials/")
LISTS = {
    "howto": "[How to](howto.md): your own data, many runs, other libraries, your own checks.",
    "measured": "[Measured](measured.md): speed, gradients, losses, each with its machine.",
}


def stage_pages(sources: Path) -> dict[str, str]:
    """Write the pages of this folder as sources; return the two that list them."""
    shutil.copytree(HERE, sources, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__*"))
    for page in HERE.rglob("*.md"):
        there = page.relative_to(HERE)
        text = linked(page.read_text(encoding="utf-8"))
        text = TO_NOTEBOOK.sub("](" + "../" * (len(there.parts) - 1), text)
        (sources / there).write_text(text, encoding="utf-8")
    return LISTS


def main(folder: str) -> None:
    """Build all of it; a site that is there already is replaced."""
    built = Path(folder)
    if (built / "searchindex.js").is_file():
        shutil.rmtree(built)
    try:
        print(f"Open {build_site(built, live=write_live_page, more=stage_pages, strict=True)}.")
    except TinyVAEError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*(sys.argv[1:2] or [str(HERE.parent / "site")]))
