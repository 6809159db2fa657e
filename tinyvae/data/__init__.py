"""Data sets and minibatches; importing this loads neither Numba nor anything of the network."""

from tinyvae.data.batches import gather_batch, minibatches
from tinyvae.data.checks import check_data
from tinyvae.data.dataset import DataSet
from tinyvae.data.loading import load_data

__all__ = ["DataSet", "check_data", "gather_batch", "load_data", "minibatches"]
