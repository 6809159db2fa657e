"""Data sets and minibatches; importing this loads neither Numba nor anything of the network."""

from tinyvae.data.batches import gather_batch, minibatches
from tinyvae.data.dataset import DataSet
from tinyvae.data.loading import load_data
from tinyvae.data.reading import read_batch, read_data, read_numbers, read_rows, read_sets
from tinyvae.data.rows import Rows, to_floats

__all__ = [
    "DataSet",
    "Rows",
    "gather_batch",
    "load_data",
    "minibatches",
    "read_batch",
    "read_data",
    "read_numbers",
    "read_rows",
    "read_sets",
    "to_floats",
]
