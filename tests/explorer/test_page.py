"""The file: sources joined, data put in, nothing that could lead out of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from browsing import skip_or_fail
from hypothesis import given
from hypothesis import strategies as st

from tinyvae.explorer.page import build_page, for_script, join, source
from tinyvae.ops.reference import LIKELIHOODS
from tinyvae.teaching.notebooks import notebooks

SOURCES = sorted(path.name for path in files("tinyvae.explorer").joinpath("web").iterdir())
SCRIPTS = [name for name in SOURCES if name.endswith(".js")]
TOP_LEVEL = re.compile(
    r"^(?:export )?(?:async )?(?:function|const|let|class) \{?(\w+)", re.MULTILINE
)


def test_every_script_is_in_the_page_or_in_its_worker():
    joined = join("main.js") + join("worker.js")
    assert all(f"// {name}\n" in joined for name in SCRIPTS)
    assert "import {" not in joined
    assert not re.search(r"^export ", joined, re.MULTILINE)


@pytest.mark.parametrize("entry", ["main.js", "worker.js"])
def test_what_is_imported_stands_before_and_no_name_twice(entry):
    joined = join(entry)
    names = TOP_LEVEL.findall(joined)
    assert len(names) == len(set(names))
    for name in SCRIPTS:
        for other in re.findall(r'from "\./([\w-]+\.js)"', source(name)):
            if f"// {name}\n" in joined:
                assert joined.index(f"// {other}\n") < joined.index(f"// {name}\n")


@pytest.mark.parametrize("name", SOURCES)
def test_sources_cannot_end_their_element_and_name_no_address(name):
    text = source(name)
    if name != "page.html":
        assert "</script" not in text.lower()
        assert "</style" not in text.lower()
        assert "<!--" not in text
    assert not re.search(r"https?://|//cdn|@import|url\(", text)


class Elements(HTMLParser):
    """Collects elements, and the text in scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.title = ""
        self._inside = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "title":
            self.title += data

    def handle_endtag(self, tag):
        self._inside = ""


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "{{script}}", "\u2028&lt;"])
def test_no_text_leads_out_of_the_json(text):
    packed = for_script({text: [text]})
    assert not set("<>&\u2028") & set(packed)
    assert json.loads(packed) == {text: [text]}


@given(st.text())
def test_any_text_comes_back_from_the_json(text):
    packed = for_script(text)
    assert packed.isascii()
    assert not set("<>&") & set(packed)
    assert json.loads(packed) == text


@pytest.mark.parametrize("evil", ['</title><script>alert("1")</script>', "{{script}}", "a & b"])
def test_a_title_is_text(evil):
    parser = Elements()
    parser.feed(build_page(evil, {"labels": [evil]}))
    assert parser.title == evil
    assert parser.tags.count("script") == 3
    assert json.loads(parser.scripts[0]) == {"labels": [evil]}
    parser = Elements()
    parser.feed(build_page(evil, {}, run=evil))
    assert parser.title == f"{evil} ({evil})"
    assert parser.tags.count("script") == 3


def test_numbers_that_json_has_not_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        for_script(float("nan"))


def test_equations_named_on_the_page_stand_in_the_tutorials():
    named = re.findall(r'"(\d\d-[\w-]+)", "\((\d+\.\d+)\)"', source("understand.js"))
    by_likelihood = re.findall(r'(\w+): "\((6\.\d+)\)"', source("understand.js"))
    named += [("06-likelihoods", equation) for _, equation in by_likelihood]
    assert set(dict(by_likelihood)) == set(LIKELIHOODS)
    assert len(named) >= 10
    for page, equation in named:
        notebook = next(path for path in notebooks() if path.stem == page)
        assert f"\\\\tag{{{equation}}}" in notebook.read_text(encoding="utf-8"), (page, equation)


HERE = Path(__file__).parent
WEB = Path(str(files("tinyvae.explorer").joinpath("web")))


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("tsc", ["-p", HERE / "tsconfig.json"]),
        ("eslint", ["--config", HERE / "eslint.config.mjs", WEB]),
    ],
    ids=["tsc", "eslint"],
)
def test_javascript_passes_the_type_checker_and_the_linter(tool, options):
    found = shutil.which(tool)
    if found is None or shutil.which("node") is None:
        skip_or_fail(
            f"there is no {tool}: npm install typescript eslint, as .ci/run does",
            "TINYVAE_NEED_NODE",
        )
    done = subprocess.run(
        [found, *options], capture_output=True, text=True, check=False, cwd=HERE.parent.parent
    )
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr
