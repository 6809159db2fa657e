"""The pictures of a run, as far as its data allow; imports matplotlib only to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tinyvae.data import DataSet
from tinyvae.data.labels import Classes
from tinyvae.model.evaluation import Evaluation
from tinyvae.model.vae import VAE
from tinyvae.training.history import History


def draw_pictures(
    vae: VAE,
    data: DataSet,
    history: History,
    evaluation: Evaluation,
    folder: Path,
    say: Callable[[str], None],
    classes: Classes | None = None,
) -> list[Path]:
    """Make all pictures of a run; ``evaluation`` is that of the test set.

    ``classes`` are those of the data, of a conditional model.
    """
    from tinyvae import plots

    if data.image_shape is None:
        say(f"The rows of {data.name} are not known to be images, so no images are drawn")
    return plots.save_all(vae, data, history, folder, evaluation=evaluation, classes=classes)
