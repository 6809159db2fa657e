"""Pictures of training and of what a model learned, each one function that returns a figure.

The figures are outside pyplot: nothing needs closing, no display is needed, and a notebook shows
the one a cell ends with.  Every function draws into ``axes`` instead if given some.
Grey images are drawn dark on white, which prints well;
``figure.axes[0].images[0].set_cmap("gray")`` turns one round.
"""

import os
import sys

try:
    import matplotlib as mpl
except ValueError:
    # A backend that MPLBACKEND misspells; these figures need none.
    _backend = os.environ.pop("MPLBACKEND", None)
    for _name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[_name]  # the half that was imported
    import matplotlib as mpl  # noqa: F401

    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend

from tinyvae.plots.classes import plot_analogies, plot_classes
from tinyvae.plots.curves import plot_history, plot_kl
from tinyvae.plots.grid import plot_grid
from tinyvae.plots.images import plot_reconstructions, plot_samples, plot_scales
from tinyvae.plots.latent import plot_latent
from tinyvae.plots.run import save_all
from tinyvae.plots.style import save
from tinyvae.plots.ways import plot_interpolations, plot_traversals

__all__ = [
    "plot_analogies",
    "plot_classes",
    "plot_grid",
    "plot_history",
    "plot_interpolations",
    "plot_kl",
    "plot_latent",
    "plot_reconstructions",
    "plot_samples",
    "plot_scales",
    "plot_traversals",
    "save",
    "save_all",
]
