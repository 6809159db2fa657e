"""The how-to pages do what they say: their commands and their Python run, in order.

Takes a minute, so it goes with the tests of a site that is built (``.ci/run``):

    TINYVAE_SITE=site pytest tests/teaching/test_howto.py
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs" / "howto").glob("*.md"))
BLOCK = re.compile(r"^```(python|sh)( fails)?\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NEEDED = {"elsewhere": ("sklearn", "onnx", "safetensors")}


def test_there_is_a_page_for_each_question():
    names = {page.stem for page in PAGES}
    assert names == {
        "check-gradients",
        "check-losses",
        "compare",
        "elsewhere",
        "own-data",
        "resume",
    }
    listed = (PAGES[0].parents[1] / "howto.md").read_text(encoding="utf-8")
    assert all(f"](howto/{name}.md)" in listed for name in names)


@pytest.mark.skipif("TINYVAE_SITE" not in os.environ, reason="TINYVAE_SITE names no site")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page, tmp_path):
    for library in NEEDED.get(page.stem, ()):
        pytest.importorskip(library)
    python, blocks = "", BLOCK.findall(page.read_text(encoding="utf-8"))
    assert {kind for kind, _, _ in blocks} == {"python", "sh"}
    for kind, fails, text in blocks:
        if kind == "python":  # as in one session: later blocks know the names of earlier ones
            python += text
            _run([sys.executable, "-c", python], tmp_path, fails)
        else:
            for line in text.splitlines():
                name, *arguments = line.split()
                assert name == "tinyvae"
                _run([sys.executable, "-m", name, *arguments], tmp_path, fails)


def _run(command, folder, fails):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert (done.returncode == 1) if fails else (done.returncode == 0), done.stdout + done.stderr
