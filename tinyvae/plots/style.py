"""The look all pictures share: figures outside pyplot, tiles of images on one axes, saving.

Nothing here knows a model or touches pyplot's state, so pictures work without a display, leave the
reader's backend alone and are freed like any other object.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from tinyvae.checkpoint import replace_file
from tinyvae.data import read_batch
from tinyvae.data.pictures import square
from tinyvae.errors import ShapeError, check_option, check_path
from tinyvae.plots.arguments import check_model, refuse_objects, wrong_kind

if TYPE_CHECKING:
    from tinyvae.model.vae import VAE

Array = NDArray[Any]
ImageShape = Sequence[int] | None

DPI = 150
PAGE_WIDTH = 6.5
TILE = 0.6
LABELS = 0.7
# Petroff (2021), "Accessible Color Sequences for Data Visualization", the sequence of ten.
PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)


class Picture(Figure):
    """A figure that pyplot does not know and that a notebook shows when a cell ends with it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight")
        return buffer.getvalue()


def canvas(axes: Axes | None, width: float, height: float) -> Axes:
    """Return ``axes``, or the axes of a new figure of ``width`` by ``height`` inches."""
    if axes is not None:
        if not isinstance(axes, Axes):
            raise wrong_kind("axes", axes, "the axes of a figure, such as figure.axes[0]")
        return axes
    return Picture(figsize=(width, height), layout="constrained").add_subplot()


def figure_of(axes: Axes) -> Figure:
    """Return the whole figure that ``axes`` is part of, subfigures or not."""
    figure = axes.figure
    return figure if isinstance(figure, Figure) else figure.figure


def titled(axes: Axes, title: str) -> Figure:
    """Give ``axes`` a title, and return their figure: the last thing that most pictures do."""
    axes.set_title(title, fontsize="medium")
    return figure_of(axes)


def number(value: float, form: str = ".3g") -> str:
    """Return a value for a label, with the minus sign that matplotlib's own ticks have."""
    return f"{value + 0.0:{form}}".replace("-", "\N{MINUS SIGN}")


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure to a file, cut to what is drawn; the ending chooses the format.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What any of the plot functions returned.
    path : str or Path
        For example ``samples.png`` (150 dots an inch) or ``samples.pdf``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UsageError
        If ``figure`` or ``path`` is none.
    OptionError
        If the ending names no format that can be written.
    WriteError
        If the file cannot be written; what stood there before is then untouched.
    """
    if not isinstance(figure, Figure):
        raise wrong_kind("figure", figure, "a figure")
    check_path("path", path)
    path = Path(path)
    ending = path.suffix.lstrip(".").lower()
    check_option("ending of path", ending, sorted(FigureCanvasBase.filetypes))
    with replace_file(path) as file:
        figure.savefig(file, format=ending, dpi=DPI, bbox_inches="tight", pad_inches=0.05)
    return path


def check_image_shape(vae: VAE, image_shape: ImageShape) -> tuple[int, int]:
    """Return (height, width) of one row of data as an image; a square if none is given.

    Raises
    ------
    ShapeError
        If ``image_shape`` is not two positive numbers whose product is ``vae.input_dim``, or is
        None where ``vae.input_dim`` is no perfect square.
    """
    check_model(vae)
    if image_shape is None and (found := square(vae.input_dim)):
        return found
    shape = np.atleast_1d(np.asarray(() if image_shape is None else image_shape))
    sizes = shape.tolist() if shape.dtype.kind in "iu" else []
    if len(sizes) != 2 or min(sizes) < 1 or math.prod(sizes) != vae.input_dim:
        raise ShapeError(
            f"image_shape={image_shape!r} does not say how to draw the {vae.input_dim} values of "
            "a row as an image: give image_shape=(height, width) with height * width = "
            f"{vae.input_dim}, or leave out the pictures of images if the data are not images."
        )
    return sizes[0], sizes[1]


def check_images(argument: str, images: ArrayLike, vae: VAE, min_rows: int = 1) -> Array:
    """Return rows of data as floats the model takes, (n, input_dim).

    Raises
    ------
    DataError
        What ``read_batch`` raises.
    """
    check_model(vae)
    refuse_objects(argument, images, "an array of images, one a row")
    return read_batch(
        images,
        support=vae.support,
        dtype=vae.dtype,
        input_dim=vae.input_dim,
        argument=argument,
        min_rows=min_rows,
    )


def mosaic(tiles: Array, image_shape: tuple[int, int], gap: int) -> Array:
    """Lay ``tiles`` (rows, columns, height * width) out as one image, NaN for ``gap`` around each.

    Tile (row, column) fills rows ``row * (height + 2 * gap)`` and columns
    ``column * (width + 2 * gap)`` onwards; row 0 is the top one.
    """
    rows, columns = tiles.shape[:2]
    height, width = image_shape
    cells = np.full((rows, height + 2 * gap, columns, width + 2 * gap), np.nan, np.float32)
    inside = slice(gap, gap + height), slice(None), slice(gap, gap + width)
    cells[:, *inside] = tiles.reshape(rows, columns, height, width).swapaxes(1, 2)
    return cells.reshape(rows * (height + 2 * gap), columns * (width + 2 * gap))


def _grey_range(vae: VAE, tiles: Array) -> tuple[float, float]:
    """Return which values are white and black: 0 and 1, if that is where the values lie.

    Data under a Gaussian likelihood may lie anywhere; then white and black leave out one percent
    of the values at either end.
    """
    if not vae.likelihood.startswith("gaussian"):
        return 0.0, 1.0
    low, high = np.nanquantile(tiles, (0.01, 0.99))
    # Means of data in [0, 1] overshoot a little; grey paper is not the way to say so.
    return (0.0, 1.0) if low > -0.5 and 0.5 < high < 1.5 else (float(low), float(high))


def draw_tiles(
    vae: VAE, tiles: Array, image_shape: tuple[int, int], axes: Axes | None, gap: int = 1
) -> Axes:
    """Draw (rows, columns, input_dim) as images, dark for high values, tile centres at integers.

    Column 0 is on the left and row 0 on top.
    """
    rows, columns = tiles.shape[:2]
    ratio = image_shape[0] / image_shape[1]
    tile = min(TILE, (PAGE_WIDTH - LABELS) / columns)
    axes = canvas(axes, columns * tile + LABELS, rows * tile * ratio + LABELS)
    low, high = _grey_range(vae, tiles)
    axes.imshow(
        mosaic(tiles, image_shape, gap),
        cmap="gray_r",
        vmin=low,
        vmax=high,
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
        aspect=ratio,
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize="small")
    return axes
