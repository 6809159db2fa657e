"""A browser that reaches no network, and the page in it: what it shows, said and asked for.

Where something is missing, tests are skipped with a word. With TINYVAE_NEED_BROWSER set they fail
instead, so that a machine meant to run them cannot forget; with TINYVAE_NEED_NODE, so do the type
checker's and the linter's.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NEEDED = "TINYVAE_NEED_BROWSER"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# No name resolves, and nothing is asked for in the background; root has no sandbox.
ARGUMENTS = [
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-sandbox",
    "--disable-background-networking",
]


def skip_or_fail(word: str, needed: str = NEEDED) -> None:
    """Skip the test, unless this machine promised to run it."""
    if os.environ.get(needed):
        pytest.fail(f"{word}, but {needed} is set")
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

    def begin_anew(self) -> None:
        """Bring a page that other tests used back to its first example."""
        self.page.mouse.move(2, 2)
        self.page.check("#centre")
        self.page.click("#examples button:first-child")

    def canvas(self, element: str) -> str:
        return self.page.evaluate(f"document.getElementById('{element}').toDataURL()")


def start(chromium, path, *, tour=False, **options) -> Browsed:
    # Without smooth scrolling, for which every click would wait.
    usual = {"viewport": {"width": 1600, "height": 1000}, "reduced_motion": "reduce"}
    options = usual | options
    context = chromium.new_context(**options)
    context.set_offline(True)
    context.set_default_timeout(20_000)
    found = Browsed(context.new_page())
    found.page.on("console", lambda message: found.console.append(message.text))
    found.page.on("pageerror", lambda error: found.console.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(Path(path).resolve().as_uri())
    found.page.wait_for_function("() => window.tinyvae && tinyvae.app.weighed")
    if not tour and found.page.locator("#tour-skip").is_visible():
        found.page.click("#tour-skip")
    return found


def finish(found: Browsed, quiet: bool = True) -> None:
    found.page.context.close()
    if not quiet:
        return
    assert found.console == []
    assert [r for r in found.requests[1:] if not r.startswith("blob:")] == []
    assert found.requests[0].startswith("file:")
