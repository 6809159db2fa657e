"""The site: every page is there, every link leads somewhere, and nothing comes from afar."""

import html
import json
import re
from urllib.parse import unquote

import pytest

from tinyvae.errors import UsageError, WriteError
from tinyvae.teaching.notebooks import notebooks
from tinyvae.teaching.site import build_site
from tinyvae.teaching.site.building import _stage as stage
from tinyvae.teaching.site.equations import linked as with_links
from tinyvae.teaching.site.formulas import displayed, inline
from tinyvae.teaching.site.lessons import functions_of_equations, linked, mentioned, shown

HREF = re.compile(r'<[a-z]+\b[^<>]*?\s(?:href|src)="([^"#:?]*)(?:#([^"]*))?"')  # in tags only
FAR = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?//')
LESSONS = [path.stem for path in notebooks() if path.suffix == ".ipynb"]


@pytest.fixture(scope="module")
def pages(site):
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_there_is_a_page_for_every_notebook_and_what_else_a_reader_needs(site):
    names = {path.stem for path in site.glob("*.html")}
    assert names >= {"index", "tutorials", "explore", "glossary", "search", "vae_in_one_page"}
    assert names >= set(LESSONS)
    assert (site / "reference" / "tinyvae.ops.reference.html").is_file()


def test_every_link_leads_to_a_page_and_a_place_in_it(site, pages):
    places = {p: set(re.findall(r'\bid="([^"]*)"', text)) for p, text in pages.items()}
    followed = 0
    for path, text in pages.items():
        if path.name == "explore.html":
            continue
        for target, place in set(HREF.findall(text)):
            found = (path.parent / target).resolve() if target else path
            assert found.exists(), f"{path.name} links to {target}"
            if place and found in places:
                assert unquote(html.unescape(place)) in places[found], f"{target}#{place}"
            followed += 1
    assert followed > 10_000


def test_nothing_is_asked_of_a_network(pages):
    for path, text in pages.items():
        assert not FAR.search(text), path.name


def test_types_in_signatures_have_the_names_of_the_code(pages):
    assert "ForwardRef" not in "".join(text for p, text in pages.items() if "reference" in p.parts)


def test_a_lesson_leads_to_its_functions_and_they_lead_back(site):
    lesson = (site / "05-the-kl-term.html").read_text(encoding="utf-8")
    there = "reference/tinyvae.ops.reference.html#tinyvae.ops.reference.kl_backward"
    assert lesson.count(f'href="{there}"') >= 2  # in the text, and in the list of equations
    reference = (site / "reference" / "tinyvae.ops.reference.html").read_text(encoding="utf-8")
    assert 'href="../05-the-kl-term.html#equation-5.7"' in reference
    assert 'href="../_modules/tinyvae/ops/reference.html#kl_backward"' in reference


def test_every_equation_has_one_place_and_every_function_names_one_that_is_there(site):
    there = {}
    for lesson in LESSONS:
        text = (site / f"{lesson}.html").read_text(encoding="utf-8")
        for number in re.findall(r'id="equation-([\d.]+)"', text):
            assert there.setdefault(number, lesson) == lesson
            assert text.count(f'id="equation-{number}"') == 1
    named = functions_of_equations()
    assert set(named) <= set(there)
    assert len(named) > 60
    assert len(there) > 200


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
    seen = 0
    for path in notebooks():
        if path.suffix != ".ipynb":
            continue
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        opened = re.sub(r"<details\b.*?</details>", "", text, flags=re.DOTALL)
        for cell in cells:
            if "hide-output" not in cell["metadata"].get("tags", []):
                continue
            source = "".join(cell["source"])
            printed = "".join("".join(out["text"]) for out in cell["outputs"] if "text" in out)
            lines = [line.strip() for line in printed.splitlines()]
            lines = [line for line in lines if len(line) > 20 and line not in source]
            for line in (html.escape(line, quote=False) for line in lines):
                plain = line.replace("'", "&#39;").replace('"', "&quot;")
                assert line in text or plain in text
                assert line not in opened
                assert plain not in opened
                seen += 1
    assert seen > 20


