"""Studies: many runs with different settings and seeds, compared, on one machine or on many.

``study`` does one; every other module here is a part of that.
"""

from tinyvae.studies.conduct import Study, study
from tinyvae.studies.plan import Plan

__all__ = ["Plan", "Study", "study"]
