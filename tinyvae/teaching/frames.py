"""A picture that a reader moves without a kernel: its frames are drawn once and kept in the output.

Used by the notebooks only.  A few lines of script in the output itself show one frame at a time, so
that it works in Jupyter, on a page and from a file, and asks nothing of any network.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

SCRIPT = (
    "const room = this.closest('div'), all = room.querySelectorAll('img');"
    "let chosen = 0;"
    "room.querySelectorAll('input').forEach(s => {chosen += s.value * s.dataset.stride});"
    "all.forEach((frame, i) => {frame.style.display = i == chosen ? 'block' : 'none'});"
    "this.setAttribute('aria-valuetext', all[chosen].alt);"
    "room.querySelector('output').value = all[chosen].alt;"
)
# JupyterLab takes the arrow keys for itself unless an element says data-lm-suppress-shortcuts.
INPUT = (
    '<label style="display: block">{name} <input type="range" min="0" max="{last}" value="{value}" '
    'data-stride="{stride}" aria-valuetext="{label}" data-lm-suppress-shortcuts="true" '
    'style="width: 60%; touch-action: pan-y" oninput="{script}"></label>'
)
FRAME = (
    '<img src="data:image/png;base64,{data}" alt="{label}" '
    'style="display: {display}; max-width: 100%">'
)


class Slider:
    """Frames of one picture, and one or more sliders that choose among them.

    Parameters
    ----------
    name : str, or tuple of str
        What the slider changes; several names make several sliders.
    values : sequence, or tuple of sequences
        The places of each slider; there is a frame for every combination.
    draw : callable
        ``draw(figure, *values)`` draws one frame on an empty figure.  If it returns words, they
        stand beside the slider and are what a screen reader says of the frame.
    start : int, or tuple of int
        The place of each slider at first.
    figsize : (float, float)
        Of every frame, in inches.
    dpi : int
    colors : int
        Of every frame, at most 256; few of them make small files.
    """

    def __init__(
        self,
        name: str | tuple[str, ...],
        values: Sequence[Any],
        draw: Callable[..., str | None],
        *,
        start: int | tuple[int, ...] = 0,
        figsize: tuple[float, float] = (8.0, 3.0),
        dpi: int = 80,
        colors: int = 64,
    ) -> None:
        self.names = (name,) if isinstance(name, str) else name
        places = (values,) if isinstance(name, str) else values
        self.sizes = tuple(len(along) for along in places)
        self.start = (start,) * len(self.names) if isinstance(start, int) else start
        self.labels, self.frames = [], []
        for chosen in product(*places):
            figure = Figure(figsize=figsize, dpi=dpi, layout="constrained")
            FigureCanvasAgg(figure)
            words = draw(figure, *chosen)
            said = ", ".join(f"{n} = {v}" for n, v in zip(self.names, chosen, strict=True))
            self.labels.append(f"{said}: {words}" if words else said)
            self.frames.append(_png(figure, colors))

    @property
    def strides(self) -> tuple[int, ...]:
        """By how many frames one place of each slider moves."""
        return tuple(prod(self.sizes[i + 1 :]) for i in range(len(self.sizes)))

    def __repr__(self) -> str:
        few = self.labels if len(self.labels) <= 12 else [self.labels[0], "...", self.labels[-1]]
        return f"a slider with {len(self.labels)} frames: {'; '.join(few)}"

    def _repr_html_(self) -> str:
        first = sum(i * stride for i, stride in zip(self.start, self.strides, strict=True))
        labels = [html.escape(label) for label in self.labels]
        inputs = "".join(
            INPUT.format(
                name=html.escape(name),
                last=size - 1,
                value=place,
                stride=stride,
                label=labels[first],
                script=SCRIPT,
            )
            for name, size, place, stride in zip(
                self.names, self.sizes, self.start, self.strides, strict=True
            )
        )
        images = "".join(
            FRAME.format(
                data=base64.b64encode(frame).decode(),
                label=label,
                display="block" if i == first else "none",
            )
            for i, (frame, label) in enumerate(zip(self.frames, labels, strict=True))
        )
        return f"<div>{inputs}<output>{labels[first]}</output>{images}</div>"


def _png(figure: Figure, colors: int) -> bytes:
    """Return a figure as a PNG of few colours."""
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png")
    with Image.open(full) as picture:
        # The default method spends its colours on what is frequent, and turns a red dot grey.
        few = picture.convert("RGB").quantize(
            colors, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
    few.save(small, format="png", optimize=True)
    return small.getvalue()
