"""``tinyvae check``: what the losses, samplers and KLs of a file really compute."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvae.errors import UsageError

if TYPE_CHECKING:
    from tinyvae.losscheck import Report


def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py[:FUNCTION,...]",
            help="A file of your own; without names, every loss, sampler and KL in it.",
            show_default=False,
        ),
    ],
    input_dim: Annotated[
        str, typer.Option(metavar="N", help="Width of x, or the shape of an example: 1x28x28.")
    ] = "784",
    latent_dim: Annotated[int, typer.Option(metavar="N", help="Width of z.")] = 20,
    beta: Annotated[float, typer.Option(metavar="X", help="The KL weight you mean to have.")] = 1.0,
    convert: Annotated[
        str, typer.Option(metavar="NAME", help="Arrays to hand over: auto, none, torch, jax.")
    ] = "auto",
    seed: Annotated[int, typer.Option(metavar="N", help="Of all that is random here.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Tell what a loss really weighs, and what a sampler really draws.

    The file is run. Arguments are known by their usual names: x, recon_x, logits, mu, logvar,
    std, beta, ... Exit status 0 if all is right, 1 if not; then the report says what is wrong.

    [bold]Examples[/bold]

      tinyvae check vae.py
      tinyvae check vae.py:loss_function,reparameterize --input-dim 1x28x28 --latent-dim 32
    """
    from tinyvae.losscheck.files import check_file

    reports = check_file(
        target,
        beta=beta,
        input_dim=_example(input_dim),
        latent_dim=latent_dim,
        convert=convert,
        seed=seed,
    )
    _print(reports, as_json)
    raise typer.Exit(int(not all(report.passed for report in reports)))


def _example(text: str) -> int | tuple[int, ...]:
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise UsageError(f"--input-dim={text!r} must look like 784 or 1x28x28.")
    sizes = tuple(int(part) for part in parts)
    return sizes[0] if len(sizes) == 1 else sizes


def _print(reports: list[Report], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([report.to_dict() for report in reports], indent=2))
        return
    from rich.console import Console

    console = Console()
    for report in reports:
        if console.is_terminal:
            console.print(report)
        else:
            typer.echo(str(report))
