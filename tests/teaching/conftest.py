"""The whole site, built once: in a new folder, or the one that TINYVAE_SITE names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NEEDED = ("sphinx", "myst_nb", "pydata_sphinx_theme", "latex2mathml")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    if "TINYVAE_SITE" in os.environ:
        return Path(os.environ["TINYVAE_SITE"]).resolve()
    for needed in NEEDED:
        pytest.importorskip(needed, reason="the site needs the extra 'docs'")
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "docs", str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder
