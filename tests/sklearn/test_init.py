"""The room without its library."""

from __future__ import annotations

import subprocess
import sys


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


def test_without_scikit_learn_the_extra_is_named_and_the_package_imports():
    hidden = "import sys; sys.modules['sklearn'] = None; import tinyvae; tinyvae.VAE; "
    done = run(hidden + "import tinyvae.sklearn")
    assert done.stderr.splitlines()[-1] == (
        "tinyvae.errors.MissingPackageError: tinyvae.sklearn needs scikit-learn, which is not "
        "installed: pip install 'tinyvae[sklearn]'."
    )


def test_the_room_does_not_shadow_the_library():
    done = run("import tinyvae.sklearn, sklearn; print(sklearn.__name__, sklearn.__version__)")
    assert done.stdout.startswith("sklearn 1."), done.stderr
