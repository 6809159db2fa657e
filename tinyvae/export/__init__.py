"""A way out, and in: a model as files and modules of other libraries, with the same numbers.

These are functions and no methods of ``VAE``, because a model knows nothing of what is made of it.
Each library is an extra, imported when it is used.
"""

from tinyvae.export.onnx_file import to_onnx
from tinyvae.export.pytorch import from_torch, to_torch
from tinyvae.export.run import export_run
from tinyvae.export.safetensors_file import from_safetensors, to_safetensors

__all__ = [
    "export_run",
    "from_safetensors",
    "from_torch",
    "to_onnx",
    "to_safetensors",
    "to_torch",
]
