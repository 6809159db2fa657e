"""Small models, their pages, and a browser to open them in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from browsing import ARGUMENTS, CHROMIUM, Browsed, finish, skip_or_fail, start

import tinyvae as tv


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        skip_or_fail("there is no chromium (apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("playwright is not installed (pip install 'tinyvae[test]')")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium):
    """Open a file; the test fails at its end if the page said or asked for anything."""
    opened = []

    def open_page(path, *, quiet=True, **options) -> Browsed:
        opened.append((start(chromium, path, **options), quiet))
        return opened[-1][0]

    yield open_page
    for found, quiet in opened:
        finish(found, quiet)


@pytest.fixture(scope="session")
def _shared(chromium, digit_page):
    found = start(chromium, digit_page)
    yield found
    finish(found)


@pytest.fixture
def browsed(_shared):
    """The digits' page, as it begins; loading it once for many tests saves half their time."""
    _shared.begin_anew()
    yield _shared
    assert _shared.console == []


@pytest.fixture
def mathematics(_shared):
    """A page whose mathematics is asked about models that are not its own."""
    return _shared.page


@pytest.fixture(scope="session")
def digits():
    return tv.load_data("digits")


@pytest.fixture(scope="session")
def digit_vae(digits):
    """A small model of digits, trained for a moment."""
    vae = tv.VAE(784, (32,), 5, backend="reference", seed=1)
    tv.fit(vae, digits.train[:2000], epochs=4, learning_rate=5e-3, progress=False)
    return vae


@pytest.fixture(scope="session")
def digit_page(digits, digit_vae, tmp_path_factory):
    return tv.explore(digit_vae, digits, tmp_path_factory.mktemp("page") / "digits.html")


@pytest.fixture
def small_vae():
    """Build a small untrained model whose biases are not zero."""

    def build(input_dim=6, hidden_dims=(5,), latent_dim=2, *, nudge=0.3, **options):
        options = {"dtype": "float64", "backend": "reference", "seed": 3} | options
        vae = tv.VAE(input_dim, hidden_dims, latent_dim, **options)
        noise = np.random.default_rng(4).standard_normal(vae.parameters.size)
        vae.parameters.values[:] += nudge * noise
        return vae

    return build


@pytest.fixture(scope="session")
def axe():
    """axe-core's script, as the package axe-playwright-python carries it."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        skip_or_fail("axe-core is not installed (pip install 'tinyvae[test]')")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")
