"""The model in your hands: one HTML file that encodes, decodes and weighs without Python.

``explore`` packs a model and data into a page, ``explore_run`` does it for a run's folder.  The
page's own sources stand in ``web/``; its mathematics is ``web/vae.js``.
"""

from tinyvae.explorer.writing import explore, explore_run

__all__ = ["explore", "explore_run"]
