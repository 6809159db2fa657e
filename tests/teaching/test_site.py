"""The site of the tutorials: every page is there, and every link leads somewhere."""

import html
import json
import re
from urllib.parse import unquote

import pytest

from tinyvae.errors import WriteError
from tinyvae.explorer.live import write_live_page
from tinyvae.teaching.notebooks import notebooks
from tinyvae.teaching.site import build_site

pytest.importorskip("nbconvert", reason="the site needs the extra 'tutorials'")

HREF = re.compile(r'href="([^"#:]*)(?:#([^"]*))?"')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    def live(path):
        return write_live_page(path, epochs=2)

    return build_site(tmp_path_factory.mktemp("built") / "site", live=live).parent


def test_there_is_a_page_for_every_notebook_and_an_index(site):
    pages = {path.stem for path in site.glob("*.html")}
    assert pages == {
        "index",
        "explore",
        "vae_in_one_page",
        *(p.stem for p in notebooks() if p.suffix == ".ipynb"),
    }


def test_every_link_leads_to_a_page_and_a_place_in_it(site):
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    followed = 0
    for path, text in pages.items():
        for target, place in HREF.findall(text):
            if not target or "://" in target:
                continue
            page = (path.parent / target).resolve()
            assert page in pages, f"{path.name} links to {target}"
            assert not place or f'id="{unquote(place)}"' in pages[page], f"{target}#{place}"
            followed += 1
    assert followed > 100


def test_a_link_to_a_function_leads_to_its_line(site):
    text = (site / "05-the-kl-term.html").read_text(encoding="utf-8")
    line = re.search(
        r"source/tinyvae\.ops\.reference\.html#line-(\d+)\"><code>[^<]*kl_backward", text
    )
    source = (site / "source" / "tinyvae.ops.reference.html").read_text(encoding="utf-8")
    here = source[source.index(f'id="line-{line.group(1)}"') :][:400]
    assert "kl_backward" in re.sub(r"<[^>]+>", "", here).splitlines()[0]
    named = re.findall(
        r"#line-(\d+)\"><code>tinyvae\.", "".join(p.read_text() for p in site.glob("*.html"))
    )
    assert len(named) > 50
    assert "1" not in named  # where a name is not found


def test_every_equation_that_the_live_page_names_is_a_place_on_the_site(site):
    live = (site / "explore.html").read_text(encoding="utf-8")
    assert '"tutorials":"./"' in live
    assert 'href="explore.html"' in (site / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'"(\d\d-[\w-]+)", "\((\d+\.\d+)\)"', live))
    named |= {("06-likelihoods", n) for n in re.findall(r'\w+: "\((6\.\d+)\)"', live)}
    assert len(named) >= 10
    for page, equation in named:
        text = (site / f"{page}.html").read_text(encoding="utf-8")
        assert text.count(f'id="equation-{equation}"') == 1, (page, equation)


def test_outputs_that_answer_a_question_are_folded(site):
    for path in notebooks():
        if path.suffix != ".ipynb":
            continue
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        asked = [cell for cell in cells if "hide-output" in cell["metadata"].get("tags", [])]
        text = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        folds = re.findall(r"<details><summary>What comes out</summary>", text)
        assert len(folds) == len(asked)
        assert text.count("<details>") == text.count("</details>")
    assert asked  # the last notebook has some
    opened = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    for cell in asked:
        source = "".join(cell["source"])
        printed = "".join("".join(out["text"]) for out in cell["outputs"] if "text" in out)
        lines = [line for line in printed.splitlines() if len(line) > 20 and line not in source]
        for line in (html.escape(line, quote=False) for line in lines):
            assert line in text
            assert line not in opened


def test_pages_bring_their_pictures_and_answers(site):
    text = (site / "04-the-reparameterization-trick.html").read_text(encoding="utf-8")
    assert "data:image/png;base64" in text
    assert "<details>" in text
    assert "(4.1)" in text or r"\tag{4.1}" in text


def test_nothing_is_overwritten(site):
    with pytest.raises(WriteError, match="exists already"):
        build_site(site)
