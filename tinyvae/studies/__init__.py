"""Studies: many runs with different settings and seeds, compared, on one machine or on many.

``study`` does one; every other module here is a part of that, imported when one is done: the
command line needs only the plan's names to begin with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyvae.studies.conduct import Study as Study
    from tinyvae.studies.conduct import study as study
    from tinyvae.studies.plan import Plan as Plan
else:

    def __getattr__(name: str) -> Any:
        if name in ("Study", "study"):
            from tinyvae.studies import conduct

            return getattr(conduct, name)
        if name == "Plan":
            from tinyvae.studies.plan import Plan

            return Plan
        raise AttributeError(f"module 'tinyvae.studies' has no attribute {name!r}")


__all__ = ["Plan", "Study", "study"]
