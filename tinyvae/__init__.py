"""tinyvae: variational autoencoders from the ground up on NumPy and Numba, every gradient by hand.

>>> import tinyvae as tv
>>> digits = tv.load_data("digits")
>>> vae = tv.VAE(input_dim=784, hidden_dims=(400,), latent_dim=20)
>>> history = tv.fit(vae, digits.train, validation=digits.test)  # doctest: +SKIP

Everything below is imported when it is first asked for: ``import tinyvae`` itself loads neither
NumPy, Numba nor matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyvae import export as export
    from tinyvae import linear_gaussian as linear_gaussian
    from tinyvae import plots as plots
    from tinyvae import runs as runs
    from tinyvae.data import DataSet as DataSet
    from tinyvae.data import load_data as load_data
    from tinyvae.data import minibatches as minibatches
    from tinyvae.errors import TinyVAEError as TinyVAEError
    from tinyvae.explorer import explore as explore
    from tinyvae.gradcheck import check_gradients as check_gradients
    from tinyvae.linear_gaussian import LinearGaussian as LinearGaussian
    from tinyvae.losscheck import check_kl as check_kl
    from tinyvae.losscheck import check_loss as check_loss
    from tinyvae.losscheck import check_sampler as check_sampler
    from tinyvae.model.adam import Adam as Adam
    from tinyvae.model.classes import class_bounds as class_bounds
    from tinyvae.model.evaluation import Evaluation as Evaluation
    from tinyvae.model.evaluation import evaluate as evaluate
    from tinyvae.model.objectives import Terms as Terms
    from tinyvae.model.vae import VAE as VAE
    from tinyvae.studies import Study as Study
    from tinyvae.studies import study as study
    from tinyvae.training.fit import fit as fit
    from tinyvae.training.history import History as History
    from tinyvae.training.options import TrainingOptions as TrainingOptions

    __version__: str

_ROOMS = ("export", "linear_gaussian", "plots", "runs")
_HOME = {
    "Adam": "model.adam",
    "DataSet": "data",
    "Evaluation": "model.evaluation",
    "History": "training.history",
    "LinearGaussian": "linear_gaussian",
    "Study": "studies",
    "Terms": "model.objectives",
    "TinyVAEError": "errors",
    "TrainingOptions": "training.options",
    "VAE": "model.vae",
    "class_bounds": "model.classes",
    "check_gradients": "gradcheck",
    "check_kl": "losscheck",
    "check_loss": "losscheck",
    "check_sampler": "losscheck",
    "evaluate": "model.evaluation",
    "explore": "explorer",
    "fit": "training.fit",
    "load_data": "data",
    "minibatches": "data",
    "study": "studies",
}

__all__ = ["__version__", *_ROOMS, *_HOME]


if not TYPE_CHECKING:  # a checker that saw it would take any misspelt name for a good one

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for (PEP 562)."""
        if name == "__version__":
            from importlib.metadata import version

            found: Any = version("tinyvae")
        elif name in _ROOMS:
            return importlib.import_module(f"tinyvae.{name}")
        elif name in _HOME:
            found = getattr(importlib.import_module(f"tinyvae.{_HOME[name]}"), name)
        else:
            raise AttributeError(f"module 'tinyvae' has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
