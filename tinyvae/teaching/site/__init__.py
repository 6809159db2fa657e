"""The tutorials and the reference as a site of plain pages, whole without a network.

Needs the extra ``docs``; runs no notebook.
"""

from tinyvae.teaching.site.building import build_site as build_site

__all__ = ["build_site"]
