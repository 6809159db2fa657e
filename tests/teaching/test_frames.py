"""A picture with a slider: whole in itself, one frame in sight, the slider chooses."""

import base64
import re
import shutil
import subprocess

import pytest

from tinyvae.teaching.frames import Slider

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOVED = """
<script>
const slider = document.querySelector("input");
slider.value = 2;
slider.dispatchEvent(new Event("input"));
const shown = [...document.querySelectorAll("img")].filter(i => i.style.display == "block");
document.title = slider.nextElementSibling.value + "; " + shown.map(i => i.alt).join();
</script>
"""


@pytest.fixture(scope="module")
def slider():
    drawn = []

    def draw(figure, value):
        drawn.append(value)
        figure.subplots().plot([0, value])

    found = Slider("K <", (1, 5, 20), draw, figsize=(2, 1))
    assert drawn == [1, 5, 20]
    return found


def test_every_value_has_a_picture_of_its_own_and_the_first_is_shown(slider):
    page = slider._repr_html_()
    pictures = [
        base64.b64decode(found) for found in re.findall(r"data:image/png;base64,([^\"]+)", page)
    ]
    assert pictures == slider.frames
    assert len(set(pictures)) == 3
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert re.findall(r"display: (\w+)", page) == ["block", "none", "none"]
    assert repr(slider) == "a slider: K < = 1, K < = 5, K < = 20"


def test_words_are_escaped_and_nothing_is_fetched(slider):
    page = slider._repr_html_()
    assert 'aria-label="K &lt;"' in page
    assert "<output>K &lt; = 1</output>" in page
    assert not re.findall(r"https?:", page)


@pytest.mark.skipif(not CHROMIUM, reason="there is no chromium (apt-get install chromium)")
def test_moving_the_slider_shows_another_frame(slider, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(slider._repr_html_() + MOVED, encoding="utf-8")
    arguments = ("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom")
    found = subprocess.run(
        [CHROMIUM, *arguments, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "<title>K &lt; = 20; K &lt; = 20</title>" in found.stdout
