"""The public names: all there, and none of them paid for before it is used."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import tinyvae

SOURCE = Path(tinyvae.__file__)


@pytest.mark.parametrize("name", tinyvae.__all__)
def test_every_public_name_is_there(name):
    assert getattr(tinyvae, name) is not None
    assert name in dir(tinyvae)


def test_names_come_from_where_they_live():
    from tinyvae.model.vae import VAE
    from tinyvae.training.fit import fit

    assert tinyvae.VAE is VAE
    assert tinyvae.fit is fit


def test_version_is_that_of_the_package():
    assert tinyvae.__version__ == importlib.metadata.version("tinyvae")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="VEA"):
        tinyvae.VEA  # noqa: B018


def test_type_checkers_see_the_names_that_python_finds():
    tree = ast.parse(SOURCE.read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.asname == alias.name
                seen[alias.name] = node.module.removeprefix("tinyvae").lstrip(".")
    rooms = dict.fromkeys(tinyvae._ROOMS, "")
    assert seen == tinyvae._HOME | rooms


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import tinyvae", ["numpy", "numba", "matplotlib", "typer", "pooch"]),
        (
            "import tinyvae; tinyvae.VAE, tinyvae.fit, tinyvae.load_data",
            ["numba", "matplotlib", "pandas", "scipy", "PIL"],
        ),
        (
            "import tinyvae.cli",
            ["numba", "matplotlib", "requests", "pooch", "pandas", "scipy", "PIL"],
        ),
    ],
)
def test_importing_stays_light(statement, absent):
    code = f"import sys; {statement}; print([m for m in {absent} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
