"""``to_onnx``: the encoder, the decoder or the sampler as an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvae.checkpoint import replace_file
from tinyvae.data.extras import need
from tinyvae.errors import check_option
from tinyvae.export.conventions import check_real, conventions
from tinyvae.model.vae import VAE

if TYPE_CHECKING:
    from tinyvae.export.onnx_graph import Graph

PARTS = ("encoder", "decoder", "sampler")
#: The operator set, of 2022, and the format's version that goes with it.
OPSET, IR_VERSION = 17, 8


def to_onnx(
    vae: VAE,
    path: str | PathLike[str],
    part: str = "encoder",
    *,
    notes: Mapping[str, str] | None = None,
) -> Path:
    """Write a part of a model to an ONNX file of opset 17, in the model's dtype.

    ==========  ======================================  =============================
    part        inputs                                  outputs
    ==========  ======================================  =============================
    encoder     x (batch, input_dim)                    mu, logvar (batch, latent_dim)
    decoder     z (batch, latent_dim)                   logits, mean (batch, input_dim)
    sampler     noise (batch, latent_dim), scale ()     logits, mean of z = scale * noise
    ==========  ======================================  =============================

    ``batch`` is any number.  A conditional model takes ``labels`` (batch,) int64 besides; a
    Gaussian likelihood gives ``sigma`` (1,) besides.  ``mean`` is E[x given z].  Noise is an
    argument: the graph draws no random numbers.

    Parameters
    ----------
    vae : VAE
    path : path
        Replaced only once the new file is whole.
    part : str
        ``"encoder"``, ``"decoder"`` or ``"sampler"``.
    notes : mapping of str to str, optional
        More metadata, such as what the data were.

    Returns
    -------
    Path
        The file.  Its metadata (``metadata_props``) hold the model's options, the likelihood, how
        x was scaled, and the conventions.

    Raises
    ------
    MissingPackageError
        If onnx is not installed.
    OptionError
        If the part is not known, or the model is complex.
    WriteError
        If the file cannot be written.
    """
    check_option("part", part, PARTS)
    check_real(vae)
    onnx = need("onnx", "to_onnx", does="writes with", extra="onnx")
    model = _model(onnx, vae, part)
    described = {
        **conventions(vae),
        "part": part,
        "model": json.dumps(vae.config),
        **(notes or {}),
    }
    onnx.helper.set_model_props(model, described)
    onnx.checker.check_model(model, full_check=True)
    with replace_file(path) as file:
        file.write(model.SerializeToString())
    return Path(path)


def _model(onnx: Any, vae: VAE, part: str) -> Any:
    """Return the ONNX model of a part."""
    from tinyvae.export.onnx_graph import Graph

    graph, helper = Graph(vae.dtype), onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(vae.dtype)
    write = _encoder if part == "encoder" else _decoder
    inputs, outputs = write(graph, vae, part)
    if vae.n_classes is not None:
        inputs["labels"] = ("batch",)
    kinds = {"labels": onnx.TensorProto.INT64}
    infos = [
        [helper.make_tensor_value_info(name, kinds.get(name, kind), shape) for name, shape in each]
        for each in (inputs.items(), outputs.items())
    ]
    made = helper.make_graph(graph.nodes, part, *infos, list(graph.constants.values()))
    return helper.make_model(
        made,
        producer_name="tinyvae",
        producer_version=version("tinyvae"),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


_Shapes = dict[str, tuple[Any, ...]]


def _encoder(graph: Graph, vae: VAE, part: str) -> tuple[_Shapes, _Shapes]:
    n = vae.latent_dim
    both = graph.network(vae.network.encoder, "x")
    graph.node("Identity", graph.columns(both, 0, n), name="mu")
    logvar = graph.bound_logvar(graph.columns(both, n, 2 * n))
    graph.node("Identity", logvar, name="logvar")
    return {"x": ("batch", vae.input_dim)}, {"mu": ("batch", n), "logvar": ("batch", n)}


def _decoder(graph: Graph, vae: VAE, part: str) -> tuple[_Shapes, _Shapes]:
    inputs: _Shapes = {"z": ("batch", vae.latent_dim)}
    z = "z"
    if part == "sampler":
        inputs = {"noise": ("batch", vae.latent_dim), "scale": ()}
        z = graph.node("Mul", "scale", "noise")
    logits = graph.network(vae.network.decoder, z)
    graph.node("Identity", logits, name="logits")
    graph.node("Identity", graph.mean(vae.likelihood, logits), name="mean")
    outputs: _Shapes = dict.fromkeys(("logits", "mean"), ("batch", vae.input_dim))
    if vae.likelihood.startswith("gaussian"):
        log_sigma = np.asarray(vae.observation.log_sigma)  # type: ignore[attr-defined]
        graph.node("Exp", graph.constant(log_sigma, "likelihood.log_sigma"), name="sigma")
        outputs["sigma"] = (1,)
    return inputs, outputs
