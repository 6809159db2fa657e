"""``tinyvae explore``: a run as one HTML file to draw in, walk in and understand."""

from __future__ import annotations

from typing import Annotated

import typer

from tinyvae.cli.look import Data, DataDir, Progress, RunPath


def explore(
    run: RunPath,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="FILE.html",
            help="A new file.  If not given: explore.html in the run's folder, made again.",
        ),
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="NAME",
            help="float16 or float32 (twice as long): of the weights in the page, which says what "
            "rounding cost.",
        ),
    ] = "float16",
    tutorials: Annotated[
        str,
        typer.Option(
            "--tutorials",
            metavar="ADDRESS",
            help="Where the pages of the tutorials are, for links: an address, or a folder as "
            "seen from the file (made by tinyvae tutorials FOLDER --html).",
        ),
    ] = "",
    progress: Progress = True,
) -> None:
    """Put a model in your hands: one HTML file to open, mail or show.

    Draw a digit and watch reconstruction, KL and ELBO in nats; walk over the map of codes; scale
    the noise.  It needs no network, no server and no Python.

    [bold]Examples[/bold]

      tinyvae explore runs/digits
      tinyvae explore runs/digits --output digits.html
      tinyvae explore model.npz --data mine.npy
    """
    from tinyvae.explorer import explore_run

    path = explore_run(
        run,
        output=output,
        data=data,
        data_dir=data_dir,
        precision=precision,
        tutorials=tutorials,
        progress=progress,
    )
    typer.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser.")
