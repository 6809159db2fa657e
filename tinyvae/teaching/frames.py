"""A picture that a reader moves without a kernel: its frames are drawn once and kept in the output.

Used by the notebooks only.  A few lines of script in the output itself show one frame at a time, so
that it works in Jupyter, on a page and from a file, and asks nothing of any network.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SCRIPT = (
    "const all = this.closest('div').querySelectorAll('img');"
    "all.forEach((frame, i) => {frame.style.display = i == this.value ? 'block' : 'none'});"
    "this.nextElementSibling.value = all[this.value].alt;"
)


class Slider:
    """Frames of one picture, one for each value, and a slider that chooses among them.

    Parameters
    ----------
    name : str
        What the slider changes.
    values : sequence
        One frame each.
    draw : callable
        ``draw(figure, value)`` draws one frame on an empty figure.
    figsize : (float, float)
        Of every frame, in inches.
    dpi : int
    """

    def __init__(
        self,
        name: str,
        values: Sequence[Any],
        draw: Callable[[Figure, Any], None],
        *,
        figsize: tuple[float, float] = (8.0, 3.0),
        dpi: int = 80,
    ) -> None:
        self.name = name
        self.labels = [f"{name} = {value}" for value in values]
        self.frames = []
        for value in values:
            figure = Figure(figsize=figsize, dpi=dpi, layout="constrained")
            FigureCanvasAgg(figure)
            draw(figure, value)
            written = io.BytesIO()
            figure.savefig(written, format="png")
            self.frames.append(written.getvalue())

    def __repr__(self) -> str:
        return f"a slider: {', '.join(self.labels)}"

    def _repr_html_(self) -> str:
        images = "".join(
            f'<img src="data:image/png;base64,{base64.b64encode(frame).decode()}" '
            f'alt="{html.escape(label)}" style="display: {"none" if i else "block"}; '
            'max-width: 100%">'
            for i, (frame, label) in enumerate(zip(self.frames, self.labels, strict=True))
        )
        first, name = html.escape(self.labels[0]), html.escape(self.name)
        return (
            f'<div><input type="range" min="0" max="{len(self.frames) - 1}" value="0" '
            f'aria-label="{name}" style="width: 60%" oninput="{SCRIPT}"> '
            f"<output>{first}</output>{images}</div>"
        )