def test_pages_bring_their_pictures_and_answers(site):
    text = (site / "04-the-reparameterization-trick.html").read_text(encoding="utf-8")
    pictures = re.findall(r'<img[^>]*src="(_images/[^"]+\.png)"', text)
    assert len(pictures) >= 5
    assert "<details" in text


def test_the_first_page_lists_what_there_is(tmp_path):
    stage(tmp_path, False, None)
    text = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert "\ntutorials\nglossary\nreference/index\n" in text
    assert "explore.html" not in text
    assert not re.search(r"^(MORE|LIVE|PAGES)$", text, flags=re.MULTILINE)


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tinyvae.teaching.site.building.NEEDED", ("sphinx", "no_such_theme"))
    with pytest.raises(UsageError, match=r"not installed: .*no_such_theme.* 'tinyvae\[docs\]'"):
        build_site(tmp_path / "new")


def test_nothing_is_overwritten(site):
    with pytest.raises(WriteError, match="exists already"):
        build_site(site)


def test_a_formula_is_mathml_and_its_number_a_place():
    pytest.importorskip("latex2mathml", reason="formulas need the extra 'docs'")
    text = displayed(r"a = b^2. \tag{5.2}")
    assert "<math" in text
    assert text.count("5.2") == 3  # the place, the way there, and what is shown
    assert 'id="equation-5.2" href="#equation-5.2">(5.2)</a>' in text
    assert 'display="block"' in text
    assert 'display="inline"' in inline(r"\mu")
    assert "\\" not in inline(r"\mu")


def test_a_docstring_links_what_it_names_after_the_word_tutorial():
    lines = with_links(["See (1.1).", "Tutorial 06, equations (6.1) and", "(6.5)."])
    assert lines[0] == "See (1.1)."
    assert lines[1] == "Tutorial :doc:`06 </06-likelihoods>`, equations :equation:`6.1` and"
    assert lines[2] == ":equation:`6.5`."
    assert with_links(["Burda (2016), equation (8.1)"]) == ["Burda (2016), equation (8.1)"]


@pytest.mark.parametrize(
    ("name", "file", "target"),
    [
        ("tinyvae.model.adam.Adam", "model/adam.py", "tinyvae.model.adam.Adam"),
        ("tinyvae.model.vae.VAE.loss", "model/vae.py", "tinyvae.model.vae.VAE.loss"),
        ("tinyvae.ops.tiles._product", "ops/tiles.py", "tinyvae.ops.tiles"),
        ("tiles.py", "ops/tiles.py", "tinyvae.ops.tiles"),
    ],
)
def test_a_link_to_a_file_leads_to_the_function_or_its_module(name, file, target):
    assert linked(f"[`{name}`](../tinyvae/{file})") == f"{{py:obj}}`{name} <{target}>`"


def test_a_number_in_prose_is_a_link_where_there_is_such_an_equation():
    assert mentioned("By (5.2) and (99.1),") == "By {equation}`5.2` and (99.1),"
    for kept in ("# On (5.2)", "`(5.2)`", "$(5.2)$", "[see (5.2)](a.md)", "```\n(5.2)\n```"):
        assert mentioned(kept) == kept


def test_what_needs_a_network_is_left_out():
    far = '<link rel="stylesheet" href="https://far.org/a.css"><script src="//far.org/a"></script>b'
    data = {"text/html": [far], "text/plain": "b"}
    assert shown({"data": data})["data"] == {"text/html": "b", "text/plain": "b"}
    assert shown({"text": "a"}) == {"text": "a"}


def test_no_lesson_holds_what_only_a_kernel_moves():
    for lesson in notebooks()[1:]:
        assert "application/vnd.jupyter.widget" not in lesson.read_text(encoding="utf-8"), lesson
