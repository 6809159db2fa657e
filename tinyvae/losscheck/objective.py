"""A whole objective elbo(x, encode, decode), judged where the right value is known."""
from __future__ import annotations
def is_objective(f): return False
def check_objective(*a, **k): raise NotImplementedError
