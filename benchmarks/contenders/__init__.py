"""Contenders: each trains the same VAE with the same numbers, in its own idiom.

A contender module has one factory, ``make(workload, threads, variant)``, whose result has
``losses()``, the loss on the check batch before and after one step of Adam on it, and
``run(steps)``, which does so many training steps or a few more, and returns how many: picking rows,
gathering, noise, and the rest.
"""

#: Name, module, variant.
CONTENDERS = {
    "tinyvae": ("tinyvae_", ""),
    "tinyvae, fit": ("tinyvae_", "fit"),
    "PyTorch eager": ("torch_", "eager"),
    "PyTorch eager, fused Adam": ("torch_", "fused"),
    "PyTorch DataLoader": ("torch_", "loader"),
    "torch.compile": ("torch_", "compile"),
    "JAX jit": ("jax_", "jit"),
    "JAX scan": ("jax_", "scan"),
    "NumPy by hand": ("numpy_", ""),
    "OpenBLAS products": ("floor_", "openblas"),
    "FMA peak": ("floor_", "peak"),
}
