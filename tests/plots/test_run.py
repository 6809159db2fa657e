"""A run's folder gets every picture that its data allow, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.data import DataSet
from tinyvae.errors import WriteError
from tinyvae.model.evaluation import evaluate
from tinyvae.plots import run, save_all
from tinyvae.training.history import History

ROWS = [{"epoch": 1.0, "train_elbo": -3.0, "train_reconstruction": 2.0, "train_kl": 1.0}]
NUMBERS = ["history", "kl", "latent"]
IMAGES = [
    "reconstructions",
    "samples",
    "scales",
    "grid",
    "grid-quantiles",
    "interpolations",
    "traversals",
]


def data_set(images, image_shape=(3, 4), rows=12, labelled=True):
    grey = (images * 255).astype(np.uint8)
    labels = np.arange(len(grey)) % 3
    return DataSet(
        "toy",
        grey[rows:],
        grey[:rows],
        labels[rows:] if labelled else None,
        labels[:rows] if labelled else None,
        image_shape,
    )


def test_every_picture_is_written_and_nothing_else(tmp_path, make_model, images):
    vae = make_model(3)
    before = vae.parameters.values.copy()
    paths = save_all(vae, data_set(images), History(ROWS), tmp_path / "runs" / "toy")
    assert [path.stem for path in paths] == NUMBERS + IMAGES
    assert sorted((tmp_path / "runs" / "toy").iterdir()) == sorted(paths)
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG")
    assert np.array_equal(vae.parameters.values, before)


@pytest.fixture
def names(monkeypatch, tmp_path):
    """Names of the pictures, drawn but not written."""

    def drawn(*arguments, **options):
        found = []
        monkeypatch.setattr(run, "save", lambda figure, path: found.append((path.stem, figure)))
        save_all(*arguments, tmp_path, **options)
        return dict(found)

    return drawn


def test_data_that_are_no_images_get_no_images(names, make_model, images):
    data = data_set(images, None, labelled=False)
    assert list(names(make_model(3), data, History(ROWS))) == NUMBERS


@pytest.mark.parametrize("history", [None, History()])
def test_without_epochs_there_are_no_curves(names, make_model, images, history):
    assert "history" not in names(make_model(1), data_set(images), history)


def test_a_test_set_of_one_row_spans_no_plane(names, make_model, images):
    found = names(make_model(3), data_set(images, rows=1), None)
    assert list(found) == ["kl", "reconstructions", "samples", "scales", "traversals"]


def test_bars_and_traversals_follow_the_evaluation(names, make_model, images):
    vae, data = make_model(3), data_set(images)
    evaluation = evaluate(vae, data.train)
    found = names(vae, data, None, evaluation=evaluation)
    order = np.argsort(-evaluation.kl_per_dimension)
    heights = [bar.get_height() for bar in found["kl"].axes[0].patches]
    assert heights == pytest.approx(evaluation.kl_per_dimension[order].tolist())
    rows = [text.get_text() for text in found["traversals"].axes[0].get_yticklabels()]
    assert rows == [f"z[{i}]" for i in order]
    assert f"{evaluation.active_units} of 3 active" in found["kl"].axes[0].get_title()


def test_a_folder_that_cannot_be_is_an_error_in_words(tmp_path, make_model, images):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        save_all(make_model(2), data_set(images), None, tmp_path / "file")
