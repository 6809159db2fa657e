"""Training runs kept in folders: each command of ``tinyvae`` is a function here.

``train`` and ``resume`` make a run; ``sample``, ``plot``, ``evaluate`` and ``info`` look at one.
"""

from tinyvae.runs.config import Config
from tinyvae.runs.folders import Run, find_run
from tinyvae.runs.make import Result, resume, train
from tinyvae.runs.options import RunOptions
from tinyvae.runs.samples import Samples, sample
from tinyvae.runs.use import Info, evaluate, info, plot

__all__ = [
    "Config",
    "Info",
    "Result",
    "Run",
    "RunOptions",
    "Samples",
    "evaluate",
    "find_run",
    "info",
    "plot",
    "resume",
    "sample",
    "train",
]
