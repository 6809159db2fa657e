"""The page's file: sources joined, data put in, and a policy that forbids every request.

Knows text and hashes; nothing of models.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

# The two forms of modules that the sources use; a test holds them to it.
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |let |class )", re.MULTILINE)
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_HTML, _STYLE, _MAIN, _WORKER = "page.html", "style.css", "main.js", "worker.js"


def source(name: str) -> str:
    """Return the text of one of the page's sources."""
    return files("tinyvae.explorer").joinpath("web", name).read_text(encoding="utf-8")


@cache
def join(entry: str) -> str:
    """Return a module and all it imports as one script, what is imported first.

    Every top-level name of the sources is unique, so that they can share one function's scope.
    """
    done: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        text = source(name)
        done[name] = ""  # before its imports: a circle ends here
        for match in _IMPORT.finditer(text):
            visit(match.group(1))
        del done[name]
        done[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    visit(entry)
    parts = [f"// {name}\n{text.strip()}" for name, text in done.items()]
    return '"use strict";\n(() => {\n' + "\n\n".join(parts) + "\n})();\n"


def build_page(title: str, content: dict[str, Any], *, run: str = "") -> str:
    """Return the whole page.

    Parameters
    ----------
    title : str
        Any text.
    content : dict
        Fit for JSON; the page's script finds it under ``packed``.
    run : str
        The name of the run, to stand small beneath the title.

    Returns
    -------
    str
        HTML that asks for nothing: no script, style, picture or font from elsewhere can load.
    """
    script, style = join(_MAIN), source(_STYLE)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "title": html.escape(title) + html.escape(f" ({run})" if run else ""),
        "heading": html.escape(title),
        "run": html.escape(f"Run: {run}" if run else ""),
        "policy": policy,
        "style": style,
        "packed": for_script(content),
        "worker": join(_WORKER),
        "script": script,
    }
    return _PLACE.sub(lambda match: parts[match.group(1)], source(_HTML))


def for_script(content: object) -> str:
    """Return JSON that no text in it can lead out of a script element."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    """Return a text's source expression in a Content-Security-Policy."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
