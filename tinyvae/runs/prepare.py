"""From options to a run that is ready to begin: data loaded, model built, everything checked.

Touches no file but the data's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae.data import DataSet, load_data
from tinyvae.data.published import PUBLISHED
from tinyvae.model.vae import VAE
from tinyvae.runs.options import Config, RunOptions
from tinyvae.training.fit import Training


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs; ``options`` name files by their whole path."""

    options: RunOptions
    data: DataSet
    training: Training

    @property
    def config(self) -> Config:
        """What is written down of the run."""
        facts = {
            "name": self.data.name,
            "train": list(self.data.train.shape),
            "test": list(self.data.test.shape),
            "dtype": str(self.data.train.dtype),
            "image_shape": list(self.data.image_shape) if self.data.image_shape else None,
        }
        return Config(self.options, facts, version("tinyvae"))


def prepare(options: RunOptions, progress: bool) -> Prepared:
    """Load the data, build the model, and check that they fit the options."""
    data = load_data(options.data, data_dir=options.data_dir, progress=progress)
    places: dict[str, Any] = {}
    if options.data != "digits" and options.data not in PUBLISHED:
        places["data"] = str(Path(options.data).expanduser().resolve())
    if options.data_dir is not None:
        places["data_dir"] = str(Path(options.data_dir).expanduser().resolve())
    vae = VAE(input_dim=data.train.shape[1], **options.model)
    mean = data.train.mean(axis=0, dtype=np.float64)
    vae.set_output_mean(mean / 255.0 if data.train.dtype == np.uint8 else mean)
    training = Training(vae, data.train, data.test, options.training)
    return Prepared(replace(options, **places), data, training)
