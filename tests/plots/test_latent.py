"""Points lie where mu is, or where the eigenvectors of its covariance put it."""

from __future__ import annotations

import numpy as np
import pytest

from tinyvae.errors import DTypeError, EmptyDataError, ShapeError
from tinyvae.plots import plot_latent
from tinyvae.plots.latent import principal_plane, spread


def points(figure):
    return np.concatenate([np.asarray(c.get_offsets()) for c in figure.axes[0].collections])


def test_two_dimensions_are_drawn_as_they_are(make_model, images):
    vae = make_model(2)
    figure = plot_latent(vae, images)
    assert np.allclose(points(figure), vae.encode(images)[0])
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("mu[0]", "mu[1]")
    assert axes.get_aspect() == 1
    assert axes.get_legend() is None


def test_one_dimension_is_drawn_against_its_standard_deviation(make_model, images):
    vae = make_model(1)
    mu, logvar = vae.encode(images)
    assert np.allclose(points(plot_latent(vae, images)), np.c_[mu, np.sqrt(np.exp(logvar))])


def test_more_dimensions_are_drawn_on_the_eigenvectors_of_the_covariance(make_model, images):
    vae = make_model(4)
    mu = vae.encode(images)[0]
    values, vectors = np.linalg.eigh(np.cov(mu.T, bias=True))
    figure = plot_latent(vae, images)
    for axis, column in enumerate((-1, -2)):
        vector = vectors[:, column] * np.sign(vectors[np.abs(vectors[:, column]).argmax(), column])
        assert np.allclose(points(figure)[:, axis], (mu - mu.mean(0)) @ vector)
        share = f"principal component {axis + 1}\nof mu ({values[column] / values.sum():.0%} of"
        name = figure.axes[0].get_xlabel() if axis == 0 else figure.axes[0].get_ylabel()
        assert name.startswith(share)


def test_the_plane_has_unit_directions_and_the_deviations_along_them(rng):
    mu = rng.standard_normal((500, 3)) * [0.2, 3.0, 1.0] + 5.0
    plane = principal_plane(mu)
    assert np.allclose(plane.directions @ plane.directions.T, np.eye(2))
    assert np.allclose(plane.deviations, ((mu - plane.center) @ plane.directions.T).std(0))
    assert np.argmax(np.abs(plane.directions), 1).tolist() == [1, 2]
    assert (plane.directions[[0, 1], [1, 2]] > 0.9).all()
    assert np.allclose(plane.shares, plane.deviations**2 / mu.var(0).sum())


def test_a_collapsed_posterior_can_be_drawn():
    assert np.all(principal_plane(np.zeros((5, 3))).shares == 0)


@pytest.mark.parametrize("names", [np.arange(3), np.array(["bag", "coat", "shoe"])])
def test_a_class_has_a_colour_a_marker_and_its_name_at_the_median(make_model, images, names):
    vae = make_model(2)
    labels = names[np.arange(len(images)) % 3]
    (axes,) = plot_latent(vae, images, labels).axes
    mu = vae.encode(images)[0]
    assert len(axes.collections) == 3
    looks = set()
    for name, text, group in zip(names, axes.texts, axes.collections, strict=True):
        assert text.get_text() == str(name)
        assert np.allclose(text.xy, np.median(mu[labels == name], 0))
        assert np.allclose(group.get_offsets(), mu[labels == name])
        looks.add((tuple(group.get_facecolor()[0]), group.get_paths()[0].vertices.tobytes()))
    assert len(looks) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [str(n) for n in names]


def test_sixty_classes_look_different_and_have_no_legend(make_model, images):
    images = np.concatenate([images, images])[:60]
    (axes,) = plot_latent(make_model(2), images, np.arange(60)).axes
    looks = {
        (tuple(group.get_facecolor()[0]), group.get_paths()[0].vertices.tobytes())
        for group in axes.collections
    }
    assert len(looks) == 60
    assert axes.get_legend() is None


def test_labels_and_images_are_checked(make_model, images):
    vae = make_model(3)
    with pytest.raises(ShapeError, match="labels"):
        plot_latent(vae, images, [1, 2])
    with pytest.raises(DTypeError, match="labels"):
        plot_latent(vae, images, np.linspace(0, 1, len(images)))
    with pytest.raises(EmptyDataError, match="images"):
        plot_latent(vae, images[:2])
    with pytest.raises(ShapeError, match="images"):
        plot_latent(vae, images[:, :5])


@pytest.mark.parametrize("seed", range(5))
def test_names_are_moved_apart_and_no_further_than_they_must(seed):
    rng = np.random.default_rng(seed)
    places = np.concatenate([rng.normal(size=(9, 2)), np.zeros((1, 2)), np.zeros((1, 2))])
    moved = spread(places, 0.3)
    gaps = np.linalg.norm(moved[:, None] - moved, axis=2)[~np.eye(len(moved), dtype=bool)]
    assert gaps.min() >= 0.29
    alone = [
        i for i, place in enumerate(places)
        if np.sort(np.linalg.norm(places - place, axis=1))[1] > 1.0
    ]  # fmt: skip
    assert np.array_equal(moved[alone], places[alone])
    assert np.array_equal(spread(moved, 0.29), moved)
