"""A picture with a slider: whole in itself, one frame in sight, the slider chooses."""

import base64
import io
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tinyvae.teaching.frames import Slider

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOVED = """
<script>
const slider = document.querySelector("input");
slider.value = 2;
slider.dispatchEvent(new Event("input"));
const shown = [...document.querySelectorAll("img")].filter(i => i.style.display == "block");
const said = [document.querySelector("output").value, slider.getAttribute("aria-valuetext")];
document.title = said.concat(shown.map(i => i.alt)).join("; ");
</script>
"""
MOVED_SECOND = MOVED.replace('querySelector("input")', 'querySelectorAll("input")[1]')


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
    assert re.findall(r"<img[^>]*display: (\w+)", page) == ["block", "none", "none"]
    assert repr(slider) == "a slider with 3 frames: K < = 1; K < = 5; K < = 20"


def test_words_are_escaped_and_nothing_is_fetched(slider):
    page = slider._repr_html_()
    assert '<label style="display: block">K &lt; <input' in page
    assert "<output>K &lt; = 1</output>" in page
    assert "<input" in page
    assert page.count("<input") == page.count("data-lm-suppress-shortcuts")  # arrow keys in Lab
    assert not re.findall(r"https?:", page)


def show(page):
    arguments = ("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom")
    done = subprocess.run(
        [CHROMIUM, *arguments, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="there is no chromium (apt-get install chromium)"
)


@needs_chromium
def test_moving_the_slider_shows_another_frame(slider, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(slider._repr_html_() + MOVED, encoding="utf-8")
    assert "<title>K &lt; = 20; K &lt; = 20; K &lt; = 20</title>" in show(page)


def on_a_plane():
    def draw(figure, across, up):
        figure.subplots().plot(across, up, "o")
        return f"at {across} and {up}"

    return Slider(("a", "b"), ((1, 2), (3, 4, 5)), draw, start=(1, 0), figsize=(2, 1))


def test_two_sliders_have_a_frame_for_every_pair_and_words_of_its_own():
    both = on_a_plane()
    assert both.labels[:2] == ["a = 1, b = 3: at 1 and 3", "a = 1, b = 4: at 1 and 4"]
    assert len(both.frames) == len(set(both.labels)) == 6
    page = both._repr_html_()
    shown = re.findall(r'alt="([^"]*)" style="display: block', page)
    assert shown == ["a = 2, b = 3: at 2 and 3"]
    assert f"<output>{shown[0]}</output>" in page
    assert re.findall(r'max="(\d)" value="(\d)"', page) == [("1", "1"), ("2", "0")]


@needs_chromium
def test_each_of_two_sliders_moves_its_own_way(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(on_a_plane()._repr_html_() + MOVED_SECOND, encoding="utf-8")
    said = "a = 2, b = 5: at 2 and 5"
    assert f"<title>{said}; {said}; {said}</title>" in show(page)


def test_few_colors_make_small_files_and_the_same_picture():
    def draw(figure, value):
        ax = figure.subplots()
        ax.imshow(np.linspace(0, 1, 400).reshape(20, 20), cmap="gray")
        ax.plot(10, 10, "o", color="#D55E00", ms=4)

    few, many = (Slider("a", (0,), draw, figsize=(2, 2), colors=n).frames[0] for n in (32, 256))
    assert len(few) < len(many)
    a, b = (np.asarray(Image.open(io.BytesIO(f)).convert("RGB"), float) for f in (few, many))
    assert a.shape == b.shape == (160, 160, 3)
    assert abs(a - b).max() <= 48  # the small red dot, too
