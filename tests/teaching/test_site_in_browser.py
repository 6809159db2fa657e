"""The site in a browser that reaches no network: wide and narrow, light and dark.

Takes minutes, so it judges only a site that is built already:

    python -m docs && TINYVAE_SITE=site pytest tests/teaching/test_site_in_browser.py
"""

import os
import re
from importlib.util import find_spec

import pytest
from browsing import ARGUMENTS, CHROMIUM, skip_or_fail

pytestmark = pytest.mark.skipif(
    "TINYVAE_SITE" not in os.environ, reason="TINYVAE_SITE names no site (python -m docs)"
)
PAGES = [
    "index.html",
    "tutorials.html",
    "glossary.html",
    "howto/own-data.html",
    "00-your-first-vae.html",
    "05-the-kl-term.html",
    "13-a-tighter-bound.html",
    "gradients/checkers.html",
    "reference/index.html",
    "reference/tinyvae.ops.reference.html",
    "reference/tinyvae.model.vae.html",
    "vae_in_one_page.html",
    "_modules/tinyvae/ops/reference.html",
]
# One of each kind.
JUDGED = [
    "index.html",
    "glossary.html",
    "00-your-first-vae.html",
    "13-a-tighter-bound.html",
    "reference/tinyvae.model.vae.html",
    "_modules/tinyvae/ops/matmul_ladder.html",
]
# What reaches beyond the screen and stands in nothing that scrolls.
BEYOND = """() => {
  const found = [];
  for (const e of document.querySelectorAll('main *')) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || box.right <= innerWidth + 1) continue;
    let up = e.parentElement;
    while (up && !/auto|scroll/.test(getComputedStyle(up).overflowX)) up = up.parentElement;
    if (!up || up === document.body || up === document.documentElement)
      found.push(e.outerHTML.slice(0, 200));
  }
  return found;
}"""
# The frames of a slider that are in sight, and their words.
SHOWN = """e => [...e.closest('div').querySelectorAll('img')]
  .filter(i => i.style.display == 'block')
  .map(i => [i.alt, i.src, i.naturalWidth > 0 && i.getBoundingClientRect().width > 0])"""
# Axe may not fetch style sheets of pages opened as files.
PLAIN = {"preload": False}
# A backslash with letters, or dollars around something, outside what is code.
TEX = r"\\(?:frac|mathrm|text|log|mu|sum|tag|begin|sigma|partial|big|,)|\$[^$\n]{1,80}\$"


@pytest.fixture(scope="module")
def chromium():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("playwright is not installed")
    if CHROMIUM is None:
        skip_or_fail("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")])
def page(request, chromium):
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_offline(True)
    page = context.new_page()
    wrong, far = [], []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: far.append(request.url))
    yield page
    context.close()
    assert wrong == []
    assert [url for url in far if not url.startswith(("file:", "data:"))] == []


def test_pages_fit_the_screen_and_show_no_tex(site, page):
    for name in PAGES:
        page.goto((site / name).as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (name, wide)
        assert page.evaluate(BEYOND) == [], name
        text = page.evaluate(
            "() => { const all = document.querySelector('article').cloneNode(true);"
            " all.querySelectorAll('pre, code').forEach(e => e.remove()); return all.textContent; }"
        )
        assert re.findall(TEX, text) == [], name


def test_formulas_have_a_size_and_equations_a_place(site, page):
    page.goto((site / "05-the-kl-term.html").as_uri() + "#equation-5.2")
    boxes = page.evaluate(
        "() => [...document.querySelectorAll('.equation math')].map(e => {"
        " const b = e.getBoundingClientRect(); return [b.width, b.height]; })"
    )
    assert len(boxes) >= 17
    assert all(width > 20 and 10 < height < 400 for width, height in boxes)
    place = page.locator("[id='equation-5.2']").bounding_box()
    assert 0 < place["y"] < 900


def test_the_search_finds_a_word_and_says_where(site, page):
    page.goto((site / "search.html").as_uri() + "?q=reparameterization")
    found = page.locator("#search-results a")
    found.first.wait_for(timeout=20_000)
    page.wait_for_function("document.querySelectorAll('#search-results a').length > 3")
    assert "04-the-reparameterization-trick.html" in " ".join(
        link.get_attribute("href") for link in found.all()
    )


def test_an_answer_shows_when_it_is_asked_for(site, page):
    page.goto((site / "13-a-tighter-bound.html").as_uri())
    folds = page.locator("details.hide")
    assert folds.count() >= 5
    answer = folds.first.locator(".cell_output, .output").first
    assert not answer.is_visible()
    folds.first.locator("summary").click()
    assert answer.is_visible()


def test_every_slider_moves_by_the_keyboard_and_shows_another_picture(site, page):
    lessons = set()
    for lesson in sorted(site.glob("[0-9][0-9]-*.html")):
        if 'type="range"' not in lesson.read_text(encoding="utf-8"):
            continue
        page.goto(lesson.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(e => {e.open = true})")
        for slider in page.locator(".cell_output input[type=range]").all():
            ((words, picture, visible),) = slider.evaluate(SHOWN)
            assert visible
            slider.press("ArrowRight")
            ((other_words, other_picture, visible),) = slider.evaluate(SHOWN)
            assert visible
            assert other_words != words
            assert other_picture != picture
            assert slider.get_attribute("aria-valuetext") in (other_words, None)
            lessons.add(lesson.name[:2])
    assert lessons >= {"00", "01", "04", "05", "06", "07", "13"}


def test_previous_next_and_contents_are_there(site, page):
    page.goto((site / "05-the-kl-term.html").as_uri())
    assert page.locator("a.left-prev").get_attribute("href") == (
        "04-the-reparameterization-trick.html"
    )
    assert page.locator("a.right-next").get_attribute("href") == "06-likelihoods.html"
    contents = "nav.page-toc a, .bd-toc-nav a, #pst-page-toc-nav a"
    assert page.locator(contents).count() > 10


def test_nothing_serious_stands_in_the_way_of_those_who_cannot_see(site, page):
    if find_spec("axe_playwright_python") is None:
        skip_or_fail("axe-core is not installed (pip install 'tinyvae[test]')")
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for name in JUDGED:
        page.goto((site / name).as_uri())
        for wrong in Axe().run(page, options=PLAIN).response["violations"]:
            if wrong["impact"] in ("serious", "critical"):
                nodes = [node["html"][:160] for node in wrong["nodes"][:3]]
                found.append((name, wrong["id"], len(wrong["nodes"]), nodes))
    assert found == []
