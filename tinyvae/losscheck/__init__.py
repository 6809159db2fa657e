"""The objective doctor: what a loss really weighs, and what a sampler really draws.

``check_loss``, ``check_sampler`` and ``check_kl`` are the ones to know; each returns a ``Report``.
"""

from __future__ import annotations

from tinyvae.losscheck.kl import check_kl
from tinyvae.losscheck.loss import check_loss
from tinyvae.losscheck.report import Finding, LossError, Report
from tinyvae.losscheck.sampler import check_sampler

__all__ = ["Finding", "LossError", "Report", "check_kl", "check_loss", "check_sampler"]
