"""``tinyvae export``: a run for other libraries."""

from __future__ import annotations

from typing import Annotated

import typer

from tinyvae.cli.look import Data, DataDir, RunPath
from tinyvae.errors import UsageError, check_option

FORMATS = ("onnx", "torch", "safetensors", "html")


def export(
    run: RunPath,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="onnx (encoder, decoder and sampler), torch (weights, and the class as a file of "
            "Python), safetensors, or html (the page of tinyvae explore).",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="NAME",
            help="How the new files' names begin.  If not given: model (html: explore) in the "
            "run's folder, made again.",
        ),
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
) -> None:
    r"""Take a model elsewhere, with the same numbers.

    Each format but html needs its library: pip install 'tinyvae\[onnx]', and so on.

    [bold]Examples[/bold]

      tinyvae export runs/digits --to onnx
      tinyvae export runs/digits --to torch --output digits
      tinyvae export model.npz --to safetensors
    """
    check_option("to", to, FORMATS)
    if to == "html":
        from tinyvae.explorer import explore_run

        written = [explore_run(run, output=output, data=data, data_dir=data_dir)]
    else:
        if data is not None or data_dir is not None:
            raise UsageError(
                f"{to} holds no data: leave --data and --data-dir out, or choose html."
            )
        from tinyvae.export import export_run

        written = export_run(run, to, output=output)
    for path in written:
        typer.echo(path)
