"""The room without its library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


def test_without_scikit_learn_the_extra_is_named_and_the_package_imports():
    hidden = "import sys; sys.modules['sklearn'] = None; import tinyvae; tinyvae.VAE; "
    done = run(hidden + "import tinyvae.sklearn")
    assert done.stderr.splitlines()[-1] == (
        "tinyvae.errors.MissingPackageError: tinyvae.sklearn needs scikit-learn, which is not "
        "installed: pip install 'tinyvae[sklearn]'."
    )


def test_the_room_does_not_shadow_the_library():
    library = pytest.importorskip("sklearn.base", reason="the extra sklearn is not installed")
    import tinyvae.sklearn

    assert Path(library.__file__).parent != Path(tinyvae.sklearn.__file__).parent
