"""``export_run``: a run's model as the files of another library."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from importlib import resources
from os import PathLike
from pathlib import Path

from tinyvae.checkpoint import replace_file
from tinyvae.data.extras import need
from tinyvae.errors import check_option
from tinyvae.export.conventions import conventions
from tinyvae.export.onnx_file import PARTS, to_onnx
from tinyvae.export.pytorch import module_arguments, to_torch
from tinyvae.export.safetensors_file import to_safetensors
from tinyvae.model.vae import VAE
from tinyvae.runs.folders import Run, find_run
from tinyvae.runs.naming import reserved

Notes = dict[str, str]

_LOAD = '''

def load() -> TorchVAE:
    """Return the model with its weights, from the file beside this one."""
    from pathlib import Path

    state = torch.load(Path(__file__).with_name({weights!r}), weights_only=True)["state_dict"]
    module = TorchVAE({arguments})
    module = module.to(torch.{dtype})
    module.load_state_dict(state)
    return module.eval()
'''


def _onnx(vae: VAE, stem: Path, notes: Notes) -> list[Path]:
    return [to_onnx(vae, f"{stem}-{part}.onnx", part, notes=notes) for part in PARTS]


def _torch(vae: VAE, stem: Path, notes: Notes) -> list[Path]:
    """Write the weights, and beside them the class they belong to."""
    torch = need("torch", "export --to torch", does="needs", extra="torch")
    module, raw = to_torch(vae), io.BytesIO()
    about = {**conventions(vae), **notes, "model": json.dumps(vae.config)}
    torch.save({"about": about, "state_dict": module.state_dict()}, raw)
    weights, source = Path(f"{stem}.pt"), Path(f"{stem}_torch.py")
    for path, content in ((weights, raw.getvalue()), (source, _source(vae, weights.name))):
        with replace_file(path) as file:
            file.write(content)
    return [weights, source]


def _source(vae: VAE, weights: str) -> bytes:
    """Return the module's class, and a function that loads it, as a file of Python."""
    text = resources.files("tinyvae.export").joinpath("torch_module.py").read_text("utf-8")
    arguments = ", ".join(map(repr, module_arguments(vae)))
    return (text + _LOAD.format(weights=weights, arguments=arguments, dtype=vae.dtype)).encode()


def _safetensors(vae: VAE, stem: Path, notes: Notes) -> list[Path]:
    return [to_safetensors(vae, f"{stem}.safetensors", notes=notes)]


#: What writes each format, and how its files' names end.
FORMATS: dict[str, tuple[Callable[[VAE, Path, Notes], list[Path]], tuple[str, ...]]] = {
    "onnx": (_onnx, tuple(f"-{part}.onnx" for part in PARTS)),
    "torch": (_torch, (".pt", "_torch.py")),
    "safetensors": (_safetensors, (".safetensors",)),
}


def export_run(
    path: str | PathLike[str], to: str, *, output: str | PathLike[str] | None = None
) -> list[Path]:
    """Write the model of a run for another library.

    Parameters
    ----------
    path : path
        A run's folder, or a model's file.
    to : str
        ``"onnx"`` (encoder, decoder and sampler), ``"torch"`` (the weights, and the class as a
        file of Python that needs no tinyvae) or ``"safetensors"``.
    output : path, optional
        How the files' names begin, which must be new; ``model`` in the run's folder if not given,
        whose files are then replaced.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UsageError
        If there is no such run or format, or a file named by ``output`` exists.
    MissingPackageError
        If the library is not installed.
    CheckpointError, WriteError
        If the model cannot be read, or a file cannot be written.
    """
    write, suffixes = FORMATS[check_option("to", to, FORMATS)]
    run = find_run(path)
    vae = run.load().vae
    notes = _notes(run)
    if output is None:
        return write(vae, run.folder / "model", notes)
    with reserved(run.folder / "model", output, suffixes) as stem:
        return write(vae, stem, notes)


def _notes(run: Run) -> Notes:
    """Return what is known of the data: the name, how they were stored, what means 1."""
    if run.config is None:
        return {}
    data, options = run.config.data, run.config.options
    known = {"data": data.get("name"), "data stored as": data.get("dtype")}
    known |= {"divided by": options.scale_max, "binarized": options.binarize}
    return {name: str(value) for name, value in known.items() if value is not None}
