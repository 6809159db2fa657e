"""Habits of a package: one version, extras that are whole, types that a user's checker sees."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tinyvae

ROOT = Path(tinyvae.__file__).parents[1]
checkout = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="not a checkout")

USER = """
from pathlib import Path

import numpy as np
import tinyvae as tv

digits = tv.load_data("digits")
vae = tv.VAE(784, (400,), 20, seed=0)
history: tv.History = tv.fit(vae, digits.train, validation=digits.test, epochs=1)
last: float = history["validation_elbo"][-1]
adam, rng = tv.Adam(vae.parameters), np.random.default_rng(0)
for x in tv.minibatches(digits.train, 128, rng, binarize="stochastic"):
    noise = rng.standard_normal((len(x), vae.latent_dim), dtype=np.float32)
    terms: tv.Terms = vae.loss_and_gradients(x, noise, beta=1.0)
    adam.step()
mu, logvar = vae.encode(digits.test)
found: tv.Evaluation = tv.evaluate(vae, digits.test, n_samples=5)
study: tv.Study = tv.study("betas", beta=[0.5, 1.0], seeds=2, jobs=1)
place: Path = study.folder
best: float = max(row["elbo"] for row in study.rows)
vae.save("vae.npz")
"""
WRONG = {
    'vae = tv.VAE("784", (400,), 20)': "arg-type",
    "tv.study(3)": "arg-type",
    "tv.study('s', jobs='two')": "arg-type",
    "tv.load_data('digits').trane": "attr-defined",
    "tv.nosuch": "attr-defined",
}


def mypy(file, cache):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    done = subprocess.run(
        [*command, "--cache-dir", str(cache), str(file)],
        capture_output=True,
        text=True,
        cwd=file.parent,
        check=False,
        env=os.environ | {"MYPYPATH": ""},
    )
    return done.stdout


def test_a_users_strict_type_checker_sees_the_types(tmp_path, request):
    assert (Path(tinyvae.__file__).parent / "py.typed").is_file()
    lines = [f"import tinyvae as tv\n{USER}"]
    lines += [f"{wrong}\n" for wrong in WRONG]
    file = tmp_path / "user.py"
    file.write_text("".join(lines))
    cache = getattr(request.config, "cache", None)  # none where pytest may keep nothing
    out = mypy(file, cache.mkdir("mypy") if cache else tmp_path / "cache")
    first = len(lines[0].splitlines()) + 1
    expected = [(first + i, kind) for i, kind in enumerate(WRONG.values())]
    errors = re.findall(r"user\.py:(\d+): error:.*\[(.*)\]", out)
    found = [(int(line), kind) for line, kind in errors]
    assert found == expected, out


@checkout
def test_the_version_stands_in_one_place_and_others_agree():
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.M)[1] == version
    assert re.search(r"^## (\S+?),", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == version


@checkout
def test_the_extra_all_has_all_that_users_want():
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(re.fullmatch(r"tinyvae\[(.*)\]", everything)[1].split(","))
    assert named == set(extras) - {"all", "test", "bench", "torch"}  # PyTorch is large


@checkout
def test_supported_pythons_are_those_of_the_classifiers():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    found = [re.search(r"Python :: (3\.\d+)$", word) for word in project["classifiers"]]
    versions = [match[1] for match in found if match]
    assert project["requires-python"] == f">={versions[0]}"
    assert versions == [f"3.{minor}" for minor in range(11, 11 + len(versions))]
