"""What the tests of the pictures share: small models, data, and a tile cut out of a picture."""

from __future__ import annotations

import numpy as np
import pytest

SHAPE = (3, 4)


@pytest.fixture
def shape():
    return SHAPE


@pytest.fixture
def make_model(make_vae):
    """A model of images of 3 by 4 pixels, spread out enough that no two tiles look alike."""

    def build(latent_dim=2, **options):
        return make_vae(12, (7,), latent_dim, nudge=0.8, **options)

    return build


@pytest.fixture
def images():
    return (np.random.default_rng(8).random((40, 12)) > 0.5).astype(np.float64)


@pytest.fixture
def tile():
    """Return the tile (row, column) of a picture as a flat row, and check that a gap is blank."""

    def cut(figure, row, column, gap=1, axes=0):
        (picture,) = figure.axes[axes].images
        height, width = SHAPE
        top, left = row * (height + 2 * gap), column * (width + 2 * gap)
        cell = np.ma.getdata(picture.get_array())[
            top : top + height + 2 * gap, left : left + width + 2 * gap
        ]
        inside = cell[gap : gap + height, gap : gap + width]
        assert np.isnan(cell).sum() - np.isnan(inside).sum() == cell.size - inside.size
        return inside.ravel()

    return cut
