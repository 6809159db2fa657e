"""``tinyvae tutorials``: the notebooks, copied where the reader can work in or read them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer


def tutorials(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A new folder.")
    ] = "tinyvae-tutorials",
    html: Annotated[
        bool, typer.Option("--html", help="As pages to read in a browser, without Jupyter.")
    ] = False,
) -> None:
    """Copy the tutorial notebooks into a folder and say how to open them.

    [bold]Examples[/bold]

      tinyvae tutorials lessons && jupyter lab lessons
      tinyvae tutorials site --html
    """
    if html:
        from tinyvae.explorer.live import write_live_page
        from tinyvae.teaching.site import build_site

        typer.echo(f"Open {build_site(folder, live=write_live_page)} in a browser.")
        return
    from tinyvae.teaching.notebooks import copy_notebooks

    target = copy_notebooks(folder)
    typer.echo(f"The notebooks are in {target}; begin with 00-your-first-vae.ipynb.")
    if find_spec("jupyterlab") is None:
        typer.echo("Jupyter is not installed here: pip install 'tinyvae[tutorials]'")
    typer.echo(f"Open them with: jupyter lab {target}")
    typer.echo(f"Sliders move once you trust the notebooks: jupyter trust {target}/*.ipynb")
