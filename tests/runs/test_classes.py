"""A conditional run: the classes of its data, by name, from the file to the picture."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from run_folders import OPTIONS, state, undrawn

from tinyvae import runs
from tinyvae.data import load_data
from tinyvae.errors import UsageError
from tinyvae.runs.classes import class_index

NAMES = ("cat", "dog", "owl")
TOLD = replace(OPTIONS, data="told.npz", conditional=True, epochs=2)


def save_told(labels, name="told.npz", seed=4):
    x = (np.random.default_rng(seed).random((len(labels), 16)) < 0.4).astype(np.float32)
    np.savez(name, x=x, y=labels)


@pytest.fixture
def words():
    labels = np.array(NAMES)[np.arange(60) % 3]
    save_told(labels)
    return labels


@pytest.fixture
def told(words):
    with undrawn():
        return runs.train(TOLD, output="told", progress=False)


def test_the_model_learns_as_many_classes_as_there_are(told):
    assert told.vae.n_classes == 3
    assert json.loads((told.folder / "config.json").read_text())["data"]["classes"] == list(NAMES)
    assert runs.info(told.folder).data["classes"] == list(NAMES)


def test_it_is_trained_on_the_labels_of_its_rows(told):
    """The same training by hand, with the labels of ``load_data``, ends at the same weights."""
    from tinyvae.data.moments import mean_of
    from tinyvae.model.vae import VAE
    from tinyvae.training.fit import fit

    data = load_data("told.npz")
    vae = VAE(16, n_classes=3, **TOLD.model)
    vae.set_output_mean(mean_of(data.train))
    settings = vars(TOLD.training)
    fit(vae, data.train, labels=data.train_labels, progress=False, **settings)
    np.testing.assert_array_equal(vae.parameters.values, told.vae.parameters.values)


def test_a_conditional_run_resumes_bit_for_bit(words, stop_after):
    stop_after(3)
    with undrawn():
        runs.train(TOLD, output="stopped", progress=False)
        stop_after(None)
        runs.resume("stopped", progress=False)
        runs.train(TOLD, output="whole", progress=False)
    assert state("stopped")[0] == state("whole")[0]


def test_samples_of_a_class_are_named(told):
    one = np.load(runs.sample(told.folder, 5, label="owl", seed=3).array)
    np.testing.assert_array_equal(one, told.vae.sample(5, label=2, seed=3))
    with pytest.raises(UsageError, match="Did you mean 'dog'"):
        runs.sample(told.folder, 5, label="dogs")


def test_without_a_label_every_class_is_drawn_from_one_z(told):
    written = runs.sample(told.folder, 7, seed=3)
    assert written.classes == NAMES
    of_z, _ = np.random.SeedSequence(3).spawn(2)
    hands = np.random.default_rng(of_z).standard_normal((3, 3))
    noise = np.repeat(hands, 3, axis=0)[:7]
    expected = told.vae.sample(7, noise=noise, label=np.arange(7) % 3)
    np.testing.assert_array_equal(np.load(written.array), expected)


def test_many_samples_are_the_first_of_fewer(told, monkeypatch):
    monkeypatch.setattr("tinyvae.runs.samples.CHUNK", 8)  # six rows at a time: two rounds of three
    many = np.load(runs.sample(told.folder, 20, seed=3).array)
    monkeypatch.setattr("tinyvae.runs.samples.CHUNK", 4096)
    once = np.load(runs.sample(told.folder, 20, seed=3).array)
    np.testing.assert_allclose(many, once, atol=1e-6)


def test_other_data_are_matched_by_the_names_of_their_classes(told):
    labels = np.array(["owl", "dog"])[np.arange(40) % 2]
    save_told(labels, "other.npz", seed=5)
    found = runs.evaluate(told.folder, data="other.npz", splits=["test"], progress=False)["test"]
    data = load_data("other.npz")
    numbers = np.array([NAMES.index(data.label_names[i]) for i in data.test_labels])
    from tinyvae.model.evaluation import evaluate

    assert found.elbo == evaluate(told.vae, data.test, labels=numbers).elbo
    save_told(np.array(["owl", "eel"])[np.arange(40) % 2], "strange.npz")
    with pytest.raises(UsageError, match="'eel' is no class"):
        runs.evaluate(told.folder, data="strange.npz", progress=False)
    save_told(np.arange(40) % 2, "numbers.npz")
    with pytest.raises(UsageError, match="cat, dog, owl"):
        runs.evaluate(told.folder, data="numbers.npz", progress=False)
    with pytest.raises(UsageError, match=r"needs labels.*mine"):
        runs.evaluate(told.folder, data="mine.npy", progress=False)


def test_whole_numbers_are_called_as_they_are_written():
    save_told(np.array([7, -1, 30])[np.arange(60) % 3])
    with undrawn():
        result = runs.train(TOLD, output="numbered", progress=False)
    written = np.load(runs.sample(result.folder, 3, label=30, seed=1).array)
    np.testing.assert_array_equal(written, result.vae.sample(3, label=2, seed=1))
    with pytest.raises(UsageError, match="Choose from: -1, 7, 30"):
        runs.sample(result.folder, 3, label=0)


def test_pictures_of_a_conditional_run(words):
    result = runs.train(replace(TOLD, image_shape="4x4", epochs=1), output="told", progress=False)
    names = [path.stem for path in result.pictures]
    of_images = ["classes", "analogies", "reconstructions", "scales", "traversals"]
    assert names == ["history", "kl", "latent", *of_images]
    assert [path.stem for path in runs.plot(result.folder, progress=False)] == names


def test_data_without_classes_are_refused(folder):
    with pytest.raises(UsageError, match="needs labels, and mine has none"):
        runs.train(replace(TOLD, data="mine.npy"), progress=False)
    save_told(np.full(60, 4))
    with pytest.raises(UsageError, match="two classes or more"):
        runs.train(TOLD, progress=False)
    assert not (folder / "runs").exists()


def test_a_model_without_classes_takes_no_label(run):
    with pytest.raises(UsageError, match="no conditional model"):
        runs.sample(run.folder, 3, label="3")
    assert runs.sample(run.folder, 3).classes == ()


def test_class_names_are_found_by_their_words():
    assert class_index(3, ["1", "2", "3"]) == 2
    assert class_index("b", ["a", "b"]) == 1
