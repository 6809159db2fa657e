"""Small models, their pages, and a browser that reaches no network.

Where chromium or playwright is missing, tests that need them are skipped with a word; with
TINYVAE_NEED_BROWSER set they fail instead, so that a machine meant to run them cannot forget.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinyvae as tv

NEEDED = "TINYVAE_NEED_BROWSER"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# No name resolves, and nothing is asked for in the background; root has no sandbox.
ARGUMENTS = [
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-sandbox",
    "--disable-background-networking",
]


def skip_or_fail(word: str) -> None:
    """Skip the test, unless this machine promised to run it."""
    if os.environ.get(NEEDED):
        pytest.fail(f"{word}, but {NEEDED} is set")
    pytest.skip(word)


@dataclass
class Browsed:
    """A page in the browser, and everything it said or asked for."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def value(self, element: str) -> float:
        """Return a number at full precision, once the page shows it rounded."""
        found = self.page.locator(f"#{element}")
        exact = float(found.get_attribute("data-value"))
        shown = found.inner_text().replace("\N{MINUS SIGN}", "-")
        assert shown == f"{exact:.1f}".replace("-0.0", "0.0")
        return exact

    def app(self, expression: str) -> Any:
        """Evaluate something about the page's state, with arrays as lists."""
        plain = "(_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v"
        text = f"JSON.parse(JSON.stringify({expression}, {plain}))"
        return self.page.evaluate(f"() => {{ const app = tinyvae.app; return {text}; }}")

    def array(self, expression: str) -> np.ndarray:
        return np.array(self.app(expression), dtype=np.float64)

    def canvas(self, element: str) -> str:
        return self.page.evaluate(f"document.getElementById('{element}').toDataURL()")


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


def _start(chromium, path, *, tour=False, **options) -> Browsed:
    options = {"viewport": {"width": 1600, "height": 1000}} | options
    context = chromium.new_context(**options)
    context.set_offline(True)
    context.set_default_timeout(20_000)
    found = Browsed(context.new_page())
    found.page.on("console", lambda message: found.console.append(message.text))
    found.page.on("pageerror", lambda error: found.console.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(Path(path).resolve().as_uri())
    found.page.wait_for_function("() => window.tinyvae && tinyvae.app.weighed")
    if not tour:
        found.page.click("#tour-skip")
    return found


def _finish(found: Browsed, quiet: bool = True) -> None:
    found.page.context.close()
    if not quiet:
        return
    assert found.console == []
    assert [r for r in found.requests[1:] if not r.startswith("blob:")] == []
    assert found.requests[0].startswith("file:")


@pytest.fixture
def browse(chromium):
    """Open a file; the test fails at its end if the page said or asked for anything."""
    opened = []

    def start(path, *, quiet=True, **options) -> Browsed:
        opened.append((_start(chromium, path, **options), quiet))
        return opened[-1][0]

    yield start
    for found, quiet in opened:
        _finish(found, quiet)


@pytest.fixture(scope="session")
def mathematics(chromium, digit_page):
    """A page whose mathematics is asked about models that are not its own."""
    found = _start(chromium, digit_page)
    yield found.page
    _finish(found)


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
